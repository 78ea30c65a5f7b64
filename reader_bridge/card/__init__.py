"""Card access: a connection, commands with bounds, and one profile a card application.

Nothing in here knows where an operation comes from or who is asked for a PIN. The layers are

- :mod:`connection`: a card in a reader, with one method ``send_and_receive``;
- :mod:`apdu` and :mod:`channel`: commands and answers, chained and bounded;
- :mod:`tlv`, :mod:`atr`, :mod:`certificate`: what a card says, read as hostile input;
- :mod:`profiles`: the card applications, their verbs named as the standards name them;
- :mod:`pcsc`: the one adapter to real readers.
"""
