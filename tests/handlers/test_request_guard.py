"""Who asks for too much has to pause, is told so once, and can still do what cannot wait."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.wiring import application
from handlers import guards
from handlers.faq import inline, questions
from sandbox.engine import Engine
from services.storage.availability import DatabaseUnavailableError
from tests import phrases
from tests.bot_harness import TOKEN, BotHarness, ChatUser
from tests.handlers.conversations.online.cardholders import Office
from tests.sandbox.conftest import ManualClock

LIMIT = 5
QUESTION = "how much does the card cost"
TOLD = "That's a lot of messages"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine(clock: ManualClock) -> Engine:
    return Engine(TOKEN, now=clock)


@pytest.fixture
async def harness(engine: Engine, tmp_path: Path) -> AsyncIterator[BotHarness]:
    async with BotHarness.start(engine, tmp_path, texts_per_minute=LIMIT) as ready:
        yield ready


@pytest.fixture
async def online(engine: Engine, tmp_path: Path) -> AsyncIterator[BotHarness]:
    starting = BotHarness.start(engine, tmp_path, "embedded", texts_per_minute=LIMIT)
    async with starting as ready:
        yield ready


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The steady clock, as a list of one moment."""
    now = [1000.0]
    for module in (guards, inline, application):
        monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


async def flood(user: ChatUser, count: int = LIMIT + 3) -> None:
    for _ in range(count):
        await user.says(QUESTION)


async def test_who_writes_too_much_is_told_once_in_both_languages_and_goes_on_later(
    harness: BotHarness, clock: ManualClock
) -> None:
    anna, mei = harness.add_user(), harness.add_user("Mei", "zh-hant")
    await flood(anna, LIMIT)
    assert len(anna.bot_messages) == LIMIT
    await flood(anna, 10)
    assert len(anna.bot_messages) == LIMIT + 1
    anna.sees(TOLD, "60 seconds", "60 秒")
    await mei.says("多少錢")
    mei.sees("278")
    clock.advance(seconds=59)
    await flood(anna, 1)
    assert len(anna.bot_messages) == LIMIT + 1
    clock.advance(seconds=1)
    await flood(anna, 1)
    anna.sees("278")


async def test_pictures_and_edits_count_as_well(harness: BotHarness) -> None:
    anna = harness.add_user()
    sent = await anna.says(QUESTION)
    for number in range(3):
        await anna.sends("photo")
        await anna.edits(sent, f"{QUESTION} {number}")
    anna.sees(TOLD)


async def test_what_has_to_be_processed_again_counts_once(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, answer = harness.add_user(), questions.on_question

    async def fail(*_: object) -> None:
        raise DatabaseUnavailableError("away")

    monkeypatch.setattr(questions, "on_question", fail)
    await anna.says(QUESTION)
    for _ in range(LIMIT + 3):
        await harness.kaika.intake.enqueue_unfinished()
        await harness.kaika.application.update_queue.join()
    monkeypatch.setattr(questions, "on_question", answer)
    await harness.kaika.intake.enqueue_unfinished()
    await harness.kaika.application.update_queue.join()
    anna.sees("278")


async def test_what_was_written_slowly_is_answered_whenever_it_arrives(
    harness: BotHarness, clock: ManualClock
) -> None:
    anna = harness.add_user()
    for _ in range(LIMIT * 3):
        anna.person.send(QUESTION)
        clock.advance(seconds=30)
    await harness.settle()
    assert len(anna.bot_messages) == LIMIT * 3


async def test_a_code_is_deleted_during_a_pause_without_a_word(harness: BotHarness) -> None:
    anna = harness.add_user()
    await flood(anna)
    heard = len(anna.bot_messages)
    sent = [await anna.says(text) for text in ("aB3dE9xZ", "A800000014", "my PIN is 482913")]
    shown = [message["message_id"] for message in anna.messages]
    assert not set(sent) & set(shown)
    assert len(anna.bot_messages) == heard


async def test_a_flood_of_codes_is_deleted_and_told_once(harness: BotHarness) -> None:
    anna = harness.add_user()
    sent = [await anna.says("aB3dE9xZ") for _ in range(LIMIT + 5)]
    assert not set(sent) & {message["message_id"] for message in anna.messages}
    assert len(anna.bot_messages) == LIMIT + 1
    anna.sees(TOLD)


@pytest.mark.parametrize("way", ["the button", "/lost", "/start do-suspend"])
async def test_a_lost_card_can_be_reported_during_a_pause(harness: BotHarness, way: str) -> None:
    anna = harness.add_user()
    await flood(anna)
    if way == "the button":
        await anna.presses(phrases.CARD_LOST)
    else:
        await anna.says(way)
    anna.sees("Suspend")


async def test_a_card_can_be_suspended_to_the_end_during_a_pause(
    online: BotHarness, tmp_path: Path
) -> None:
    holder = await Office.open_for(online, tmp_path).cardholder()
    anna = online.add_user()
    await flood(anna)
    await anna.says("/lost")
    heard = len(anna.bot_messages)
    typed = await anna.says(f"{holder.ui_number.reveal()} {holder.code.reveal()}")
    assert typed not in [message["message_id"] for message in anna.messages]
    assert len(anna.bot_messages) > heard
    assert TOLD not in anna.last["text"]


@pytest.mark.parametrize("word", ["cancel", "取消", "/cancel"])
async def test_a_conversation_can_be_left_during_a_pause(harness: BotHarness, word: str) -> None:
    anna = harness.add_user()
    await anna.says("/start do-unlock")
    await flood(anna)
    assert TOLD in anna.last["text"]
    heard = len(anna.bot_messages)
    await anna.says(word)
    assert len(anna.bot_messages) == heard + 1
    assert TOLD not in anna.last["text"]
    await anna.says(word)
    assert len(anna.bot_messages) == heard + 1, "nothing is under way any more"


async def test_what_cannot_wait_is_no_way_around_the_limit(harness: BotHarness) -> None:
    anna = harness.add_user()
    await flood(anna)
    heard = len(anna.bot_messages)
    for _ in range(50):
        await anna.says("/lost")
    assert len(anna.bot_messages) - heard <= LIMIT


async def test_payments_are_taken_during_a_pause(online: BotHarness) -> None:
    anna = online.add_user()
    await flood(anna)
    update = {
        "update_id": 10**6,
        "pre_checkout_query": {
            "id": "7",
            "from": anna.person.user,
            "currency": "TWD",
            "total_amount": 27800,
            "invoice_payload": "0" * 32,
        },
    }
    calls: list[str] = []
    observe = type("Calls", (), {
        "on_call": lambda _self, method, _params, _answer: calls.append(method),
        "on_update": lambda _self, _update: None,
    })  # fmt: skip
    online.engine.observe(observe())
    await online.kaika.intake.accept([update])
    await online.kaika.application.update_queue.join()
    assert calls == ["answerPreCheckoutQuery"]
    paid = {
        "currency": "TWD",
        "total_amount": 27800,
        "invoice_payload": "0" * 32,
        "telegram_payment_charge_id": "charge",
        "provider_payment_charge_id": "provider",
    }
    message = {
        "message_id": 10**6,
        "date": int(online.engine.world.now().timestamp()),
        "chat": {"id": anna.person.id, "type": "private", "first_name": "Anna"},
        "from": anna.person.user,
        "successful_payment": paid,
    }
    await online.kaika.intake.accept([{"update_id": 10**6 + 1, "message": message}])
    await online.kaika.application.update_queue.join()
    anna.sees("We received")


async def test_inline_queries_beyond_the_limit_are_told_once_and_then_dropped(
    harness: BotHarness, steady: list[float]
) -> None:
    anna = harness.add_user()
    answers = [await anna.asks_inline(QUESTION) for _ in range(LIMIT)]
    assert all(answer["results"] for answer in answers)
    told = await anna.asks_inline(QUESTION)
    assert told["results"] == []
    assert "30 s" in told["button"]["text"]
    for _ in range(10):
        anna.person.query_inline(QUESTION)
    await harness.kaika.intake.accept(await harness.updates())
    assert harness.kaika.intake.backlog == 0, "they are dropped before they are parsed"
    steady[0] += 30
    assert (await anna.asks_inline(QUESTION))["results"]


async def test_inline_queries_and_checkouts_are_not_stored(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.asks_inline(QUESTION)
    await harness.kaika.inbox.store([])
    assert sum((await harness.kaika.inbox.count_by_state()).values()) == 0


async def test_buttons_beyond_the_limit_do_nothing_but_those_that_cannot_wait(
    harness: BotHarness, steady: list[float]
) -> None:
    anna = harness.add_user()
    await anna.says(QUESTION)
    message = anna.last["message_id"]
    for _ in range(LIMIT):
        await anna.forges(message, "v1:browse:en")
    await anna.forges(message, "v1:browse:en")
    assert "30" in (anna.toast or "")
    heard = len(anna.messages)
    for _ in range(5):
        anna.person.press(message, "v1:faq:fee.en", forge=True)
    await harness.settle()
    assert len(anna.messages) == heard
    await anna.forges(message, "v1:go:suspend")
    anna.sees("Suspend")
    steady[0] += 30
    await anna.forges(message, "v1:browse:en")
    assert "30" not in (anna.toast or "")


async def test_a_talkative_member_of_a_group_is_left_alone(harness: BotHarness) -> None:
    anna = harness.add_user()
    group = harness.engine.add_group("Tea", [anna.person], bot_is_admin=True)
    there = anna.within(group.id)
    for _ in range(LIMIT * 2):
        await there.says("it is raining")
    assert there.bot_messages == [m for m in there.bot_messages if TOLD not in m["text"]]
    username = harness.kaika.application.bot.username
    await there.says(f"@{username} {QUESTION}")
    there.sees("278")
