"""Finds the chat, topic or message a call is about, with Telegram's refusals."""

from typing import TYPE_CHECKING

from sandbox.errors import ApiError, bad_request, forbidden
from sandbox.types import Json
from sandbox.world.chats import Chat, Stored

if TYPE_CHECKING:
    from sandbox.engine import Engine

GENERAL_TOPIC = 1


def find_chat(engine: "Engine", chat_id: str) -> Chat:
    """Give the chat with this id or ``@username``.

    :raises ApiError: where there is none, or the bot is not in it.
    """
    if not chat_id:
        raise bad_request("chat_id is empty")
    if chat_id.startswith("@"):
        raise bad_request("chat not found")
    try:
        chat = engine.chats[int(chat_id)]
    except (ValueError, KeyError):
        raise bad_request("chat not found") from None
    if not chat.private:
        _check_member(chat.members.get(engine.bot.id, "left"))
    return chat


def _check_member(status: str) -> None:
    if status == "kicked":
        raise forbidden("bot was kicked from the supergroup chat")
    if status == "left":
        raise forbidden("bot is not a member of the supergroup chat")


def writable_chat(engine: "Engine", chat_id: str) -> Chat:
    """Give the chat with this id if the bot may write there.

    :raises ApiError: also where the person never wrote to the bot, or blocked it.
    """
    chat = find_chat(engine, chat_id)
    if chat.private:
        person = engine.people[chat.id]
        if not person.has_started:
            raise forbidden("bot can't initiate conversation with a user")
        if person.has_blocked:
            raise forbidden("bot was blocked by the user")
    return chat


def check_thread(engine: "Engine", chat: Chat, thread: int) -> int:
    """Give the topic a message goes to; 0 is none, as in a group without topics.

    :raises ApiError: where there is no such topic, or it is closed.
    """
    if thread <= 0 or not (chat.is_forum or chat.private):
        return 0
    topic = chat.topics.get(thread)
    if topic is None or thread == GENERAL_TOPIC:
        raise bad_request("message thread not found")
    if topic.closed and chat.members.get(engine.bot.id) != "administrator":
        raise bad_request("TOPIC_CLOSED")
    return thread


def find_message(chat: Chat, message_id: int, what: str) -> Stored:
    """Give a message of `chat`.

    :param what: what Telegram calls it in its refusal, such as ``message to edit``.
    :raises ApiError: where it is not there, or deleted.
    """
    stored = chat.messages.get(message_id)
    if stored is None:
        raise bad_request(f"{what} not found")
    return stored


def replied_message(engine: "Engine", chat: Chat, reply: Json | None) -> Stored | None:
    """Give the message that is replied to.

    :raises ApiError: where it is not there and the bot does not allow that.
    """
    if not reply:
        return None
    if str(reply.get("chat_id") or chat.id) != str(chat.id):
        raise bad_request("the sandbox knows no replies to another chat")
    if reply.get("allow_sending_without_reply"):
        return chat.messages.get(reply["message_id"])
    return find_message(chat, reply["message_id"], "message to be replied")


def is_admin(engine: "Engine", chat: Chat) -> bool:
    """Say whether the bot is an administrator of a group."""
    return chat.members.get(engine.bot.id) == "administrator"


def require_group(chat: Chat, reason: str) -> None:
    """Refuse a private chat.

    :raises ApiError: with `reason`.
    """
    if chat.private:
        raise bad_request(reason)


def refuse_absent(**features: object) -> None:
    """Refuse parameters for what the sandbox has not.

    :raises ApiError: where one is given.
    """
    for name, value in features.items():
        if value:
            raise ApiError(400, f"Bad Request: the sandbox has no {name.replace('_', ' ')}")
