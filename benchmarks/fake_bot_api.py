"""A minimal Bot API for benchmarks: delivers updates and records replies without checks.

Runs as a process of its own, so that it shares neither an interpreter nor a core with the bot. It
is controlled over its pipes, with one JSON object a line. It writes ``port`` when it listens and
``first_poll`` when the bot asks for updates. Any line to it opens the gate. It writes ``report``
when every update has its reply and a short time for further replies has passed, or when no reply
has come for long.

While the clock runs, replies are only recorded; they are parsed afterwards.
"""

import asyncio
import json
import re
import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time
from typing import Any, cast
from urllib.parse import parse_qs

import orjson
import uvloop

FIRST_UPDATE = 1001
_LIMIT = 100
_GRACE = 0.3
"""Seconds left open for replies beyond the last expected one."""
_STALL = 10.0
"""Seconds without a reply after which the rest counts as lost."""

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CHAT = re.compile(rb'chat_id"?[:=] *(-?\d+)')
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
_BOT = b'"id":123456789,"is_bot":true,"first_name":"Bench","username":"bench_bot"'
_ME = (
    b'{"ok":true,"result":{%b,"can_join_groups":true,"can_read_all_group_messages":false,'
    b'"supports_inline_queries":true}}' % _BOT
)
_TRUE = b'{"ok":true,"result":true}'
_NOTHING = b'{"ok":true,"result":[]}'
_MESSAGE = (
    b'{"ok":true,"result":{"message_id":%d,"from":{' + _BOT + b'},"chat":{"id":%b,'
    b'"first_name":"Asker","type":"private"},"date":%d,"text":"."}}'
)


@dataclass(eq=False)
class HeldPoll:
    """A long poll that waits for the gate or its timeout."""

    connection: "Connection"
    asked: dict[str, str]
    timer: asyncio.TimerHandle | None = None


class FakeBotApi:
    """The updates to deliver, and the replies.

    :param plan: chat and text of each message, in order.
    :param latency: seconds that each call takes.
    """

    def __init__(self, plan: list[tuple[int, str]], latency: float) -> None:
        self.latency = latency
        self.updates = [_update(number, *message) for number, message in enumerate(plan)]
        self.replies: list[bytes] = []
        self.calls = 0
        self.is_open = False
        self.waiting: list[HeldPoll] = []
        self.first_poll: float | None = None
        self.handed_at = 0.0
        self.last_reply = 0.0

    def call(self, connection: "Connection", method: bytes, query: bytes, body: bytes) -> None:
        """Answer one call."""
        self.calls += 1
        if method == b"sendMessage":
            connection.answer(self._take(body))
        elif method == b"getUpdates":
            self._poll(connection, _parameters(query or body))
        else:
            connection.answer(_ME if method == b"getMe" else _TRUE)

    def open(self) -> None:
        """Release the updates."""
        self.is_open = True
        held, self.waiting = self.waiting, []
        for poll in held:
            if poll.timer is not None:
                poll.timer.cancel()
            self._poll(poll.connection, poll.asked)

    def _take(self, body: bytes) -> bytes:
        self.last_reply = monotonic()
        self.replies.append(body)
        found = _CHAT.search(body)
        return _MESSAGE % (len(self.replies), found[1] if found else b"1", int(time()))

    def _poll(self, connection: "Connection", asked: dict[str, str]) -> None:
        if self.first_poll is None:
            self.first_poll = monotonic()
            write_line(first_poll=self.first_poll)
        begin = max(int(asked.get("offset") or 0) - FIRST_UPDATE, 0)
        batch = self.updates[begin : begin + min(int(asked.get("limit") or _LIMIT), _LIMIT)]
        if batch and self.is_open:
            self.handed_at = self.handed_at or monotonic()
            connection.answer(b'{"ok":true,"result":[' + b",".join(batch) + b"]}")
        else:
            self._hold(HeldPoll(connection, asked))

    def _hold(self, poll: HeldPoll) -> None:
        def expire() -> None:
            self.waiting.remove(poll)
            poll.connection.answer(_NOTHING)

        self.waiting.append(poll)
        seconds = float(poll.asked.get("timeout") or 0)
        poll.timer = asyncio.get_running_loop().call_later(seconds, expire)


class Connection(asyncio.Protocol):
    """A keep-alive connection without pipelining."""

    def __init__(self, api: FakeBotApi) -> None:
        self._api = api
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        head_end = received.find(b"\r\n\r\n")
        length = _LENGTH.search(received, 0, head_end) if head_end >= 0 else None
        body_at = head_end + 4
        if head_end < 0 or len(received) < body_at + (int(length[1]) if length else 0):
            self._received = received
            return
        self._received = b""
        target = received[: received.index(b" HTTP/")]
        path, _, query = target.partition(b"?")
        self._api.call(self, path[path.rindex(b"/") + 1 :], query, received[body_at:])

    def answer(self, body: bytes) -> None:
        """Send the answer after the configured latency."""
        whole = _HEAD % len(body) + body
        if self._api.latency:
            asyncio.get_running_loop().call_later(self._api.latency, self._write, whole)
        else:
            self._write(whole)

    def _write(self, whole: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(whole)


def _update(number: int, chat: int, text: str) -> bytes:
    asker = {"id": chat, "first_name": "Asker"}
    message = {
        "message_id": number + 1,
        "from": asker | {"is_bot": False, "language_code": "en"},
        "chat": asker | {"type": "private"},
        "date": int(time()),
        "text": text,
    }
    return orjson.dumps({"update_id": FIRST_UPDATE + number, "message": message})


def _parameters(raw: bytes) -> dict[str, str]:
    if raw.startswith(b"{"):
        return {name: str(value) for name, value in orjson.loads(raw).items()}
    return {name: values[0] for name, values in parse_qs(raw.decode()).items()}


def write_line(**line: Any) -> None:
    """Write a JSON line for the parent process."""
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


async def _all_replied(api: FakeBotApi) -> None:
    while len(api.replies) < len(api.updates):
        await asyncio.sleep(0.02)
        if monotonic() - max(api.last_reply, api.handed_at) > _STALL and api.handed_at:
            return
    await asyncio.sleep(_GRACE)


def _report(api: FakeBotApi) -> dict[str, Any]:
    read = [_parameters(body) for body in api.replies]
    return {
        "seconds": api.last_reply - api.handed_at,
        "replies": [[int(reply["chat_id"]), reply["text"].split("\n")[0]] for reply in read],
        "calls": api.calls,
    }


async def serve_bot_api(plan: list[tuple[int, str]], latency: float) -> None:
    """Serve until the report is written and the input pipe is closed."""
    loop = asyncio.get_running_loop()
    api = FakeBotApi(plan, latency)
    server = await loop.create_server(lambda: Connection(api), "127.0.0.1", 0, backlog=1024)
    write_line(port=server.sockets[0].getsockname()[1])
    await loop.run_in_executor(None, sys.stdin.readline)
    api.open()
    if plan:
        await _all_replied(api)
        write_line(report=_report(api))
    await loop.run_in_executor(None, sys.stdin.readline)


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("plan", type=Path, help="JSON list of [chat, text]")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds a call takes")
    arguments = parser.parse_args()
    plan = [(chat, text) for chat, text in orjson.loads(arguments.plan.read_bytes())]
    uvloop.run(serve_bot_api(plan, arguments.latency))


if __name__ == "__main__":
    main()
