"""`kaika faq export` and `import`, as an editor in a checkout types them."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.errors import explain_error
from bot.cli.main import app
from tests.bot.faq_files import contents, tree

__all__ = ["tree"]

runner = CliRunner()


@pytest.fixture
def table(tree: Path, tmp_path: Path) -> Path:
    path = tmp_path / "faq.csv"
    assert runner.invoke(app, ["faq", "export", str(path)]).exit_code == 0
    return path


def _edit(table: Path, entry_id: str, column: str, old: str, new: str) -> None:
    """Change a cell in every language that has the old text in it."""
    text = table.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    for row in rows:
        if row["id"] == entry_id and old in row[column]:
            row[column] = row[column].replace(old, new)
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    table.write_text(file.getvalue(), encoding="utf-8-sig", newline="")


def test_what_is_exported_comes_back_without_a_byte_changed(tree: Path, table: Path) -> None:
    before = contents(tree)
    result = runner.invoke(app, ["faq", "import", "--yes", str(table)])
    assert result.exit_code == 0, result.output
    assert "Nothing changes" in result.output
    assert contents(tree) == before


def test_a_file_that_is_there_is_not_written_over_unasked(tree: Path, table: Path) -> None:
    table.write_text("the office's work")
    assert runner.invoke(app, ["faq", "export", str(table)]).exit_code == 2
    assert table.read_text() == "the office's work"
    assert runner.invoke(app, ["faq", "export", "--replace", str(table)]).exit_code == 0


def test_a_change_is_shown_with_its_effect_and_then_written(tree: Path, table: Path) -> None:
    _edit(table, "fee", "phrasings", "price of the card", "what would my parrot pay")
    result = runner.invoke(app, ["faq", "import", str(table)], input="y\n")
    assert result.exit_code == 0, result.output
    assert "phrasings +1 −1" in result.output
    text = (tree / "en" / "faq" / "fee.phrasings.txt").read_text(encoding="utf-8")
    assert "\nwhat would my parrot pay\n" in text
    assert "price of the card" not in text


def test_nothing_is_written_where_one_thing_is_wrong(tree: Path, table: Path) -> None:
    _edit(table, "fee", "phrasings", "price of the card", "what would my parrot pay")
    _edit(table, "refund", "conversation", "", "payy")
    before = contents(tree)
    result = runner.invoke(app, ["faq", "import", "--yes", "--json", str(table)])
    assert result.exit_code == 1
    done = json.loads(result.stdout)
    assert done["written"] == []
    assert any("payy" in finding["message"] for finding in done["findings"])
    assert contents(tree) == before


def test_each_mistake_in_the_table_has_its_row(tree: Path, table: Path) -> None:
    _edit(table, "fee", "sources", " | ", " ")
    result = runner.invoke(app, ["faq", "import", "--yes", str(table)])
    assert result.exit_code != 0
    assert isinstance(result.exception, Exception)
    explained = explain_error(result.exception)
    assert explained is not None
    code, lines = explained
    assert code == "table_refused"
    assert all(line.startswith("row ") and ", sources: " in line for line in lines)
    assert len(lines) == 2


def test_twenty_megabytes_are_no_table(tree: Path, table: Path) -> None:
    content = table.read_bytes()
    table.write_bytes(content * (20_000_000 // len(content) + 1))
    result = runner.invoke(app, ["faq", "import", "--yes", str(table)])
    assert isinstance(result.exception, Exception)
    assert "larger than" in str(explain_error(result.exception))
