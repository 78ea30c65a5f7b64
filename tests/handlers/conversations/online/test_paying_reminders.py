"""Reminders that an application is still to be paid: they come, can be turned off, and end."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from services.authority.embedded.audit.actors import Actor
from services.authority.embedded.counter import Counter
from services.formats import ui_number
from services.messaging import reminders
from services.storage.models import ChatRow, Job
from tests.chat import Stage
from tests.handlers.conversations.online.paying import (
    DEADLINE,
    NUMBER,
    apply,
    invoices,
    money_came,
    payload_of,
    sees_what_is_owed,
)
from tests.handlers.conversations.online.people import NOW, at
from tests.handlers.engine.walking import keys, press

FIVE = datetime(2027, 3, 11, 2, 0, 1, tzinfo=UTC)
"""Ten in the morning in Taipei, five days before the last."""
ONE = datetime(2027, 3, 15, 2, 0, 1, tzinfo=UTC)


@pytest.fixture
async def stage(stage: Stage) -> Stage:
    """The bot, with somebody who has applied and not paid."""
    await apply(stage)
    return stage


async def coming(stage: Stage) -> Sequence[str]:
    """Give the days on which somebody is reminded."""
    query = select(Job.at).where(Job.kind == reminders.JOB_KIND, Job.key.not_like("%off"))
    async with stage.kaika.database.unit_of_work() as session:
        return [f"{when:%m-%d %H}" for when in await session.scalars(query.order_by(Job.at))]


async def it_is(stage: Stage, moment: datetime) -> None:
    """Let it be a moment, and do what is due by then."""
    at(stage, moment)
    await stage.works_off(moment)


@pytest.mark.parametrize(
    ("language", "five", "one"),
    [
        ("en", "Days left to pay for your card: 5", "Days left to pay for your card: 1"),
        ("zh-hant", "卡片繳費期限還有 5 天", "卡片繳費期限還有 1 天"),
    ],
)
async def test_they_come_five_days_and_one_day_before(
    stage: Stage, language: str, five: str, one: str
) -> None:
    hoa = stage.subscriber("Hoa", language)
    await sees_what_is_owed(hoa)
    assert await coming(stage) == ["03-11 02", "03-15 02"]
    await press(hoa, "later")
    hoa.sees("2027-03-16", "2027-03-11", "2027-03-15")
    await it_is(stage, FIVE - timedelta(minutes=1))
    assert five not in str(hoa.messages)
    await it_is(stage, FIVE)
    hoa.sees(five, "2027-03-16")
    heard = len(hoa.heard)
    await it_is(stage, FIVE + timedelta(hours=1))
    assert len(hoa.heard) == heard
    await it_is(stage, ONE)
    hoa.sees(one)
    assert await coming(stage) == []


async def test_the_button_under_a_reminder_leads_to_paying(stage: Stage) -> None:
    hoa = stage.subscriber("Hoa")
    await sees_what_is_owed(hoa)
    await press(hoa, "later")
    await it_is(stage, FIVE)
    await hoa.presses("Pay now")
    hoa.sees("Who are you?")


async def test_paying_ends_them(stage: Stage) -> None:
    hoa = stage.subscriber("Hoa")
    await sees_what_is_owed(hoa)
    await press(hoa, "pay")
    await money_came(hoa, payload_of(hoa, invoices(hoa)[-1]))
    assert await coming(stage) == []
    heard = len(hoa.heard)
    await it_is(stage, ONE)
    assert len(hoa.heard) == heard


async def test_paying_ends_them_in_every_chat_and_at_the_counter_too(stage: Stage) -> None:
    for name in ("Hoa", "Her sister"):
        await sees_what_is_owed(stage.subscriber(name))
    assert len(await coming(stage)) == 4
    counter = Counter(stage.authority, Actor.at_counter("test"))
    await counter.pay(ui_number.parse(NUMBER), "at the counter", 27800, NOW)
    assert await coming(stage) == []


async def test_one_that_is_paid_while_it_goes_out_is_not_sent(stage: Stage) -> None:
    hoa = stage.subscriber("Hoa")
    await sees_what_is_owed(hoa)
    at(stage, FIVE)
    async with stage.kaika.database.unit_of_work() as session:
        row = await session.scalar(select(Job).where(Job.kind == reminders.JOB_KIND).limit(1))
        assert row is not None
    counter = Counter(stage.authority, Actor.at_counter("test"))
    await counter.pay(ui_number.parse(NUMBER), "at the counter", 27800, NOW)
    heard = len(hoa.heard)
    await stage.kaika.job_registry.send_payment_reminder(row, FIVE)
    assert len(hoa.heard) == heard


async def test_who_turns_them_off_is_not_asked_again(stage: Stage) -> None:
    hoa = stage.subscriber("Hoa")
    await sees_what_is_owed(hoa)
    await press(hoa, "off")
    assert "I remind you" not in hoa.last["text"]
    assert await coming(stage) == []
    await sees_what_is_owed(hoa)
    assert ("on" in keys(hoa), "off" in keys(hoa)) == (True, False)
    assert await coming(stage) == []
    await press(hoa, "on")
    hoa.sees("I remind you here on 2027-03-11, 2027-03-15")
    assert len(await coming(stage)) == 2
    await sees_what_is_owed(hoa)
    assert len(await coming(stage)) == 2


async def test_a_reminder_itself_turns_them_off(stage: Stage) -> None:
    hoa, sister = stage.subscriber("Hoa"), stage.subscriber("Her sister")
    for person in (hoa, sister):
        await sees_what_is_owed(person)
        await press(person, "later")
    await it_is(stage, FIVE)
    await hoa.presses("No more reminders")
    hoa.sees("The reminders are off")
    await hoa.forges(hoa.last["message_id"], "v1:remind:off." + "0" * 32)
    await it_is(stage, ONE)
    hoa.sees("The reminders are off")
    sister.sees("Days left to pay for your card: 1")


async def test_the_choice_is_forgotten_with_the_deadline(stage: Stage) -> None:
    hoa = stage.subscriber("Hoa")
    await sees_what_is_owed(hoa)
    await press(hoa, "off")
    heard = len(hoa.heard)
    await it_is(stage, DEADLINE + timedelta(minutes=1))
    assert len(hoa.heard) == heard
    async with stage.kaika.database.unit_of_work() as session:
        left = await session.scalars(select(Job).where(Job.kind == reminders.JOB_KIND))
        assert left.all() == []


async def test_one_that_comes_too_late_says_nothing(stage: Stage) -> None:
    hoa = stage.subscriber("Hoa")
    await sees_what_is_owed(hoa)
    heard = len(hoa.heard)
    await it_is(stage, DEADLINE + timedelta(days=3))
    assert len(hoa.heard) == heard


async def test_who_blocked_the_bot_is_left_alone(stage: Stage) -> None:
    hoa = stage.subscriber("Hoa")
    await sees_what_is_owed(hoa)
    hoa.person.block()
    await it_is(stage, FIVE)
    async with stage.kaika.database.unit_of_work() as session:
        chat = await session.get(ChatRow, hoa.person.id)
        assert chat is not None
        assert chat.closed_at is not None
