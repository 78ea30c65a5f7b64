"""What `kaika inbox` and `kaika outbox` share: their arguments, and how old something is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import typer

Ids = Annotated[list[int] | None, typer.Argument(metavar="ID…", help="As `list` shows them.")]
All = Annotated[bool, typer.Option("--all", help="Every one that `list` shows.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask again.")]

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def choose_ids(ids: Sequence[int] | None, *, everything: bool) -> Sequence[int]:
    """Return the ids that were given, each once; none with ``--all``.

    :raises typer.BadParameter: where both or neither were given.
    """
    if bool(ids) == everything:
        raise typer.BadParameter("give IDs, or --all")
    return list(dict.fromkeys(ids or ()))


def age_seconds(since: datetime, now: datetime) -> int:
    """Return how many whole seconds something is old."""
    return max(0, int((now - since) / timedelta(seconds=1)))


def format_age(seconds: int) -> str:
    """Return an age in its largest unit: ``3 min``."""
    name, size = next((unit for unit in _UNITS if seconds >= unit[1]), _UNITS[-1])
    return f"{seconds // size} {name}"
