"""The limit on how often the progress of an operation is passed on, the same at both ends."""

from reader_bridge.protocol.limits import PROGRESS_IN_A_ROW, PROGRESS_SECONDS


class ProgressThrottle:
    """Passes on a few messages in a row, then one after each pause."""

    def __init__(self) -> None:
        self._paid_until = float("-inf")

    def next_delay(self, now: float) -> float:
        """Count a message and return 0 where it may be passed on, else the seconds until then.

        :param now: seconds that only grow.
        """
        paid_until = max(self._paid_until, now)
        delay = paid_until - now - (PROGRESS_IN_A_ROW - 1) * PROGRESS_SECONDS
        if delay > 0:
            return delay
        self._paid_until = paid_until + PROGRESS_SECONDS
        return 0.0
