"""Inline mode: asking the bot from any chat and sending what it offers."""

import base64
from typing import TYPE_CHECKING

from sandbox.client.messages import send_content
from sandbox.errors import PersonError
from sandbox.types import Json
from sandbox.world.chats import Chat
from sandbox.world.pending_queries import Query

if TYPE_CHECKING:
    from sandbox.client.telegram_client import Person

MAX_QUERY = 256


def ask(person: "Person", chat: Chat, query: str, offset: str) -> str:
    """Ask the bot; give the id of the inline query."""
    if len(query) > MAX_QUERY:
        raise PersonError(400, "query_too_long", f"At most {MAX_QUERY} characters.")
    engine = person.engine
    asked = engine.queries.ask("inline", person.id, chat.id, {"query": query})
    engine.emit(
        "inline_query",
        {
            "id": asked.id,
            "from": person.user,
            "chat_type": "sender" if chat.private else chat.json["type"],
            "query": query,
            "offset": offset,
        },
    )
    return asked.id


def choose(
    person: "Person", inline_query_id: str, result_id: str, chat_id: int | None, thread: int = 0
) -> Json:
    """Send a result into the chat it was asked from, or another."""
    query, result = _result(person, inline_query_id, result_id)
    chat = person.chat(query.chat_id if chat_id is None else chat_id)
    engine = person.engine
    content: Json = {**result["content"], "via_bot": engine.bot.user}
    inline_id = None
    if result["reply_markup"]:
        content["reply_markup"] = result["reply_markup"]
        inline_id = _inline_id(chat)
    message = send_content(person, chat, content, thread)
    if inline_id:
        chat.messages[message["message_id"]].inline_id = inline_id
        engine.inline_messages[inline_id] = (chat.id, message["message_id"])
    if engine.options.inline_feedback:
        _tell(person, query, result_id, inline_id)
    return message


def _inline_id(chat: Chat) -> str:
    """Give an id of the look Telegram gives them."""
    raw = (chat.last_id + 1).to_bytes(8, "big") + abs(chat.id).to_bytes(8, "big")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _result(person: "Person", inline_query_id: str, result_id: str) -> tuple[Query, Json]:
    query = person.engine.queries.get(inline_query_id)
    if query is None or query.person_id != person.id or query.answer is None:
        raise PersonError(404, "inline_query_not_found", "No answered query with this id.")
    for result in query.answer["results"]:
        if result["id"] == result_id:
            return query, result
    raise PersonError(404, "result_not_found", f"No result {result_id!r} in the answer.")


def _tell(person: "Person", query: Query, result_id: str, inline_id: str | None) -> None:
    chosen: Json = {
        "from": person.user,
        "query": query.about["query"],
        "result_id": result_id,
    }
    if inline_id:
        chosen["inline_message_id"] = inline_id
    person.engine.emit("chosen_inline_result", chosen)
