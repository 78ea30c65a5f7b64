"""Whatever the Bot API answers, over HTTP: nothing is lost, and nothing is asked for too early."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from bot.app import Kaika
from bot.settings import Settings
from bot.telegram import transport
from bot.telegram.rate_limiter import RetryingRateLimiter
from bot.updates import intake, update_processor
from sandbox.engine import Engine
from sandbox.server import serve
from sandbox.world.fault_injection import InjectedFault
from services.messaging.outbox import Channel, OutboxMessage, enqueue
from services.people.chats import open_chat
from services.storage.models import ChatRow, Job
from tests.bot_api_oracle import Oracle
from tests.bot_harness import TOKEN, BotHarness

QUESTION = "how much does the card cost"
HTML = "<html><head><title>502 Bad Gateway</title></head></html>"


class SkippingClock:
    """A clock that waiting moves."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SkippingClock:
    skipping = SkippingClock()
    for module in (intake, update_processor):
        monkeypatch.setattr(module, "monotonic", skipping.now)
    return skipping


@pytest.fixture
async def harness(
    tmp_path: Path, clock: SkippingClock, engine: Engine
) -> AsyncIterator[BotHarness]:
    """The bot, which reaches the sandbox over HTTP."""
    running = await serve(engine)
    oracle = Oracle.attach(engine)
    settings = Settings(
        bot_token=SecretStr(TOKEN),
        base_url=f"{running.api_url}/bot",
        data_dir=tmp_path,
        texts_per_minute=0,
    )
    kaika = Kaika(settings)
    limiter = kaika.application.bot.rate_limiter
    assert isinstance(limiter, RetryingRateLimiter)
    limiter._sleep, limiter._now = clock.sleep, clock.now
    async with kaika.open_resources(), kaika.process_updates():
        yield BotHarness(engine, kaika)
    await running.close()
    oracle.verify()


async def _states(harness: BotHarness) -> dict[str, int]:
    await harness.kaika.inbox.store([])  # writes what is still to be marked
    return await harness.kaika.inbox.count_by_state()


async def _sweep(harness: BotHarness) -> None:
    await harness.kaika.intake.enqueue_unfinished()
    await harness.kaika.application.update_queue.join()


ODD: Mapping[str, dict[str, Any]] = {
    "a page with 200": {"body": HTML},
    "half an answer": {"body": '{"ok": true, "result": {"message_id": 5, "da'},
    "nothing": {"body": ""},
    "a list": {"body": '[{"ok": true}]'},
    "no result": {"body": '{"ok": true}'},
    "another result": {"body": '{"ok": true, "result": 7}'},
    "no message": {"body": '{"ok": true, "result": {"chat": {}}}'},
    "ok is false with 200": {"body": '{"ok": false, "error_code": 500, "description": "x"}'},
    "too long": {"body": '"' + "x" * 5000 + '"'},
    "a broken gzip": {"body": "nonsense", "content_encoding": "gzip"},
    "a broken deflate": {"body": "nonsense", "content_encoding": "deflate"},
    "the line breaks": {"hangs_up": True},
    "the line breaks in between": {"hangs_up": True, "body": '{"ok": true, "result": true}' * 9},
    "nothing with 204": {"error_code": 204, "body": ""},
    "a redirection": {"error_code": 302, "body": HTML},
    "a proxy's 400": {"error_code": 400, "body": HTML},
    "a proxy's 401": {"error_code": 401, "body": HTML},
    "a proxy's 403": {"error_code": 403, "body": HTML},
    "a proxy's 404": {"error_code": 404, "body": '{"error": "not found"}'},
    "a proxy's 429": {"error_code": 429, "body": HTML},
    "a proxy's 502": {"error_code": 502, "body": HTML},
    "a restart": {"error_code": 500, "description": "Internal Server Error: restart"},
    "a bad gateway": {"error_code": 502},
    "no token for a while": {"error_code": 401},
}


async def test_an_odd_answer_is_asked_for_again(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 5000)
    anna = harness.add_user()
    for name, odd in ODD.items():
        heard = len(anna.bot_messages)
        given: dict[str, Any] = {"error_code": 0, **odd}
        harness.engine.world.faults.add(InjectedFault("sendmessage", **given))
        await anna.says(QUESTION)
        await _sweep(harness)
        assert len(anna.bot_messages) == heard + 1, name
        anna.sees("278")
    assert await _states(harness) == {"new": 0, "done": len(ODD), "failed": 0}


async def test_a_message_that_went_out_under_an_odd_answer_goes_out_at_least_once(
    harness: BotHarness,
) -> None:
    anna = harness.add_user()
    fault = InjectedFault("sendmessage", 0, body=HTML, takes_effect=True)
    harness.engine.world.faults.add(fault)
    await anna.says(QUESTION)
    assert len(anna.bot_messages) == 2


@pytest.mark.parametrize("odd", [{"body": HTML}, {"hangs_up": True}, {"error_code": 500}])
async def test_an_answer_that_stays_odd_keeps_the_update(
    harness: BotHarness, odd: dict[str, Any]
) -> None:
    anna = harness.add_user()
    given: dict[str, Any] = {"error_code": 0, **odd}
    harness.engine.world.faults.add(InjectedFault("sendmessage", times=7, **given))
    await anna.says(QUESTION)
    assert anna.bot_messages == []
    assert (await _states(harness))["new"] == 1
    await _sweep(harness)
    anna.sees("278")
    assert (await _states(harness))["new"] == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (403, "Forbidden: bot was blocked by the user"),
        (403, "Forbidden: user is deactivated"),
        (400, "Bad Request: chat not found"),
        (400, "Bad Request: private chat not found"),
        (400, "Bad Request: not enough rights to send text messages to the chat"),
    ],
)
async def test_a_chat_that_is_closed_is_closed_and_not_asked_for_again(
    harness: BotHarness, code: int, words: str
) -> None:
    anna = harness.add_user()
    await anna.starts()
    heard = len(anna.bot_messages)
    harness.engine.world.faults.add(InjectedFault("sendmessage", code, words))
    await anna.says(QUESTION)
    assert len(anna.bot_messages) == heard, "no apology either"
    assert await _states(harness) == {"new": 0, "done": 2, "failed": 0}
    async with harness.kaika.database.unit_of_work() as session:
        chat = await session.get(ChatRow, anna.person.id)
        assert chat is not None
        assert chat.closed_at is not None


async def test_telegram_is_not_asked_again_before_the_time_that_it_named(
    harness: BotHarness, clock: SkippingClock
) -> None:
    anna, mei = harness.add_user(), harness.add_user("Mei", "zh-hant")
    fault = InjectedFault("sendmessage", 429, retry_after=300, times=100)
    harness.engine.world.faults.add(fault)
    await anna.says(QUESTION)
    assert fault.times == 99
    for minutes in range(1, 5):
        clock.seconds = minutes * 60.0
        await _sweep(harness)
        await anna.says("and what is a reader?")
    assert fault.times == 99
    assert anna.bot_messages == []
    fault.times = 0
    harness.engine.world.faults._waiting.clear()
    await mei.says("多少錢")
    assert len(mei.bot_messages) == 1, "others need not wait"
    clock.seconds = 300.0
    await _sweep(harness)
    assert len(anna.bot_messages) == 5
    assert "278" in anna.bot_messages[0]["text"]
    assert (await _states(harness))["new"] == 0


async def test_a_button_that_telegram_does_not_let_us_answer_acts_once(
    harness: BotHarness,
) -> None:
    anna = harness.add_user()
    await anna.says(QUESTION)
    for fault in (
        InjectedFault("answercallbackquery", 429, retry_after=60),
        InjectedFault("answercallbackquery", 502),
        InjectedFault("answercallbackquery", 400, "Bad Request: query is too old"),
        InjectedFault("answercallbackquery", 0, hangs_up=True),
    ):
        harness.engine.world.faults.add(fault)
        heard = len(anna.bot_messages)
        data = anna.last["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        anna.person.press(anna.last["message_id"], data)
        await harness.settle()
        assert len(anna.bot_messages) >= heard
        heard = len(anna.bot_messages)
        await _sweep(harness)
        assert len(anna.bot_messages) == heard
        assert (await _states(harness))["new"] == 0


async def test_an_inline_query_that_telegram_does_not_let_us_answer_is_over(
    harness: BotHarness,
) -> None:
    anna = harness.add_user()
    for fault in (
        InjectedFault("answerinlinequery", 429, retry_after=60),
        InjectedFault("answerinlinequery", 0, body=HTML),
        InjectedFault("answerinlinequery", 400, "Bad Request: query is too old"),
    ):
        harness.engine.world.faults.add(fault)
        anna.person.query_inline("cost")
        await harness.settle()
    assert (await _states(harness))["new"] == 0
    assert (await _states(harness))["failed"] == 0


async def test_a_group_that_became_a_supergroup_is_answered_there(harness: BotHarness) -> None:
    anna = harness.add_user()
    old, new = (harness.engine.add_group(name, [anna.person]) for name in ("Tea", "Tea again"))
    await harness.settle()
    database = harness.kaika.database
    now = harness.kaika.clock.now()
    async with database.unit_of_work() as session:
        await open_chat(session, old.id, "group", now)
        await enqueue(session, Channel.CHAT, str(old.id), "news", {}, now)
    harness.engine.world.faults.add(InjectedFault("sendmessage", 0, migrate_to=new.id))
    username = harness.kaika.application.bot.username
    await anna.within(old.id).says(f"@{username} {QUESTION}")
    anna.within(new.id).sees("278")
    async with database.unit_of_work() as session:
        assert await session.get(ChatRow, old.id) is None
        moved = await session.get(ChatRow, new.id)
        assert moved is not None
        assert moved.closed_at is None
        assert list(await session.scalars(select(OutboxMessage.recipient))) == [str(new.id)]
        jobs = await session.execute(select(Job.key, Job.reference).where(Job.kind == "outbox"))
        ((key, reference),) = jobs.all()
        assert key.endswith(f"/{new.id}")
        assert str(new.id) in reference


async def test_the_message_that_says_so_is_enough_to_follow_a_group(harness: BotHarness) -> None:
    old_id, new_id = -4001, -1002002
    async with harness.kaika.database.unit_of_work() as session:
        await open_chat(session, old_id, "group", harness.kaika.clock.now())
    sender = {"id": 5, "is_bot": False, "first_name": "A"}
    told = [
        {"chat": {"id": old_id, "type": "group", "title": "T"}, "migrate_to_chat_id": new_id},
        {
            "chat": {"id": new_id, "type": "supergroup", "title": "T"},
            "migrate_from_chat_id": old_id,
        },
    ]
    for number, message in enumerate(told):
        update = {"message_id": number, "date": 1, "from": sender, **message}
        await harness.kaika.intake.accept([{"update_id": 10**6 + number, "message": update}])
        await harness.kaika.application.update_queue.join()
        async with harness.kaika.database.unit_of_work() as session:
            assert await session.get(ChatRow, old_id) is None
            assert await session.get(ChatRow, new_id) is not None
