"""`python -m reader_bridge.app` does what the command `kaika-bridge` does."""

from reader_bridge.app.cli import main

if __name__ == "__main__":
    main()
