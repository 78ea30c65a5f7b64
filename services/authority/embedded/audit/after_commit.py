"""What is noted in a unit of work to be done with its commit: files that follow it, the audit.

A note made in a savepoint goes with it: it is struck out where the savepoint is rolled back.
"""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import structlog
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

HOOKS = "after_commit"
"""Where a session keeps what follows its commit."""
_log = structlog.get_logger()
Note = TypeVar("Note")


class TransactionalQueue(Generic[Note]):
    """Notes of one session, in order."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session.sync_session
        self._notes: list[tuple[Note, SessionTransaction | None]] = []
        event.listen(self._session, "after_commit", self._merge_released)
        event.listen(self._session, "after_soft_rollback", self._drop_rolled_back)

    def __len__(self) -> int:
        return len(self._notes)

    def add(self, note: Note) -> None:
        """Note something in the savepoint that is open, else in the whole."""
        root = self._session.get_transaction()
        self._notes.append((note, self._session.get_nested_transaction() or root))

    def drain(self) -> Iterator[Note]:
        """Take the notes off, the first one first."""
        while self._notes:
            yield self._notes.pop(0)[0]

    def _merge_released(self, session: Session) -> None:
        """Let what was noted in a savepoint that is released belong to what is around it."""
        released = session.get_nested_transaction()
        if released is not None:
            around = released.parent
            self._notes = [(n, around if at is released else at) for n, at in self._notes]

    def _drop_rolled_back(self, _session: Session, rolled_back: SessionTransaction) -> None:
        self._notes = [(n, at) for n, at in self._notes if not _is_within(at, rolled_back)]


def _is_within(inner: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while inner is not None and inner is not outer:
        inner = inner.parent
    return inner is outer


def after_commit(session: AsyncSession, hook: Callable[[], None]) -> None:
    """Call `do` once the unit of work is committed, and never when it is rolled back.

    The commit stands whatever comes of it: a file that cannot be written is logged, and mended
    at the next start.
    """
    followers: TransactionalQueue[Callable[[], None]] | None = session.info.get(HOOKS)
    if followers is None:
        followers = session.info[HOOKS] = TransactionalQueue(session)
        event.listen(session.sync_session, "after_commit", _run_hooks)
    followers.add(hook)


def _run_hooks(session: Session) -> None:
    followers: TransactionalQueue[Callable[[], None]] | None = session.info.get(HOOKS)
    if followers is None or session.in_nested_transaction():
        return  # a savepoint is given up, which can still be rolled back with the whole
    for do in followers.drain():
        try:
            do()
        except OSError as error:
            _log.error("file_not_written_after_commit", error=type(error).__name__)
