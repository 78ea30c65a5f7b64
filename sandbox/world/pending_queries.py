"""Questions to the bot that wait for an answer: buttons, inline queries, payments."""

from dataclasses import dataclass

from sandbox.errors import ApiError, bad_request
from sandbox.types import Clock, Json
from sandbox.world.change_signal import ChangeSignal

FIRST_ID = 4_200_000_000_000_000_001


@dataclass(slots=True)
class PendingQuery:
    """A question and, once given, its answer."""

    id: str
    kind: str
    """``callback``, ``inline`` or ``pre_checkout``."""
    person_id: int
    chat_id: int
    asked_at: float
    details: Json
    """What the question was, for whoever goes on with the answer."""
    answer: Json | None = None


class PendingQueries:
    """All questions asked, by id.

    :param seconds: how long the bot may take to answer, by kind.
    """

    def __init__(self, now: Clock, signal: ChangeSignal, seconds: dict[str, float]) -> None:
        self._now = now
        self._signal = signal
        self._seconds = seconds
        self._next_id = FIRST_ID
        self._queries: dict[str, PendingQuery] = {}

    def add(self, kind: str, person_id: int, chat_id: int, details: Json) -> PendingQuery:
        """Store a question that is asked now."""
        asked_at = self._now().timestamp()
        query = PendingQuery(str(self._next_id), kind, person_id, chat_id, asked_at, details)
        self._next_id += 1
        self._queries[query.id] = query
        return query

    def find(self, query_id: str) -> PendingQuery | None:
        """Return a question, answered or not."""
        return self._queries.get(query_id)

    def answer(self, kind: str, query_id: str, answer: Json) -> PendingQuery:
        """Answer a question.

        :raises ApiError: where it is unknown, answered already, or asked too long ago.
        """
        query = self._queries.get(query_id)
        if query is None or query.kind != kind or query.answer is not None:
            raise _too_old()
        if self._now().timestamp() - query.asked_at > self._seconds[kind]:
            raise _too_old()
        query.answer = answer
        self._signal.notify()
        return query

    async def wait_for_answer(self, query_id: str, seconds: float) -> Json | None:
        """Return the answer, waiting for it up to `seconds`."""
        query = self._queries[query_id]
        return await self._signal.wait_for(lambda: query.answer, seconds)


def _too_old() -> ApiError:
    return bad_request("query is too old and response timeout expired or query ID is invalid")
