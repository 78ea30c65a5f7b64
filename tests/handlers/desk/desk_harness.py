"""The support desk on the sandbox, with its admin and the staff group."""

from datetime import UTC, datetime, timedelta

from bot.jobs.desk_scheduler import DeskScheduler
from sandbox.client.groups import Group
from sandbox.client.telegram_client import TelegramClient
from sandbox.world.chats import ForumTopic
from sandbox.world.delivery import post_message
from services.desk.desk import SupportDesk
from tests import phrases
from tests.bot_harness import BotHarness, ChatUser, Json, buttons


class DeskHarness:
    """The bot, the admin of its desk, and the group of the staff."""

    def __init__(self, harness: BotHarness, admin: TelegramClient) -> None:
        self.harness = harness
        self.admin = ChatUser(harness, admin)
        self.group: Group | None = None
        self.later = timedelta()

    @property
    def desk(self) -> SupportDesk:
        """The service."""
        assert self.harness.kaika.desk is not None
        return self.harness.kaika.desk

    def add_group(self, *others: ChatUser, is_forum: bool = True, is_admin: bool = True) -> Group:
        """Let the admin make a group with the bot."""
        members = [self.admin.person, *(other.person for other in others)]
        engine = self.harness.engine
        self.group = engine.add_group("Staff", members, is_forum=is_forum, bot_is_admin=is_admin)
        return self.group

    async def choose(self, group: Group, by: ChatUser | None = None) -> None:
        """Pick a group with the button under /desk."""
        await self.harness.settle()
        person, world = (by or self.admin).person, self.harness.engine.world
        shared = {"chat_shared": {"request_id": 1, "chat_id": group.id}}
        stored = post_message(world, person.find_chat(), person.user, shared, is_service=True)
        world.send_update("message", stored.message)
        await self.harness.settle()

    async def set_up(self, *agents: ChatUser) -> None:
        """Set the desk up, with agents besides the admin."""
        await self.choose(self.add_group(*agents))

    async def work(self, seconds: float = 0.0) -> None:
        """Make the calls that are due, `seconds` later than so far; and answer what follows."""
        self.later += timedelta(seconds=seconds)
        await self.harness.settle()
        await self.scheduler.run_due(self.now)
        await self.harness.settle()

    @property
    def now(self) -> datetime:
        """The time that it is for the scheduler."""
        return datetime.now(UTC) + self.later

    @property
    def scheduler(self) -> DeskScheduler:
        """What makes the calls."""
        assert self.harness.kaika.desk_runtime is not None
        return self.harness.kaika.desk_runtime.scheduler

    @property
    def topics(self) -> list[ForumTopic]:
        """The topics of the group, oldest first."""
        assert self.group is not None
        return list(self.group.chat.topics.values())

    def messages_in(self, topic: ForumTopic) -> list[str]:
        """The texts in a topic."""
        assert self.group is not None
        return [
            message.get("text", "")
            for message in self.group.chat.current_messages()
            if message.get("message_thread_id") == topic.id and "text" in message
        ]

    async def asks(self, subscriber: ChatUser, text: str) -> ForumTopic:
        """Let a subscriber ask for a person and write; return the new topic."""
        await subscriber.says("/person")
        await subscriber.presses(phrases.YES_ASK_PERSON)
        await subscriber.says(text)
        await self.work()
        return self.topics[-1]

    async def says_in(
        self, agent: ChatUser, topic: ForumTopic, text: str, reply_to: int | None = None
    ) -> int:
        """Let an agent write in a topic, and what follows from it happen; return the id."""
        assert self.group is not None
        sent = agent.person.send(text, self.group.id, topic.id, reply_to)
        await self.work()
        return int(sent["message_id"])

    async def presses_in(self, agent: ChatUser, topic: ForumTopic, text: str) -> str:
        """Let an agent press the newest button of a topic with this text; return the toast."""
        assert self.group is not None
        found = [
            (message["message_id"], each["callback_data"])
            for message in self.group.chat.current_messages()
            if message.get("message_thread_id") == topic.id
            for each in buttons(message)
            if text in each["text"]
        ]
        assert found, f"no button {text!r} in {topic.name}"
        there = agent.within(self.group.id)
        await there.forges(*found[-1])
        await self.work()
        return there.toast or ""

    def all_in(self, topic: ForumTopic) -> list[Json]:
        """The messages in a topic."""
        assert self.group is not None
        shown = self.group.chat.current_messages()
        return [each for each in shown if each.get("message_thread_id") == topic.id]
