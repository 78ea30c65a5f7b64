"""What looks like a secret is deleted unread, and never searched, stored or logged."""

from pathlib import Path

import pytest
from sqlalchemy import select
from telegram.error import NetworkError

from bot import logs
from bot.updates.error_handler import ErrorHandler
from handlers import guards
from services.faq.search import FaqSearch
from services.storage.models import InboxUpdate, UnansweredQuestion
from tests import phrases
from tests.bot_harness import BotHarness

SECRETS = ["aB3dE9xZ", "600101", "A800000014", "GP12345678901234", "my PIN is 482913"]


@pytest.mark.parametrize("text", SECRETS)
async def test_a_secret_is_deleted_with_a_friendly_word(harness: BotHarness, text: str) -> None:
    anna = harness.add_user()
    sent = await anna.says(text)
    assert sent not in [message["message_id"] for message in anna.messages]
    anna.sees(phrases.DELETED_IT, "official page")


async def test_a_secret_leaves_no_trace(
    harness: BotHarness, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("debug", "json", [])
    anna = harness.add_user()
    for text in SECRETS:
        await anna.says(text)
        await anna.asks_inline(text)
        await anna.sends("photo", caption=text)
        await anna.edits(await anna.says("hello"), text)
    logged = capsys.readouterr().err
    assert "secret_shape_met" in logged
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for text in SECRETS:
        assert text.encode() not in written
        assert text not in logged
        assert not any(text in message.get("text", "") for message in anna.bot_messages)


async def test_where_it_may_not_delete_the_bot_says_how(harness: BotHarness) -> None:
    anna = harness.add_user()
    group = harness.engine.add_group("Tea", [anna.person])
    there = anna.within(group.id)
    await there.says(f"@{harness.kaika.application.bot.username} my UI No. is A800000014")
    there.sees(phrases.DELETE_YOURSELF)


async def test_as_admin_it_deletes_in_a_group_too(harness: BotHarness) -> None:
    anna = harness.add_user()
    group = harness.engine.add_group("Tea", [anna.person], bot_is_admin=True)
    there = anna.within(group.id)
    sent = await there.says("GP12345678901234")
    assert sent not in [message["message_id"] for message in there.messages]
    there.sees(phrases.DELETED_IT)


@pytest.mark.parametrize(
    "text", ["activate", "0x76000006", "1979711501", "windows10", "0800-080-117"]
)
async def test_words_and_error_codes_are_no_secrets(harness: BotHarness, text: str) -> None:
    anna = harness.add_user()
    sent = await anna.says(text)
    assert sent in [message["message_id"] for message in anna.messages]
    assert "deleted" not in anna.last["text"]


async def failed_payloads(harness: BotHarness) -> list[tuple[str | None, bool]]:
    """Return the error of each failed update, and whether anything of it is kept."""
    await harness.kaika.inbox.store([])
    query = select(InboxUpdate).where(InboxUpdate.state == "failed")
    async with harness.kaika.database.unit_of_work() as session:
        rows = (await session.scalars(query.order_by(InboxUpdate.update_id))).all()
    return [(row.error, row.payload is not None) for row in rows]


async def test_of_a_secret_nothing_is_kept_where_an_error_stops_it(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a bug")

    anna = harness.add_user()
    monkeypatch.setattr(guards, "_warn", fail)
    monkeypatch.setattr(FaqSearch, "search", fail)
    await anna.says("how much does the card cost")
    for text in SECRETS:
        await anna.says(text)
    assert await failed_payloads(harness) == [
        ("KeyError", True),
        *[("KeyError", False)] * len(SECRETS),
    ]


async def test_of_a_secret_nothing_is_kept_where_the_update_cannot_be_read(
    harness: BotHarness,
) -> None:
    anna = harness.add_user()
    for text in (SECRETS[0], "how much does the card cost"):
        anna.person.send(text)
    updates = await harness.updates()
    for update in updates:
        update["message"]["date"] = 10**17
    await harness.kaika.intake.accept(updates)
    assert [is_kept for _, is_kept in await failed_payloads(harness)] == [False, True]


@pytest.mark.parametrize("error", [KeyError("a bug"), NetworkError("no line")])
async def test_a_secret_is_no_question_where_the_guard_fails(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    anna = harness.add_user()
    searched: list[str] = []
    monkeypatch.setattr(guards, "_warn", fail)
    monkeypatch.setattr(FaqSearch, "search", lambda _self, text, *_: searched.append(text))
    await anna.says("aB3dE9xZ")
    assert searched == []
    monkeypatch.setattr(ErrorHandler, "_apologise", fail)
    await anna.says("aB3dE9xZ")
    assert searched == []
    async with harness.kaika.database.unit_of_work() as session:
        assert (await session.scalars(select(UnansweredQuestion))).all() == []
