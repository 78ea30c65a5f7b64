"""Entry point of the packaged program for the terminal."""

from reader_bridge.app.cli import main

main()
