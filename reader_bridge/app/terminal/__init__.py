"""The app in a terminal: what is shown with rich, and what is typed, byte by byte."""
