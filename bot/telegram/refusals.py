"""Refusals of the Bot API, told apart from answers of a proxy between Telegram and the bot."""

from http import HTTPStatus

import orjson
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.request import BaseRequest

_UNKNOWN_TOKEN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND)


def read_refusal(status: int, body: bytes) -> TelegramError:
    """Return the error for an answer whose status is not 200."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict) or answer.get("error_code") != status:
        return NetworkError(f"status {status}, not from the Bot API")
    parameters = answer.get("parameters")
    wait = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if isinstance(wait, int) and wait > 0:
        return RetryAfter(wait)
    if status in _UNKNOWN_TOKEN:
        return InvalidToken()
    if status == HTTPStatus.CONFLICT:
        return Conflict(f"status {status}")
    return NetworkError(f"status {status}")


async def is_token_unknown(request: BaseRequest, base_url: str) -> bool:
    """Whether the Bot API itself says twice that it does not know the token.

    :param base_url: address of the Bot API with the token.
    """
    for _ in range(2):
        try:
            status, body = await request.do_request(f"{base_url}/getMe", "POST")
        except (TelegramError, OSError):
            return False
        if not isinstance(read_refusal(status, body), InvalidToken):
            return False
    return True
