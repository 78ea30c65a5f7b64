"""Learns from the entries and writes the index: ``python -m services.faq.learn_index FILE``."""

import sys
from pathlib import Path

from services.faq.entries import load_entries
from services.faq.index import learn

if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(learn(load_entries()).to_bytes())
