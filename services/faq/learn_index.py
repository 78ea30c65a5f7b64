"""Learns from the entries and writes the index: ``python -m services.faq.learn_index FILE``.

With ``--draft``, standard input has a draft that lies over the files, as JSON.
"""

import json
import os
import sys
from pathlib import Path

from services.faq.edits.overlay import lay_over
from services.faq.entries import load_entries
from services.faq.index import learn

_NICENESS = 5
"""The bot that answers meanwhile goes before."""


def main(path: Path, *, with_draft: bool) -> None:
    """Write the index into a file that appears when it is whole."""
    entries = load_entries()
    if with_draft:
        if hasattr(os, "nice"):
            os.nice(_NICENESS)
        entries = lay_over(entries, json.load(sys.stdin)).entries
    new = path.with_name(path.name + ".new")
    new.write_bytes(learn(entries).to_bytes())
    os.replace(new, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), with_draft="--draft" in sys.argv[2:])
