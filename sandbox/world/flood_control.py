"""Telegram's limits on how fast a bot may send."""

from collections import defaultdict, deque

from sandbox.errors import too_many_requests
from sandbox.types import Clock

GROUP_CALLS = 20
"""What a group takes in a minute."""


class FloodControl:
    """Counts what the bot sends.

    About one message a second to a private chat (short bursts pass), 30 a second in all, and 20
    calls a minute to a group, where whatever changes something counts: messages, edits, topics
    and pins alike. The true limits are not published.
    """

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._counted: defaultdict[int, deque[float]] = defaultdict(deque)

    def count(self, chat_id: int, calls: int = 1) -> None:
        """Count what goes to a chat.

        :param calls: how many messages it is, such as those of an album.
        :raises ApiError: 429 where it is too much; then nothing is counted.
        """
        now = self._now().timestamp()
        limit, seconds = (GROUP_CALLS, 60.0) if chat_id < 0 else (5, 5.0)
        rules = [(0, 30, 1.0, 1), (chat_id, limit, seconds, min(calls, limit))]
        for key, most, period, weight in rules:
            times = self._counted[key]
            while times and times[0] <= now - period:
                times.popleft()
            excess = len(times) + weight - most
            if excess > 0:
                raise too_many_requests(max(1, int(times[excess - 1] + period - now) + 1))
        for key, _, _, weight in rules:
            self._counted[key].extend([now] * weight)
