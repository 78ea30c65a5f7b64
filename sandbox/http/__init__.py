"""The HTTP interface for people, tests and the page."""
