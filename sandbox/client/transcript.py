"""What a chat shows a person."""

from typing import TYPE_CHECKING

from sandbox.types import Json
from sandbox.world.chats import Chat

if TYPE_CHECKING:
    from sandbox.client.telegram_client import Person
    from sandbox.engine import Engine


def transcript(person: "Person", chat: Chat) -> Json:
    """Give the messages of a chat as they stand, and what is shown around them.

    ``deleted`` has the ids of messages that were there, ``keyboard`` the reply keyboard in
    place of the letters, ``commands`` the menu this person sees here, ``prices`` the lines of
    each invoice, which the message itself does not have.
    """
    engine = person.engine
    status = "private" if chat.private else chat.members[person.id]
    commands = engine.bot.menu_for(chat.id, person.id, person.language_code or "", status)
    return {
        "version": engine.version,
        "chat": chat.json,
        "messages": chat.ordered(),
        "deleted": list(chat.deleted),
        "pinned": list(chat.pinned),
        "typing": engine.now().timestamp() < chat.typing_until,
        "keyboard": chat.keyboard,
        "commands": commands,
        "topics": [_topic(topic.as_json(), topic.closed) for topic in chat.topics.values()],
        "reactions": _reactions(chat),
        "prices": _prices(person.engine, chat),
        "has_started": person.has_started,
        "has_blocked": person.has_blocked,
    }


def _topic(topic: Json, closed: bool) -> Json:
    return {**topic, "is_closed": closed}


def _prices(engine: "Engine", chat: Chat) -> dict[str, list[Json]]:
    """Give the lines of each invoice, by message id."""
    return {
        str(message_id): [dict(price) for price in sent.prices or ()]
        for (chat_id, message_id), sent in engine.invoices.items()
        if chat_id == chat.id and message_id in chat.messages
    }


def _reactions(chat: Chat) -> dict[str, list[Json]]:
    """Give who reacted with what, by message id."""
    return {
        str(stored.id): [
            {"user_id": user_id, "emoji": reaction.get("emoji", "")}
            for user_id, reactions in stored.reactions.items()
            for reaction in reactions
        ]
        for stored in chat.messages.values()
        if any(stored.reactions.values())
    }
