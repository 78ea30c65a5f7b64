"""Where Telegram takes no messages for a while, what a person asks for is done all the same."""

import asyncio
from pathlib import Path

import pytest

from bot.telegram.rate_limiter import RetryingRateLimiter
from bot.updates import intake, update_processor
from sandbox.engine import Engine
from sandbox.world.fault_injection import InjectedFault
from tests import phrases
from tests.bot_harness import BotHarness, ChatUser, Json, buttons
from tests.handlers.conversations.online import payments
from tests.handlers.conversations.online.cardholders import (
    Cardholder,
    Office,
    is_deleted,
    open_online_harness,
    read_one_time_code,
    wrong_code,
)
from tests.handlers.engine.navigation import press, state

QUESTION = "how much does the card cost"
FEE, APPLY = "How much does it cost?", "Where and how to apply"
SHOWING = ("sendmessage", "editmessagetext", "sendinvoice")


class RefusingTelegram:
    """Telegram, which takes no messages until `allow`, on a clock that only moves there."""

    def __init__(self, engine: Engine) -> None:
        self.faults = engine.world.faults
        self.seconds = 1000.0
        self.has_slept = asyncio.Event()
        self.may_go_on = asyncio.Event()

    def now(self) -> float:
        return self.seconds

    async def sleep(self, _seconds: float) -> None:
        self.has_slept.set()
        await self.may_go_on.wait()
        self.seconds += _seconds

    def attach_to(self, harness: BotHarness) -> None:
        limiter = harness.kaika.application.bot.rate_limiter
        assert isinstance(limiter, RetryingRateLimiter)
        limiter._now, limiter._sleep = self.now, self.sleep

    def refuse(self, seconds: int = 300) -> None:
        for method in SHOWING:
            self.faults.add(InjectedFault(method, 429, retry_after=seconds, times=1000))

    async def allow(self, harness: BotHarness) -> None:
        """Take messages again, and let the bot notice."""
        self.faults._waiting.clear()
        self.seconds += 301
        await harness.kaika.intake.take_up_again()
        await harness.kaika.application.update_queue.join()
        await harness.kaika.inbox.store([])
        assert (await harness.kaika.inbox.count_by_state())["new"] == 0


@pytest.fixture
def telegram(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> RefusingTelegram:
    refusing = RefusingTelegram(engine)
    for module in (intake, update_processor):
        monkeypatch.setattr(module, "monotonic", refusing.now)
    return refusing


@pytest.fixture(autouse=True)
def _attach(telegram: RefusingTelegram, harness: BotHarness) -> None:
    telegram.attach_to(harness)


def first_button(message: Json) -> str:
    return str(buttons(message)[0]["callback_data"])


async def go_to_the_last_tap(anna: ChatUser, holder: Cardholder) -> None:
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    await press(anna, "mail")
    await anna.says(await read_one_time_code(anna.harness, holder))
    anna.sees(phrases.SUSPEND_NOW)


async def test_a_lost_card_is_suspended_at_once_and_the_messages_follow_in_order(
    harness: BotHarness, office: Office, telegram: RefusingTelegram
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await go_to_the_last_tap(anna, holder)
    button = first_button(anna.last)
    step = anna.last["message_id"]
    telegram.refuse()
    await anna.says(QUESTION)
    heard = len(anna.bot_messages)
    await anna.forges(step, button)
    assert await holder.certificate_state() == "suspended"
    assert "The answer follows" in (anna.toast or "")
    assert len(anna.bot_messages) == heard
    await anna.says("where can I apply")
    await telegram.allow(harness)
    new = [message["text"].partition("\n")[0] for message in anna.bot_messages[heard:]]
    assert new == [FEE, APPLY]  # a finished report is not posted again below an answer
    assert any(phrases.SUSPENDED in message["text"] for message in anna.bot_messages[:heard])


async def test_while_a_message_waits_a_moment_the_next_updates_go_on(
    harness: BotHarness, office: Office, telegram: RefusingTelegram
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await go_to_the_last_tap(anna, holder)
    button = first_button(anna.last)
    step, heard = anna.last["message_id"], len(anna.bot_messages)
    harness.engine.world.faults.add(InjectedFault("sendmessage", 429, retry_after=20))
    anna.person.send(QUESTION)
    await harness.kaika.intake.accept(await harness.updates())
    await telegram.has_slept.wait()
    query = anna.person.press(step, button)
    await harness.kaika.intake.accept(await harness.updates())
    assert await harness.engine.world.queries.wait_for_answer(query, 5.0) is not None
    assert await holder.certificate_state() == "suspended"
    assert len(anna.bot_messages) == heard
    telegram.may_go_on.set()
    await harness.kaika.application.update_queue.join()
    assert FEE in anna.bot_messages[heard]["text"]
    await telegram.allow(harness)
    assert any(phrases.SUSPENDED in message["text"] for message in anna.bot_messages)
    assert len([m for m in anna.bot_messages if FEE in m["text"]]) == 1


async def test_a_code_is_deleted_at_once_and_a_wrong_one_costs_one_try(
    harness: BotHarness, office: Office, telegram: RefusingTelegram
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    telegram.refuse()
    for _ in range(2):
        typed = await anna.says(f"{holder.ui_number_text} {wrong_code(holder)}")
        assert is_deleted(anna, typed)
    before = await state(anna)
    await telegram.allow(harness)
    assert (await state(anna)).version == before.version
    other, bob = await office.cardholder(seed=2), harness.add_user("Bob")
    await bob.starts("do-suspend")
    for _ in range(2):
        await bob.says(f"{other.ui_number_text} {wrong_code(other)}")
    assert anna.last["text"].partition("\n")[0] == bob.last["text"].partition("\n")[0]


async def test_what_was_left_or_begun_meanwhile_stays_so(
    harness: BotHarness, office: Office, telegram: RefusingTelegram
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    telegram.refuse()
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    await anna.says("back")
    await anna.says(holder.number_and_code)
    before = await state(anna)
    await telegram.allow(harness)
    after = await state(anna)
    assert (after.step, after.version, after.history) == (
        before.step,
        before.version,
        before.history,
    )
    await anna.says("cancel")
    assert not (await state(anna)).is_open


async def test_a_charge_is_on_record_at_once(
    harness: BotHarness, telegram: RefusingTelegram
) -> None:
    anna = harness.add_user()
    await payments.submit_application(harness)
    invoice = await payments.request_invoice(anna)
    telegram.refuse()
    await anna.says(QUESTION)
    await payments.pay_invoice(anna, invoice)
    assert len(await payments.list_payments(harness)) == 1
    await telegram.allow(harness)
    anna.sees(phrases.PAYMENT_RECEIVED)


async def test_nothing_is_lost_or_done_twice_over_a_restart(
    engine: Engine, telegram: RefusingTelegram, tmp_path: Path
) -> None:
    folder = tmp_path / "restarted"
    folder.mkdir()
    async with open_online_harness(engine, folder) as harness:
        telegram.attach_to(harness)
        office = Office.open_for(harness, folder)
        holder, anna = await office.cardholder(), harness.add_user()
        await go_to_the_last_tap(anna, holder)
        step, heard = anna.last, len(anna.bot_messages)
        telegram.refuse()
        await anna.says(QUESTION)
        await anna.forges(step["message_id"], first_button(step))
        offset = harness._offset
    async with open_online_harness(engine, folder) as harness:
        telegram.attach_to(harness)
        harness._offset, anna.harness = offset, harness
        office.attach_to(harness)
        await harness.kaika.application.update_queue.join()
        assert len(anna.bot_messages) == heard
        await telegram.allow(harness)
        assert FEE in anna.bot_messages[heard]["text"]
        assert any(phrases.SUSPENDED in message["text"] for message in anna.bot_messages)
        assert await holder.certificate_state() == "suspended"
