"""Reminders that an application is still to be paid: they come, can be turned off, and end."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from services.authority.embedded.audit import Actor
from services.authority.embedded.counter import Counter
from services.formats.ui_number import UiNumber
from services.messaging import payment_reminders
from services.storage.models import ChatRow, Job
from tests import phrases
from tests.bot_harness import BotHarness
from tests.handlers.clock import NOW, set_time
from tests.handlers.conversations.online.payments import (
    DEADLINE,
    NUMBER,
    deliver_successful_payment,
    invoice_payload,
    invoices,
    open_amount_due,
    submit_application,
)
from tests.handlers.engine.navigation import press, step_keys

FIVE = datetime(2027, 3, 11, 2, 0, 1, tzinfo=UTC)
"""Ten in the morning in Taipei, five days before the last."""
ONE = datetime(2027, 3, 15, 2, 0, 1, tzinfo=UTC)


@pytest.fixture
async def harness(harness: BotHarness) -> BotHarness:
    """The bot, with somebody who has applied and not paid."""
    await submit_application(harness)
    return harness


async def reminder_days(harness: BotHarness) -> Sequence[str]:
    """Return the days and hours (UTC) of the reminders to come."""
    query = select(Job.at).where(Job.kind == payment_reminders.JOB_KIND, Job.key.not_like("%off"))
    async with harness.kaika.database.unit_of_work() as session:
        return [f"{when:%m-%d %H}" for when in await session.scalars(query.order_by(Job.at))]


async def work_until(harness: BotHarness, moment: datetime) -> None:
    """Set the time, and run the jobs that are due by then."""
    set_time(harness, moment)
    await harness.run_due_jobs(moment)


DAYS = {
    "en": ("16 March 2027", "Thursday 11 March, Monday 15 March"),
    "zh-hant": ("2027年3月16日", "3月11日（週四）、3月15日（週一）"),
}


@pytest.mark.parametrize(
    ("language", "five", "one"),
    [
        ("en", "Days left to pay the card fee: 5", "Days left to pay the card fee: 1"),
        ("zh-hant", "繳費期限還有 5 天", "繳費期限還有 1 天"),
    ],
)
async def test_they_come_five_days_and_one_day_before(
    harness: BotHarness, language: str, five: str, one: str
) -> None:
    hoa = harness.add_user("Hoa", language)
    await open_amount_due(hoa)
    assert await reminder_days(harness) == ["03-11 02", "03-15 02"]
    await press(hoa, "later")
    hoa.sees(*DAYS[language])
    await work_until(harness, FIVE - timedelta(minutes=1))
    assert five not in str(hoa.messages)
    await work_until(harness, FIVE)
    hoa.sees(five, DAYS[language][0])
    count_before = len(hoa.bot_messages)
    await work_until(harness, FIVE + timedelta(hours=1))
    assert len(hoa.bot_messages) == count_before
    await work_until(harness, ONE)
    hoa.sees(one)
    assert await reminder_days(harness) == []


async def test_the_button_under_a_reminder_leads_to_paying(harness: BotHarness) -> None:
    hoa = harness.add_user("Hoa")
    await open_amount_due(hoa)
    await press(hoa, "later")
    await work_until(harness, FIVE)
    await hoa.presses("Pay now")
    hoa.sees(phrases.WHO_ARE_YOU)


async def test_paying_ends_them(harness: BotHarness) -> None:
    hoa = harness.add_user("Hoa")
    await open_amount_due(hoa)
    await press(hoa, "pay")
    await deliver_successful_payment(hoa, invoice_payload(hoa, invoices(hoa)[-1]))
    assert await reminder_days(harness) == []
    count_before = len(hoa.bot_messages)
    await work_until(harness, ONE)
    assert len(hoa.bot_messages) == count_before


async def test_paying_ends_them_in_every_chat_and_at_the_counter_too(harness: BotHarness) -> None:
    for name in ("Hoa", "Her sister"):
        await open_amount_due(harness.add_user(name))
    assert len(await reminder_days(harness)) == 4
    counter = Counter(harness.authority, Actor.at_counter("test"))
    await counter.pay(UiNumber.parse(NUMBER), "at the counter", 27800, NOW)
    assert await reminder_days(harness) == []


async def test_one_that_is_paid_while_it_goes_out_is_not_sent(harness: BotHarness) -> None:
    hoa = harness.add_user("Hoa")
    await open_amount_due(hoa)
    set_time(harness, FIVE)
    async with harness.kaika.database.unit_of_work() as session:
        row = await session.scalar(
            select(Job).where(Job.kind == payment_reminders.JOB_KIND).limit(1)
        )
        assert row is not None
    counter = Counter(harness.authority, Actor.at_counter("test"))
    await counter.pay(UiNumber.parse(NUMBER), "at the counter", 27800, NOW)
    count_before = len(hoa.bot_messages)
    await harness.kaika.job_registry.send_payment_reminder(row, FIVE)
    assert len(hoa.bot_messages) == count_before


async def test_who_turns_them_off_is_not_asked_again(harness: BotHarness) -> None:
    hoa = harness.add_user("Hoa")
    await open_amount_due(hoa)
    await press(hoa, "off")
    assert "get a reminder" not in hoa.last["text"]
    assert await reminder_days(harness) == []
    await open_amount_due(hoa)
    assert ("on" in step_keys(hoa), "off" in step_keys(hoa)) == (True, False)
    assert await reminder_days(harness) == []
    await press(hoa, "on")
    hoa.sees("get reminders here: Thursday 11 March, Monday 15 March")
    assert len(await reminder_days(harness)) == 2
    await open_amount_due(hoa)
    assert len(await reminder_days(harness)) == 2


async def test_a_reminder_itself_turns_them_off(harness: BotHarness) -> None:
    hoa, sister = harness.add_user("Hoa"), harness.add_user("Her sister")
    for person in (hoa, sister):
        await open_amount_due(person)
        await press(person, "later")
    await work_until(harness, FIVE)
    await hoa.presses("Stop reminders")
    hoa.sees("Reminders are off")
    await hoa.forges(hoa.last["message_id"], "v1:remind:off." + "0" * 32)
    await work_until(harness, ONE)
    hoa.sees("Reminders are off")
    sister.sees("Days left to pay the card fee: 1")


async def test_the_choice_is_forgotten_with_the_deadline(harness: BotHarness) -> None:
    hoa = harness.add_user("Hoa")
    await open_amount_due(hoa)
    await press(hoa, "off")
    count_before = len(hoa.bot_messages)
    await work_until(harness, DEADLINE + timedelta(minutes=1))
    assert len(hoa.bot_messages) == count_before
    async with harness.kaika.database.unit_of_work() as session:
        left = await session.scalars(select(Job).where(Job.kind == payment_reminders.JOB_KIND))
        assert left.all() == []


async def test_one_that_comes_too_late_says_nothing(harness: BotHarness) -> None:
    hoa = harness.add_user("Hoa")
    await open_amount_due(hoa)
    count_before = len(hoa.bot_messages)
    await work_until(harness, DEADLINE + timedelta(days=3))
    assert len(hoa.bot_messages) == count_before


async def test_who_blocked_the_bot_is_left_alone(harness: BotHarness) -> None:
    hoa = harness.add_user("Hoa")
    await open_amount_due(hoa)
    hoa.person.block()
    await work_until(harness, FIVE)
    async with harness.kaika.database.unit_of_work() as session:
        chat = await session.get(ChatRow, hoa.person.id)
        assert chat is not None
        assert chat.closed_at is not None
