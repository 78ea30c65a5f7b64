"""Subscriber codes (用戶代碼): verifying them, and recovering them until activation."""

import asyncio
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.embedded.credentials.hashing import Argon2Hasher
from services.authority.embedded.models import Application
from services.authority.embedded.personal_data.record_keys import RecordKeyFile
from services.authority.errors import CodeUnrecoverableError
from services.formats.subscriber_code import SubscriberCode
from services.storage.database import after_commit
from services.storage.keys import KeyRing, SecretPurpose, column_context

ORPHAN_AGE = timedelta(hours=1)
"""Age from which a record key without an application is considered left over by a crash."""
_NONCE = bytes(12)
"""A record key seals one code, once."""


@dataclass(frozen=True, repr=False)
class PreparedCode:
    """A new code and what is stored of it, for an application to be submitted."""

    application: str
    code: SubscriberCode
    verifier: str
    record_key: bytes
    sealed: bytes


class SubscriberCodes:
    """Creates, checks, recovers and destroys subscriber codes."""

    def __init__(self, keys: KeyRing, records: RecordKeyFile, hasher: Argon2Hasher) -> None:
        self._keys = keys
        self._records = records
        self.hasher = hasher

    async def prepare(
        self, application: str, now: datetime, code: SubscriberCode | None = None
    ) -> PreparedCode:
        """Create a code; its record key is on the disk when this returns.

        :param code: one that is given instead, for the people of the sandbox.
        """
        drawn = code or SubscriberCode.generate()
        verifier = await self.hasher.create_verifier(self._pepper(drawn))
        record_key, key = await asyncio.to_thread(self._records.add, now)
        aad = column_context("applications", application, "code_sealed").encode()
        sealed = AESGCM(key).encrypt(_NONCE, drawn.reveal().encode(), aad)
        return PreparedCode(application, drawn, verifier, record_key, sealed)

    async def check(self, code: SubscriberCode, verifier: str | None) -> bool:
        """Return whether a verifier was made of this code.

        :raises CheckQueueFullError: when too many checks are waiting.
        """
        return await self.hasher.verify(self._pepper(code), verifier)

    def recover(self, application: Application) -> SubscriberCode:
        """Return the code of an application.

        :raises CodeUnrecoverableError: once it was activated, or its key is gone.
        """
        if application.code_sealed is None or application.record_key is None:
            raise CodeUnrecoverableError
        key = self._records.find(application.record_key)
        if key is None:
            raise CodeUnrecoverableError
        aad = column_context("applications", application.id, "code_sealed").encode()
        try:
            plain = AESGCM(key).decrypt(_NONCE, application.code_sealed, aad)
        except InvalidTag:
            raise CodeUnrecoverableError from None
        return SubscriberCode(plain.decode())

    def destroy(self, session: AsyncSession, application: Application) -> None:
        """Make the code unrecoverable: its record key is destroyed with the commit."""
        application.code_sealed = None
        if application.record_key is not None:
            self.destroy_key(session, application.record_key)

    def destroy_key(self, session: AsyncSession, record_key: bytes) -> None:
        """Destroy a record key with the commit."""
        after_commit(session, lambda: self._destroy_key(record_key))

    def _destroy_key(self, record_key: bytes) -> None:
        self._records.destroy(record_key)

    async def destroy_orphans(self, session: AsyncSession, now: datetime) -> int:
        """Destroy record keys that a crash left over; return how many.

        The row keeps the id of its record after the code is destroyed, which distinguishes a key
        that outlived its code from that of an application being submitted at this moment.
        """
        swept = 0
        for record in self._records.list_records():
            named = select(Application.code_sealed).where(Application.record_key == record.id)
            row = (await session.execute(named)).one_or_none()
            orphaned = row is None and record.made_at < now - ORPHAN_AGE
            if orphaned or (row is not None and row.code_sealed is None):
                self._destroy_key(record.id)
                swept += 1
        return swept

    def _pepper(self, code: SubscriberCode) -> bytes:
        pepper = self._keys.secret(SecretPurpose.PEPPER)
        return hmac.digest(pepper, code.reveal().encode(), "sha256")
