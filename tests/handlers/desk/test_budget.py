"""The budget of the staff group: many people at once, refusals, and the board."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.engine import Engine
from sandbox.types import Json
from sandbox.world.fault_injection import InjectedFault
from sandbox.world.world import SandboxOptions
from services.desk.mirror import MirroredMessage
from services.desk.models import Direction
from services.desk.tickets import Origin
from tests import phrases
from tests.bot_harness import TOKEN, BotHarness, ChatUser
from tests.handlers.desk.desk_harness import DeskHarness

_COUNTED = ("sendMessage", "editMessage", "createForumTopic", "copyMessage", "closeForumTopic")


class GroupCallRecorder:
    """Records when the bot called a group, and what was refused."""

    def __init__(self) -> None:
        self.moments: list[datetime] = []
        self.refused = 0
        self.now = self.started = datetime.now(UTC)

    def on_call(self, method: str, params: Mapping[str, object], envelope: Json) -> None:
        """Count a call."""
        if not method.startswith(_COUNTED) or int(str(params.get("chat_id", 0))) >= 0:
            return
        self.moments.append(self.now)
        self.refused += not envelope["ok"]

    def on_update(self, update: Json) -> None:
        """See an update."""

    def most_in_a_minute(self) -> int:
        """Return the most calls within any minute."""
        minute = timedelta(minutes=1)
        return max(
            sum(start <= moment < start + minute for moment in self.moments)
            for start in self.moments
        )


async def test_a_hundred_people_at_once_are_on_the_board_and_none_is_lost(
    tmp_path: Path,
) -> None:
    recorder = GroupCallRecorder()
    options = SandboxOptions(flood_limits=True)
    engine = Engine(TOKEN, now=lambda: recorder.now, options=options)
    engine.observe(recorder)
    admin = engine.add_person("Mei", "en")
    async with BotHarness.start(engine, tmp_path, desk_admins=(admin.id,)) as harness:
        desk = DeskHarness(harness, admin)
        await desk.set_up()
        await open_tickets(desk, 100)
        for seconds in (15, 15, 30, 60, 60):
            recorder.now = desk.now + timedelta(seconds=seconds)
            await desk.work(seconds)
            listed = {line.split()[0] for line in board_lines(desk)}
            shown = [topic.name.split()[0] for topic in desk.topics]
            assert listed | set(shown) == {f"#{number}" for number in range(1, 101)}
    assert len(shown) >= 15
    assert shown == [f"#{number}" for number in range(1, len(shown) + 1)], "the oldest first"
    assert recorder.refused == 0
    assert recorder.most_in_a_minute() <= 20


def board_lines(desk: DeskHarness) -> list[str]:
    """The tickets on the board."""
    assert desk.group is not None
    boards = [
        message["text"]
        for message in desk.group.chat.current_messages()
        if "people are waiting" in message.get("text", "")
    ]
    return [line for line in boards[-1].splitlines() if line.startswith("#")] if boards else []


async def test_the_board_goes_once_every_ticket_has_its_topic(
    desk: DeskHarness, bo: ChatUser, anna: ChatUser
) -> None:
    await open_tickets(desk, 12)
    await desk.work()
    assert len(board_lines(desk)) == 12
    assert desk.group is not None
    board = desk.group.chat.current_messages()
    number = next(m["message_id"] for m in board if "people are waiting" in m.get("text", ""))
    there = bo.within(desk.group.id)
    await there.forges(number, "v1:staff:take.12")
    assert there.toast == "OK"
    await desk.work(61)
    assert "#12" in [topic.name.split()[0] for topic in desk.topics][:10]
    await desk.work(61)
    await desk.work(61)
    assert (board_lines(desk), len(desk.topics)) == ([], 12)


async def open_tickets(desk: DeskHarness, count: int) -> None:
    """Let so many people ask and write at once."""
    harness, service = desk.harness, desk.desk
    people = [harness.engine.add_person(f"P{number}", "en") for number in range(count)]
    async with harness.kaika.database.unit_of_work() as session:
        for number, person in enumerate(people):
            moment = desk.now + timedelta(milliseconds=number)
            ticket = await service.tickets.open(session, person.id, "en", Origin(), moment)
            message = MirroredMessage(1, person.id, "help", "help")
            to_staff = Direction.TO_STAFF
            await service.mirror.send(session, ticket, to_staff, message, desk.now)


async def test_a_refusal_of_the_group_delays_no_private_chat(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser
) -> None:
    topic = await desk.asks(anna, "my card sings at night")
    await desk.presses_in(bo, topic, "Take")
    await desk.work(61)
    faults = desk.harness.engine.world.faults
    faults.add(InjectedFault("sendmessage", 429, retry_after=40))
    await anna.says("the anthem")
    await desk.work()
    assert "the anthem" not in str(desk.messages_in(topic))
    dora = desk.harness.add_user("Dora")
    await dora.says("how much is the card")
    assert phrases.MORE in dora.labels
    await desk.says_in(bo, topic, "Which one?")
    anna.sees("Which one?")
    await anna.says("the old one")
    await desk.work(30)
    assert "the anthem" not in str(desk.messages_in(topic)), "Telegram said 40 seconds"
    await desk.work(11)
    shown = [text for text in desk.messages_in(topic) if text.startswith("👤")]
    assert shown == ["👤 the anthem", "👤 the old one"] or shown == ["👤 the anthem\n\nthe old one"]


async def test_who_writes_much_takes_three_calls_a_minute(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser
) -> None:
    topic = await desk.asks(anna, "my card sings at night")
    await desk.presses_in(bo, topic, "Take")
    for number in range(12):
        await anna.says(f"line {number}")
        await desk.work()
    texts = [text for text in desk.messages_in(topic) if text.startswith("👤 line")]
    assert len(texts) == 3
    await desk.work(61)
    assert desk.messages_in(topic)[-1].count("line") == 9
