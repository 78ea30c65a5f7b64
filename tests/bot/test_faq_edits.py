"""Edits of the FAQ in an installed service: every process answers with them, without a restart."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from typer.testing import CliRunner

import locales
from bot.cli import faq_comparison
from bot.cli.main import app
from bot.wiring import faq_edits
from bot.wiring.application import build_services
from bot.wiring.faq_edits import FaqEditsWatcher
from handlers.context import Services
from services.clock import SystemClock
from services.conversations import ConversationStore
from services.faq import drafts, unanswered
from services.faq.edits import store
from services.faq.edits.models import EditAct
from services.faq.entries import load_entries
from services.people.languages import LanguagePreferences
from services.storage.database import Database
from tests.bot.faq_files import contents, tree
from tests.services.authority.conftest import MakeUrl, folder, make_url
from tests.strict_supervisor import strict_supervisor

__all__ = ["folder", "make_url", "tree"]

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PARROT = "what would my parrot have to pay for it"
FILE = "en/faq/fee.phrasings.txt"
ANSWER = "en/faq/fee.md"
PATIENCE = 400.0
runner = CliRunner()


class Bot:
    """What of a running bot edits come into."""

    def __init__(self, url: str, data: Path) -> None:
        data.mkdir()
        self.database = Database(url)
        languages, conversations = (
            LanguagePreferences(self.database),
            ConversationStore(self.database),
        )
        services = build_services(self.database, languages, conversations, SystemClock())
        self.bot_data: dict[str, Any] = {"services": services}
        self.watcher = FaqEditsWatcher(self.database, self.bot_data, data)
        self.files = services

    @property
    def services(self) -> Services:
        services: Services = self.bot_data["services"]
        return services

    def finds(self, question: str) -> str | None:
        found = self.services.search.search(question, 1)
        return found.results[0].id if found.confident else None

    def title(self, entry_id: str) -> str | None:
        entry = self.services.entries.get(entry_id, "en")
        return entry.title if entry else None


@pytest.fixture
async def bots(make_url: MakeUrl, folder: Path) -> AsyncIterator[list[Bot]]:
    """Two bots on one database."""
    url = await make_url(folder)
    bots = [Bot(url, folder / name) for name in ("one", "two")]
    supervisor = strict_supervisor()
    async with bots[0].watcher.running(supervisor), bots[1].watcher.running(supervisor):
        yield bots
    for bot in bots:
        await bot.database.close()


async def _save(database: Database, draft: drafts.Draft, act: EditAct = EditAct.LEARN) -> int:
    async with database.unit_of_work() as session:
        seen = await store.read_version(session)
        return await store.save_change(session, draft, act, "mei", NOW, seen=seen)


async def _until(condition: Callable[[], bool], seconds: float = PATIENCE) -> float:
    """Wait for a condition, and return the seconds that it took."""
    begin = monotonic()
    while not condition():
        assert monotonic() - begin < seconds
        await asyncio.sleep(0.02)
    return monotonic() - begin


def _changed(name: str, old: str, new: str) -> str:
    text = drafts.read_file(name)
    assert text is not None
    assert old in text
    return text.replace(old, new, 1)


def _never(_learnt_from: object) -> object:
    raise AssertionError("it learns here, or again")


async def test_every_process_answers_with_an_edit_and_its_undoing(bots: list[Bot]) -> None:
    title = load_entries().get("fee", "en")
    assert title is not None
    draft = {ANSWER: _changed(ANSWER, "# How much does it cost?", "# What a card costs")}
    number = await _save(bots[0].database, draft)
    await _until(lambda: all(bot.title("fee") == "What a card costs" for bot in bots))
    async with bots[1].database.unit_of_work() as session:
        undoing = await store.plan_undo(session, number)
    await _save(bots[1].database, undoing, EditAct.UNDO)
    await _until(lambda: all(bot.title("fee") == title.title for bot in bots))
    assert all(bot.services.search is bot.files.search for bot in bots)


async def test_a_phrasing_is_learnt_in_a_process_of_its_own_and_found(
    bots: list[Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("index", "search"):
        monkeypatch.setattr(f"services.faq.{module}.learn", _never)
    assert bots[0].finds(PARROT) is None
    await _save(bots[0].database, {FILE: f"{drafts.read_file(FILE)}{PARROT}\n"})
    await _until(lambda: all(bot.finds(PARROT) == "fee" for bot in bots))


async def test_a_new_entry_comes_and_goes_whole(bots: list[Bot]) -> None:
    draft = {}
    for language in locales.LANGUAGES:
        text = drafts.read_file(drafts.answer_file(language, "fee"))
        assert text is not None
        draft[drafts.answer_file(language, "parrots")] = text.replace("id: fee", "id: parrots")
        draft[drafts.phrasings_file(language, "parrots")] = f"may parrots apply, {language}\n"
    number = await _save(bots[0].database, draft)
    await _until(lambda: all(bot.finds("may parrots apply, en") == "parrots" for bot in bots))
    async with bots[0].database.unit_of_work() as session:
        undoing = await store.plan_undo(session, number)
    await _save(bots[0].database, undoing, EditAct.UNDO)

    def is_gone() -> bool:
        for bot in bots:
            found = bot.services.search.search("may parrots apply, en")
            known = bot.services.entries.ids
            assert all(hit.id in known for hit in found.results), "no answer is missing meanwhile"
        return all("parrots" not in bot.services.entries.ids for bot in bots)

    await _until(is_gone)


async def test_a_restart_finds_what_was_learnt(
    make_url: MakeUrl, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await make_url(folder)
    bot = Bot(url, folder / "one")
    await _save(bot.database, {FILE: f"{drafts.read_file(FILE)}{PARROT}\n"})
    async with bot.watcher.running(strict_supervisor()):
        await _until(lambda: bot.finds(PARROT) == "fee")
    services = replace(bot.files)
    again = FaqEditsWatcher(bot.database, {"services": services}, folder / "one")
    monkeypatch.setattr(again, "_learn", _never)
    async with again.running(strict_supervisor()):
        bot.bot_data = again._bot_data
        assert bot.finds(PARROT) == "fee"
    await bot.database.close()


async def test_where_learning_fails_answers_change_all_the_same(
    make_url: MakeUrl, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setattr(faq_edits, "_RETRY_SECONDS", 0.05)
    bot = Bot(await make_url(folder), folder / "one")
    draft = {ANSWER: _changed(ANSWER, "# How much does it cost?", "# What a card costs")}
    draft[FILE] = f"{drafts.read_file(FILE)}{PARROT}\n"
    await _save(bot.database, draft)
    async with bot.watcher.running(strict_supervisor()):
        await asyncio.sleep(0.3)
        assert bot.title("fee") == "What a card costs"
        assert bot.services.search is bot.files.search
        monkeypatch.undo()
        await _until(lambda: bot.finds(PARROT) == "fee")
    await bot.database.close()


async def test_no_edit_decides_what_is_a_secret(bots: list[Bot]) -> None:
    text = "kaXm29pQ"
    assert bots[0].services.secret_detector.find(text) is not None
    await _save(bots[0].database, {FILE: f"{drafts.read_file(FILE)}is {text} a card\n"})
    await _until(lambda: bots[0].services.entries is not bots[0].files.entries)
    assert bots[0].services.secret_detector.find(text) is not None


@pytest.fixture
def service(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The command line of an installed service, whose files are those of the package."""
    monkeypatch.setenv("KAIKA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(faq_comparison, "is_checkout", lambda: False)
    monkeypatch.setattr("bot.cli.faq_place.is_checkout", lambda: False)

    def run(*arguments: str, fails: bool = False) -> Any:
        result = runner.invoke(app, ["faq", *arguments])
        assert (result.exit_code != 0) == fails, result.output
        return result

    return run


def test_the_commands_of_an_installed_service(
    service: Callable[..., Any], tree: Path, tmp_path: Path
) -> None:
    before = contents(tree)
    assert "as it came" in service("edits", "list").stdout
    assert "change 1" in service("learn", "--yes", PARROT, "fee").stdout
    service("learn", "--yes", PARROT, "fee", fails=True)
    table = tmp_path / "faq.csv"
    service("export", str(table))
    assert PARROT in table.read_text(encoding="utf-8-sig")
    text = table.read_text(encoding="utf-8-sig")
    with table.open("w", encoding="utf-8-sig", newline="") as file:
        file.write(text.replace(PARROT, PARROT + "\nand what my second parrot", 1))
    assert "change 2" in service("import", "--yes", str(table)).stdout
    listed = json.loads(service("edits", "list", "--json").stdout)
    assert [(each["change"], each["act"]) for each in listed] == [(2, "import"), (1, "learn")]
    assert listed[0]["files"] == [{"file": FILE, "state": "live"}]
    assert listed[1]["files"] == [{"file": FILE, "state": "replaced"}]
    shown = service("edits", "show", "2").stdout
    assert "+and what my second parrot" in shown
    assert f"+{PARROT}" not in shown
    service("edits", "undo", "--yes", "1", fails=True)
    assert "change 3" in service("edits", "undo", "--yes", "2").stdout
    exported = tmp_path / "edits.json"
    service("edits", "export", str(exported))
    assert contents(tree) == before
    assert json.loads(exported.read_bytes())["edits"][0]["text"].endswith(f"\n{PARROT}\n")


def test_what_was_learnt_is_no_longer_listed_as_unanswered(
    service: Callable[..., Any], tmp_path: Path
) -> None:
    assert json.loads(service("unanswered", "--json").stdout) == []

    async def ask() -> None:
        database = Database(f"sqlite+aiosqlite:///{tmp_path / 'data' / 'kaika.db'}")
        async with database.unit_of_work() as session:
            for question in (PARROT, "purple zebra"):
                await unanswered.record_question(session, question, "en", NOW)
        await database.close()

    asyncio.run(ask())
    assert len(json.loads(service("unanswered", "--json").stdout)) == 2
    service("learn", "--yes", PARROT, "fee")
    (group,) = json.loads(service("unanswered", "--json").stdout)
    assert group["questions"][0]["question"] == "purple zebra"


def test_exported_edits_are_applied_to_a_checkout(
    service: Callable[..., Any], tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service("learn", "--yes", PARROT, "fee")
    exported = tmp_path / "edits.json"
    service("edits", "export", str(exported))
    service("edits", "apply", "--yes", str(exported), fails=True)  # no checkout
    monkeypatch.setattr(faq_comparison, "is_checkout", lambda: True)
    service("edits", "apply", "--yes", str(exported))
    assert (tree / FILE).read_text(encoding="utf-8").endswith(f"\n{PARROT}\n")
    assert "already" in service("edits", "apply", str(exported)).stdout
