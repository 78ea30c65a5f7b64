"""The app on the subscriber's PC: the command `kaika-bridge`, in a terminal or a window."""
