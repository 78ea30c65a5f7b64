"""Finds the chat, topic or message a call is about, with Telegram's refusals."""

from sandbox.errors import ApiError, bad_request, forbidden
from sandbox.markup import parse_formatted_text
from sandbox.types import Json
from sandbox.world.chats import ChatState, StoredMessage
from sandbox.world.quotes import make_quote
from sandbox.world.world import World


def find_chat(world: World, chat_id: str) -> ChatState:
    """Return the chat with this id or ``@username``.

    :raises ApiError: where there is none, or the bot is not in it.
    """
    if not chat_id:
        raise bad_request("chat_id is empty")
    chat = _find_public_chat(world, chat_id) or _find_chat_by_id(world, chat_id)
    if not chat.is_private:
        _require_bot_member(chat.find_member(world.bot.id).status)
    return chat


def _find_public_chat(world: World, name: str) -> ChatState | None:
    for chat in world.group_chats:
        if f"@{chat.json.get('username', '')}".lower() == name.lower() != "@":
            return chat
    return None


def _find_chat_by_id(world: World, chat_id: str) -> ChatState:
    try:
        return world.chats[int(chat_id)]
    except (ValueError, KeyError):
        raise bad_request("chat not found") from None


def _require_bot_member(status: str) -> None:
    if status == "kicked":
        raise forbidden("bot was kicked from the supergroup chat")
    if status == "left":
        raise forbidden("bot is not a member of the supergroup chat")


def find_writable_chat(world: World, chat_id: str) -> ChatState:
    """Return the chat with this id if the bot may write there.

    :raises ApiError: also where the person never wrote to the bot, or blocked it.
    """
    chat = find_chat(world, chat_id)
    if chat.is_private:
        account = world.accounts[chat.id]
        if not account.has_started:
            raise forbidden("bot can't initiate conversation with a user")
        if account.has_blocked:
            raise forbidden("bot was blocked by the user")
    return chat


def resolve_thread(world: World, chat: ChatState, thread: int) -> int:
    """Return the topic a message goes to; 0 is none, as in a group without topics.

    The first message after people deleted a topic finds it on the way still.

    :raises ApiError: where there is no such topic, or it is closed.
    """
    if thread <= 0 or not (chat.is_forum or chat.is_private):
        _require_open_general(world, chat)
        return 0
    topic = chat.topics.get(thread)
    if thread in chat.vanished_topic_ids:
        chat.vanished_topic_ids.remove(thread)
        raise bad_request("TOPIC_DELETED")
    if topic is None:
        raise bad_request("message thread not found")
    if topic.is_closed and not chat.can_manage_topic(topic, world.bot.id):
        raise bad_request("TOPIC_CLOSED")
    return thread


def _require_open_general(world: World, chat: ChatState) -> None:
    general = chat.general
    if general and general.is_closed and not chat.can_manage_topic(general, world.bot.id):
        raise bad_request("TOPIC_CLOSED")


def find_message(chat: ChatState, message_id: int, what: str) -> StoredMessage:
    """Return a message of `chat`.

    :param what: what Telegram calls it in its refusal, such as ``message to edit``.
    :raises ApiError: where it is not there, or deleted.
    """
    stored = chat.messages.get(message_id)
    if stored is None:
        raise bad_request(f"{what} not found")
    return stored


def find_replied_message(world: World, chat: ChatState, reply: Json | None) -> StoredMessage | None:
    """Return the message that is replied to.

    :raises ApiError: where it is not there and the bot does not allow that.
    """
    if not reply:
        return None
    if str(reply.get("chat_id") or chat.id) != str(chat.id):
        raise bad_request("the sandbox knows no replies to another chat")
    if reply.get("allow_sending_without_reply"):
        return chat.messages.get(reply["message_id"])
    return find_message(chat, reply["message_id"], "message to be replied")


def find_quote(stored: StoredMessage | None, reply: Json | None) -> Json | None:
    """Return the TextQuote of a reply that quotes a part of the message.

    :raises ApiError: where the message does not say that.
    """
    if not reply or not reply.get("quote") or stored is None:
        return None
    words, entities = parse_formatted_text(
        reply["quote"], reply.get("quote_parse_mode"), reply.get("quote_entities")
    )
    quote = make_quote(stored.message, words, reply.get("quote_position"))
    if quote is None:
        raise bad_request("QUOTE_TEXT_INVALID")
    return {**quote, "entities": entities} if entities else quote


def has_bot_right(world: World, chat: ChatState, right: str) -> bool:
    """Return whether the bot administers a group with this right."""
    return chat.find_member(world.bot.id).has_right(right)


def require_group(chat: ChatState, reason: str) -> None:
    """Refuse a private chat.

    :raises ApiError: with `reason`.
    """
    if chat.is_private:
        raise bad_request(reason)


def refuse_unsupported(**features: object) -> None:
    """Refuse parameters for what the sandbox does not have.

    :raises ApiError: where one is given.
    """
    for name, value in features.items():
        if value:
            raise ApiError(400, f"Bad Request: the sandbox has no {name.replace('_', ' ')}")
