"""Refusals of the Bot API, told apart from answers of a proxy between Telegram and the bot.

How Telegram refuses: https://core.telegram.org/bots/api#making-requests and #responseparameters.
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import orjson
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)
from telegram.request import BaseRequest

_UNKNOWN_TOKEN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND)
_LONGEST_WAIT = 24 * 3600
"""Seconds that are waited at most; Telegram keeps updates for as long."""


def read_refusal(status: int, body: bytes, retry_after: str | None = None) -> TelegramError:
    """Return the error for an answer whose status is not 200.

    :param retry_after: the header of that name, which a proxy may send as well.
    """
    answer = parse_answer(body)
    if answer is None or answer.get("error_code") != status:
        wait = _read_wait(int(retry_after)) if retry_after and retry_after.isdecimal() else None
        return RetryAfter(wait) if wait else NetworkError(f"status {status}, not from the Bot API")
    parameters = answer.get("parameters")
    if not isinstance(parameters, dict):
        parameters = {}
    if wait := _read_wait(parameters.get("retry_after")):
        return RetryAfter(wait)
    if isinstance(chat_id := parameters.get("migrate_to_chat_id"), int):
        return ChatMigrated(chat_id)
    if status in _UNKNOWN_TOKEN:
        return InvalidToken()
    description = str(answer.get("description", status))
    known = {400: BadRequest, 403: Forbidden, 409: Conflict}
    return known.get(status, NetworkError)(description)


def retry_delay(error: RetryAfter) -> timedelta:
    """Return how long Telegram asks to wait."""
    wait = error.retry_after
    return wait if isinstance(wait, timedelta) else timedelta(seconds=wait)


def parse_answer(body: bytes) -> dict[str, Any] | None:
    """Parse an answer; `None` for anything but a JSON object."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


async def is_token_unknown(request: BaseRequest, base_url: str) -> bool:
    """Whether the Bot API itself says twice that it does not know the token.

    :param base_url: address of the Bot API with the token.
    """
    for _ in range(2):
        try:
            status, body = await request.do_request(f"{base_url}/getMe", "POST")
            refusal: TelegramError = read_refusal(status, body)
        except InvalidToken as error:
            refusal = error
        except (TelegramError, OSError):
            return False
        if not isinstance(refusal, InvalidToken):
            return False
    return True


def _read_wait(seconds: object) -> int | None:
    """Return the seconds to wait; `None` for anything but a positive number."""
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds <= 0:
        return None
    return min(seconds, _LONGEST_WAIT)
