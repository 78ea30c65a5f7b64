"""Failures on demand, and Telegram's limits on how fast a bot may send."""

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass

from sandbox.errors import ApiError, too_many_requests
from sandbox.types import Clock

_WORDS = {
    400: "Bad Request: fault",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request",
    500: "Internal Server Error",
    502: "Bad Gateway",
}


@dataclass(slots=True)
class Fault:
    """How the next calls of a method go wrong."""

    method: str
    """In lower case; ``*`` is every method."""
    error_code: int
    """0 for a call that is only slow."""
    description: str = ""
    retry_after: int = 0
    times: int = 1
    delay_ms: int = 0

    def error(self) -> ApiError | None:
        """Give the error to answer with, if any."""
        if not self.error_code:
            return None
        if self.error_code == 429:
            return too_many_requests(self.retry_after or 1)
        words = self.description or _WORDS.get(self.error_code, "Internal Server Error")
        return ApiError(self.error_code, words)


class Faults:
    """The faults that wait for their calls."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let the next calls fail so."""
        self._waiting.append(fault)

    async def strike(self, method: str) -> None:
        """Fail or delay this call where a fault waits for it.

        :raises ApiError: the error asked for.
        """
        for fault in self._waiting:
            if fault.method in ("*", method):
                break
        else:
            return
        fault.times -= 1
        if fault.times <= 0:
            self._waiting.remove(fault)
        if fault.delay_ms:
            await asyncio.sleep(fault.delay_ms / 1000)
        if error := fault.error():
            raise error


class Flood:
    """How often Telegram lets a bot send.

    About one message a second to a chat (short bursts pass), 20 a minute to a group, 30 a
    second in all. The true limits are not published.
    """

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._sent: defaultdict[int, deque[float]] = defaultdict(deque)

    def check(self, chat_id: int) -> None:
        """Count one message to `chat_id`.

        :raises ApiError: 429 where it is one too many.
        """
        now = self._now().timestamp()
        rules = [(0, 30, 1.0), (chat_id, 20, 60.0) if chat_id < 0 else (chat_id, 5, 5.0)]
        for key, count, seconds in rules:
            times = self._sent[key]
            while times and times[0] <= now - seconds:
                times.popleft()
            if len(times) >= count:
                raise too_many_requests(max(1, int(times[0] + seconds - now) + 1))
        for key, _, _ in rules:
            self._sent[key].append(now)
