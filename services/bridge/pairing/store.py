"""Who is paired, as rows: what a server that was started anew takes up again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.bridge.models import BridgeSession, secret_place
from services.storage.keys import KeyRing


@dataclass(repr=False)
class Pairing:
    """A bridge that is paired with a chat.

    :ivar session_id: of the session it was paired in.
    :ivar resume_secret: what it proves to have when it comes back.
    :ivar admin_barred: a card refused the issuer over this pairing.
    """

    chat_id: int
    user_id: int
    session_id: str
    resume_secret: bytes
    paired_at: datetime
    expires_at: datetime
    admin_barred: bool = False


class SessionStore:
    """Reads and writes pairings. Its verbs take the caller's unit of work."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def all(self, session: AsyncSession, now: datetime) -> Sequence[Pairing]:
        """Give the pairings that stand, and strike out those that are over."""
        await session.execute(delete(BridgeSession).where(BridgeSession.expires_at <= now))
        return [self._opened(row) for row in await session.scalars(select(BridgeSession))]

    async def put(self, session: AsyncSession, pairing: Pairing) -> None:
        """Write a pairing down, in place of the chat's earlier one."""
        secret = self._keys.seal(pairing.resume_secret, secret_place(pairing.chat_id))
        row = BridgeSession(
            chat_id=pairing.chat_id,
            id=pairing.session_id,
            user_id=pairing.user_id,
            resume_secret=secret,
            paired_at=pairing.paired_at,
            expires_at=pairing.expires_at,
            admin_key_rejected=pairing.admin_barred,
        )
        await session.merge(row)

    async def remove(self, session: AsyncSession, pairing: Pairing) -> None:
        """Strike a pairing out; one that took its place stays."""
        await session.execute(delete(BridgeSession).where(BridgeSession.id == pairing.session_id))

    async def bar(self, session: AsyncSession, session_id: str) -> None:
        """Note that a card refused the issuer over a pairing."""
        row = update(BridgeSession).where(BridgeSession.id == session_id)
        await session.execute(row.values(admin_key_rejected=True))

    async def stands(self, session: AsyncSession, session_id: str, now: datetime) -> bool:
        """Tell whether a pairing still stands, and may be used to set a PIN."""
        ours = (BridgeSession.id == session_id, BridgeSession.expires_at > now)
        query = select(BridgeSession.chat_id).where(*ours)
        query = query.where(BridgeSession.admin_key_rejected.is_(False))
        return (await session.execute(query)).first() is not None

    def _opened(self, row: BridgeSession) -> Pairing:
        return Pairing(
            chat_id=row.chat_id,
            user_id=row.user_id,
            session_id=row.id,
            resume_secret=self._keys.unseal(row.resume_secret, secret_place(row.chat_id)),
            paired_at=row.paired_at,
            expires_at=row.expires_at,
            admin_barred=row.admin_key_rejected,
        )
