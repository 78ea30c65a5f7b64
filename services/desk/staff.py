"""The staff: the group they work in, its members and their roles."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.models import DeskAuditEntry, StaffGroup, StaffMember
from services.desk.ticket_states import Role, StaffActor
from services.storage.database import upsert

CHECK_EVERY = timedelta(hours=1)
"""How long it is relied upon that somebody is in the group."""
_MAX_ALIAS = 64
_ACTS_KEPT = timedelta(days=365)


async def find_group(session: AsyncSession) -> StaffGroup | None:
    """Return the group of the staff; `None` before it is set up."""
    return (await session.scalars(select(StaffGroup).limit(1))).first()


async def set_up_group(
    session: AsyncSession, chat_id: int, language: str, by: int, now: datetime
) -> None:
    """Make a group that of the staff, in place of another; its members are known only then."""
    before = await find_group(session)
    if before is not None and before.chat_id != chat_id:
        await session.execute(delete(StaffGroup))
        await session.execute(delete(StaffMember))
    values = {"language": language, "set_up_by": by, "set_up_at": now}
    await session.execute(upsert(session, StaffGroup, {"chat_id": chat_id}, values))


async def find_actor(
    session: AsyncSession, user_id: int, admins: Collection[int], now: datetime
) -> StaffActor | None:
    """Return a member who was seen in the group lately; `None` where that has to be checked."""
    member = await session.get(StaffMember, user_id)
    if member is None or member.checked_at is None or member.checked_at + CHECK_EVERY <= now:
        return None
    return StaffActor(user_id, _effective_role(member, admins))


async def note_member(session: AsyncSession, user_id: int, alias: str, now: datetime) -> None:
    """Note that somebody is in the group; whoever is new becomes an agent."""
    seen = {"alias": alias[:_MAX_ALIAS], "checked_at": now}
    key = {"user_id": user_id}
    await session.execute(upsert(session, StaffMember, key, seen, role=int(Role.AGENT)))


async def note_departure(session: AsyncSession, user_id: int) -> None:
    """Note that somebody is not in the group; their role is gone."""
    await session.execute(delete(StaffMember).where(StaffMember.user_id == user_id))


async def set_role(session: AsyncSession, user_id: int, role: Role) -> str | None:
    """Set the role of a member and return their name; `None` where they were never seen."""
    member = await session.get(StaffMember, user_id)
    if member is None:
        return None
    member.role = int(role)
    return member.alias


async def find_alias(session: AsyncSession, user_id: int | None) -> str:
    """Return the name of a member, empty where they are gone."""
    member = await session.get(StaffMember, user_id) if user_id is not None else None
    return member.alias if member else ""


def record_act(
    session: AsyncSession,
    staff_id: int,
    act: str,
    now: datetime,
    ticket_id: int | None = None,
    about: str = "",
) -> None:
    """Put on record what a member did, without any text."""
    session.add(
        DeskAuditEntry(ticket_id=ticket_id, staff_id=staff_id, act=act, about=about, at=now)
    )


async def delete_old_acts(session: AsyncSession, now: datetime) -> None:
    """Delete what is on record of what members did long ago."""
    await session.execute(delete(DeskAuditEntry).where(DeskAuditEntry.at < now - _ACTS_KEPT))


def _effective_role(member: StaffMember, admins: Collection[int]) -> Role:
    return Role.ADMIN if member.user_id in admins else Role(member.role)
