"""An account that is signed in to a client: what the actions of people have in common."""

from sandbox.errors import PersonError
from sandbox.types import Json
from sandbox.world.accounts import UserAccount
from sandbox.world.chats import ChatState, ForumTopic, StoredMessage
from sandbox.world.world import GENERAL_TOPIC_ID, World


class AccountSession:
    """An account, and the chats it is in."""

    def __init__(self, world: World, account: UserAccount) -> None:
        self.world = world
        self.account = account

    @property
    def id(self) -> int:
        """The id of the account, which is that of its private chat too."""
        return self.account.id

    @property
    def user(self) -> Json:
        """The User object of the account."""
        return self.account.user

    def find_chat(self, chat_id: int | None = None) -> ChatState:
        """Return a chat the account is in; without an id, its own with the bot.

        :raises PersonError: where it is not in it.
        """
        if chat_id is None or chat_id == self.id:
            return self.world.chats[self.id]
        chat = self.world.chats.get(chat_id)
        if chat is None or chat.is_private:
            raise PersonError(404, "chat_not_found", f"There is no chat {chat_id}.")
        if not chat.has_member(self.id):
            name = self.account.first_name
            raise PersonError(403, "not_a_member", f"{name} is not in chat {chat_id}.")
        return chat

    def find_topic(self, chat: ChatState, thread: int) -> ForumTopic:
        """Return a topic of a forum.

        :raises PersonError: where it is not there.
        """
        topic = chat.topics.get(thread)
        if thread == GENERAL_TOPIC_ID and chat.general:
            return chat.general
        if topic is None:
            raise PersonError(404, "topic_not_found", f"There is no topic {thread}.")
        return topic

    def check_can_write(self, chat: ChatState) -> None:
        """Refuse to write to a bot that the account has blocked, or where it is restricted.

        :raises PersonError: naming the way out.
        """
        if chat.is_private and self.account.has_blocked:
            raise PersonError(409, "bot_blocked", "Unblock the bot first.")
        if chat.find_member(self.id).status == "restricted":
            raise PersonError(403, "restricted", f"{self.account.first_name} may only read here.")

    def check_right(self, chat: ChatState, right: str) -> None:
        """Refuse what the account has no right to in a group.

        :param right: by its name in the Bot API, such as ``can_manage_topics``.
        :raises PersonError: naming the right.
        """
        if not chat.find_member(self.id).has_right(right):
            raise PersonError(403, "no_right", f"This takes the right {right}.")


def find_shown_message(chat: ChatState, message_id: int) -> StoredMessage:
    """Return a message of a chat.

    :raises PersonError: where it is not there.
    """
    stored = chat.messages.get(message_id)
    if stored is None:
        raise PersonError(404, "message_not_found", f"There is no message {message_id}.")
    return stored
