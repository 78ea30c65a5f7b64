"""The wall clock and the steady clock.

The wall clock names days and times: deadlines, certificates, the audit. It can be set, forward and
back. The steady clock only counts, and nobody can set it. What is promised in seconds, minutes or
hours (a code shown for a minute, a grant, a pause) is counted by the steady clock; what is promised
for a day or a time goes by the wall clock.

Moments of the steady clock are stored as times in UTC. They are those of the wall clock at the
start, and differ from it by as much as it was set since. `services.clock_record` says what happens
to them across a restart.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from typing_extensions import override


class ClockReading(datetime):
    """A time of the wall clock, with that of the steady clock at the same moment.

    What is computed from it, such as a later time, is a plain datetime.
    """

    __slots__ = ("steady",)
    steady: datetime

    def __new__(cls, *args: Any, **kwargs: Any) -> datetime:  # type: ignore[misc]
        """Return a plain datetime; only `of` makes a reading."""
        return datetime(*args, **kwargs)  # noqa: DTZ001

    @override
    def replace(self, *args: Any, **kwargs: Any) -> datetime:  # type: ignore[override]
        """Return a plain datetime."""
        return datetime.combine(self.date(), self.timetz()).replace(*args, **kwargs)

    @classmethod
    def of(cls, wall: datetime, steady: datetime) -> "ClockReading":
        """Return the reading of both clocks at one moment."""
        date, clock = (wall.year, wall.month, wall.day), (wall.hour, wall.minute, wall.second)
        reading = datetime.__new__(cls, *date, *clock, wall.microsecond, wall.tzinfo)
        reading.steady = steady
        return reading


def steady_time(now: datetime) -> datetime:
    """Return the time of the steady clock; of a plain datetime, both clocks are the same."""
    return now.steady if isinstance(now, ClockReading) else now


def wall_time(steady: datetime, now: datetime) -> datetime:
    """Return a time of the steady clock as the wall clock will show it, for people to read."""
    return now + (steady - steady_time(now))


def _read_wall() -> datetime:
    return datetime.now(UTC)


def _read_seconds() -> float:
    """Return seconds that count on while the machine sleeps, where the system can tell."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class SystemClock:
    """Both clocks of this process.

    :param read_wall: the wall clock, UTC.
    :param read_seconds: seconds that only grow.
    """

    def __init__(
        self,
        read_wall: Callable[[], datetime] = _read_wall,
        read_seconds: Callable[[], float] = _read_seconds,
    ) -> None:
        self._read_wall = read_wall
        self._read_seconds = read_seconds
        self.synchronize()

    def synchronize(self) -> None:
        """Let the steady clock begin at the time of the wall clock.

        Moments counted before are not comparable with later ones.
        """
        self._start, self._seconds = self._read_wall(), self._read_seconds()

    def now(self) -> ClockReading:
        """Read both clocks."""
        passed = timedelta(seconds=self._read_seconds() - self._seconds)
        return ClockReading.of(self._read_wall(), self._start + passed)
