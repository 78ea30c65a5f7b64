"""Pairings as rows, which survive a restart of the server."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.bridge.models import PairingRow, secret_seal_context
from services.clock import steady_time
from services.storage.keys import KeyRing


@dataclass(repr=False)
class StoredPairing:
    """The pairing of a bridge with a chat.

    :ivar session_id: of the session it was paired in.
    :ivar paired_at: by the steady clock, like its end.
    :ivar resume_secret: the bridge proves to have it when it reconnects.
    :ivar admin_barred: a card rejected the issuer's key over this pairing.
    """

    chat_id: int
    user_id: int
    session_id: str
    resume_secret: bytes
    paired_at: datetime
    expires_at: datetime
    admin_barred: bool = False


class PairingStore:
    """Reads and writes pairings in the caller's unit of work."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def load_valid(self, session: AsyncSession, now: datetime) -> Sequence[StoredPairing]:
        """Return the pairings that are valid, and delete those that are over."""
        await session.execute(delete(PairingRow).where(PairingRow.expires_at <= steady_time(now)))
        return [self._stored_pairing(row) for row in await session.scalars(select(PairingRow))]

    async def save(self, session: AsyncSession, pairing: StoredPairing) -> None:
        """Write a pairing in place of the chat's earlier one."""
        secret = self._keys.seal(pairing.resume_secret, secret_seal_context(pairing.chat_id))
        row = PairingRow(
            chat_id=pairing.chat_id,
            id=pairing.session_id,
            user_id=pairing.user_id,
            resume_secret=secret,
            paired_at=pairing.paired_at,
            expires_at=pairing.expires_at,
            admin_key_rejected=pairing.admin_barred,
        )
        await session.merge(row)

    async def delete(self, session: AsyncSession, pairing: StoredPairing) -> None:
        """Delete a pairing, but not one that has replaced it."""
        await session.execute(delete(PairingRow).where(PairingRow.id == pairing.session_id))

    async def bar(self, session: AsyncSession, session_id: str) -> None:
        """Note that a card rejected the issuer's key over a pairing."""
        row = update(PairingRow).where(PairingRow.id == session_id)
        await session.execute(row.values(admin_key_rejected=True))

    async def may_set_pin(self, session: AsyncSession, session_id: str, now: datetime) -> bool:
        """Whether a pairing is valid and not barred."""
        is_valid = (PairingRow.id == session_id, PairingRow.expires_at > steady_time(now))
        query = select(PairingRow.chat_id).where(*is_valid)
        query = query.where(PairingRow.admin_key_rejected.is_(False))
        return (await session.execute(query)).first() is not None

    def _stored_pairing(self, row: PairingRow) -> StoredPairing:
        return StoredPairing(
            chat_id=row.chat_id,
            user_id=row.user_id,
            session_id=row.id,
            resume_secret=self._keys.unseal(row.resume_secret, secret_seal_context(row.chat_id)),
            paired_at=row.paired_at,
            expires_at=row.expires_at,
            admin_barred=row.admin_key_rejected,
        )
