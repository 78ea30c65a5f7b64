"""Pressing buttons: under a message, and in place of the letters."""

import hashlib

from sandbox.client.media import send_media
from sandbox.client.messages import send_text
from sandbox.client.session import AccountSession, find_shown_message
from sandbox.errors import PersonError
from sandbox.types import Json
from sandbox.world.chats import ChatState, StoredMessage


def press_callback_button(
    session: AccountSession,
    chat: ChatState,
    message_id: int,
    data: str | None,
    text: str | None,
    *,
    forge: bool = False,
) -> str:
    """Press a button under a message, and return the id of the callback query."""
    session.check_can_write(chat)
    stored = chat.messages.get(message_id) if forge else find_shown_message(chat, message_id)
    if not forge:
        assert stored is not None
        data = _find_callback_button(stored, data, text)["callback_data"]
    if not data:
        raise PersonError(400, "no_data", "A forged press needs data.")
    return _send_callback_query(session, chat, message_id, stored, data)


def _send_callback_query(
    session: AccountSession,
    chat: ChatState,
    message_id: int,
    stored: StoredMessage | None,
    data: str,
) -> str:
    query = session.world.queries.add("callback", session.id, chat.id, {"data": data})
    update: Json = {"id": query.id, "from": session.user}
    if stored is None:
        update["message"] = {"message_id": message_id, "chat": chat.json, "date": 0}
    elif stored.inline_id:
        update["inline_message_id"] = stored.inline_id
    else:
        update["message"] = stored.message
    update["chat_instance"] = _chat_instance(chat.id)
    update["data"] = data
    session.world.send_update("callback_query", update)
    return query.id


def _chat_instance(chat_id: int) -> str:
    digest = hashlib.sha256(str(chat_id).encode()).digest()
    return str(int.from_bytes(digest[:8], "big", signed=True))


def _find_callback_button(stored: StoredMessage, data: str | None, text: str | None) -> Json:
    markup = stored.message.get("reply_markup") or {}
    rows: list[list[Json]] = markup.get("inline_keyboard", [])
    for button in (button for row in rows for button in row):
        if data is not None and button.get("callback_data") == data:
            return button
        if data is None and text is not None and button["text"] == text:
            return _require_callback(button)
    wanted = data if data is not None else text
    raise PersonError(404, "button_not_found", f"No button {wanted!r} under this message.")


def _require_callback(button: Json) -> Json:
    if "callback_data" not in button:
        raise PersonError(
            400, "not_a_callback", "This button opens or copies something: the bot hears nothing."
        )
    return button


def press_inline_switch(
    session: AccountSession, chat: ChatState, message_id: int, text: str
) -> str | None:
    """Press a button that types an inline query into this chat, and return the words.

    In a topic nothing happens, unless the sandbox is told otherwise: so it is in Telegram's
    desktop and iOS clients.
    """
    stored = find_shown_message(chat, message_id)
    name = "switch_inline_query_current_chat"
    rows: list[list[Json]] = (stored.message.get("reply_markup") or {}).get("inline_keyboard", [])
    for button in (button for row in rows for button in row):
        if button["text"] == text and name in button:
            is_dead = stored.topic_id and not session.world.options.inline_buttons_in_topics
            return None if is_dead else str(button[name])
    raise PersonError(404, "button_not_found", f"No button {text!r} that asks the bot inline.")


def press_key(session: AccountSession, chat: ChatState, text: str, thread: int = 0) -> Json:
    """Press a button in place of the letters: it sends its text, or a contact or place."""
    button = find_key(chat, text)
    if button.get("request_chat"):
        raise PersonError(400, "needs_a_chat", "This key shares a group: say which.")
    if button.get("request_contact"):
        return send_media(session, chat, "contact", thread=thread)
    if button.get("request_location"):
        return send_media(session, chat, "location", thread=thread)
    return send_text(session, chat, text, thread)


def find_key(chat: ChatState, text: str) -> Json:
    """Return the button in place of the letters that says `text`.

    :raises PersonError: where there is none.
    """
    rows: list[list[Json]] = (chat.reply_keyboard or {}).get("keyboard", [])
    for button in (button for row in rows for button in row):
        if button["text"] == text:
            return button
    raise PersonError(404, "button_not_found", f"No key {text!r} in this chat.")
