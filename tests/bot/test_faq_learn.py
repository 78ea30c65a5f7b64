"""`kaika faq learn` and `kaika faq unanswered`, as an editor in a checkout types them."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.main import app
from services.faq import entries, unanswered
from services.storage.database import Database
from services.storage.upgrade import upgrade
from tests.bot.faq_files import contents, tree

__all__ = ["tree"]

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PARROT = "what would my parrot have to pay for it"
PHRASINGS = "en/faq/fee.phrasings.txt"
runner = CliRunner()


def test_a_question_is_written_at_the_end_of_its_file(tree: Path) -> None:
    before = (tree / PHRASINGS).read_text(encoding="utf-8")
    result = runner.invoke(app, ["faq", "learn", PARROT, "fee"], input="y\n")
    assert result.exit_code == 0, result.output
    assert (tree / PHRASINGS).read_text(encoding="utf-8") == f"{before}{PARROT}\n"
    assert "Known questions" in result.output or "keeps its answer" in result.output


def test_who_does_not_want_it_changes_nothing(tree: Path) -> None:
    before = (tree / PHRASINGS).read_bytes()
    result = runner.invoke(app, ["faq", "learn", PARROT, "fee"], input="n\n")
    assert result.exit_code == 1
    assert (tree / PHRASINGS).read_bytes() == before


def test_known_questions_that_change_their_answer_are_named_first(tree: Path) -> None:
    path = tree / PHRASINGS
    lines = [f"I lost my wallet with the card in it on the bus {n}" for n in ("yesterday", "now")]
    path.write_text(path.read_text(encoding="utf-8") + "\n".join(lines) + "\n", encoding="utf-8")
    entries.load_entries.cache_clear()
    question = "I lost my wallet with the card in it on the train"
    result = runner.invoke(app, ["faq", "learn", "--json", "--yes", question, "fee"])
    done = json.loads(result.stdout)
    assert done["written"] == [PHRASINGS]
    assert any(
        each["before"]["id"] == "lost-card" or each["before"]["confident"]
        for each in done["changed_answers"]
    )
    assert {each["question"] for each in done["changed_answers"]} - set(lines)


def test_simplified_characters_are_written_as_in_taiwan(tree: Path) -> None:
    result = runner.invoke(app, ["faq", "learn", "--yes", "我的鹦鹉也要缴费吗", "fee"])
    assert result.exit_code == 0, result.output
    text = (tree / "zh_Hant" / "faq" / "fee.phrasings.txt").read_text(encoding="utf-8")
    assert text.endswith("\n我的鸚鵡也要繳費嗎\n")


@pytest.mark.parametrize(
    ("question", "entry_id"),
    [(PARROT, "nothing"), ("how much is the fee", "refund"), ("PIN is 839201", "fee")],
)
def test_what_is_refused_is_not_written(tree: Path, question: str, entry_id: str) -> None:
    before = contents(tree)
    result = runner.invoke(app, ["faq", "learn", "--yes", question, entry_id])
    assert result.exit_code != 0
    assert contents(tree) == before


def test_a_file_with_an_error_elsewhere_stops_it(tree: Path) -> None:
    (tree / "en" / "faq" / "refund.md").unlink()
    before = (tree / PHRASINGS).read_bytes()
    result = runner.invoke(app, ["faq", "learn", "--yes", PARROT, "fee"])
    assert result.exit_code == 1
    assert "refund" in str(result.exception)
    assert (tree / PHRASINGS).read_bytes() == before


async def test_unanswered_questions_come_in_groups_with_the_nearest_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAIKA_DATA_DIR", str(tmp_path))
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'kaika.db'}")
    await upgrade(database)
    async with database.unit_of_work() as session:
        for question in (PARROT, PARROT, "what would our parrot pay for it", "purple zebra"):
            await unanswered.record_question(session, question, "en", NOW)
    await database.close()
    groups = json.loads(_in_thread("faq", "unanswered", "--json"))
    assert [group["count"] for group in groups] == [3, 1]
    assert [each["question"] for each in groups[0]["questions"]] == [
        PARROT,
        "what would our parrot pay for it",
    ]
    assert len(groups[0]["nearest"]) == 3
    shown = _in_thread("faq", "unanswered")
    assert "purple zebra" in shown
    assert "kaika faq learn" in shown


def _in_thread(*arguments: str) -> str:
    """Run a command that has an event loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(runner.invoke, app, arguments).result()
    assert result.exit_code == 0, result.output
    return result.stdout
