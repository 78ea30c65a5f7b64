"""PTB's requests over aiohttp.

PTB's own transport (httpx) takes most of an update's time; this one makes the same calls several
times faster. It never logs an address, which would contain the token.

Refusals of the Bot API are told apart from answers of a proxy between Telegram and the bot. How
Telegram refuses: https://core.telegram.org/bots/api#making-requests and #responseparameters.
"""

import asyncio
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson
from aiohttp.http_exceptions import HttpProcessingError
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import BaseRequest, RequestData

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


_CONNECT_SECONDS = 10.0
_READ_SECONDS = 20.0
_UPLOAD_SECONDS = 60.0
MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""A hundred of the largest updates have a tenth of this."""
_NO_ANSWER = "not an answer of the Bot API"
_SENDING_METHODS = ("/sendMessage", "/editMessageText")
_TOPIC = ("message_thread_id", "is_topic_message")
"""By these the desk notices that a message went elsewhere, since its topic is gone."""


class AiohttpRequest(BaseRequest):
    """Makes Bot API calls over one aiohttp session.

    :param connections: number of concurrent calls.
    """

    def __init__(self, connections: int = 96) -> None:
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        """Seconds to wait for an answer by default."""
        return _READ_SECONDS

    async def initialize(self) -> None:
        """Open the session; does nothing when it is open."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, ttl_dns_cache=300),
                headers={"User-Agent": self.USER_AGENT},
                auto_decompress=True,
                cookie_jar=aiohttp.DummyCookieJar(),
            )

    async def shutdown(self) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Make one call and return status and body.

        :raises TimedOut: when no answer came in time; the call may have taken effect.
        :raises NetworkError: when the connection failed, or the answer is too long or broken.
        :raises TelegramError: when the status is not 200.
        """
        uploads = request_data is not None and request_data.contains_files
        read_seconds = _seconds(read_timeout, _UPLOAD_SECONDS if uploads else _READ_SECONDS)
        timeout = aiohttp.ClientTimeout(
            sock_connect=_seconds(connect_timeout, _CONNECT_SECONDS), sock_read=read_seconds
        )
        try:
            # Telegram redirects nowhere, and the address contains the token.
            async with self._open_session().request(
                method, url, timeout=timeout, allow_redirects=False, **_body(request_data)
            ) as response:
                async with asyncio.timeout(read_seconds):  # also of an answer in drips
                    payload = await _read(response)
        except TimeoutError:
            raise TimedOut from None
        except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
            # The error's text may contain the address and with it the token.
            raise NetworkError(f"the Bot API cannot be reached ({type(error).__name__})") from None
        if response.status != HTTPStatus.OK:
            raise read_refusal(response.status, payload, response.headers.get("Retry-After"))
        return response.status, reduce_answer(url, payload)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the transport is not initialized")
        return self._session

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Parse an answer, without logging it as PTB does.

        :raises NetworkError: for a text that is no answer of the Bot API, such as the page of a
            proxy; the call may have taken effect.
        """
        answer = parse_answer(payload)
        if answer is None or answer.get("ok") is not True or "result" not in answer:
            raise NetworkError(_NO_ANSWER)
        return answer


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read the body.

    :raises NetworkError: when it is too long.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            response.close()
            raise NetworkError("the answer is too long")
    return bytes(body)


def reduce_answer(url: str, payload: bytes) -> bytes:
    """Reduce the answer to a sent message to its identity and its topic.

    The answer repeats the whole message; building PTB's objects from it takes longer than the call.
    Other answers stay as they are.

    :raises NetworkError: where no message is in it.
    """
    if not url.endswith(_SENDING_METHODS):
        return payload
    answer = parse_answer(payload) or {}
    if answer.get("result") is True:  # edited where the bot is no member
        return payload
    try:
        sent = answer["result"]
        message = {key: sent[key] for key in ("message_id", "date")}
        message |= {key: sent[key] for key in _TOPIC if key in sent}
        message["chat"] = {key: sent["chat"][key] for key in ("id", "type")}
    except (KeyError, TypeError):
        raise NetworkError(_NO_ANSWER) from None
    return orjson.dumps({"ok": True, "result": message})


def _seconds(given: Any, default: float) -> float | None:
    if given is BaseRequest.DEFAULT_NONE:
        return default
    return None if given is None else float(given)


def _body(data: RequestData | None) -> dict[str, Any]:
    if data is None:
        return {}
    if not data.contains_files:
        return {
            "data": orjson.dumps(data.parameters),
            "headers": {"Content-Type": "application/json"},
        }
    form = aiohttp.FormData(data.json_parameters)
    for name, (filename, content, mime_type) in data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=mime_type)
    return {"data": form}
