"""A clock that tests move, set and stop: what passes, and what the wall clock shows."""

from datetime import UTC, datetime, timedelta

from services.clock import ClockReading, SystemClock

START = datetime(2026, 3, 2, 4, tzinfo=UTC)
"""Noon in Taipei."""


class MovingClock:
    """The two clocks of a machine.

    :ivar frozen: whether the wall clock stands still.
    """

    def __init__(self, wall: datetime = START) -> None:
        self.wall = wall
        self.seconds = 1000.0
        self.frozen = False
        self.clock = self.start_process()

    def start_process(self) -> SystemClock:
        """Return the clock of a process that starts now."""
        return SystemClock(lambda: self.wall, lambda: self.seconds)

    def now(self) -> ClockReading:
        return self.clock.now()

    def wait(self, **time: float) -> ClockReading:
        """Let time pass, such as ``seconds=10``."""
        passed = timedelta(**time)
        self.seconds += passed.total_seconds()
        if not self.frozen:
            self.wall += passed
        return self.now()

    def disturb(self, how: str) -> ClockReading:
        """Set the wall clock ``forward`` or ``back`` by an hour or a day, or let it ``freeze``."""
        if how == "freeze":
            self.frozen = True
        else:
            self.wall += _SHIFTS[how]
        return self.now()


_SHIFTS = {
    "forward": timedelta(hours=1),
    "back": -timedelta(hours=1),
    "a day forward": timedelta(days=1),
    "a day back": -timedelta(days=1),
}
DISTURBANCES = ("forward", "back", "freeze")
