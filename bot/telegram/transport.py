"""PTB's requests over aiohttp.

PTB's own transport (httpx) takes most of an update's time; this one makes the same calls several
times faster. It never logs an address, which would contain the token.
"""

from http import HTTPStatus
from typing import Any

import aiohttp
import orjson
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 20.0
_UPLOAD_SECONDS = 60.0
_SENDING_METHODS = ("/sendMessage", "/editMessageText")


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
        :raises NetworkError: when the connection failed.
        """
        uploads = request_data is not None and request_data.contains_files
        timeout = aiohttp.ClientTimeout(
            sock_connect=_seconds(connect_timeout, _CONNECT_SECONDS),
            sock_read=_seconds(read_timeout, _UPLOAD_SECONDS if uploads else _READ_SECONDS),
        )
        try:
            async with self._open_session().request(
                method, url, timeout=timeout, **_body(request_data)
            ) as response:
                payload = await response.read()
        except TimeoutError:
            raise TimedOut from None
        except (aiohttp.ClientError, OSError) as error:
            # The error's text may contain the address and with it the token.
            raise NetworkError(f"the Bot API cannot be reached ({type(error).__name__})") from None
        sent = response.status == HTTPStatus.OK and url.endswith(_SENDING_METHODS)
        return response.status, _reduce_sent_message(payload) if sent else payload

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the transport is not initialized")
        return self._session

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Parse an answer, without logging it as PTB does.

        :raises TelegramError: for an answer that is not JSON.
        """
        try:
            answer: dict[str, Any] = orjson.loads(payload)
        except orjson.JSONDecodeError:
            raise TelegramError("Invalid server response") from None
        return answer


def _reduce_sent_message(payload: bytes) -> bytes:
    """Reduce the answer to a sent message to its identity.

    The answer repeats the whole message; building PTB's objects from it takes longer than the call.
    """
    try:
        answer = orjson.loads(payload)
        message = {key: answer["result"][key] for key in ("message_id", "date")}
        message["chat"] = {key: answer["result"]["chat"][key] for key in ("id", "type")}
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return payload
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
