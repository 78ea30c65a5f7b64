"""What a subscriber sees of their questions under /privacy, and how they erase them."""

import pytest
from sqlalchemy import func, select

from sandbox.world.chats import ForumTopic
from services.desk.erasure import erase_tickets, list_held
from services.desk.models import DeskCall, Ticket, TicketMessage
from tests import phrases
from tests.bot_harness import ChatUser
from tests.handlers.desk.desk_harness import DeskHarness


@pytest.fixture
async def topic(desk: DeskHarness, anna: ChatUser, bo: ChatUser) -> ForumTopic:
    """The topic of Anna's ticket, which Bo has taken."""
    topic = await desk.asks(anna, "my card sings at night")
    await desk.presses_in(bo, topic, "Take")
    return topic


async def count_rows(desk: DeskHarness) -> int:
    """How much is stored of tickets."""
    async with desk.harness.kaika.database.unit_of_work() as session:
        tables = (Ticket, TicketMessage, DeskCall)
        counts = [await session.execute(select(func.count()).select_from(each)) for each in tables]
    return sum(count.scalar_one() for count in counts)


async def test_privacy_shows_questions_to_the_staff_and_erases_them_at_once(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await anna.says("/privacy")
    anna.sees("Your questions to our staff: 1", "30 days after a question is settled")
    await anna.presses("Erase my chat data")
    anna.sees("questions to staff", "An open question")
    await anna.presses("Yes, erase it")
    assert "Your questions to our staff" not in str(anna.last["text"])
    await desk.work(61)
    assert desk.topics == []
    assert await count_rows(desk) == 0
    await anna.says("how much is the card")
    assert phrases.MORE in anna.labels, "the bot answers again"
    await desk.work(61)
    assert desk.topics == []


async def test_who_never_asked_reads_nothing_of_it(desk: DeskHarness, anna: ChatUser) -> None:
    await anna.says("/privacy")
    assert "questions to our staff" not in anna.last["text"]


async def test_a_ticket_that_nobody_has_seen_is_gone_without_a_topic(
    desk: DeskHarness, anna: ChatUser
) -> None:
    await anna.says("/person")
    await anna.presses(phrases.YES_ASK_PERSON)
    await anna.says("/privacy")
    await anna.presses("Erase my chat data")
    await anna.presses("Yes, erase it")
    await desk.work(61)
    assert (desk.topics, await count_rows(desk)) == ([], 0)


async def test_an_operator_sees_what_is_held_and_can_have_it_erased(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    chats = [anna.person.id]
    async with desk.harness.kaika.database.unit_of_work() as session:
        (held,) = await list_held(session, chats)
    assert (held.state, held.language, held.messages) == ("taken", "en", 1)
    assert "sings" not in str(held)
    async with desk.harness.kaika.database.unit_of_work() as session:
        await erase_tickets(session, chats, desk.now)
    await desk.work(61)
    assert (desk.topics, await count_rows(desk)) == ([], 0)
