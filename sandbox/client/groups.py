"""Groups: who is in them, and what people do to them."""

from typing import TYPE_CHECKING

from sandbox.bot_api.methods.chats import member
from sandbox.bot_api.methods.forum import make_topic
from sandbox.client.messages import check_can_write
from sandbox.errors import ApiError, PersonError
from sandbox.types import Json
from sandbox.world.chats import Chat, Topic
from sandbox.world.delivery import post

if TYPE_CHECKING:
    from sandbox.client.telegram_client import Person
    from sandbox.engine import Engine

BOT_STATUSES = ("member", "administrator", "left", "kicked")


class Group:
    """A supergroup."""

    def __init__(self, engine: "Engine", group_id: int, title: str, is_forum: bool) -> None:
        shape: Json = {"id": group_id, "title": title, "type": "supergroup"}
        if is_forum:
            shape["is_forum"] = True
        self.engine = engine
        self.id = group_id
        self.chat = Chat(group_id, shape, is_forum=is_forum)

    def found(self, members: list["Person"], *, bot_is_admin: bool) -> None:
        """Let the first person make the group, with the others and the bot.

        :raises PersonError: where there is nobody.
        """
        if not members:
            raise PersonError(400, "no_members", "A group needs somebody to make it.")
        creator = members[0]
        self.chat.members[creator.id] = "creator"
        notice = {"supergroup_chat_created": True}
        post(self.engine, self.chat, creator.user, notice, service=True)
        for person in members[1:]:
            self.chat.members[person.id] = "member"
        self.change_bot("administrator" if bot_is_admin else "member", by=creator.user)

    def add(self, person: "Person") -> None:
        """Let a person join."""
        if self.chat.members.get(person.id, "left") not in ("left", "kicked"):
            raise PersonError(409, "already_a_member", f"{person.first_name} is in the group.")
        self._set_member(person, "member")
        self._notice(person.user, {"new_chat_members": [person.user]})

    def remove(self, person: "Person") -> None:
        """Let a person leave."""
        if self.chat.members.get(person.id, "left") in ("left", "kicked"):
            raise PersonError(409, "not_a_member", f"{person.first_name} is not in the group.")
        self._set_member(person, "left")
        self._notice(person.user, {"left_chat_member": person.user})

    def _set_member(self, person: "Person", status: str) -> None:
        old = self.chat.members.get(person.id, "left")
        self.chat.members[person.id] = status
        if self.chat.members.get(self.engine.bot.id) == "administrator":
            self._tell("chat_member", person.id, old, status, by=person.user)

    def change_bot(self, status: str, by: Json) -> None:
        """Let the bot come, go, or become an administrator.

        :param by: the User who does it.
        """
        if status not in BOT_STATUSES:
            raise PersonError(400, "bad_status", f"One of {', '.join(BOT_STATUSES)}.")
        bot = self.engine.bot
        old = self.chat.members.get(bot.id, "left")
        if old == status:
            return
        self.chat.members[bot.id] = status
        self._tell("my_chat_member", bot.id, old, status, by=by)
        absent = ("left", "kicked")
        if old in absent and status not in absent:
            self._notice(by, {"new_chat_members": [bot.user]})
        elif status in absent and old not in absent:
            post(self.engine, self.chat, by, {"left_chat_member": bot.user}, service=True)
        self.engine.changed("groups", self.chat)

    def _tell(self, kind: str, user_id: int, old: str, new: str, *, by: Json) -> None:
        update: Json = {
            "chat": self.chat.json,
            "from": by,
            "date": self.engine.timestamp(),
            "old_chat_member": member(self.engine, user_id, old),
            "new_chat_member": member(self.engine, user_id, new),
        }
        self.engine.emit(kind, update)

    def _notice(self, by: Json, content: Json) -> None:
        stored = post(self.engine, self.chat, by, content, service=True)
        if self.chat.members.get(self.engine.bot.id, "left") not in ("left", "kicked"):
            self.engine.emit("message", stored.message)

    def make_topic(self, name: str, person: "Person") -> Topic:
        """Let a person make a topic."""
        person.chat(self.id)
        check_can_write(person, self.chat)
        if not self.chat.is_forum:
            raise PersonError(400, "not_a_forum", "This group has no topics.")
        try:
            return make_topic(self.engine, self.chat, person.user, name)
        except ApiError as error:
            raise PersonError(400, "bad_name", error.description) from None

    def as_json(self) -> Json:
        """Give what the person interface shows of it."""
        return {
            **self.chat.json,
            "members": [
                {"id": user_id, "status": status} for user_id, status in self.chat.members.items()
            ],
            "topics": [
                {**topic.as_json(), "is_closed": topic.closed}
                for topic in self.chat.topics.values()
            ],
        }
