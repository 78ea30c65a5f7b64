"""Questions to the bot that wait for an answer: buttons, inline queries, payments."""

from dataclasses import dataclass, field

from sandbox.errors import ApiError, bad_request
from sandbox.types import Clock, Json
from sandbox.world.change_signal import Bell

FIRST_ID = 4_200_000_000_000_000_001


@dataclass(slots=True)
class Query:
    """A question and, once given, its answer."""

    id: str
    kind: str
    person_id: int
    chat_id: int
    asked_at: float
    about: Json = field(default_factory=dict)
    """What the question was, for whoever goes on with the answer."""
    answer: Json | None = None


class Queries:
    """All questions asked, by id."""

    def __init__(self, now: Clock, bell: Bell, seconds: dict[str, float]) -> None:
        self._now = now
        self._bell = bell
        self._seconds = seconds
        self._next_id = FIRST_ID
        self._queries: dict[str, Query] = {}

    def ask(self, kind: str, person_id: int, chat_id: int, about: Json) -> Query:
        """Note a question."""
        asked_at = self._now().timestamp()
        query = Query(str(self._next_id), kind, person_id, chat_id, asked_at, about)
        self._next_id += 1
        self._queries[query.id] = query
        return query

    def get(self, query_id: str) -> Query | None:
        """Give a question, answered or not."""
        return self._queries.get(query_id)

    def answer(self, kind: str, query_id: str, answer: Json) -> Query:
        """Answer a question.

        :raises ApiError: where it is unknown, answered already, or asked too long ago.
        """
        query = self._queries.get(query_id)
        if query is None or query.kind != kind or query.answer is not None:
            raise _too_old()
        if self._now().timestamp() - query.asked_at > self._seconds[kind]:
            raise _too_old()
        query.answer = answer
        self._bell.ring()
        return query

    async def wait(self, query_id: str, seconds: float) -> Json | None:
        """Give the answer, waiting for it up to `seconds`."""
        query = self._queries[query_id]
        return await self._bell.until(lambda: query.answer, seconds)


def _too_old() -> ApiError:
    return bad_request("query is too old and response timeout expired or query ID is invalid")
