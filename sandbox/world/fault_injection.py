"""Bot API calls that fail, are slow, or are answered with something odd, on demand."""

import asyncio
from dataclasses import dataclass

from sandbox.errors import ApiError, OddAnswerError, too_many_requests

_DESCRIPTIONS = {
    400: "Bad Request: fault",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request",
    500: "Internal Server Error",
    502: "Bad Gateway",
}


@dataclass(slots=True)
class InjectedFault:
    """How the next calls of a method go wrong.

    :ivar method: in lower case; ``*`` is every method.
    :ivar error_code: 0 for a call that is only slow.
    :ivar migrate_to: the supergroup that the chat of the call became.
    :ivar body: sent as it is, with the status `error_code` or 200, in place of an answer.
    :ivar content_encoding: the header of that name, beside a `body`.
    :ivar hangs_up: whether the connection ends instead, after half of the `body` if there is one.
    :ivar takes_effect: whether the call is carried out all the same.
    """

    method: str
    error_code: int
    description: str = ""
    retry_after: int = 0
    times: int = 1
    delay_ms: int = 0
    migrate_to: int = 0
    body: str | None = None
    content_encoding: str = ""
    hangs_up: bool = False
    takes_effect: bool = False

    def error(self) -> Exception | None:
        """Return the error to answer with, if any."""
        if self.body is not None or self.hangs_up:
            body = (self.body or "").encode()
            status = self.error_code or 200
            return OddAnswerError(status, body, self.content_encoding, self.hangs_up)
        if self.migrate_to:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            return ApiError(400, words, {"migrate_to_chat_id": self.migrate_to})
        if not self.error_code:
            return None
        if self.error_code == 429:
            return too_many_requests(self.retry_after or 1)
        default = _DESCRIPTIONS.get(self.error_code, "Internal Server Error")
        return ApiError(self.error_code, self.description or default)


class FaultInjector:
    """The faults that wait for their calls."""

    def __init__(self) -> None:
        self._waiting: list[InjectedFault] = []

    def add(self, fault: InjectedFault) -> None:
        """Let the next calls of the fault's method go wrong."""
        self._waiting.append(fault)

    async def take(self, method: str) -> InjectedFault | None:
        """Return the fault that waits for a call of `method`, after its delay."""
        for fault in self._waiting:
            if fault.method in ("*", method):
                break
        else:
            return None
        fault.times -= 1
        if fault.times <= 0:
            self._waiting.remove(fault)
        if fault.delay_ms:
            await asyncio.sleep(fault.delay_ms / 1000)
        return fault
