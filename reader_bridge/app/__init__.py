"""The app a subscriber starts on their PC: the command `kaika-bridge`, in a terminal or a window.

It shows and asks; what is done with the card is in the rooms beside it.
"""
