"""Steps for work on the card in the reader: pairing a PC, running an operation, its messages."""
