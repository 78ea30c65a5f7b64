"""Edits lie over the files, with their history, on each kind of database."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import locales
from services.faq import drafts
from services.faq.drafts import Draft
from services.faq.edits import exchange, store
from services.faq.edits.models import EditAct
from services.faq.edits.overlay import lay_over
from services.faq.edits.store import EditRefusal, EditRefusedError, EditSet, EditState
from services.faq.entries import Entries
from services.storage.database import Database
from tests.services.authority.conftest import MakeUrl, folder, make_url

__all__ = ["folder", "make_url"]

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FILE, OTHER = "en/faq/fee.phrasings.txt", "zh_Hant/faq/fee.phrasings.txt"


@pytest.fixture
async def database(make_url: MakeUrl, folder: Path) -> AsyncIterator[Database]:
    database = Database(await make_url(folder))
    yield database
    await database.close()


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """A copy of the long texts, as if another version of the package were installed."""
    root = tmp_path / "locales"
    shutil.copytree(locales.ROOT, root)
    with locales.reading_from(root):
        yield root


def _with(file: str, line: str) -> str:
    return f"{drafts.read_file(file)}{line}\n"


async def _save(
    database: Database, draft: Draft, act: EditAct = EditAct.LEARN, seen: int | None = None
) -> int:
    async with database.unit_of_work() as session:
        if seen is None:
            seen = await store.read_version(session)
        return await store.save_change(session, draft, act, "mei", NOW, seen=seen)


async def _load(database: Database) -> EditSet:
    async with database.reading() as session:
        return await store.load_edits(session)


async def test_before_the_first_edit_there_is_nothing(database: Database) -> None:
    assert await _load(database) == EditSet(0, ())


async def test_the_newest_text_of_each_file_is_live(database: Database) -> None:
    one, two = _with(FILE, "parrot one"), _with(FILE, "parrot two")
    assert await _save(database, {FILE: one, OTHER: "x"}) == 1
    assert await _save(database, {FILE: two}) == 2
    edits = await _load(database)
    assert edits.version == 2
    assert edits.draft() == {FILE: two, OTHER: "x"}
    assert {each.file: each.change.author for each in edits.edits} == {FILE: "mei", OTHER: "mei"}


async def test_who_did_not_see_the_newest_change_is_refused(database: Database) -> None:
    await _save(database, {FILE: "x"})
    with pytest.raises(EditRefusedError) as refused:
        await _save(database, {FILE: "y"}, seen=0)
    assert refused.value.reason is EditRefusal.OVERTAKEN
    assert (await _load(database)).draft() == {FILE: "x"}


async def test_of_many_at_the_same_time_one_saves(database: Database) -> None:
    tries = [_save(database, {FILE: f"{n}"}, seen=0) for n in range(8)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert [each for each in results if each == 1] == [1]
    assert all(isinstance(each, EditRefusedError) for each in results if each != 1)
    assert (await _load(database)).version == 1


async def test_undo_brings_back_what_was_before(database: Database) -> None:
    await _save(database, {FILE: "one"})
    second = await _save(database, {FILE: "two", OTHER: "o"})
    async with database.unit_of_work() as session:
        draft = await store.plan_undo(session, second)
    assert draft == {FILE: "one", OTHER: None}
    await _save(database, draft, EditAct.UNDO)
    assert (await _load(database)).draft() == {FILE: "one"}
    async with database.reading() as session:
        changes = await store.list_changes(session, 10)
    assert [(change.id, change.act, files) for change, files in changes] == [
        (3, "undo", [FILE, OTHER]),
        (2, "learn", [FILE, OTHER]),
        (1, "learn", [FILE]),
    ]


async def test_what_was_edited_again_is_not_undone_beneath_it(database: Database) -> None:
    await _save(database, {FILE: "one"})
    await _save(database, {FILE: "two"})
    async with database.reading() as session:
        with pytest.raises(EditRefusedError) as refused:
            await store.plan_undo(session, 1)
        assert (refused.value.reason, refused.value.detail) == (EditRefusal.EDITED_SINCE, "2")
        with pytest.raises(EditRefusedError) as refused:
            await store.find_change(session, 9)
    assert refused.value.reason is EditRefusal.UNKNOWN


async def test_a_file_that_changed_beneath_its_edit_holds_and_is_named(
    tree: Path, database: Database
) -> None:
    await _save(database, {FILE: _with(FILE, "parrot"), OTHER: _with(OTHER, "鸚鵡")})
    path = tree / FILE
    path.write_text(path.read_text(encoding="utf-8") + "newer\n", encoding="utf-8")
    edits = await _load(database)
    assert edits.conflicts() == [FILE]
    assert list(edits.draft()) == [OTHER]
    path.write_text(edits.edits[0].text, encoding="utf-8", newline="")
    edits = await _load(database)
    assert [each.state for each in edits.edits] == [EditState.IN_FILES, EditState.LIVE]
    assert edits.conflicts() == []


async def test_exported_edits_come_into_the_files_of_a_checkout(
    tree: Path, database: Database
) -> None:
    text = _with(FILE, "parrot")
    await _save(database, {FILE: text})
    content = exchange.export_edits((await _load(database)).edits)
    draft = exchange.plan_apply(content)
    assert draft == {FILE: text}
    drafts.write_files(draft)
    assert (tree / FILE).read_text(encoding="utf-8") == text
    assert exchange.plan_apply(content) == {}, "twice changes nothing"
    (tree / FILE).write_text("another\n", encoding="utf-8")
    with pytest.raises(EditRefusedError) as refused:
        exchange.plan_apply(content)
    assert refused.value.reason is EditRefusal.CHANGED_FILES


EXPORT = {"format": "kaika-faq-edits", "version": 1, "edits": []}
EDIT = {"file": FILE, "text": "x", "base_hash": None}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        json.dumps({**EXPORT, "version": 2}).encode(),
        json.dumps({**EXPORT, "edits": [{"file": FILE}]}).encode(),
        *(
            json.dumps({**EXPORT, "edits": [{**EDIT, **bad}]}).encode()
            for bad in (
                {"file": "../../etc/passwd"},
                {"file": "en/faq/../../../x.md"},
                {"file": "en/LC_MESSAGES/kaika.po"},
                {"file": "xx/faq/fee.md"},
                {"file": 7},
                {"text": None},
                {"text": "\ud800"},
                {"base_hash": 7},
            )
        ),
    ],
)
def test_what_is_no_export_is_refused(content: bytes) -> None:
    with pytest.raises(EditRefusedError) as refused:
        exchange.plan_apply(content)
    assert refused.value.reason is EditRefusal.NOT_AN_EXPORT


@given(st.text(max_size=40))
def test_no_name_leaves_the_folder(name: str) -> None:
    if drafts.is_file_name(name):
        path = drafts.find_path(name)
        assert path.resolve().parent == path.parent.resolve()
        assert path.parent.name == "faq"


def test_untouched_entries_stay_the_same_objects(entries: Entries) -> None:
    overlay = lay_over(entries, {FILE: _with(FILE, "what would my parrot pay")})
    known = overlay.entries
    assert known.ids == entries.ids
    changed = [
        (entry_id, language)
        for entry_id in known.ids
        for language in locales.LANGUAGES
        if known.get(entry_id, language) is not entries.get(entry_id, language)
    ]
    assert changed == [("fee", "en")]
    fee = known.get("fee", "en")
    assert fee is not None
    assert fee.phrasings[-1] == "what would my parrot pay"


def test_an_edit_that_cannot_be_read_leaves_its_entry_as_it_came(entries: Entries) -> None:
    draft = {"en/faq/fee.md": "no front matter", "en/faq/parrots.md": "half a new entry"}
    overlay = lay_over(entries, draft)
    assert overlay.skipped == ("fee", "parrots")
    assert overlay.entries.ids == entries.ids
    assert overlay.entries.get("fee", "en") is entries.get("fee", "en")


def test_nothing_is_left_of_a_write_that_fails(tree: Path) -> None:
    before = {path: path.read_bytes() for path in tree.glob("*/faq/*")}
    draft = {FILE: "x", "en/faq/new.md": "y", "en/no/folder.md": "z"}
    with pytest.raises(OSError, match="No such file"):
        drafts.write_files(draft)
    assert {path: path.read_bytes() for path in tree.glob("*/faq/*")} == before
