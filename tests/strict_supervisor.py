"""A supervisor for tests: what is given up in them fails them."""

from services.supervisor import Supervisor


def _raise(error: BaseException) -> None:
    raise error


def strict_supervisor() -> Supervisor:
    """Return a supervisor that raises where it gives up, when the block of the task ends."""
    return Supervisor(_raise)
