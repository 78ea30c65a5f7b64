"""Methods that answer pressed buttons and inline queries."""

import re

from sandbox.bot_api.keyboards import normalise_inline_keyboard
from sandbox.bot_api.method_registry import api_method
from sandbox.bot_api.params.message_params import AnswerCallbackQuery, AnswerInlineQuery
from sandbox.bot_api.params.objects import InlineQueryResult, InlineQueryResultsButton
from sandbox.errors import bad_request
from sandbox.limits import MAX_TEXT_LENGTH
from sandbox.markup import parse_formatted_text
from sandbox.types import Json
from sandbox.world.world import World

MAX_ALERT = 200
MAX_RESULTS = 50
MAX_RESULT_ID = 64
MAX_OFFSET = 64
_START_PARAMETER = re.compile(r"[A-Za-z0-9_-]{1,64}")


@api_method("answerCallbackQuery", AnswerCallbackQuery)
def answer_callback_query(world: World, params: AnswerCallbackQuery) -> bool:
    """Answer a pressed button: stop its spinner, with or without words."""
    if len(params.text) > MAX_ALERT:
        raise bad_request("MESSAGE_TOO_LONG")
    if params.url and not params.url.startswith((f"https://t.me/{world.bot.username}", "tg://")):
        raise bad_request("URL_INVALID")
    answer: Json = {}
    if params.text:
        answer["text"] = params.text
    if params.show_alert:
        answer["show_alert"] = True
    if params.url:
        answer["url"] = params.url
    query = world.queries.answer("callback", params.callback_query_id, answer)
    world.changes.record("answer", world.chats.get(query.chat_id))
    return True


@api_method("answerInlineQuery", AnswerInlineQuery)
def answer_inline_query(world: World, params: AnswerInlineQuery) -> bool:
    """Answer an inline query with articles to choose from."""
    results = params.results or []
    if len(results) > MAX_RESULTS:
        raise bad_request("Too many inline query results specified")
    ids = [result["id"] for result in results]
    if any(not 1 <= len(result_id.encode()) <= MAX_RESULT_ID for result_id in ids):
        raise bad_request("RESULT_ID_INVALID")
    if len(set(ids)) != len(ids):
        raise bad_request("RESULT_ID_DUPLICATE")
    if len(params.next_offset.encode()) > MAX_OFFSET:
        raise bad_request("NEXT_OFFSET_INVALID")
    answer: Json = {
        "results": [_parse_result(result) for result in results],
        "next_offset": params.next_offset,
    }
    if params.button:
        answer["button"] = _check_button(params.button)
    world.queries.answer("inline", params.inline_query_id, answer)
    return True


def _parse_result(result: InlineQueryResult) -> Json:
    """Check a result and give it with its text parsed, ready to be sent."""
    if result["type"] != "article":
        raise bad_request(
            f'the sandbox serves no inline results of type "{result["type"]}", only articles'
        )
    if not result["title"]:
        raise bad_request("ARTICLE_TITLE_EMPTY")
    given = result["input_message_content"]
    if not given["message_text"]:
        raise bad_request("Can't parse inline query result: Message text is empty")
    text, entities = parse_formatted_text(
        given["message_text"], given.get("parse_mode"), given.get("entities")
    )
    if not text:
        raise bad_request("Text must be non-empty")
    if len(text) > MAX_TEXT_LENGTH:
        raise bad_request("MESSAGE_TOO_LONG")
    content: Json = {"text": text}
    if entities:
        content["entities"] = entities
    if "link_preview_options" in given:
        content["link_preview_options"] = given["link_preview_options"]
    markup = result.get("reply_markup")
    keyboard = normalise_inline_keyboard(dict(markup) if markup else None)
    shown = {key: value for key, value in result.items() if key != "input_message_content"}
    return {**shown, "reply_markup": keyboard, "content": content}


def _check_button(button: InlineQueryResultsButton) -> Json:
    given = dict(button)
    if ("start_parameter" in given) == ("web_app" in given):
        raise bad_request("InlineQueryResultsButton must have exactly one optional field")
    parameter = str(given.get("start_parameter", "x"))
    if not parameter:
        raise bad_request("Can't use empty start_parameter")
    if len(parameter) > MAX_OFFSET:
        raise bad_request("Too long start_parameter specified")
    if not _START_PARAMETER.fullmatch(parameter):
        raise bad_request("Unallowed characters in start_parameter are used")
    return given
