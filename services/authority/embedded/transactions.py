"""Files that follow a commit."""

from collections.abc import Callable

import structlog
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

FOLLOWERS = "after_commit"
"""Where a session keeps what follows its commit."""
_log = structlog.get_logger()


def after_commit(session: AsyncSession, do: Callable[[], None]) -> None:
    """Call `do` once the unit of work is committed, and never when it is rolled back.

    The commit stands whatever comes of it: a file that cannot be written is logged, and mended
    at the next start.
    """
    followers: list[Callable[[], None]] = session.info.setdefault(FOLLOWERS, [])
    if not followers:
        event.listen(session.sync_session, "after_commit", _follow)
    followers.append(do)


def _follow(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint is given up, which can still be rolled back with the whole
    followers: list[Callable[[], None]] = session.info.get(FOLLOWERS, [])
    while followers:
        try:
            followers.pop(0)()
        except OSError as error:
            _log.error("file_not_written_after_commit", error=type(error).__name__)
