"""The search and the questions that measure it."""

from pathlib import Path

import pytest

from services.faq.entries import Entries, load_entries
from services.faq.search import FaqSearch

QUESTIONS = Path(__file__).parents[2] / "faq_questions"


def questions(name: str) -> list[tuple[str, ...]]:
    """Return the rows of a question file without its header line."""
    lines = (QUESTIONS / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines[1:]]


@pytest.fixture(scope="session")
def entries() -> Entries:
    return load_entries()


@pytest.fixture(scope="session")
def search(entries: Entries) -> FaqSearch:
    return FaqSearch(entries)
