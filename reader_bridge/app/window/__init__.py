"""The app in a window: Qt in the main thread, the client and the card in another."""
