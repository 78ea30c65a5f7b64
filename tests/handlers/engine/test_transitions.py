"""What the engine guarantees beyond any one conversation."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from handlers.conversations.registry import GUIDES
from handlers.engine import transitions
from services.conversations import ConversationChangedError, ConversationStore
from services.messaging import payment_reminders
from services.storage.models import Job
from tests import phrases
from tests.bot_harness import BotHarness, buttons
from tests.handlers.engine.navigation import press, state


async def test_a_move_and_its_effect_are_one_transaction(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = harness.add_user()
    await anna.starts("do-pay-date")
    before = await state(anna)

    async def lost(*_: object) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr(ConversationStore, "save", lost)
    await press(anna, "today")
    assert phrases.OUR_ERROR in anna.last["text"]
    monkeypatch.undo()
    assert await state(anna) == before
    async with harness.kaika.database.unit_of_work() as session:
        assert (await scheduled_reminders(session)) == []


async def scheduled_reminders(session: AsyncSession) -> list[Job]:
    query = select(Job).where(Job.kind == payment_reminders.JOB_KIND)
    return list((await session.scalars(query)).all())


async def test_a_tap_another_process_took_shows_where_the_person_is(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = harness.add_user()
    await anna.starts("do-suspend")
    at, shown = await state(anna), anna.last["text"]

    async def lose_race(*_: object) -> None:
        raise ConversationChangedError

    monkeypatch.setattr(transitions.ConversationMachine, "press_button", lose_race)
    await press(anna, "both")
    assert phrases.EARLIER_STEP in (anna.toast or "")
    assert anna.last["text"] == shown
    monkeypatch.setattr(transitions.ConversationMachine, "begin", lose_race)
    await anna.starts("do-pay")
    assert anna.last["text"] == shown
    assert await state(anna) == at


async def test_a_text_another_process_took_shows_where_the_person_is(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = harness.add_user()
    await anna.starts("do-pay-date")

    async def lose_race(*_: object) -> None:
        raise ConversationChangedError

    monkeypatch.setattr(transitions.ConversationMachine, "submit_text", lose_race)
    await anna.says("yesterday I applied")
    anna.sees(phrases.WHICH_DAY)


async def test_a_conversation_of_another_version_is_closed_with_a_word(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.starts("do-suspend")
    conversations = harness.kaika.application.bot_data["conversations"]
    without = {name: each for name, each in conversations.items() if name != "suspend"}
    harness.kaika.application.bot_data["conversations"] = without
    await anna.says("how much does the card cost")
    anna.sees(phrases.NO_LONGER_HERE)
    await anna.says("how much does the card cost")
    anna.sees("278")
    await anna.starts("do-pay")
    anna.sees("Have ready")


async def test_each_person_has_a_thread_of_their_own(harness: BotHarness) -> None:
    anna, binh = harness.add_user("Anna"), harness.add_user("Bình", "vi")
    await anna.starts("do-suspend")
    await binh.starts("do-pay")
    await press(anna, "both")
    await press(binh, "all")
    at, elsewhere = await state(anna), await state(binh)
    assert (at.conversation, at.step) == ("suspend", "open")
    assert (elsewhere.conversation, elsewhere.step) == ("pay", "open")


async def test_going_back_and_forth_keeps_the_way_short(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.starts("do-pay")
    for _ in range(4):
        await press(anna, "remind")
        await press(anna, "today")
        await press(anna, "other")
        await press(anna, "back")
    at = await state(anna)
    assert (at.step, at.history) == ("ready", ())


@pytest.mark.parametrize("word", ["cancel", "Cancel!", "取消", "/cancel"])
async def test_who_types_cancel_is_out(harness: BotHarness, word: str) -> None:
    anna = harness.add_user()
    await anna.starts("do-suspend")
    count_before = len(anna.bot_messages)
    await anna.says(word)
    assert not (await state(anna)).is_open
    assert len(anna.bot_messages) == count_before + 1
    anna.sees(phrases.STOPPED)
    await anna.says("/cancel")
    anna.sees(phrases.NOTHING_UNDER_WAY)


STOP_WORDS = (
    "stop", "Quit.", "exit", "Never  mind!", "停止", "不要了。", "算了～", "hủy", "Hu\u0309y",
    "batal", "ยกเลิก", "ＳＴＯＰ！",
)  # fmt: skip
"""As people type them; one has its accent in a character of its own."""


@pytest.mark.parametrize("word", STOP_WORDS)
async def test_who_types_stop_is_out(harness: BotHarness, word: str) -> None:
    anna = harness.add_user()
    await anna.starts("do-pay")
    await anna.says(word)
    assert not (await state(anna)).is_open
    anna.sees(phrases.STOPPED)
    await anna.says(word)
    anna.sees(phrases.NOTHING_UNDER_WAY)
    assert phrases.CARD_LOST in anna.labels


@pytest.mark.parametrize("word", STOP_WORDS)
async def test_who_types_stop_with_a_lost_card_is_asked_what_is_meant(
    harness: BotHarness, word: str
) -> None:
    anna = harness.add_user()
    await anna.says("/lost")
    step, before = anna.last["text"], await state(anna)
    await anna.says(word)
    anna.sees(phrases.SUSPEND_OR_STOP)
    assert await state(anna) == before
    await anna.presses(phrases.SUSPEND_CARD)
    anna.sees(step)
    await anna.says(word)
    await anna.presses("Stop here")
    anna.sees(phrases.STOPPED)
    assert not (await state(anna)).is_open


async def test_stop_is_asked_about_in_the_first_step_only(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.starts("do-suspend")
    await press(anna, "lack")
    await anna.says("stop")
    anna.sees(phrases.STOPPED)


@pytest.mark.parametrize(
    ("language", "words"), [("en", "stop my card"), ("zh-hant", "停止我的憑證")]
)
async def test_to_stop_the_card_means_to_suspend_it(
    harness: BotHarness, language: str, words: str
) -> None:
    anna = harness.add_user(language=language)
    for conversation in (None, "do-pay", "do-suspend"):
        if conversation is not None:
            await anna.starts(conversation)
        count_before = len(anna.bot_messages)
        await anna.says(words)
        answer = anna.bot_messages[count_before]
        assert "v1:go:suspend" in [b.get("callback_data") for b in buttons(answer)[:2]]
    assert (await state(anna)).is_open


@pytest.mark.parametrize("word", ["back", "上一步"])
async def test_who_types_back_is_a_step_before(harness: BotHarness, word: str) -> None:
    anna = harness.add_user()
    await anna.starts("do-suspend")
    before = await state(anna)
    await press(anna, "both")
    await anna.says(word)
    assert (await state(anna)).step == before.step
    await anna.says(word)
    assert (await state(anna)).step == before.step, "there is nothing before the first"


@pytest.mark.parametrize(
    "data", ["suspend.ready", "suspend.ready.x.back", "suspend.ready.1.nosuch"]
)
async def test_forged_buttons_change_nothing(harness: BotHarness, data: str) -> None:
    anna = harness.add_user()
    await anna.starts("do-suspend")
    before = await state(anna)
    await anna.forges(anna.last["message_id"], f"v1:dlg:{data}")
    assert anna.toast
    assert await state(anna) == before
    assert before.conversation in GUIDES
