"""Inline mode: asking the bot from any chat, and sending what it offers."""

import base64

from sandbox.client.messages import send_content
from sandbox.client.session import AccountSession
from sandbox.errors import PersonError
from sandbox.types import Json
from sandbox.world.chats import ChatState
from sandbox.world.pending_queries import PendingQuery

MAX_QUERY_LENGTH = 256


def send_inline_query(session: AccountSession, chat: ChatState, text: str, offset: str) -> str:
    """Ask the bot, and return the id of the inline query."""
    if len(text) > MAX_QUERY_LENGTH:
        raise PersonError(400, "query_too_long", f"At most {MAX_QUERY_LENGTH} characters.")
    query = session.world.queries.add("inline", session.id, chat.id, {"query": text})
    session.world.send_update(
        "inline_query",
        {
            "id": query.id,
            "from": session.user,
            "chat_type": "sender" if chat.is_private else chat.json["type"],
            "query": text,
            "offset": offset,
        },
    )
    return query.id


def send_inline_result(
    session: AccountSession,
    inline_query_id: str,
    result_id: str,
    chat_id: int | None,
    thread: int = 0,
) -> Json:
    """Send a result into the chat it was asked from, or another."""
    query, result = _find_result(session, inline_query_id, result_id)
    chat = session.find_chat(query.chat_id if chat_id is None else chat_id)
    world = session.world
    content: Json = {**result["content"], "via_bot": world.bot.user}
    inline_id = None
    if result["reply_markup"]:
        content["reply_markup"] = result["reply_markup"]
        inline_id = _new_inline_id(chat)
    message = send_content(session, chat, content, thread)
    if inline_id:
        chat.messages[message["message_id"]].inline_id = inline_id
        world.inline_messages[inline_id] = (chat.id, message["message_id"])
    if world.options.inline_feedback:
        _report_choice(session, query, result_id, inline_id)
    return message


def _new_inline_id(chat: ChatState) -> str:
    """Return an id that looks like Telegram's."""
    raw = (chat.last_message_id + 1).to_bytes(8, "big") + abs(chat.id).to_bytes(8, "big")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _find_result(
    session: AccountSession, inline_query_id: str, result_id: str
) -> tuple[PendingQuery, Json]:
    query = session.world.queries.find(inline_query_id)
    if query is None or query.person_id != session.id or query.answer is None:
        raise PersonError(404, "inline_query_not_found", "No answered query with this id.")
    for result in query.answer["results"]:
        if result["id"] == result_id:
            return query, result
    raise PersonError(404, "result_not_found", f"No result {result_id!r} in the answer.")


def _report_choice(
    session: AccountSession, query: PendingQuery, result_id: str, inline_id: str | None
) -> None:
    chosen: Json = {
        "from": session.user,
        "query": query.details["query"],
        "result_id": result_id,
    }
    if inline_id:
        chosen["inline_message_id"] = inline_id
    session.world.send_update("chosen_inline_result", chosen)
