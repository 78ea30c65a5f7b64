"""The app on the subscriber's PC that reaches the card in the reader."""
