"""Every msgid the code asks the catalogue for, read out of the source."""

from pathlib import Path

from babel.messages.extract import extract_from_dir

KEYWORDS = {"say": (2,), "label": (2,), "N_": None}
ROOT = Path(__file__).parent.parent


def messages() -> set[str]:
    """Give the msgids of the rooms that speak."""
    found = set()
    for room in ("bot", "handlers"):
        for _, _, message, _, _ in extract_from_dir(str(ROOT / room), keywords=KEYWORDS):
            found.add(message if isinstance(message, str) else message[0])
    return found
