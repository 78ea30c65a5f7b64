"""The payment deadline: from the person's own date to the reminders, and off again."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from telegram.error import NetworkError

from bot.jobs.worker import JobWorker
from services.messaging import payment_reminders
from services.storage.models import ChatRow, Job
from tests import phrases
from tests.bot_harness import BotHarness
from tests.handlers.captured_updates import deliver_update
from tests.handlers.clock import set_time
from tests.handlers.engine.navigation import press, state

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def at_noon(harness: BotHarness) -> BotHarness:
    """The bot on a fixed day, evening in Taipei."""
    set_time(harness, NOW)
    return harness


async def scheduled_reminders(harness: BotHarness) -> list[str]:
    async with harness.kaika.database.unit_of_work() as session:
        query = select(Job.at).where(Job.kind == payment_reminders.JOB_KIND).order_by(Job.at)
        return [moment.isoformat() for moment in (await session.scalars(query)).all()]


async def run_reminders(harness: BotHarness, moment: datetime) -> int:
    set_time(harness, moment)
    worker = JobWorker(
        harness.kaika.database,
        {},
        {payment_reminders.JOB_KIND: harness.kaika.job_registry.send_payment_reminder},
    )
    return await worker.run_due(moment)


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-20",
        "115/11/20",
        "民國115年11月20日",
        "1151120",
        "20261120",
        "20 Nov 2026",
        "２０２６/11/20",
        "11/20",
        "11月20日",
        "20 November",
    ],
)
async def test_a_date_in_either_calendar_gives_the_deadline(
    at_noon: BotHarness, written: str
) -> None:
    anna = at_noon.add_user()
    await anna.starts("do-pay-date")
    sent = await anna.says(written)
    assert sent in [m["message_id"] for m in anna.messages], "a date is no secret here"
    anna.sees(
        "Friday 20 November 2026",
        "Saturday 5 December 2026",
        "Monday 30 November, Friday 4 December",
    )
    assert await scheduled_reminders(at_noon) == [
        "2026-11-30T02:00:00+00:00",
        "2026-12-04T02:00:00+00:00",
    ]


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("2026-12-20", phrases.DAY_TO_COME),
        ("2026-02-30", phrases.NO_SUCH_DAY),
        ("11/10/2026", "Write the year first"),
        ("11/10", "Write the year first"),
        ("1 August", "long time ago"),
    ],
)
async def test_a_date_that_cannot_be_it_says_why_and_asks_again(
    at_noon: BotHarness, written: str, word: str
) -> None:
    anna = at_noon.add_user()
    await anna.starts("do-pay-date")
    await anna.says(written)
    assert word in anna.bot_messages[-2]["text"]
    anna.sees(phrases.WHICH_DAY)
    assert await scheduled_reminders(at_noon) == []


@pytest.mark.parametrize("written", ["600101", "1990-05-17", "19900517", "482913"])
async def test_a_birth_date_or_pin_is_not_taken_for_it(at_noon: BotHarness, written: str) -> None:
    anna = at_noon.add_user()
    await anna.starts("do-pay-date")
    await anna.says(written)
    assert (await state(anna)).step == "date"
    assert await scheduled_reminders(at_noon) == []
    anna.sees(phrases.WHICH_DAY)


async def test_a_date_typed_elsewhere_in_digits_is_deleted(at_noon: BotHarness) -> None:
    anna = at_noon.add_user()
    await anna.starts("do-pay")
    sent = await anna.says("20261120")
    assert sent not in [message["message_id"] for message in anna.messages]


async def test_a_passed_deadline_is_said_and_nothing_scheduled(at_noon: BotHarness) -> None:
    anna = at_noon.add_user()
    await anna.starts("do-pay-date")
    await anna.says("2026-11-01")
    anna.sees("was Monday 16 November 2026", "deletes an unpaid application")
    assert not any("reminders" in label for label in anna.labels)
    assert await scheduled_reminders(at_noon) == []


async def test_another_day_replaces_the_first(at_noon: BotHarness) -> None:
    anna = at_noon.add_user()
    await anna.starts("do-pay-date")
    await press(anna, "today")
    assert len(await scheduled_reminders(at_noon)) == 2
    await press(anna, "other")
    await anna.says("2026-11-12")
    anna.sees("Friday 27 November", "Thursday 26 November")
    assert await scheduled_reminders(at_noon) == ["2026-11-26T02:00:00+00:00"]


async def test_reminders_come_in_the_persons_language_and_can_be_turned_off(
    at_noon: BotHarness,
) -> None:
    anna = at_noon.add_user(language="zh-hant")
    await anna.starts("do-pay-date")
    await press(anna, "yesterday")
    assert await run_reminders(at_noon, datetime(2026, 12, 2, 2, 1, tzinfo=UTC)) == 1
    anna.sees("還有 5 天", "2026年12月7日（週一）")
    assert await run_reminders(at_noon, datetime(2026, 12, 2, 2, 2, tzinfo=UTC)) == 0
    await anna.presses("停止提醒")
    anna.sees("已關閉提醒")
    assert await scheduled_reminders(at_noon) == []


async def test_who_has_paid_is_not_reminded_again(at_noon: BotHarness) -> None:
    anna = at_noon.add_user()
    await anna.starts("do-pay-date")
    await press(anna, "today")
    await run_reminders(at_noon, datetime(2026, 12, 3, 2, 1, tzinfo=UTC))
    anna.sees("Days left to pay the card fee: 5")
    await anna.presses("I've paid")
    anna.sees("7–10 working days")
    assert await scheduled_reminders(at_noon) == []


async def test_the_step_turns_them_off_too(at_noon: BotHarness) -> None:
    anna = at_noon.add_user()
    await anna.starts("do-pay-date")
    await press(anna, "today")
    await press(anna, "off")
    anna.sees("Reminders are off")
    assert await scheduled_reminders(at_noon) == []


async def test_who_blocked_the_bot_is_not_reminded(at_noon: BotHarness) -> None:
    anna = at_noon.add_user()
    await anna.starts("do-pay-date")
    await press(anna, "today")
    anna.person.block()
    assert await run_reminders(at_noon, datetime(2026, 12, 3, 2, 1, tzinfo=UTC)) == 1
    async with at_noon.kaika.database.unit_of_work() as session:
        chat = await session.get(ChatRow, anna.person.id)
        assert chat is not None
        assert chat.closed_at is not None


async def test_a_reminder_that_comes_late_does_not_count_backwards(at_noon: BotHarness) -> None:
    anna = at_noon.add_user()
    await anna.starts("do-pay-date")
    await press(anna, "today")
    await run_reminders(at_noon, datetime(2026, 12, 20, tzinfo=UTC))
    anna.sees("last day to pay was Tuesday 8 December 2026")


async def test_a_date_that_comes_twice_moves_once(at_noon: BotHarness) -> None:
    anna = at_noon.add_user()
    await anna.starts("do-pay-date")
    anna.person.send("2026-11-20")
    raw = await at_noon.updates()
    await at_noon.kaika.intake.accept(raw)
    await at_noon.kaika.application.update_queue.join()
    at = await state(anna)
    await deliver_update(at_noon, raw[0])
    assert await state(anna) == at
    anna.sees("5 December 2026")


async def test_a_reminder_the_line_lost_comes_later(at_noon: BotHarness) -> None:
    anna = at_noon.add_user()
    await anna.starts("do-pay-date")
    await press(anna, "today")
    due_at, count_before = datetime(2026, 12, 3, 2, 1, tzinfo=UTC), len(anna.bot_messages)

    async def lost(_row: Job, _now: datetime) -> None:
        raise NetworkError("the line is down")

    worker = JobWorker(at_noon.kaika.database, {}, {payment_reminders.JOB_KIND: lost})
    assert await worker.run_due(due_at) == 0
    assert len(anna.bot_messages) == count_before
    assert await run_reminders(at_noon, due_at + timedelta(seconds=20)) == 0, "not yet"
    assert await run_reminders(at_noon, due_at + timedelta(minutes=1)) == 1
    anna.sees("Days left to pay the card fee: 5")
