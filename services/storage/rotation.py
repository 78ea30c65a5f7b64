"""Rotation of the sealing key: every stored value is sealed again, a page at a time.

Old keys stay on the ring until nothing is sealed with them, so that an interrupted rotation is
simply run again, and a process that still seals with the old key does no harm.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.storage.database import Base, Database
from services.storage.keys import KeyRing, key_id_of

_PAGE = 200


@dataclass(frozen=True)
class SealedColumn:
    """A column of sealed values, in a table with a primary key of one column.

    :ivar context: returns the context that a row's value is sealed for, from its primary key.
    """

    table: type[Base]
    key: InstrumentedAttribute[str] | InstrumentedAttribute[int]
    column: str
    context: Callable[[str | int], str]

    @property
    def value(self) -> Any:
        """The column's attribute."""
        return getattr(self.table, self.column)


async def reseal(database: Database, keys: KeyRing, columns: Sequence[SealedColumn]) -> int:
    """Seal every value with the current key, and return how many were sealed with another.

    :raises UnsealError: if a value's key is lost; values resealed before stay so.
    """
    return sum([await _reseal_column(database, keys, column) for column in columns])


async def find_keys_in_use(database: Database, columns: Sequence[SealedColumn]) -> frozenset[str]:
    """Return the ids of the keys that some value is sealed with."""
    found: set[str] = set()
    for column in columns:
        after: str | int | None = None
        while True:
            async with database.unit_of_work() as session:
                page = await _page(session, column, after)
            found.update(key_id_of(sealed) for _, sealed in page)
            if not page:
                break
            after = page[-1][0]
    return frozenset(found)


async def _reseal_column(database: Database, keys: KeyRing, column: SealedColumn) -> int:
    count, after = 0, None
    while True:
        async with database.unit_of_work() as session:
            page = await _page(session, column, after)
            for key, sealed in page:
                if key_id_of(sealed) != keys.current:
                    await _reseal_value(session, keys, column, key, sealed)
                    count += 1
        if not page:
            return count
        after = page[-1][0]


async def _reseal_value(
    session: AsyncSession, keys: KeyRing, column: SealedColumn, key: str | int, sealed: bytes
) -> None:
    context = column.context(key)
    resealed = keys.seal(keys.unseal(sealed, context), context)
    row = update(column.table).where(column.key == key)
    changed = row.values({column.column: resealed})
    await session.execute(changed.execution_options(synchronize_session=False))


async def _page(
    session: AsyncSession, column: SealedColumn, after: str | int | None
) -> Sequence[tuple[str | int, bytes]]:
    query = select(column.key, column.value).where(column.value.is_not(None))
    if after is not None:
        query = query.where(column.key > after)
    query = query.order_by(column.key).limit(_PAGE).with_for_update()
    return [(row[0], row[1]) for row in await session.execute(query)]
