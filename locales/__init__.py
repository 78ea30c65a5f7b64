"""Every word a person reads: gettext catalogues, FAQ entries, and the loader of both.

A language is a folder named after its gettext locale. Interface text lives in
``<language>/LC_MESSAGES/<domain>.po`` with the English text as msgid, so English needs no
catalogue. Long texts live in ``<language>/faq/`` and other data files beside it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

ROOT = Path(__file__).parent
DEFAULT = "en"
LANGUAGES: tuple[str, ...] = (
    DEFAULT,
    *sorted(path.parent.name for path in ROOT.glob("*/LC_MESSAGES")),
)
"""The languages spoken, the default first. A folder with catalogues is a language."""
_long_texts: ContextVar[Path] = ContextVar("long_texts", default=ROOT)


def resolve(code: str | None) -> str:
    """Return the language to speak to a client whose language code (IETF tag) is `code`."""
    wanted = primary((code or "").lower())
    return next((language for language in LANGUAGES if primary(language) == wanted), DEFAULT)


def primary(tag: str) -> str:
    """Return the first part of a language tag: ``zh`` of ``zh_Hant`` and of ``zh-TW``."""
    return tag.replace("_", "-").split("-", 1)[0]


def is_chinese(language: str) -> bool:
    """Whether somebody who reads `language` reads the Chinese that the official pages have."""
    return primary(language) == "zh"


def other(language: str) -> str:
    """Return the language that the "show it in the other language" button leads to."""
    return LANGUAGES[(LANGUAGES.index(language) + 1) % len(LANGUAGES)]


@cache
def catalogue(domain: str, language: str) -> Mapping[str, str]:
    """Return the catalogue of `domain` as msgid → text; English is empty, its msgids are the text.

    :raises FileNotFoundError: where the language lacks the catalogue.
    """
    if language == DEFAULT:
        return {}
    path = ROOT / language / "LC_MESSAGES" / f"{domain}.po"
    with path.open("rb") as file:
        catalog = read_po(file, locale=language, domain=domain)
    return {str(m.id): str(m.string) for m in catalog if m.id and m.string}


def N_(message: str) -> str:  # noqa: N802 - gettext's name for it
    """Mark a message for a catalogue, where it is looked up later."""
    return message


def translate(message: str, language: str, domain: str = "kaika") -> str:
    """Return `message` in `language`; a string the catalogue lacks stays English."""
    return catalogue(domain, language).get(message, message)


def folder(language: str, name: str) -> Path:
    """Return the folder of `language` that holds the long texts called `name`, such as ``faq``."""
    return _long_texts.get() / language / name


@contextmanager
def reading_from(root: Path) -> Iterator[None]:
    """Have `folder` return folders below another root while the block runs."""
    token = _long_texts.set(root)
    try:
        yield
    finally:
        _long_texts.reset(token)
