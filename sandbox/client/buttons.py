"""Pressing buttons."""

import hashlib
from typing import TYPE_CHECKING

from sandbox.client.messages import check_can_write, send_text, there
from sandbox.errors import PersonError
from sandbox.types import Json
from sandbox.world.chats import Chat, Stored

if TYPE_CHECKING:
    from sandbox.client.telegram_client import Person


def press(
    person: "Person",
    chat: Chat,
    message_id: int,
    data: str | None,
    text: str | None,
    *,
    forge: bool = False,
) -> str:
    """Press a button under a message; give the id of the callback query."""
    check_can_write(person, chat)
    stored = chat.messages.get(message_id) if forge else there(chat, message_id)
    if not forge:
        assert stored is not None
        data = _find(stored, data, text)["callback_data"]
    if not data:
        raise PersonError(400, "no_data", "A forged press needs data.")
    return _ask(person, chat, message_id, stored, data)


def _ask(person: "Person", chat: Chat, message_id: int, stored: Stored | None, data: str) -> str:
    engine = person.engine
    query = engine.queries.ask("callback", person.id, chat.id, {"data": data})
    update: Json = {"id": query.id, "from": person.user}
    if stored is None:
        update["message"] = {"message_id": message_id, "chat": chat.json, "date": 0}
    elif stored.inline_id:
        update["inline_message_id"] = stored.inline_id
    else:
        update["message"] = stored.message
    update["chat_instance"] = _instance(chat.id)
    update["data"] = data
    engine.emit("callback_query", update)
    return query.id


def _instance(chat_id: int) -> str:
    digest = hashlib.sha256(str(chat_id).encode()).digest()
    return str(int.from_bytes(digest[:8], "big", signed=True))


def _find(stored: Stored, data: str | None, text: str | None) -> Json:
    """Find a button that asks the bot something."""
    markup = stored.message.get("reply_markup") or {}
    rows: list[list[Json]] = markup.get("inline_keyboard", [])
    for button in (button for row in rows for button in row):
        if data is not None and button.get("callback_data") == data:
            return button
        if data is None and text is not None and button["text"] == text:
            return _asking(button)
    wanted = data if data is not None else text
    raise PersonError(404, "button_not_found", f"No button {wanted!r} under this message.")


def _asking(button: Json) -> Json:
    if "callback_data" not in button:
        raise PersonError(
            400, "not_a_callback", "This button opens or copies something: the bot hears nothing."
        )
    return button


def press_key(person: "Person", chat: Chat, text: str, thread: int = 0) -> Json:
    """Press a button in place of the letters: it sends its text, or a contact or place."""
    rows = (chat.keyboard or {}).get("keyboard", [])
    button = next((b for row in rows for b in row if b["text"] == text), None)
    if button is None:
        raise PersonError(404, "button_not_found", f"No key {text!r} in this chat.")
    if button.get("request_contact"):
        return person.media("contact", chat_id=chat.id, message_thread_id=thread)
    if button.get("request_location"):
        return person.media("location", chat_id=chat.id, message_thread_id=thread)
    return send_text(person, chat, text, thread)
