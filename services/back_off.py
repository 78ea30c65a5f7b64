"""Exponential back-off."""

_MAX_DOUBLINGS = 30


def back_off(failures: int, first: float, longest: float) -> float:
    """Return the seconds to wait after `failures` in a row (at least 1).

    :param first: after the first failure; doubled with each further one.
    :param longest: upper bound.
    """
    doublings = min(failures - 1, _MAX_DOUBLINGS)
    return min(first * float(2**doublings), longest)
