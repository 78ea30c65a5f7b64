"""New texts for files of the FAQ, before they are in their place.

A draft maps the name of a file below ``locales``, such as ``en/faq/fee.md``, to its text, or to
`None` where the file is to go.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import locales
from services.faq.entries import PHRASINGS_SUFFIX

Draft = Mapping[str, str | None]
ANSWER_SUFFIX = ".md"

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NAME = re.compile(
    rf"(?<!\w)(\w++)/faq/({_ID.pattern})(?:{re.escape(ANSWER_SUFFIX)}|\.phrasings\.txt)"
)
_MAX_ID_CHARACTERS = 40


def is_entry_id(text: str) -> bool:
    """Whether a text can be the id of an entry, which is part of links and buttons."""
    return len(text) <= _MAX_ID_CHARACTERS and _ID.fullmatch(text) is not None


def is_file_name(name: str) -> bool:
    """Whether a draft may hold a file of this name."""
    match = _NAME.fullmatch(name)
    return match is not None and match[1] in locales.LANGUAGES and is_entry_id(match[2])


def answer_file(language: str, entry_id: str) -> str:
    """Return the name of the file with the answer of an entry."""
    return f"{language}/faq/{entry_id}{ANSWER_SUFFIX}"


def phrasings_file(language: str, entry_id: str) -> str:
    """Return the name of the file with the phrasings of an entry."""
    return f"{language}/faq/{entry_id}{PHRASINGS_SUFFIX}"


def find_path(name: str) -> Path:
    """Return where a file is."""
    language, folder, file = name.split("/")
    return locales.folder(language, folder) / file


def read_file(name: str) -> str | None:
    """Return the text of a file as it is, `None` where there is none."""
    try:
        return find_path(name).read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None


def entry_of(name: str) -> str:
    """Return the id of the entry that a file belongs to."""
    file = name.rpartition("/")[2]
    return file.removesuffix(PHRASINGS_SUFFIX).removesuffix(ANSWER_SUFFIX)


@contextmanager
def stage_draft(draft: Draft) -> Iterator[None]:
    """Have everything read the long texts as if a draft were in its place."""
    with tempfile.TemporaryDirectory(prefix="kaika-faq-") as folder:
        for language in locales.LANGUAGES:
            there = locales.folder(language, "")
            ignored = shutil.ignore_patterns("LC_MESSAGES", "__pycache__")
            shutil.copytree(there, Path(folder) / language, ignore=ignored)
        with locales.reading_from(Path(folder)):
            for name, text in draft.items():
                _put(find_path(name), None if text is None else text.encode())
            yield


def write_files(draft: Draft) -> None:
    """Put the files of a draft into their place, all of them or none.

    :raises OSError: where one cannot be written; the others are then as before.
    """
    before: dict[Path, bytes | None] = {}
    try:
        for name, text in draft.items():
            path = find_path(name)
            before[path] = path.read_bytes() if path.exists() else None
            _put(path, None if text is None else text.encode())
    except OSError:
        for path, content in before.items():
            _put(path, content)
        raise


def _put(path: Path, content: bytes | None) -> None:
    """Write a file in one step, or delete it; one that has that content is left alone."""
    if content is None:
        path.unlink(missing_ok=True)
        return
    if path.exists() and path.read_bytes() == content:
        return
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_bytes(content)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
