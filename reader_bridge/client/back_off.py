"""How long to wait before the server is dialled again."""

import random
from collections.abc import Callable

FIRST_SECONDS, LONGEST_SECONDS = 0.5, 30.0


class BackOff:
    """Doubles the wait at every failure, and draws from it, so that bridges do not come at once.

    :param draw: a number from 0 to 1.
    """

    def __init__(self, draw: Callable[[], float] = random.random) -> None:
        self._draw = draw
        self._failures = 0

    def next(self) -> float:
        """Give the seconds to wait: from half of the step to the whole."""
        step = min(LONGEST_SECONDS, FIRST_SECONDS * (1 << min(self._failures, 10)))
        self._failures += 1
        return step * (0.5 + self._draw() / 2)

    def reset(self) -> None:
        """Begin anew: there was a link that held."""
        self._failures = 0
