"""Drawings: an SVG file of this folder, filled in with the texts of a language.

A text ``{name}`` stands alone in its element; its lines in ``locales/<language>/pictures.yaml``
become lines below one another.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from pathlib import Path

from locales.pictures import load_picture_texts

FOLDER = Path(__file__).parent
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.svg")))
TAGS: Mapping[str, str] = {"zh_Hant": "zh-Hant-TW"}
"""Language tags by which the browser chooses the forms of characters that Taiwan uses."""
_TEXT = re.compile(r"<text ([^>]*)>\{(\w+)\}</text>")
_SIZE = re.compile(r'width="(\d+)" height="(\d+)"')
_LINE_HEIGHT = "1.35em"


@dataclass(frozen=True)
class Drawing:
    """A picture as it is drawn in a language."""

    name: str
    language: str
    svg: str

    @property
    def hash(self) -> str:
        """The hash that the picture records, in hexadecimal digits."""
        return sha256(self.svg.encode()).hexdigest()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in pixels of CSS."""
        found = _SIZE.search(self.svg)
        assert found is not None, f"{self.name}.svg has no size"
        return int(found[1]), int(found[2])


def draw(name: str, language: str) -> Drawing:
    """Return the drawing with its texts and its style.

    :raises KeyError: where the language lacks one of its texts.
    """
    texts = load_picture_texts(language)[name].drawn
    tag = TAGS.get(language, language)
    style = (FOLDER / "style.css").read_text(encoding="utf-8")
    svg = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    svg = svg.replace("<svg ", f'<svg lang="{tag}" xml:lang="{tag}" ', 1)
    svg = svg.replace("<style/>", f"<style>\n{style}</style>", 1)
    return Drawing(name, language, _TEXT.sub(lambda found: _lines(found[1], texts[found[2]]), svg))


def _lines(attributes: str, text: str) -> str:
    """Return an element with one line below the other."""
    left = re.search(r'\bx="[^"]+"', attributes)
    assert left is not None, f"no x in {attributes}"
    first, *others = escape(text).split("\n")
    spans = [f'<tspan {left[0]} dy="{_LINE_HEIGHT}">{line}</tspan>' for line in others]
    return f"<text {attributes}>{first}{''.join(spans)}</text>"
