"""Inserting rows whose key may exist already, in the dialect of each database.

Two processes may insert the same row concurrently; neither fails, and there is one row.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.models import Base


def insert_or_ignore(session: AsyncSession, table: type[Base]) -> Insert:
    """Return an INSERT that leaves an existing row as it is."""
    return _insert(session, table).on_conflict_do_nothing()


def upsert(
    session: AsyncSession,
    table: type[Base],
    key: Mapping[str, Any],
    values: Mapping[str, Any],
    **only_when_new: Any,
) -> Insert:
    """Return an INSERT that becomes an UPDATE of `values` if the key exists already.

    :param key: the columns that are unique together.
    :param only_when_new: further values for a new row.
    """
    new = _insert(session, table).values({**key, **values, **only_when_new})
    return new.on_conflict_do_update(index_elements=list(key), set_=dict(values))


def _insert(session: AsyncSession, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
