"""Groups: what people do to them."""

from collections.abc import Sequence
from typing import Self

from sandbox.client.session import AccountSession
from sandbox.client.transcript import topic_json
from sandbox.errors import ApiError, PersonError
from sandbox.types import Json
from sandbox.world.chats import ChatState, ForumTopic, GroupMember
from sandbox.world.delivery import post_message
from sandbox.world.membership import ADMIN_RIGHTS, make_member, set_member
from sandbox.world.topics import create_topic, delete_topic, edit_topic, set_topic_closed
from sandbox.world.world import World

STATUSES = ("member", "administrator", "restricted", "left", "kicked")


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
        username: str | None = None,
        bot_is_admin: bool = False,
        bot_rights: Sequence[str] | None = None,
    ) -> Self:
        """Let the first of `members` create a supergroup with the others and the bot.

        :param username: of a public group.
        :param bot_rights: those of the bot as an administrator; None is the usual ones.
        :raises PersonError: where there is nobody.
        """
        if not members:
            raise PersonError(400, "no_members", "A group needs somebody to make it.")
        group = cls(world, world.add_group_chat(title, is_forum=is_forum, username=username))
        creator, *others = members
        chat = group.chat
        chat.members[creator.id] = make_member("creator")
        notice = {"supergroup_chat_created": True}
        post_message(world, chat, creator.user, notice, is_service=True)
        for person in others:
            chat.members[person.id] = make_member("member")
        status = "administrator" if bot_is_admin else "member"
        group.set_bot_status(status, creator.user, bot_rights)
        world.changes.record("groups", chat)
        return group

    @property
    def id(self) -> int:
        """The id of its chat."""
        return self.chat.id

    def add(self, person: AccountSession) -> None:
        """Let a person join."""
        member = self.chat.find_member(person.id)
        name = person.account.first_name
        if member.is_inside:
            raise PersonError(409, "already_a_member", f"{name} is in the group.")
        if member.status == "kicked":
            raise PersonError(403, "banned", f"{name} is banned from the group.")
        set_member(self.world, self.chat, person.user, make_member("member"), person.user)

    def remove(self, person: AccountSession) -> None:
        """Let a person leave."""
        if not self.chat.has_member(person.id):
            name = person.account.first_name
            raise PersonError(409, "not_a_member", f"{name} is not in the group.")
        set_member(self.world, self.chat, person.user, make_member("left"), person.user)

    def set_status(
        self,
        person: AccountSession,
        status: str,
        by: AccountSession,
        *,
        rights: Sequence[str] | None = None,
        is_anonymous: bool = False,
        title: str = "",
    ) -> None:
        """Let one person promote, restrict, ban or unban another.

        :param rights: of an administrator, by the names of the Bot API; None is the usual ones.
        :param is_anonymous: whether an administrator writes in the name of the group.
        """
        _check_status(status, rights)
        chat, old = self.chat, self.chat.find_member(person.id)
        is_about_admins = old.is_admin or status == "administrator"
        is_own_mask = person.id == by.id and old.status == status == "administrator"
        if not is_own_mask:
            right = "can_promote_members" if is_about_admins else "can_restrict_members"
            by.check_right(chat, right)
        if old.status == "creator":
            raise PersonError(403, "no_right", "Nobody changes the owner of a group.")
        member = make_member(status, rights, is_anonymous=is_anonymous, title=title)
        set_member(self.world, chat, person.user, member, by.user)

    def set_bot_status(self, status: str, by: Json, rights: Sequence[str] | None = None) -> None:
        """Let the bot come, go, or become an administrator.

        :param by: the User object of who does it.
        :param rights: of an administrator, by the names of the Bot API; None is the usual ones.
        """
        _check_status(status, rights)
        set_member(self.world, self.chat, self.world.bot.user, make_member(status, rights), by)

    def create_topic(self, name: str, person: AccountSession) -> ForumTopic:
        """Let a person create a topic."""
        self._check_forum(person)
        try:
            return create_topic(self.world, self.chat, person.user, name)
        except ApiError as error:
            raise PersonError(400, "bad_name", error.description) from None

    def rename_topic(self, thread: int, name: str, person: AccountSession) -> None:
        """Let a person rename a topic."""
        topic = self._find_managed_topic(thread, person)
        try:
            edit_topic(self.world, self.chat, topic, person.user, name)
        except ApiError as error:
            code = "not_modified" if "NOT_MODIFIED" in error.description else "bad_name"
            raise PersonError(400, code, error.description) from None

    def close_topic(self, thread: int, person: AccountSession) -> None:
        """Let a person close a topic."""
        self._set_closed(thread, person, closed=True)

    def reopen_topic(self, thread: int, person: AccountSession) -> None:
        """Let a person reopen a topic."""
        self._set_closed(thread, person, closed=False)

    def _set_closed(self, thread: int, person: AccountSession, *, closed: bool) -> None:
        topic = self._find_managed_topic(thread, person)
        try:
            set_topic_closed(self.world, self.chat, topic, person.user, closed=closed)
        except ApiError as error:
            raise PersonError(400, "not_modified", error.description) from None

    def delete_topic(self, thread: int, person: AccountSession) -> None:
        """Let a person delete a topic with all that was said in it; the bot is not told."""
        self._check_forum(person)
        topic = person.find_topic(self.chat, thread)
        person.check_right(self.chat, "can_delete_messages")
        if topic is self.chat.general:
            raise PersonError(403, "not_deletable", "The general topic stays.")
        delete_topic(self.world, self.chat, topic)
        self.chat.vanished_topic_ids.add(thread)

    def _find_managed_topic(self, thread: int, person: AccountSession) -> ForumTopic:
        self._check_forum(person)
        topic = person.find_topic(self.chat, thread)
        if not self.chat.can_manage_topic(topic, person.id):
            raise PersonError(403, "no_right", "This takes the right can_manage_topics.")
        return topic

    def _check_forum(self, person: AccountSession) -> None:
        person.find_chat(self.id)
        person.check_can_write(self.chat)
        if not self.chat.is_forum:
            raise PersonError(400, "not_a_forum", "This group has no topics.")

    def as_json(self) -> Json:
        """Return the group as the world interface shows it."""
        general = {"general": topic_json(self.chat.general)} if self.chat.general else {}
        return {
            **self.chat.json,
            **general,
            "members": [
                _member_json(user_id, member) for user_id, member in self.chat.members.items()
            ],
            "topics": [topic_json(topic) for topic in self.chat.topics.values()],
        }


def _check_status(status: str, rights: Sequence[str] | None) -> None:
    if status not in STATUSES:
        raise PersonError(400, "bad_status", f"One of {', '.join(STATUSES)}.")
    unknown = set(rights or ()) - set(ADMIN_RIGHTS)
    if unknown:
        raise PersonError(400, "bad_right", f"No right of administrators: {min(unknown)}.")


def _member_json(user_id: int, member: GroupMember) -> Json:
    shape: Json = {"id": user_id, "status": member.status}
    if member.status == "administrator":
        shape |= {"rights": sorted(member.rights), "is_anonymous": member.is_anonymous}
    return shape
