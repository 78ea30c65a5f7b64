"""Entry point of the packaged program with the window. It has no terminal to print to.

Windows and macOS hand over a kaika:// link as the only argument.
"""

import os
import sys
from pathlib import Path

from reader_bridge.app.cli import main

for name in ("stdout", "stderr"):
    if getattr(sys, name) is None:
        setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - until the program ends
if len(sys.argv) == 2 and sys.argv[1].startswith("kaika:"):
    sys.argv.insert(1, "--link")
sys.argv.insert(1, "--window")
main()
