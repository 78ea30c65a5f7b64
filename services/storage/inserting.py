"""Inserting rows whose key may be there already, which each database says in its own words.

Two processes may put the same row down at once; neither fails, and there is one row.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.models import Base


def insert_new(session: AsyncSession, table: type[Base]) -> Insert:
    """Give an INSERT that leaves a row alone whose key is known already."""
    return _insert(session, table).on_conflict_do_nothing()


def insert_or_update(
    session: AsyncSession,
    table: type[Base],
    key: Mapping[str, Any],
    values: Mapping[str, Any],
    **only_when_new: Any,
) -> Insert:
    """Give an INSERT that becomes an UPDATE of `values` where `key` is known already.

    :param key: the columns that are unique together.
    """
    new = _insert(session, table).values({**key, **values, **only_when_new})
    return new.on_conflict_do_update(index_elements=list(key), set_=dict(values))


def _insert(session: AsyncSession, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)
