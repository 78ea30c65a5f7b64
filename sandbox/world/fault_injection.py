"""Bot API calls that fail or are slow on demand."""

import asyncio
from dataclasses import dataclass

from sandbox.errors import ApiError, too_many_requests

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
        """Return the error to answer with, if any."""
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

    async def apply(self, method: str) -> None:
        """Delay or fail a call of `method` if a fault waits for it.

        :raises ApiError: the error that was asked for.
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
