"""The queue of updates and who takes from it."""

from itertools import islice

from sandbox.errors import conflict
from sandbox.types import Json
from sandbox.world.change_signal import Bell

DEFAULT_KINDS = frozenset(
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
KINDS = DEFAULT_KINDS | {"chat_member", "message_reaction"}
MAX_WAIT = 50


class Updates:
    """Updates that the bot has not confirmed, oldest first."""

    def __init__(self, first_id: int, bell: Bell) -> None:
        self.pending: dict[int, Json] = {}
        self.allowed = DEFAULT_KINDS
        self.webhook_active = False
        self.bell = bell
        self._next_id = first_id
        self._poll = 0
        self._reason = ""

    def add(self, kind: str, payload: Json) -> Json | None:
        """Queue an update; None where the bot does not want its kind."""
        if kind not in self.allowed:
            return None
        update: Json = {"update_id": self._next_id, kind: payload}
        self.pending[self._next_id] = update
        self._next_id += 1
        self.bell.ring()
        return update

    def allow(self, kinds: list[str] | None) -> None:
        """Take the bot's wish for kinds of updates; none keeps the last wish."""
        if kinds is None:
            return
        self.allowed = frozenset(KINDS.intersection(kinds)) or DEFAULT_KINDS

    def end_poll(self, reason: str) -> None:
        """Let the poll that waits now fail with 409."""
        self._poll += 1
        self._reason = reason
        self.bell.ring()

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
        """Give pending updates, waiting up to `timeout` seconds for the first one.

        :raises ApiError: 409 when another poll or a webhook takes over.
        """
        self.end_poll(
            "terminated by other getUpdates request; "
            "make sure that only one bot instance is running"
        )
        mine = self._poll
        self.confirm_before(offset)
        wanted = max(1, min(100, limit))

        def batch() -> list[Json] | None:
            if self._poll != mine:
                raise conflict(self._reason)
            return list(islice(self.pending.values(), wanted)) or None

        return await self.bell.until(batch, max(0, min(MAX_WAIT, timeout))) or []
