"""`python -m reader_bridge.app` is the same as the command `kaika-bridge`."""

from reader_bridge.app.cli import main

if __name__ == "__main__":
    main()
