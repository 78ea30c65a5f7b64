"""What a table that comes back changes in the FAQ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import locales
from services.faq import drafts
from services.faq.entries import Entries
from services.faq.spreadsheet.cells import EntryCells, SourceCellError, file_names
from services.faq.spreadsheet.table import (
    COLUMNS,
    TableFinding,
    TableProblem,
    TableRefusedError,
    TableRow,
    read_table,
    write_table,
)
from services.secret_detection import SecretDetector


@dataclass(frozen=True, slots=True)
class EntryChange:
    """What changes in an entry in one language.

    :ivar columns: those that differ; all of them for a new entry.
    :ivar added: phrasings.
    :ivar removed: phrasings.
    """

    entry_id: str
    language: str
    is_new: bool
    columns: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What a table changes.

    :ivar draft: the files with their new texts.
    """

    draft: dict[str, str]
    changes: list[EntryChange]


def export_table(known: Entries) -> bytes:
    """Return the file with every entry in every language."""
    return write_table(_read_cells(known).values())


def plan_import(content: bytes, known: Entries, detector: SecretDetector) -> ImportPlan:
    """Return what a file changes. A row that is as it was exported changes nothing.

    :param known: the entries as the files have them.
    :raises TableRefusedError: where anything is wrong with it.
    """
    rows = read_table(content)
    now = _read_cells(known)
    findings = [*_find_pair_problems(rows, known), *_find_row_problems(rows, now)]
    if findings:
        raise TableRefusedError(findings)
    changed = [row for row in rows if row.cells.version() != row.version]
    findings = [finding for row in changed for finding in _find_cell_problems(row, now, detector)]
    if findings:
        raise TableRefusedError(sorted(findings, key=lambda each: each.row or 0))
    draft: dict[str, str] = {}
    changes = []
    for row in changed:
        cells, before = row.cells, now.get((row.cells.id, row.cells.language))
        if before is not None and before.version() == cells.version():
            continue
        names = file_names(cells.language, cells.id)
        if before is None or before.answer_text() != cells.answer_text():
            draft[names[0]] = cells.answer_text()
        if before is None or before.phrasings != cells.phrasings:
            draft[names[1]] = cells.phrasings_text()
        changes.append(_describe(cells, before))
    return ImportPlan(draft, changes)


def _read_cells(known: Entries) -> dict[tuple[str, str], EntryCells]:
    """Return the cells of every entry, the languages of one after another."""
    found = {}
    for entry_id in known.ids:
        for language in locales.LANGUAGES:
            if entry := known.get(entry_id, language):
                found[entry_id, language] = EntryCells.read(entry)
    return found


def _find_pair_problems(rows: Sequence[TableRow], known: Entries) -> Iterator[TableFinding]:
    """Yield what is wrong with the entries that there are."""
    first: dict[tuple[str, str], int] = {}
    for row in rows:
        key = row.cells.id, row.cells.language
        if not drafts.is_entry_id(row.cells.id):
            yield TableFinding(TableProblem.ID, row.number, "id", row.cells.id)
        elif row.cells.language not in locales.LANGUAGES:
            detail = ", ".join(locales.LANGUAGES)
            yield TableFinding(TableProblem.LANGUAGE_UNKNOWN, row.number, "language", detail)
        elif key in first:
            yield TableFinding(TableProblem.TWICE, row.number, "id", str(first[key]))
        else:
            first[key] = row.number
    there = dict.fromkeys(entry_id for entry_id, _ in first)
    for entry_id in there:
        for language in locales.LANGUAGES:
            if (entry_id, language) not in first:
                row_number = next(n for (each, _), n in first.items() if each == entry_id)
                detail = f"{entry_id}, {language}"
                yield TableFinding(TableProblem.LANGUAGE_MISSING, row_number, "", detail)
    for entry_id in known.ids:
        if entry_id not in there:
            yield TableFinding(TableProblem.ENTRY_MISSING, detail=entry_id)


def _find_row_problems(
    rows: Sequence[TableRow], now: dict[tuple[str, str], EntryCells]
) -> Iterator[TableFinding]:
    """Yield the rows that were made from other texts than there are."""
    for row in rows:
        before = now.get((row.cells.id, row.cells.language))
        if before is None:
            continue
        if not row.version:
            yield TableFinding(TableProblem.VERSION_MISSING, row.number, "version", row.cells.id)
        elif before.version() not in (row.version, row.cells.version()) and (
            row.version != row.cells.version()
        ):
            yield TableFinding(TableProblem.CHANGED_SINCE, row.number, "", row.cells.id)


def _find_cell_problems(
    row: TableRow, now: dict[tuple[str, str], EntryCells], detector: SecretDetector
) -> Iterator[TableFinding]:
    try:
        row.cells.answer_text()
    except SourceCellError as error:
        yield TableFinding(TableProblem.SOURCE, row.number, "sources", str(error))
    before = now.get((row.cells.id, row.cells.language))
    for phrasing in _list_new_phrasings(row.cells, before):
        if detector.find(phrasing) is not None:
            yield TableFinding(TableProblem.CONFIDENTIAL, row.number, "phrasings")


def _describe(cells: EntryCells, before: EntryCells | None) -> EntryChange:
    differing = tuple(
        name for name in COLUMNS if before is None or getattr(before, name) != getattr(cells, name)
    )
    removed = _list_new_phrasings(before, cells) if before is not None else ()
    return EntryChange(
        cells.id,
        cells.language,
        before is None,
        differing,
        _list_new_phrasings(cells, before),
        removed,
    )


def _list_new_phrasings(cells: EntryCells, before: EntryCells | None) -> tuple[str, ...]:
    """Return the phrasings that were not there before."""
    old = set(before.phrasings.split("\n")) if before is not None else set()
    return tuple(line for line in cells.phrasings.split("\n") if line.strip() and line not in old)
