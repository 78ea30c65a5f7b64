"""The queue of updates for the bot."""

from collections.abc import Callable
from itertools import islice

from sandbox.errors import conflict
from sandbox.types import Json
from sandbox.world.change_signal import ChangeSignal

DEFAULT_UPDATE_KINDS = frozenset(
    {
        "message",
        "edited_message",
        "callback_query",
        "inline_query",
        "chosen_inline_result",
        "my_chat_member",
        "pre_checkout_query",
    }
)
"""What is sent unless the bot asks otherwise; `chat_member` and reactions must be asked for."""
UPDATE_KINDS = DEFAULT_UPDATE_KINDS | {"chat_member", "message_reaction"}
MAX_WAIT = 50


MAX_AGE = 24 * 60 * 60
"""How many seconds an update waits for the bot; then it is lost."""


class BotUpdateQueue:
    """Updates that the bot has not confirmed, by id, oldest first.

    :param timestamp: returns the time in Unix seconds.
    """

    def __init__(self, timestamp: Callable[[], int]) -> None:
        self.pending: dict[int, Json] = {}
        self._timestamp = timestamp
        self._arrivals: dict[int, int] = {}
        """When the updates came, those of confirmed ones until nothing is pending."""
        self.allowed = DEFAULT_UPDATE_KINDS
        self.signal = ChangeSignal()
        self._next_id = timestamp()
        self._poll = 0
        self._end_reason = ""

    def add(self, kind: str, payload: Json) -> Json | None:
        """Queue an update and return it, or None if the bot does not want its kind."""
        if kind not in self.allowed:
            return None
        if not self.pending:
            self._arrivals.clear()
        self._arrivals[self._next_id] = self._timestamp()
        update: Json = {"update_id": self._next_id, kind: payload}
        self.pending[self._next_id] = update
        self._next_id += 1
        self.signal.notify()
        return update

    def set_allowed(self, kinds: list[str] | None) -> None:
        """Set which kinds of updates the bot wants; None keeps what was set last."""
        if kinds is None:
            return
        self.allowed = frozenset(UPDATE_KINDS.intersection(kinds)) or DEFAULT_UPDATE_KINDS

    def end_poll(self, reason: str) -> None:
        """Let the poll that waits now fail with 409."""
        self._poll += 1
        self._end_reason = reason
        self.signal.notify()

    def drop_stale(self) -> None:
        """Forget what the bot has not asked for within a day."""
        limit = self._timestamp() - MAX_AGE
        for update_id in list(self.pending):
            if self._arrivals[update_id] > limit:
                return
            del self.pending[update_id]

    def confirm_before(self, offset: int) -> None:
        """Forget what is older than `offset`; a negative one keeps that many of the newest."""
        if offset < 0:
            offset = min(list(self.pending)[offset:], default=0)
        while self.pending:
            first = next(iter(self.pending))
            if first >= offset:
                return
            del self.pending[first]

    async def poll(self, offset: int, limit: int, timeout: int) -> list[Json]:  # noqa: ASYNC109
        """Return pending updates, waiting up to `timeout` seconds for the first one.

        :raises ApiError: 409 when another poll or a webhook takes over.
        """
        self.end_poll(
            "terminated by other getUpdates request; "
            "make sure that only one bot instance is running"
        )
        this_poll = self._poll
        self.drop_stale()
        self.confirm_before(offset)
        size = max(1, min(100, limit))

        def next_batch() -> list[Json] | None:
            if self._poll != this_poll:
                raise conflict(self._end_reason)
            return list(islice(self.pending.values(), size)) or None

        return await self.signal.wait_for(next_batch, max(0, min(MAX_WAIT, timeout))) or []
