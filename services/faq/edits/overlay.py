"""The entries as they are with the edits that lie over their files."""

from collections.abc import Iterable
from dataclasses import dataclass

import locales
from services.faq import drafts
from services.faq.drafts import Draft
from services.faq.entries import Entries, Entry, EntryFormatError, read_entry

INDEX_FILE = "faq-index.npz"
"""In the folder of the data: what the search learnt from the entries with the edits."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """The entries with the edits.

    :ivar skipped: the ids of entries that are as their files have them, since their edits cannot
        be read, which a newer version of the package may cause.
    """

    entries: Entries
    skipped: tuple[str, ...]


def lay_over(shipped: Entries, draft: Draft) -> Overlay:
    """Return the entries with a draft over them; those it does not touch are the same objects."""
    if not draft:
        return Overlay(shipped, ())
    entries = {
        (entry.id, entry.language): entry
        for language in locales.LANGUAGES
        for entry in shipped.all(language)
    }
    skipped = []
    with drafts.stage_draft(draft):
        for entry_id in sorted({drafts.entry_of(name) for name in draft}):
            try:
                edited = list(_read_pair(entry_id))
            except EntryFormatError:
                skipped.append(entry_id)
                continue
            for entry in edited:
                entries[entry.id, entry.language] = _keep_same(entries, entry)
    return Overlay(Entries.of(entries.values()), tuple(skipped))


def _read_pair(entry_id: str) -> Iterable[Entry]:
    """Read an entry in every language.

    :raises EntryFormatError: where a file is missing or cannot be read.
    """
    for language in locales.LANGUAGES:
        yield read_entry(drafts.find_path(drafts.answer_file(language, entry_id)), language)


def _keep_same(entries: dict[tuple[str, str], Entry], entry: Entry) -> Entry:
    """Return the known entry where the new one says the same."""
    before = entries.get((entry.id, entry.language))
    return before if before is not None and before.says_the_same(entry) else entry
