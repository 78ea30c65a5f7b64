"""Log lines that strangers can cause, so that they cannot fill the log."""

import asyncio
from functools import partial

import structlog

_PERIOD = 60.0

_log = structlog.get_logger()


class RepeatedEvents:
    """Logs an event when it comes, and then at most once a minute how often it came again."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, frozenset[tuple[str, str]]], int] = {}

    def warn(self, event: str, **details: str) -> None:
        """Log an event; neither it nor its details are anything that a stranger sent."""
        key = (event, frozenset(details.items()))
        if key in self._counts:
            self._counts[key] += 1
            return
        self._counts[key] = 0
        _log.warning(event, **details)
        asyncio.get_running_loop().call_later(_PERIOD, partial(self.sum_up, event, **details))

    def sum_up(self, event: str, **details: str) -> None:
        """Log how often an event came again, if it did, and start counting again."""
        more = self._counts.pop((event, frozenset(details.items())), 0)
        if more:
            _log.warning(event, **details, more=more)
