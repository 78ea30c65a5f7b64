"""What becomes of a ticket: silence, snoozing, reopening, topics moved by hand, the end."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from sandbox.world.chats import ForumTopic
from services.desk.models import DeskAuditEntry, DeskCall, Ticket
from tests import phrases
from tests.bot_harness import ChatUser
from tests.handlers.desk.desk_harness import DeskHarness

DAY = timedelta(days=1)


async def load(desk: DeskHarness) -> Ticket | None:
    """The one ticket."""
    async with desk.harness.kaika.database.unit_of_work() as session:
        return (await session.scalars(select(Ticket))).first()


async def state(desk: DeskHarness) -> str:
    ticket = await load(desk)
    return "" if ticket is None else ticket.state


async def pass_time(desk: DeskHarness, duration: timedelta) -> None:
    """Let jobs run and calls be made as if so much more time had passed."""
    desk.later += duration
    await desk.harness.run_due_jobs(desk.now)
    await desk.work(61)


@pytest.fixture
async def topic(desk: DeskHarness, anna: ChatUser, bo: ChatUser) -> ForumTopic:
    """The topic of Anna's ticket, which Bo has taken."""
    topic = await desk.asks(anna, "my card sings at night")
    await desk.presses_in(bo, topic, "Take")
    return topic


async def test_a_silent_assignee_loses_the_ticket_and_both_are_told(
    desk: DeskHarness, anna: ChatUser, topic: ForumTopic
) -> None:
    await pass_time(desk, 7 * DAY)
    assert await state(desk) == "waiting"
    assert "Bo has not answered for 30 minutes" in desk.messages_in(topic)[-1]
    anna.sees("waiting for another colleague")
    await anna.says("how much is the card")
    assert phrases.MORE in anna.labels


async def test_who_has_answered_is_not_silent(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.says_in(bo, topic, "Which song?")
    await pass_time(desk, 7 * DAY)
    assert await state(desk) == "pending"
    await pass_time(desk, 15 * DAY)
    assert await state(desk) == "resolved"
    assert "14 days" in desk.messages_in(topic)[-1]
    anna.sees("14 days")


async def test_a_ticket_that_is_put_aside_comes_back(
    desk: DeskHarness, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.presses_in(bo, topic, "Tomorrow")
    assert await state(desk) == "snoozed"
    await pass_time(desk, 5 * DAY)
    assert await state(desk) == "taken"
    assert "put aside" in desk.messages_in(topic)[-1]


async def test_a_message_after_the_end_reopens_and_goes_into_the_same_topic(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.says_in(bo, topic, "/resolve")
    assert (await state(desk), topic.is_closed) == ("resolved", True)
    await anna.says("Thank you very much!")
    assert await state(desk) == "resolved", "thanks are no question"
    await anna.says("it sings again")
    await desk.work(61)
    assert (await state(desk), topic.is_closed) == ("waiting", False)
    assert desk.messages_in(topic)[-1] == "👤 it sings again"
    assert len(desk.topics) == 1


async def test_closing_and_reopening_by_hand_counts_and_the_bots_own_does_not(
    desk: DeskHarness, bo: ChatUser, topic: ForumTopic
) -> None:
    assert desk.group is not None
    creator = desk.admin.person
    desk.group.close_topic(topic.id, creator)
    await desk.work()
    assert await state(desk) == "resolved"
    desk.group.reopen_topic(topic.id, creator)
    await desk.work()
    assert await state(desk) == "waiting"
    await desk.presses_in(bo, topic, "Take")
    await desk.presses_in(bo, topic, "Resolve")
    await desk.work(61)
    assert (await state(desk), topic.is_closed) == ("resolved", True)
    await desk.presses_in(bo, topic, "Reopen")
    await desk.work(61)
    assert (await state(desk), topic.is_closed) == ("waiting", False)


async def test_a_deleted_topic_comes_back_with_what_was_written(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    assert desk.group is not None
    await desk.says_in(bo, topic, "Which song?")
    desk.group.delete_topic(topic.id, desk.admin.person)
    await anna.says("the anthem")
    for _ in range(3):
        await desk.work(61)
    (again,) = desk.topics
    assert again.id != topic.id
    shown = desk.messages_in(again)
    assert "Anna" in shown[0]
    assert shown[1:] == ["my card sings at night", "Which song?", "👤 the anthem"]
    await desk.says_in(bo, again, "I see")
    anna.sees("I see")


async def test_after_its_time_nothing_is_left_of_a_ticket(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.presses_in(bo, topic, "Resolve")
    await desk.work(61)
    await pass_time(desk, 29 * DAY)
    assert len(desk.topics) == 1
    await pass_time(desk, 2 * DAY)
    assert desk.topics == []
    assert await load(desk) is None
    anna.sees("resolved")


async def test_whoever_is_muted_is_told_and_nothing_is_passed_on(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.says_in(bo, topic, "/mute")
    anna.sees("until tomorrow")
    await anna.says("the anthem")
    await desk.work(61)
    assert "the anthem" not in str(desk.messages_in(topic))
    await desk.says_in(bo, topic, "/unmute")
    await anna.says("the other one")
    await desk.work(61)
    assert desk.messages_in(topic)[-1] == "👤 the other one"
    async with desk.harness.kaika.database.unit_of_work() as session:
        acts = list(await session.scalars(select(DeskAuditEntry.act)))
    assert acts == ["taken", "muted", "unmuted"]


async def test_nothing_that_was_delivered_is_left_in_the_database(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.says_in(bo, topic, "Which song?")
    await desk.work(61)
    async with desk.harness.kaika.database.unit_of_work() as session:
        assert list(await session.scalars(select(DeskCall))) == []
