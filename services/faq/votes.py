"""Votes on answers: helpful or not, one per person and answer, which may be changed."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.database import upsert
from services.storage.models import Vote


async def record_vote(
    session: AsyncSession, user_id: int, entry_id: str, language: str, helpful: bool, now: datetime
) -> bool:
    """Store a person's vote on an answer, and return whether that changed anything."""
    key = {"user_id": user_id, "entry_id": entry_id}
    stored = await session.get(Vote, key)
    if stored is not None and stored.helpful == helpful:
        return False
    values = {"language": language, "helpful": helpful, "voted_at": now}
    await session.execute(upsert(session, Vote, key, values))
    return True


async def count_by_person(session: AsyncSession, user_id: int) -> int:
    """Return the number of answers a person voted on."""
    query = select(func.count()).select_from(Vote).where(Vote.user_id == user_id)
    return (await session.execute(query)).scalar_one()


async def delete_votes(session: AsyncSession, user_id: int) -> None:
    """Delete a person's votes."""
    await session.execute(delete(Vote).where(Vote.user_id == user_id))


async def count_by_entry(session: AsyncSession) -> dict[str, tuple[int, int]]:
    """Return for each entry how many found it helpful and how many did not."""
    query = select(Vote.entry_id, Vote.helpful, func.count()).group_by(Vote.entry_id, Vote.helpful)
    counts: dict[str, tuple[int, int]] = {}
    for entry_id, helpful, number in (await session.execute(query)).all():
        yes, no = counts.get(entry_id, (0, 0))
        counts[entry_id] = (yes + number, no) if helpful else (yes, no + number)
    return counts
