"""The capacity of the fake Bot API: connections that only send replies and read answers.

``python -m benchmarks.fake_bot_api_capacity PORT`` prints calls per second.
"""

import asyncio
import sys
from time import monotonic
from typing import cast

import orjson
import uvloop

_CONNECTIONS = 64
_SECONDS = 1.5
_REPLY = orjson.dumps({"chat_id": 500_001, "text": "<b>Title</b>\n" + "An answer. " * 150})
_CALL = (
    b"POST /bot1:A/sendMessage HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_REPLY), _REPLY)
)


class _Caller(asyncio.Protocol):
    calls = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._transport.write(_CALL)

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"}}"):
            _Caller.calls += 1
            self._transport.write(_CALL)


async def measure_capacity(port: int) -> float:
    """Return the calls per second."""
    loop = asyncio.get_running_loop()
    for _ in range(_CONNECTIONS):
        await loop.create_connection(_Caller, "127.0.0.1", port)
    begun, calls = monotonic(), _Caller.calls
    await asyncio.sleep(_SECONDS)
    return (_Caller.calls - calls) / (monotonic() - begun)


if __name__ == "__main__":
    print(uvloop.run(measure_capacity(int(sys.argv[1]))))
