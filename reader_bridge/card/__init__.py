"""Access to cards: connections, bounded commands, and a profile for each card application.

Nothing here knows where an operation comes from or who is asked for a PIN. The layers are

- :mod:`connection`: a card in a reader, with one method ``send_and_receive``;
- :mod:`apdu` and :mod:`channel`: commands and answers, chained and bounded;
- :mod:`tlv`, :mod:`atr`, :mod:`certificate`: parsers, for which a card's data is hostile input;
- :mod:`profiles`: the card applications, with methods named as in the standards;
- :mod:`pcsc`: the adapter to real readers.
"""
