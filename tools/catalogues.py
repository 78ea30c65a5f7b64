"""Brings the catalogues up to date with the code: ``python -m tools.catalogues``.

A string that is new gets an entry with an empty translation, in every language; one that is gone
loses its entry. Entries that stay are left as they are. A folder without catalogues gets them.
"""

import io
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.pofile import read_po, write_po

import locales

ROOT = Path(__file__).parent.parent
KEYWORDS = {"say": (2,), "localise": (2,), "label": (2,), "N_": None}
ROOMS: Mapping[str, Sequence[str]] = {
    "kaika": ("bot", "handlers"),
    "bridge": ("reader_bridge/app", "locales/card_profiles.py"),
}
"""The source of each catalogue that is read out of the code."""
_WIDTH = 100
_HEADER = """\
msgid ""
msgstr ""
"Project-Id-Version: Kaika\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""


def extract_messages(domain: str) -> set[str]:
    """Return the msgids that the code asks of a catalogue."""
    found = set()
    for room in ROOMS[domain]:
        for message in _extract_from(ROOT / room):
            found.add(message if isinstance(message, str) else message[0])
    return found


def _extract_from(place: Path) -> Iterator[str | tuple[str, ...]]:
    if place.is_dir():
        for _, _, message, _, _ in extract_from_dir(str(place), keywords=KEYWORDS):
            yield message
    else:
        for _, message, _, _ in extract_from_file("python", str(place), keywords=KEYWORDS):
            yield message


def update(text: str, messages: set[str]) -> str:
    """Return the text of a catalogue with an entry for each of `messages`, and no others."""
    header, *entries = re.split(r"\n{2,}", text.strip("\n"))
    kept = {msgid: entry for entry in entries if (msgid := _msgid(entry)) in messages}
    added = {msgid: _new_entry(msgid) for msgid in messages - kept.keys()}
    every = kept | added
    return "\n\n".join([header, *(every[msgid] for msgid in sorted(every))]) + "\n"


def _msgid(entry: str) -> str:
    (message,) = (each for each in read_po(io.BytesIO(entry.encode())) if each.id)
    return str(message.id)


def _new_entry(msgid: str) -> str:
    catalog = Catalog()
    catalog.add(msgid, flags=["python-brace-format"] if re.search(r"\{\w+\}", msgid) else [])
    written = io.BytesIO()
    write_po(written, catalog, width=_WIDTH, omit_header=True)
    return written.getvalue().decode().strip("\n")


def main() -> int:
    """Update every catalogue, and print what is left to translate."""
    untranslated = 0
    for language in locales.LANGUAGES:
        for domain in ROOMS if language != locales.DEFAULT else ():
            messages = extract_messages(domain)
            path = ROOT / "locales" / language / "LC_MESSAGES" / f"{domain}.po"
            is_new = not path.exists()
            text = _HEADER.format(language=language) if is_new else path.read_text("utf-8")
            path.write_text(update(text, messages), "utf-8")
            for msgid in sorted(messages - locales.catalogue(domain, language).keys()):
                untranslated += 1
                sys.stdout.write(f"{path.relative_to(ROOT)}: {msgid!r}\n")
    return 1 if untranslated else 0


if __name__ == "__main__":
    raise SystemExit(main())
