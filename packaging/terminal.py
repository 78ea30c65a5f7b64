"""Where the packaged program for the terminal begins."""

from reader_bridge.app.cli import main

main()
