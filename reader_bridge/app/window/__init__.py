"""The app in a window: Qt in the main thread, the link and the card in another."""
