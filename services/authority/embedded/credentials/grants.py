"""Grants: what a right code permits, in one chat, for ten minutes."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.embedded.models import Application, OneTimeChallenge, Permission
from services.authority.embedded.personal_data.ids import new_id
from services.authority.embedded.personal_data.records import locked_application
from services.authority.errors import GrantExpiredError, ProofMissingError
from services.authority.values import Grant, Operation, Proof

LIFETIME = timedelta(minutes=10)


def open_grant(
    session: AsyncSession,
    application: str,
    operation: Operation,
    proofs: frozenset[Proof],
    chat_id: int,
    now: datetime,
) -> Grant:
    """Grant an operation on one application's records."""
    row = Permission(
        id=new_id(),
        application_id=application,
        operation=operation,
        proofs=_written(proofs),
        chat_id=chat_id,
        expires_at=now + LIFETIME,
    )
    session.add(row)
    return view(row)


def add_proof(row: Permission, proof: Proof) -> Grant:
    """Note that one more thing was shown."""
    row.proofs = _written(view(row).proofs | {proof})
    return view(row)


async def look_at(session: AsyncSession, grant_id: str, chat_id: int, now: datetime) -> Permission:
    """Find a grant that is still good in this chat.

    :raises GrantExpiredError: when it is over, or another chat's.
    """
    await session.flush()
    row = await session.get(Permission, grant_id, populate_existing=True)
    if row is None or row.chat_id != chat_id or row.expires_at <= now:
        raise GrantExpiredError
    return row


async def use(
    session: AsyncSession, grant_id: str, operation: Operation, chat_id: int, now: datetime
) -> tuple[Permission, Application]:
    """Find a complete grant for `operation` and lock the application that it is for.

    :raises GrantExpiredError: when it is over, or for something else.
    :raises ProofMissingError: when more has to be shown.
    """
    row = await look_at(session, grant_id, chat_id, now)
    if row.operation != operation:
        raise GrantExpiredError
    grant = view(row)
    if grant.missing:
        raise ProofMissingError(grant.missing)
    return row, await application_of(session, row)


async def application_of(session: AsyncSession, row: Permission) -> Application:
    """Lock the application that a grant is for.

    :raises GrantExpiredError: when the person was forgotten meanwhile, or the grant withdrawn.
    """
    application = await locked_application(session, row.application_id)
    if application is None or application.subscriber_id is None:
        raise GrantExpiredError
    # Whoever held the lock may have withdrawn it.
    if await session.scalar(select(Permission.id).where(Permission.id == row.id)) is None:
        raise GrantExpiredError
    return application


async def withdraw(session: AsyncSession, application: Application) -> None:
    """End every grant and one-time code for an application."""
    for table in (OneTimeChallenge, Permission):
        await session.execute(delete(table).where(table.application_id == application.id))


async def tidy(session: AsyncSession, now: datetime) -> None:
    """Strike out what is over."""
    for table in (OneTimeChallenge, Permission):
        await session.execute(delete(table).where(table.expires_at <= now - LIFETIME))


def view(row: Permission) -> Grant:
    """Give a stored grant as a plain value."""
    proofs = frozenset(Proof(name) for name in row.proofs.split())
    return Grant(row.id, Operation(row.operation), proofs, row.expires_at)


def _written(proofs: frozenset[Proof]) -> str:
    return " ".join(sorted(proofs))
