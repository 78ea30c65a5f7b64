"""Every msgid the code asks each catalogue for, read out of the source."""

from pathlib import Path

from babel.messages.extract import extract_from_dir

KEYWORDS = {"say": (2,), "label": (2,), "N_": None}
ROOT = Path(__file__).parent.parent
BRIDGE = "bridge"


def messages(domain: str = "kaika") -> set[str]:
    """Return the msgids that the code asks of catalogue `domain`."""
    rooms = ("reader_bridge/app",) if domain == BRIDGE else ("bot", "handlers")
    return set().union(*(_messages(room) for room in rooms))


def _messages(room: str) -> set[str]:
    found = set()
    for _, _, message, _, _ in extract_from_dir(str(ROOT / room), keywords=KEYWORDS):
        found.add(message if isinstance(message, str) else message[0])
    return found
