"""Every msgid the code asks each catalogue for, read out of the source."""

from pathlib import Path

from babel.messages.extract import extract_from_dir

KEYWORDS = {"say": (2,), "label": (2,), "N_": None}
ROOT = Path(__file__).parent.parent
BRIDGE = "bridge"
CONVERSATIONS = "conversations"
_ROOMS = {
    BRIDGE: ("reader_bridge/app",),
    CONVERSATIONS: ("handlers/dialog", "handlers/embedded", "handlers/guide"),
}
"""The rooms with a catalogue of their own; what else `bot` and `handlers` say is in ``kaika``."""


def messages(domain: str = "kaika") -> set[str]:
    """Give the msgids of the rooms that speak out of `domain`."""
    if domain in _ROOMS:
        return set().union(*(_messages(room) for room in _ROOMS[domain]))
    apart = ("handlers/dialog/", "handlers/embedded/", "handlers/guide/")
    return _messages("bot") | _messages("handlers", apart)


def _messages(room: str, apart: tuple[str, ...] = ()) -> set[str]:
    found = set()
    for name, _, message, _, _ in extract_from_dir(str(ROOT / room), keywords=KEYWORDS):
        if not f"{room}/{name}".startswith(apart or "\0"):
            found.add(message if isinstance(message, str) else message[0])
    return found
