"""The pictures that the bot shows, with what it says of them in a language.

``<language>/pictures.yaml`` has the texts, and ``<language>/pictures/<name>.png`` the picture that
`tools.pictures` makes of them. The texts may name facts, as those of the FAQ do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import yaml

import locales
from locales import facts

_CAPTION, _BUTTON = "caption", "button"


@dataclass(frozen=True, slots=True)
class PictureTexts:
    """The texts of a picture.

    :ivar caption: what the picture shows, in Telegram HTML.
    :ivar button: the label of the button to it.
    :ivar drawn: the texts in the picture, by their names in the drawing.
    """

    caption: str
    button: str
    drawn: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a language.

    :ivar content: a PNG file.
    :ivar hash: of the content, in hexadecimal digits.
    """

    name: str
    language: str
    caption: str
    content: bytes
    hash: str


@cache
def load_picture_texts(language: str) -> Mapping[str, PictureTexts]:
    """Read the texts of every picture in a language, by its name."""
    text = locales.folder(language, "pictures.yaml").read_text(encoding="utf-8")
    found = {}
    for name, texts in yaml.safe_load(text).items():
        filled = {key: facts.fill_in(value, language) for key, value in texts.items()}
        found[name] = PictureTexts(filled.pop(_CAPTION), filled.pop(_BUTTON), filled)
    return found


@cache
def find_picture(name: str, language: str) -> Picture | None:
    """Return a picture; `None` for an unknown name or language."""
    if language not in locales.LANGUAGES or name not in load_picture_texts(language):
        return None
    content = picture_path(name, language).read_bytes()
    caption = load_picture_texts(language)[name].caption
    return Picture(name, language, caption, content, sha256(content).hexdigest())


def picture_path(name: str, language: str) -> Path:
    """Return where the PNG file is."""
    return locales.folder(language, "pictures") / f"{name}.png"
