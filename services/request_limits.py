"""Limits on how much one person may ask for, so that everybody else is answered in time.

Whoever asks for more has to pause for a while. It is kept in memory, since it costs nobody anything
to forget it. What protects codes is stored: `services.rate_limit`.
"""

from dataclasses import dataclass

_MAX_PEOPLE = 10_000
"""People who are remembered before those with nothing to remember are looked for."""


@dataclass(frozen=True)
class RequestLimit:
    """At most so many requests within a window; whoever asks for more has to pause.

    :ivar seconds: the length of the window.
    :ivar pause: how many seconds no request is granted.
    """

    max_requests: int
    seconds: float
    pause: float


@dataclass(slots=True)
class _Requests:
    """What one person asked for.

    :ivar told_by: the id of the request that the person was told of the pause in answer to.
    """

    since: float
    count: int = 0
    paused_until: float = 0.0
    told_by: int | None = None


class RequestLimiter:
    """Counts the requests of each person.

    A moment is in seconds, always by the same clock.

    :param limit: `None` where there is none.
    """

    def __init__(self, limit: RequestLimit | None) -> None:
        self.limit = limit
        self._people: dict[int, _Requests] = {}
        self._cleaned = 0.0

    def grants(self, person: int, moment: float) -> bool:
        """Count a request; `False` where the person has to pause."""
        if self.limit is None:
            return True
        requests = self._find(person, moment, self.limit)
        if moment < requests.paused_until:
            return False
        if moment - requests.since >= self.limit.seconds or requests.paused_until:
            requests.since, requests.count, requests.paused_until = moment, 0, 0.0
        requests.count += 1
        if requests.count <= self.limit.max_requests:
            return True
        requests.paused_until, requests.told_by = moment + self.limit.pause, None
        return False

    def is_paused(self, person: int, moment: float) -> bool:
        """Whether a person has to pause."""
        requests = self._people.get(person)
        return requests is not None and moment < requests.paused_until

    def is_told(self, person: int, by: int | None = None) -> bool:
        """Whether a person was told of their pause.

        :param by: only in answer to this request.
        """
        requests = self._people.get(person)
        if requests is None or requests.told_by is None:
            return False
        return by is None or by == requests.told_by

    def mark_told(self, person: int, by: int) -> bool:
        """Note that a person is told of their pause; `False` where another request was the first.

        :param by: the request that is answered with it; the same when it has to be answered again.
        """
        requests = self._people.get(person)
        if requests is None or requests.told_by not in (None, by):
            return False
        requests.told_by = by
        return True

    def _find(self, person: int, moment: float, limit: RequestLimit) -> _Requests:
        requests = self._people.get(person)
        if requests is None:
            if len(self._people) >= _MAX_PEOPLE and moment - self._cleaned >= limit.seconds:
                self._forget_idle(moment, limit)
            requests = self._people[person] = _Requests(moment)
        return requests

    def _forget_idle(self, moment: float, limit: RequestLimit) -> None:
        self._cleaned = moment
        self._people = {
            person: requests
            for person, requests in self._people.items()
            if moment - requests.since < limit.seconds or moment < requests.paused_until
        }


@dataclass(frozen=True)
class RequestLimits:
    """The limits of each kind of request.

    :ivar texts: messages of any kind, by the time at which they were written.
    :ivar buttons: pressed buttons, by the steady clock.
    :ivar queries: inline queries, by the steady clock; a client asks while somebody types.
    :ivar vital: what is answered during a pause as well, such as reporting a lost card.
    """

    texts: RequestLimiter
    buttons: RequestLimiter
    queries: RequestLimiter
    vital: RequestLimiter

    @classmethod
    def from_texts(cls, texts_per_minute: int) -> "RequestLimits":
        """Return the limits for so many texts a minute; 0 is for none."""
        if not texts_per_minute:
            return cls(*(RequestLimiter(None) for _ in range(4)))
        return cls(
            texts=RequestLimiter(RequestLimit(texts_per_minute, 60.0, pause=60.0)),
            buttons=RequestLimiter(RequestLimit(texts_per_minute, 30.0, pause=30.0)),
            queries=RequestLimiter(RequestLimit(texts_per_minute, 10.0, pause=30.0)),
            vital=RequestLimiter(RequestLimit(texts_per_minute, 60.0, pause=60.0)),
        )
