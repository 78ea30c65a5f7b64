"""Log lines that strangers can cause, so that they cannot fill the log."""

import asyncio

import structlog

_PERIOD = 60.0

_log = structlog.get_logger()


class RepeatedEvents:
    """Logs an event at once, and then at most once a minute how often it came again."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str | None], int] = {}

    def warn(self, event: str, reason: str | None = None) -> None:
        """Log an event; neither it nor its reason is anything that a stranger sent."""
        key = (event, reason)
        if key in self._counts:
            self._counts[key] += 1
            return
        self._counts[key] = 0
        _write(event, reason)
        asyncio.get_running_loop().call_later(_PERIOD, self.sum_up, event, reason)

    def sum_up(self, event: str, reason: str | None) -> None:
        """Log how often an event came again, if it did, and begin anew."""
        more = self._counts.pop((event, reason), 0)
        if more:
            _write(event, reason, more=more)


def _write(event: str, reason: str | None, **values: int) -> None:
    _log.warning(event, **({"reason": reason} if reason else {}), **values)
