"""The oracle must notice what is wrong, or its silence means nothing."""

import pytest

from sandbox.engine import Engine
from tests.bot_api_oracle import Oracle, OracleError, check_call, check_response, check_update

PERSON = {"id": 5400000001, "is_bot": False, "first_name": "Ann"}
CHAT = {"id": 5400000001, "type": "private", "first_name": "Ann"}
MESSAGE = {"message_id": 1, "from": PERSON, "chat": CHAT, "date": 1_700_000_000, "text": "Hi"}
UPDATE = {"update_id": 1, "message": MESSAGE}


def test_a_right_update_passes() -> None:
    check_update(UPDATE)


def test_a_right_call_passes_as_json_and_as_a_form() -> None:
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
    check_call("sendMessage", {"chat_id": 1, "text": "Hi", "reply_markup": keyboard})
    form = {"chat_id": "1", "text": "5", "reply_markup": '{"force_reply": true}'}
    check_call("sendMessage", {**form, "protect_content": "true"})


@pytest.mark.parametrize(
    "params",
    [
        {"chat_id": 1, "text": "Hi", "reply_mark": {}},
        {"chat_id": 1, "text": "Hi", "disable_web_page_preview": True},
        {"chat_id": 1},
        {"chat_id": 1, "text": ["Hi"]},
        {"chat_id": 1, "text": "Hi", "protect_content": "perhaps"},
        {"chat_id": 1, "text": "x" * 4097},
        {"chat_id": 1, "text": "<b>" + "x" * 4097 + "</b>", "parse_mode": "HTML"},
        {"chat_id": 1, "text": ""},
        {"chat_id": 1, "text": "Hi", "reply_markup": {"inline_keyboard": [[{"txt": "x"}]]}},
        {
            "chat_id": 1,
            "text": "Hi",
            "reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "x" * 65}]]},
        },
        {
            "chat_id": 1,
            "text": "Hi",
            "reply_markup": {"inline_keyboard": [[{"text": "x", "calback_data": "x"}]]},
        },
    ],
    ids=[
        "misspelled parameter",
        "parameter of an old Bot API",
        "missing parameter",
        "wrong type",
        "wrong type in a form",
        "4,097 characters",
        "4,097 characters in bold",
        "no characters",
        "missing field",
        "65 bytes of callback data",
        "misspelled field",
    ],
)
def test_a_wrong_sendMessage_fails(params: dict[str, object]) -> None:  # noqa: N802
    with pytest.raises(OracleError):
        check_call("sendMessage", params)


def test_markup_does_not_count_as_characters() -> None:
    check_call(
        "sendMessage",
        {"chat_id": 1, "text": "<b>" + "&amp;" * 4096 + "</b>", "parse_mode": "HTML"},
    )


def test_an_unknown_method_fails() -> None:
    with pytest.raises(OracleError):
        check_call("sendMesage", {})


@pytest.mark.parametrize(
    "results",
    [
        [{"type": "article", "id": "1", "title": "t"}],
        [
            {
                "type": "article",
                "id": "1",
                "title": "t",
                "input_message_content": {"message_text": "x"},
            }
        ]
        * 2,
    ],
    ids=["missing content", "the same id twice"],
)
def test_wrong_inline_results_fail(results: list[dict[str, object]]) -> None:
    with pytest.raises(OracleError):
        check_call("answerInlineQuery", {"inline_query_id": "1", "results": results})


@pytest.mark.parametrize(
    "update",
    [
        {"update_id": 1},
        {"update_id": 1, "message": MESSAGE, "edited_message": MESSAGE},
        {"update_id": "1", "message": MESSAGE},
        {"update_id": 1, "message": {**MESSAGE, "txt": "Hi"}},
        {"update_id": 1, "message": {**MESSAGE, "message_id": "1"}},
        {"update_id": 1, "message": {**MESSAGE, "text": None}},
        {"update_id": 1, "message": {**MESSAGE, "date": "2023-11-14"}},
        {"update_id": 1, "message": {**MESSAGE, "from": {**PERSON, "is_bot": 0}}},
        {"update_id": 1, "message": {k: v for k, v in MESSAGE.items() if k != "chat"}},
        {
            "update_id": 1,
            "message": {**MESSAGE, "entities": [{"type": "bold", "offset": 1, "length": 2}]},
        },
        {"update_id": 1, "mesage": MESSAGE},
    ],
    ids=[
        "no kind",
        "two kinds",
        "number as text",
        "misspelled field",
        "id as text",
        "null",
        "date as text",
        "number for a boolean",
        "missing field",
        "entity beyond the text",
        "misspelled kind",
    ],
)
def test_a_wrong_update_fails(update: dict[str, object]) -> None:
    with pytest.raises(OracleError):
        check_update(update)


@pytest.mark.parametrize(
    "envelope",
    [
        {"ok": True, "result": {**MESSAGE, "nonsense": 1}},
        {"ok": True, "result": True},
        {"ok": True},
        {"ok": 1, "result": MESSAGE},
        {"ok": False, "error_code": 400, "description": "chat not found"},
        {"ok": False, "error_code": 400},
        {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 3"},
    ],
    ids=[
        "unknown field",
        "not a message",
        "no result",
        "ok is no boolean",
        "words without prefix",
        "no words",
        "429 without retry_after",
    ],
)
def test_a_wrong_answer_fails(envelope: dict[str, object]) -> None:
    with pytest.raises(OracleError):
        check_response("sendMessage", {}, envelope)


def test_an_edit_returns_true_for_inline_messages_only() -> None:
    envelope = {"ok": True, "result": True}
    check_response("editMessageText", {"inline_message_id": "x"}, envelope)
    with pytest.raises(OracleError):
        check_response("editMessageText", {"chat_id": 1, "message_id": 1}, envelope)


def test_an_observer_checks_refused_calls_only_where_asked() -> None:
    refusal = {"ok": False, "error_code": 400, "description": "Bad Request: no"}
    Oracle().on_call("sendMessage", {"misspelled": 1}, refusal)
    with pytest.raises(OracleError):
        Oracle(every_call=True).on_call("sendMessage", {"misspelled": 1}, refusal)


def test_an_oracle_remembers_what_others_swallow() -> None:
    oracle = Oracle.attach(Engine("1:x"))
    with pytest.raises(OracleError):
        oracle.on_update({"update_id": 1})
    with pytest.raises(OracleError, match="exactly one kind"):
        oracle.verify()
