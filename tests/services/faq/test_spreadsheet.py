"""The FAQ goes into a table and comes back as it was, or as an office changed it."""

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import locales
from services.faq import drafts
from services.faq.entries import Entries, read_entry_files
from services.faq.spreadsheet.cells import EntryCells
from services.faq.spreadsheet.plan import ImportPlan, export_table, plan_import
from services.faq.spreadsheet.table import (
    COLUMNS,
    MAX_BYTES,
    VERSION,
    TableProblem,
    TableRefusedError,
    read_table,
    write_table,
)
from services.faq.vocabulary import make_secret_detector
from services.secret_detection import SecretDetector

Rows = list[dict[str, str]]
Edit = Callable[[Rows], object]
MISSING = TableProblem.LANGUAGE_MISSING


@pytest.fixture(scope="module")
def detector(entries: Entries) -> SecretDetector:
    return make_secret_detector(entries)


@pytest.fixture(scope="module")
def table(entries: Entries) -> bytes:
    return export_table(entries)


def _rows(table: bytes) -> Rows:
    return list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"), newline="")))


def _write(rows: Rows, delimiter: str = ",") -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode("utf-8-sig")


def _row(rows: Rows, entry_id: str, language: str = "en") -> dict[str, str]:
    return next(r for r in rows if (r["id"], r["language"]) == (entry_id, language))


def _refused(content: bytes, entries: Entries, detector: SecretDetector) -> list[TableProblem]:
    with pytest.raises(TableRefusedError) as refused:
        plan_import(content, entries, detector)
    return [finding.problem for finding in refused.value.findings]


def test_every_file_becomes_the_same_bytes_again(entries: Entries) -> None:
    for language in locales.LANGUAGES:
        for entry in entries.all(language):
            cells = EntryCells.read(entry)
            texts = [cells.answer_text(), cells.phrasings_text()]
            names = [drafts.answer_file(language, entry.id)]
            names.append(drafts.phrasings_file(language, entry.id))
            assert texts == [drafts.read_file(name) for name in names], names


def test_a_table_that_comes_back_as_it_was_changes_nothing(
    table: bytes, entries: Entries, detector: SecretDetector
) -> None:
    assert plan_import(table, entries, detector) == ImportPlan({}, [])


def test_it_has_everything_in_every_language(table: bytes, entries: Entries) -> None:
    rows = _rows(table)
    assert table.startswith(b"\xef\xbb\xbf")
    assert list(rows[0]) == [*COLUMNS, VERSION]
    assert len(rows) == len(entries.ids) * len(locales.LANGUAGES)
    fee = _row(rows, "fee", "zh_Hant")
    assert fee["title"] == "費用是多少？"
    assert "{fee}" in fee["answer"]
    assert "費用多少" in fee["phrasings"].split("\n")
    assert "moica.nat.gov.tw" in fee["sources"]
    assert fee["checked"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_what_spreadsheet_programs_make_of_it_changes_nothing(
    table: bytes, entries: Entries, detector: SecretDetector, delimiter: str, line_end: str
) -> None:
    rows = _rows(table)
    for row in rows:
        for name, cell in row.items():
            row[name] = cell.replace("\n", line_end)
        row["checked"] = row["checked"].replace("-", "/").replace("/0", "/")
    rows.reverse()
    content = _write(rows, delimiter) + (delimiter * (len(COLUMNS) + 6) + "\r\n").encode()
    assert plan_import(content, entries, detector).draft == {}


def test_an_edited_cell_changes_its_file_alone(
    table: bytes, entries: Entries, detector: SecretDetector
) -> None:
    rows = _rows(table)
    row = _row(rows, "fee")
    row["phrasings"] = row["phrasings"].replace("\nfees\n", "\n") + "\nwhat would my parrot pay"
    row = _row(rows, "refund")
    row["title"] = "How do I get my money back, then?"
    plan = plan_import(_write(rows), entries, detector)
    assert set(plan.draft) == {"en/faq/fee.phrasings.txt", "en/faq/refund.md"}
    before = drafts.read_file("en/faq/refund.md")
    assert before is not None
    assert plan.draft["en/faq/refund.md"].split("\n# ")[0] == before.split("\n# ")[0]
    changes = {change.entry_id: change for change in plan.changes}
    assert changes["fee"].added == ("what would my parrot pay",)
    assert changes["fee"].removed == ("fees",)
    assert changes["refund"].columns == ("title",)


def test_a_new_entry_has_two_rows(table: bytes, entries: Entries, detector: SecretDetector) -> None:
    rows = _rows(table)
    for language in locales.LANGUAGES:
        row = {**_row(rows, "fee", language), "id": "parrots", VERSION: ""}
        rows.append({**row, "phrasings": f"may parrots apply ({language})"})
    plan = plan_import(_write(rows), entries, detector)
    assert len(plan.draft) == 4
    assert all(change.is_new for change in plan.changes)


def _drop(entry_id: str, language: str | None = None) -> Edit:
    def edit(rows: Rows) -> None:
        rows[:] = [r for r in rows if r["id"] != entry_id or language not in (None, r["language"])]

    return edit


def _set(column: str, text: str) -> Edit:
    return lambda rows: _row(rows, "fee").__setitem__(column, text)


@pytest.mark.parametrize(
    ("edit", "problems"),
    [
        (lambda rows: [r.pop("answer") for r in rows], [TableProblem.COLUMNS_MISSING]),
        (lambda rows: [r.update(note="x") for r in rows], [TableProblem.COLUMN_UNKNOWN]),
        (lambda rows: rows.append(dict(rows[0])), [TableProblem.TWICE]),
        (_drop("fee", "zh_Hant"), [TableProblem.LANGUAGE_MISSING]),
        (_drop("fee"), [TableProblem.ENTRY_MISSING]),
        (_set("language", "klingon"), [TableProblem.LANGUAGE_UNKNOWN, MISSING]),
        (_set("id", "The Fee!"), [TableProblem.ID, MISSING]),
        (_set("id", "../../x"), [TableProblem.ID, MISSING]),
        (_set(VERSION, ""), [TableProblem.VERSION_MISSING]),
        (_set("sources", "see website"), [TableProblem.SOURCE]),
        (_set("phrasings", "my PIN is 839201"), [TableProblem.CONFIDENTIAL]),
        (_set("answer", "x" * 40_000), [TableProblem.CELL_TOO_LONG]),
        (_set("answer", "x" * 200_000), [TableProblem.MALFORMED]),
    ],
)  # fmt: skip
def test_a_bad_table_is_refused(
    table: bytes,
    entries: Entries,
    detector: SecretDetector,
    edit: Edit,
    problems: list[TableProblem],
) -> None:
    rows = _rows(table)
    edit(rows)
    assert _refused(_write(rows), entries, detector) == problems


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", TableProblem.EMPTY),
        (b"id,language\r\n", TableProblem.COLUMNS_MISSING),
        ("編號,語言\r\n".encode("big5"), TableProblem.ENCODING),
        ("id,language\r\n".encode("utf-16"), TableProblem.ENCODING),
        (b"id,language\r\n\0", TableProblem.ENCODING),
        (b'id,"lang"uage"\r\n', TableProblem.MALFORMED),
        (b"x" * (MAX_BYTES + 1), TableProblem.TOO_LARGE),
        (b"x," * 10_000_000, TableProblem.TOO_LARGE),
    ],
)
def test_what_is_no_table_is_refused(
    entries: Entries, detector: SecretDetector, content: bytes, problem: TableProblem
) -> None:
    assert _refused(content, entries, detector) == [problem]


def test_text_beside_the_table_is_refused(
    table: bytes, entries: Entries, detector: SecretDetector
) -> None:
    first, _, rest = table.partition(b"\r\n")
    content = first + b",,\r\n" + rest.replace(b'"\r\n', b'",,note\r\n', 1)
    assert _refused(content, entries, detector) == [TableProblem.TOO_MANY_CELLS]


CELLS = EntryCells(*["x"] * len(COLUMNS))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "'=", "''@"])
def test_no_cell_is_a_formula(start: str) -> None:
    cells = replace(CELLS, answer=f"{start}HYPERLINK(1)")
    content = write_table([cells])
    cell = _rows(content)[0]["answer"]
    assert cell[0] == "'"
    assert read_table(content)[0].cells == cells


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=1, max_size=3))
def test_whatever_is_in_a_cell_comes_back(lines: list[str]) -> None:
    cells = replace(CELLS, answer="\n".join(lines), phrasings="\n".join(reversed(lines)))
    wanted = cells.normalise()
    (row,) = read_table(write_table([wanted]))
    assert row.cells == wanted
    assert row.version == wanted.version()


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "locales"
    shutil.copytree(locales.ROOT, root)
    with locales.reading_from(root):
        yield root


def test_a_row_that_was_changed_here_meanwhile_is_a_conflict(
    tree: Path, table: bytes, detector: SecretDetector
) -> None:
    path = tree / "en" / "faq" / "fee.phrasings.txt"
    with path.open("a", encoding="utf-8") as file:
        file.write("what would my parrot pay\n")
    known = read_entry_files()
    assert plan_import(table, known, detector).draft == {}, "an untouched row undoes nothing"
    rows = _rows(table)
    _row(rows, "fee")["title"] = "What does it cost?"
    assert _refused(_write(rows), known, detector) == [TableProblem.CHANGED_SINCE]


def test_a_file_in_another_form_is_left_as_it_is(tree: Path, detector: SecretDetector) -> None:
    path = tree / "en" / "faq" / "fee.md"
    text = path.read_text(encoding="utf-8").replace("section: apply", "section: apply   # why")
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    known = read_entry_files()
    assert plan_import(export_table(known), known, detector).draft == {}
