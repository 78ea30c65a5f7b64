"""Entry point of the packaged program with the window. It has no terminal to print to."""

import os
import sys
from pathlib import Path

from reader_bridge.app.cli import main

for name in ("stdout", "stderr"):
    if getattr(sys, name) is None:
        setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - until the program ends
sys.argv.insert(1, "--window")
main()
