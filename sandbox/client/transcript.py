"""What a chat shows a person."""

from sandbox.client.session import AccountSession
from sandbox.types import Json
from sandbox.world.chats import ChatState, ForumTopic
from sandbox.world.invoices import InvoiceStore


def build_transcript(session: AccountSession, chat: ChatState) -> Json:
    """Return the messages of a chat as they stand, and what is shown around them.

    ``deleted`` has the ids of messages that were there, ``keyboard`` the reply keyboard in
    place of the letters, ``commands`` the menu this person sees here, ``prices`` the lines of
    each invoice, which the message itself does not have.
    """
    world, account = session.world, session.account
    status = "private" if chat.is_private else chat.find_member(account.id).status
    commands = world.bot.find_menu(chat.id, account.id, account.language_code or "", status)
    return {
        "version": world.changes.version,
        "chat": chat.json,
        "messages": chat.current_messages(),
        "deleted": list(chat.deleted_ids),
        "pinned": list(chat.pinned_ids),
        "typing": world.now().timestamp() < chat.typing_until,
        "keyboard": chat.reply_keyboard,
        "commands": commands,
        "topics": [topic_json(topic) for topic in chat.topics.values()],
        "reactions": _reactions(chat),
        "prices": _prices(world.invoices, chat),
        "has_started": account.has_started,
        "has_blocked": account.has_blocked,
    }


def topic_json(topic: ForumTopic) -> Json:
    """Return a topic as the person interface shows it."""
    return {**topic.as_json(), "is_closed": topic.is_closed}


def _prices(invoices: InvoiceStore, chat: ChatState) -> dict[str, list[Json]]:
    """Return the lines of each invoice, by message id."""
    return {
        str(message_id): [dict(price) for price in sent.prices]
        for (chat_id, message_id), sent in invoices.sent.items()
        if chat_id == chat.id and message_id in chat.messages
    }


def _reactions(chat: ChatState) -> dict[str, list[Json]]:
    """Return who reacted with what, by message id."""
    return {
        str(stored.id): [
            {"user_id": user_id, "emoji": reaction.get("emoji", "")}
            for user_id, reactions in stored.reactions.items()
            for reaction in reactions
        ]
        for stored in chat.messages.values()
        if any(stored.reactions.values())
    }
