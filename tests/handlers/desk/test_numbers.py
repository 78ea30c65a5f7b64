"""Why tickets end, whether that helped, and the figures of the desk."""

import csv
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from handlers.desk.statistics import DIGEST_KIND
from sandbox.world.chats import ForumTopic
from services.calendar import TAIPEI
from services.desk.models import DeskAuditEntry, Ticket
from services.desk.tickets import Origin
from services.storage.models import Job
from tests.bot_harness import ChatUser
from tests.handlers.desk.desk_harness import DeskHarness


@pytest.fixture
async def topic(desk: DeskHarness, anna: ChatUser, bo: ChatUser) -> ForumTopic:
    """The topic of Anna's ticket, which Bo has taken."""
    topic = await desk.asks(anna, "my card sings at night")
    await desk.presses_in(bo, topic, "Take")
    return topic


async def load(desk: DeskHarness) -> Ticket:
    async with desk.harness.kaika.database.unit_of_work() as session:
        return (await session.scalars(select(Ticket))).one()


async def test_resolving_asks_for_a_reason_and_one_tap_gives_it(
    desk: DeskHarness, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.presses_in(bo, topic, "Resolve")
    assert "What was it about?" in desk.messages_in(topic)[-1]
    assert await desk.presses_in(bo, topic, "Subscriber code") == "OK"
    assert (await load(desk)).reason == "code"
    await desk.work(61)
    assert "✅ Subscriber code" in str(desk.all_in(topic)), "the card shows it"
    async with desk.harness.kaika.database.unit_of_work() as session:
        acts = list(await session.scalars(select(DeskAuditEntry.act)))
    assert acts == ["taken", "resolved", "reason"]


async def test_a_reason_is_only_for_what_is_resolved(
    desk: DeskHarness, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.presses_in(bo, topic, "Resolve")
    await desk.presses_in(bo, topic, "Reopen")
    assert "waiting" in await desk.presses_in(bo, topic, "Subscriber code")
    assert (await load(desk)).reason is None


async def test_the_subscriber_says_once_whether_it_helped(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.says_in(bo, topic, "Close the window")
    await desk.presses_in(bo, topic, "Resolve")
    asked = anna.last["message_id"]
    await anna.presses("Not helpful")
    anna.sees("Write what is still open")
    assert (await load(desk)).is_helpful is False
    await anna.forges(asked, "v1:desk:rate.1.1")
    assert (await load(desk)).is_helpful is False
    dora = desk.harness.add_user("Dora")
    await dora.starts()
    await dora.forges(1, "v1:desk:rate.1.1")
    assert (await load(desk)).is_helpful is False, "nobody else's say"
    await anna.says("it still sings")
    assert (await load(desk)).is_helpful is None, "the next end is asked about anew"


async def test_who_is_closed_by_time_is_not_asked(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.says_in(bo, topic, "Which song?")
    desk.later += timedelta(days=15)
    await desk.harness.run_due_jobs(desk.now)
    await desk.work(61)
    anna.sees("no messages for 14 days")
    assert not [label for label in anna.labels if "elpful" in label]
    assert "What was it about?" not in str(desk.messages_in(topic))


async def test_the_staff_see_the_figures_in_private_and_nobody_else_does(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.says_in(bo, topic, "Close the window")
    await desk.presses_in(bo, topic, "Resolve")
    await anna.presses("👍")
    await desk.presses_in(bo, topic, "Reader, software")
    await bo.starts()
    await bo.says("/stats")
    bo.sees("Asked: 1 · resolved: 1 · never answered: 0", "Reader, software 1", "👍 1 · 👎 0")
    bo.sees("English 1", "First answer")
    await bo.presses("30 days")
    bo.sees("30 days", "Asked: 1")
    await anna.says("/stats")
    anna.sees("I don't know this command")
    await anna.forges(anna.last["message_id"], "v1:stats:csv.7")
    assert "document" not in anna.last


async def test_the_file_has_a_line_for_each_ticket_and_names_nobody(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.presses_in(bo, topic, "Resolve")
    await bo.starts()
    await bo.says("/stats")
    await bo.presses("CSV")
    name = bo.last["document"]["file_name"]
    assert name.startswith("tickets-")
    stored = desk.harness.engine.world.files.require(bo.last["document"]["file_id"])
    text = stored.upload.content.decode("utf-8-sig")
    (row,) = csv.DictReader(text.splitlines())
    assert (row["ticket"], row["language"], row["helpful"]) == ("1", "en", "")
    assert "Anna" not in text
    assert str(anna.person.id) not in text


async def test_the_notice_says_how_long_people_waited_lately(
    desk: DeskHarness, anna: ChatUser
) -> None:
    await anna.says("/person")
    assert "Lately" not in anna.last["text"], "nothing is known yet"
    database, opened = desk.harness.kaika.database, desk.now - timedelta(hours=1)
    people = [desk.harness.engine.add_person(f"P{number}", "en") for number in range(4)]
    async with database.unit_of_work() as session:
        for person in people:
            await desk.desk.tickets.open(session, person.id, "en", Origin(), opened)
    hours = desk.desk.hours
    midnight = (desk.now - timedelta(days=7)).astimezone(TAIPEI).replace(hour=0, minute=0)
    start = hours.next_opening(midnight)
    async with database.unit_of_work() as session:
        values = {
            "opened_at": start,
            "first_answered_at": start + timedelta(minutes=12),
            "state": "resolved",
            "resolved_at": start + timedelta(minutes=20),
        }
        await session.execute(update(Ticket).values(**values))
    await anna.says("/person")
    anna.sees("Lately, most answers came within 15 min.")


async def test_the_admin_gets_a_digest_every_monday(desk: DeskHarness, anna: ChatUser) -> None:
    await desk.admin.starts()
    database = desk.harness.kaika.database
    async with database.unit_of_work() as session:
        due = (await session.scalars(select(Job).where(Job.kind == DIGEST_KIND))).one().at
    here = due + timedelta(hours=8)
    assert (here.weekday(), here.hour, here.minute) == (0, 9, 0)
    await desk.harness.run_due_jobs(due)
    desk.admin.sees("Support desk", "7 days")
    async with database.unit_of_work() as session:
        assert (await session.scalars(select(Job).where(Job.kind == DIGEST_KIND))).one().at > due
