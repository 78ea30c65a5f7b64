"""After-commit hooks of a session, which respect savepoints.

An item added in a savepoint is dropped where the savepoint is rolled back.
"""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import structlog
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

HOOKS = "after_commit"
"""Key of the hooks in a session's `info`."""
_log = structlog.get_logger()
Item = TypeVar("Item")


class TransactionalQueue(Generic[Item]):
    """Items of one session, in order; those added in a savepoint are dropped with it."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session.sync_session
        self._items: list[tuple[Item, SessionTransaction | None]] = []
        event.listen(self._session, "after_commit", self._merge_released)
        event.listen(self._session, "after_soft_rollback", self._drop_rolled_back)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: Item) -> None:
        """Add an item to the open savepoint, or to the transaction where there is none."""
        root = self._session.get_transaction()
        self._items.append((item, self._session.get_nested_transaction() or root))

    def drain(self) -> Iterator[Item]:
        """Remove and yield the items, oldest first."""
        while self._items:
            yield self._items.pop(0)[0]

    def _merge_released(self, session: Session) -> None:
        """Hand the items of a released savepoint to the transaction around it."""
        released = session.get_nested_transaction()
        if released is not None:
            around = released.parent
            self._items = [(item, around if at is released else at) for item, at in self._items]

    def _drop_rolled_back(self, _session: Session, rolled_back: SessionTransaction) -> None:
        self._items = [(item, at) for item, at in self._items if not _is_within(at, rolled_back)]


def _is_within(inner: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while inner is not None and inner is not outer:
        inner = inner.parent
    return inner is outer


def after_commit(session: AsyncSession, hook: Callable[[], None]) -> None:
    """Call `hook` once the unit of work is committed, and never when it is rolled back.

    The commit stands whatever becomes of it: a file that cannot be written is logged, and repaired
    at the next start.
    """
    hooks: TransactionalQueue[Callable[[], None]] | None = session.info.get(HOOKS)
    if hooks is None:
        hooks = session.info[HOOKS] = TransactionalQueue(session)
        event.listen(session.sync_session, "after_commit", _run_hooks)
    hooks.add(hook)


def _run_hooks(session: Session) -> None:
    hooks: TransactionalQueue[Callable[[], None]] | None = session.info.get(HOOKS)
    if hooks is None or session.in_nested_transaction():
        return  # a released savepoint, which can still be rolled back with the transaction
    for hook in hooks.drain():
        try:
            hook()
        except OSError as error:
            _log.error("file_not_written_after_commit", error=type(error).__name__)
