"""Grants: the permission that proofs give, in one chat, for ten minutes."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.data_types import AuthorityOperation, Grant, Proof
from services.authority.embedded.models import Application, GrantRecord, OneTimeChallenge
from services.authority.errors import GrantExpiredError, ProofMissingError
from services.clock import steady_time
from services.ids import new_id
from services.storage.database import lock_row

LIFETIME = timedelta(minutes=10)

_P = Proof
REQUIRED_PROOFS: Mapping[AuthorityOperation, tuple[frozenset[Proof], ...]] = MappingProxyType(
    {
        AuthorityOperation.RETRIEVE: (frozenset({_P.BIRTH_DATE, _P.MAIL}),),
        AuthorityOperation.PAY: (frozenset({_P.CODE}),),
        AuthorityOperation.STATUS: (frozenset({_P.CODE}),),
        AuthorityOperation.ACTIVATE: (frozenset({_P.CODE}),),
        AuthorityOperation.UNLOCK: (frozenset({_P.CODE}),),
        AuthorityOperation.SUSPEND: (
            frozenset({_P.CODE, _P.CARD_NUMBER}),
            frozenset({_P.CODE, _P.MAIL}),
            frozenset({_P.BIRTH_DATE, _P.MAIL}),
        ),
        AuthorityOperation.RESUME: (frozenset({_P.CODE, _P.CARD_NUMBER, _P.MAIL}),),
        AuthorityOperation.VERIFY: (frozenset({_P.BIRTH_DATE, _P.MAIL}),),
    }
)
"""The ways to each operation. Activating and unlocking need that person's card besides, which is
asked of the card itself. Whoever lost card and form together suspends without the code. Nothing
takes a grant for verifying: it has done its work once it is open."""


def find_missing_proofs(
    operation: AuthorityOperation, shown: frozenset[Proof]
) -> tuple[frozenset[Proof], ...]:
    """Return what would complete each way, shortest first; empty when one is complete."""
    left = sorted((way - shown for way in REQUIRED_PROOFS[operation]), key=len)
    return tuple(left) if all(left) else ()


def open_grant(
    session: AsyncSession,
    application: str,
    operation: AuthorityOperation,
    proofs: frozenset[Proof],
    chat_id: int,
    now: datetime,
) -> Grant:
    """Grant an operation on one application's records."""
    row = GrantRecord(
        id=new_id(),
        application_id=application,
        operation=operation,
        proofs=_join_proofs(proofs),
        chat_id=chat_id,
        expires_at=steady_time(now) + LIFETIME,
    )
    session.add(row)
    return to_grant(row)


def add_proof(row: GrantRecord, proof: Proof) -> Grant:
    """Add a proof to a grant."""
    row.proofs = _join_proofs(to_grant(row).proofs | {proof})
    return to_grant(row)


async def find_grant(
    session: AsyncSession, grant_id: str, chat_id: int, now: datetime
) -> GrantRecord:
    """Return a grant that has not expired in this chat.

    :raises GrantExpiredError: when it is over, or another chat's.
    """
    await session.flush()
    row = await session.get(GrantRecord, grant_id, populate_existing=True)
    if row is None or row.chat_id != chat_id or row.expires_at <= steady_time(now):
        raise GrantExpiredError
    return row


async def require_grant(
    session: AsyncSession, grant_id: str, operation: AuthorityOperation, chat_id: int, now: datetime
) -> tuple[GrantRecord, Application]:
    """Return a complete grant for `operation`, and its application, locked.

    :raises GrantExpiredError: when it is over, or for something else.
    :raises ProofMissingError: when more has to be shown.
    """
    row = await find_grant(session, grant_id, chat_id, now)
    if row.operation != operation:
        raise GrantExpiredError
    missing = find_missing_proofs(operation, to_grant(row).proofs)
    if missing:
        raise ProofMissingError(missing)
    return row, await lock_granted_application(session, row)


async def lock_granted_application(session: AsyncSession, row: GrantRecord) -> Application:
    """Return the application that a grant is for, locked.

    :raises GrantExpiredError: when the person was forgotten meanwhile, or the grant withdrawn.
    """
    application = await lock_row(session, Application, row.application_id)
    if application is None or application.subscriber_id is None:
        raise GrantExpiredError
    # Whoever held the lock may have withdrawn it.
    if await session.scalar(select(GrantRecord.id).where(GrantRecord.id == row.id)) is None:
        raise GrantExpiredError
    return application


async def withdraw_grants(session: AsyncSession, application: Application) -> None:
    """Delete every grant and one-time code of an application."""
    for table in (OneTimeChallenge, GrantRecord):
        await session.execute(delete(table).where(table.application_id == application.id))


async def delete_expired_grants(session: AsyncSession, now: datetime) -> None:
    """Delete expired grants and one-time codes."""
    for table in (OneTimeChallenge, GrantRecord):
        old = table.expires_at <= steady_time(now) - LIFETIME
        await session.execute(delete(table).where(old))


def to_grant(row: GrantRecord) -> Grant:
    """Convert a row to its value."""
    proofs = frozenset(Proof(name) for name in row.proofs.split())
    return Grant(row.id, AuthorityOperation(row.operation), proofs, row.expires_at)


def _join_proofs(proofs: frozenset[Proof]) -> str:
    return " ".join(sorted(proofs))
