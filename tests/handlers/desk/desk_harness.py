"""The support desk on the sandbox, with its admin and the staff group."""

from sandbox.client.groups import Group
from sandbox.client.telegram_client import TelegramClient
from sandbox.world.delivery import post_message
from services.desk.desk import SupportDesk
from tests.bot_harness import BotHarness, ChatUser


class DeskHarness:
    """The bot, the admin of its desk, and the group of the staff."""

    def __init__(self, harness: BotHarness, admin: TelegramClient) -> None:
        self.harness = harness
        self.admin = ChatUser(harness, admin)
        self.group: Group | None = None

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
