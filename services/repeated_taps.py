"""Taps that come twice, such as those of a person who waits for what the first one does."""

from collections.abc import Callable, Hashable
from time import monotonic

_SECONDS = 20.0
_MAX_REMEMBERED = 1000


class RepeatedTaps:
    """Remembers for some seconds what taps have done.

    :param now: seconds that only grow.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._done_at: dict[Hashable, float] = {}

    def is_done(self, tap: Hashable) -> bool:
        """Whether a tap has done just now what it would do."""
        done_at = self._done_at.get(tap)
        return done_at is not None and self._now() - done_at < _SECONDS

    def mark_done(self, tap: Hashable) -> None:
        """Note that a tap has done what it does."""
        self._done_at.pop(tap, None)
        if len(self._done_at) >= _MAX_REMEMBERED:
            del self._done_at[next(iter(self._done_at))]
        self._done_at[tap] = self._now()
