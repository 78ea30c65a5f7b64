"""A GIDS card in Python, and the reader it is put into.

It is written from the card's side and shares no code with the profiles in
:mod:`reader_bridge.card`, so that each is a check on the other, and OpenSC on both.
"""
