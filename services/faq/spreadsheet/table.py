"""The table as a CSV file, as spreadsheet programs read and write it.

It is UTF-8 with a byte order mark, without which Excel takes Chinese for another encoding. A cell
that such a program would take for a formula has an apostrophe before it.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import zip_longest

from services.faq.spreadsheet.cells import EntryCells

COLUMNS = tuple(field.name for field in fields(EntryCells))
VERSION = "version"
"""The column that tells whether an entry changed since the table was made."""
MAX_BYTES = 8_000_000
MAX_CELL_CHARACTERS = 32_767
"""What Excel takes in a cell; it cuts off the rest."""

_ENCODING = "utf-8-sig"
_DELIMITERS = ",;\t"
_FORMULA = re.compile(r"(?<!')'*+[=+\-@\t\r\n＝＋－＠]")
_GUARDED = re.compile(r"(?<!')'++[=+\-@\t\r\n＝＋－＠]")


class TableProblem(StrEnum):
    """What is wrong with a table."""

    TOO_LARGE = "too_large"
    ENCODING = "encoding"
    MALFORMED = "malformed"
    COLUMNS_MISSING = "columns_missing"
    COLUMN_UNKNOWN = "column_unknown"
    COLUMN_TWICE = "column_twice"
    TOO_MANY_CELLS = "too_many_cells"
    CELL_TOO_LONG = "cell_too_long"
    EMPTY = "empty"
    ID = "id"
    LANGUAGE_UNKNOWN = "language_unknown"
    TWICE = "twice"
    LANGUAGE_MISSING = "language_missing"
    ENTRY_MISSING = "entry_missing"
    VERSION_MISSING = "version_missing"
    CHANGED_SINCE = "changed_since"
    SOURCE = "source"
    CONFIDENTIAL = "confidential"


@dataclass(frozen=True, slots=True)
class TableFinding:
    """Something that is wrong with a table.

    :ivar row: as spreadsheet programs count, the header being 1; `None` for the whole table.
    """

    problem: TableProblem
    row: int | None = None
    column: str = ""
    detail: str = ""


class TableRefusedError(Exception):
    """A table cannot be taken.

    :ivar findings: why.
    """

    def __init__(self, findings: Sequence[TableFinding]) -> None:
        super().__init__(", ".join(finding.problem for finding in findings))
        self.findings = findings


@dataclass(frozen=True, slots=True)
class TableRow:
    """An entry in one language.

    :ivar version: of the entry when the table was made; empty for a new one.
    """

    number: int
    cells: EntryCells
    version: str


def write_table(rows: Iterable[EntryCells]) -> bytes:
    """Return the file of a table."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow([*COLUMNS, VERSION])
    for cells in rows:
        writer.writerow([*(_guard(getattr(cells, name)) for name in COLUMNS), cells.version()])
    return file.getvalue().encode(_ENCODING)


def read_table(content: bytes) -> list[TableRow]:
    """Return the rows of a file.

    :raises TableRefusedError: where it is no such table.
    """
    if len(content) > MAX_BYTES:
        raise TableRefusedError([TableFinding(TableProblem.TOO_LARGE, detail=str(MAX_BYTES))])
    try:
        text = content.decode(_ENCODING)
    except UnicodeDecodeError:
        raise TableRefusedError([TableFinding(TableProblem.ENCODING)]) from None
    if "\0" in text:
        raise TableRefusedError([TableFinding(TableProblem.ENCODING)])
    records = _read_records(text)
    header = [cell.strip().casefold() for cell in records[0]]
    _check_header(header)
    return list(_read_rows(header, records[1:]))


def _read_records(text: str) -> list[list[str]]:
    """Return the records of a CSV, whichever delimiter the program that wrote it uses.

    :raises TableRefusedError: where it is none.
    """
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise TableRefusedError(
            [TableFinding(TableProblem.MALFORMED, detail=str(error))]
        ) from error
    if not records:
        raise TableRefusedError([TableFinding(TableProblem.EMPTY)])
    return records


def _check_header(header: Sequence[str]) -> None:
    named = [name for name in header if name]
    known = (*COLUMNS, VERSION)
    missing = [name for name in known if name not in named]
    findings = [
        *(
            [TableFinding(TableProblem.COLUMNS_MISSING, 1, "", ", ".join(missing))]
            if missing
            else []
        ),
        *(TableFinding(TableProblem.COLUMN_UNKNOWN, 1, n) for n in named if n not in known),
        *(TableFinding(TableProblem.COLUMN_TWICE, 1, n) for n in known if named.count(n) > 1),
    ]
    if findings:
        raise TableRefusedError(findings)


def _read_rows(header: Sequence[str], records: Iterable[Sequence[str]]) -> Iterator[TableRow]:
    for number, record in enumerate(records, start=2):
        if not any(cell.strip() for cell in record):
            continue
        named = zip_longest(header, record, fillvalue="")
        if any(cell.strip() and not name for name, cell in named):
            raise TableRefusedError([TableFinding(TableProblem.TOO_MANY_CELLS, number)])
        values = dict.fromkeys((*COLUMNS, VERSION), "")
        values |= {name: cell for name, cell in zip(header, record, strict=False) if name}
        for name, cell in values.items():
            if len(cell) > MAX_CELL_CHARACTERS:
                detail = str(MAX_CELL_CHARACTERS)
                raise TableRefusedError(
                    [TableFinding(TableProblem.CELL_TOO_LONG, number, name, detail)]
                )
        version = values.pop(VERSION).strip()
        cells = EntryCells(**{name: _unguard(cell) for name, cell in values.items()})
        yield TableRow(number, cells.normalise(), version)


def _guard(cell: str) -> str:
    """Return a cell that is no formula."""
    return "'" + cell if _FORMULA.match(cell) else cell


def _unguard(cell: str) -> str:
    return cell[1:] if _GUARDED.match(cell) else cell
