"""The titles of entries, by which tests know an answer."""

import locales
from services.faq.entries import load_entries


def title(entry_id: str, language: str = locales.DEFAULT) -> str:
    """Return the title of an entry."""
    entry = load_entries().get(entry_id, language)
    assert entry is not None
    return entry.title
