"""The app in a terminal: output with rich, input byte by byte."""
