"""A copy of the FAQ that the commands read and write, with few phrasings, so that it is quick."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import locales
from services.faq import entries

_PHRASINGS = 12


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """The copy: every entry, each with its first phrasings."""
    root = tmp_path / "locales"
    shutil.copytree(locales.ROOT, root, ignore=shutil.ignore_patterns("LC_MESSAGES", "*.py"))
    for path in root.glob(f"*/faq/*{entries.PHRASINGS_SUFFIX}"):
        lines = path.read_text(encoding="utf-8").splitlines()[:_PHRASINGS]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    entries.load_entries.cache_clear()
    with locales.reading_from(root):
        yield root
    entries.load_entries.cache_clear()


def contents(tree: Path) -> dict[Path, bytes]:
    """Return what is in every file."""
    return {path: path.read_bytes() for path in tree.rglob("*.*")}
