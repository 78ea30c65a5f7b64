"""Groups: what people do to them."""

from collections.abc import Sequence
from typing import Self

from sandbox.client.session import AccountSession
from sandbox.client.transcript import topic_json
from sandbox.errors import ApiError, PersonError
from sandbox.types import Json
from sandbox.world.chats import ChatState, ForumTopic
from sandbox.world.delivery import post_message
from sandbox.world.membership import post_member_notice, send_member_update, set_bot_status
from sandbox.world.topics import create_topic
from sandbox.world.world import World

BOT_STATUSES = ("member", "administrator", "left", "kicked")


class Group:
    """A supergroup, as the people in it change it."""

    def __init__(self, world: World, chat: ChatState) -> None:
        self.world = world
        self.chat = chat

    @classmethod
    def create(
        cls,
        world: World,
        title: str,
        members: Sequence[AccountSession],
        *,
        is_forum: bool = False,
        bot_is_admin: bool = False,
    ) -> Self:
        """Let the first of `members` create a supergroup with the others and the bot.

        :raises PersonError: where there is nobody.
        """
        if not members:
            raise PersonError(400, "no_members", "A group needs somebody to make it.")
        group = cls(world, world.add_group_chat(title, is_forum=is_forum))
        creator, *others = members
        chat = group.chat
        chat.members[creator.id] = "creator"
        notice = {"supergroup_chat_created": True}
        post_message(world, chat, creator.user, notice, is_service=True)
        for person in others:
            chat.members[person.id] = "member"
        group.set_bot_status("administrator" if bot_is_admin else "member", by=creator.user)
        world.changes.record("groups", chat)
        return group

    @property
    def id(self) -> int:
        """The id of its chat."""
        return self.chat.id

    def add(self, person: AccountSession) -> None:
        """Let a person join."""
        if self.chat.has_member(person.id):
            name = person.account.first_name
            raise PersonError(409, "already_a_member", f"{name} is in the group.")
        self._set_status(person, "member")
        notice = {"new_chat_members": [person.user]}
        post_member_notice(self.world, self.chat, person.user, notice)

    def remove(self, person: AccountSession) -> None:
        """Let a person leave."""
        if not self.chat.has_member(person.id):
            name = person.account.first_name
            raise PersonError(409, "not_a_member", f"{name} is not in the group.")
        self._set_status(person, "left")
        post_member_notice(self.world, self.chat, person.user, {"left_chat_member": person.user})

    def _set_status(self, person: AccountSession, status: str) -> None:
        old = self.chat.members.get(person.id, "left")
        self.chat.members[person.id] = status
        if self.chat.members.get(self.world.bot.id) == "administrator":
            statuses = (old, status)
            send_member_update(
                self.world, "chat_member", self.chat, person.id, statuses, by=person.user
            )

    def set_bot_status(self, status: str, by: Json) -> None:
        """Let the bot come, go, or become an administrator.

        :param by: the User object of who does it.
        """
        if status not in BOT_STATUSES:
            raise PersonError(400, "bad_status", f"One of {', '.join(BOT_STATUSES)}.")
        set_bot_status(self.world, self.chat, status, by)

    def create_topic(self, name: str, person: AccountSession) -> ForumTopic:
        """Let a person create a topic."""
        person.find_chat(self.id)
        person.check_can_write(self.chat)
        if not self.chat.is_forum:
            raise PersonError(400, "not_a_forum", "This group has no topics.")
        try:
            return create_topic(self.world, self.chat, person.user, name)
        except ApiError as error:
            raise PersonError(400, "bad_name", error.description) from None

    def as_json(self) -> Json:
        """Return the group as the world interface shows it."""
        return {
            **self.chat.json,
            "members": [
                {"id": user_id, "status": status} for user_id, status in self.chat.members.items()
            ],
            "topics": [topic_json(topic) for topic in self.chat.topics.values()],
        }
