"""Telegram's limits on how fast a bot may send."""

from collections import defaultdict, deque

from sandbox.errors import too_many_requests
from sandbox.types import Clock


class FloodControl:
    """Counts what the bot sends.

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
