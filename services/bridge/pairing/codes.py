"""Pairing codes (配對碼): issued to a chat, redeemed once at a PC within five minutes.

A code is one of 30⁸ (6.6 × 10¹¹). Wrong codes are counted per address and globally, in the
database, so that neither reconnecting nor a restart allows new attempts. The global limit allows
57,600 guesses a day: with a thousand valid codes at every moment, the chance to hit one within a
day is below 1 in 10,000, and then the two words, which the victim did not see on their own PC,
still have to be confirmed in the chat. An attacker with 120 addresses can use up the global limit
and keep others from pairing; that is logged.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

import structlog
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from reader_bridge.protocol import PAIRING_CODE_ALPHABET, PAIRING_CODE_LENGTH
from services import rate_limit
from services.bridge.models import PairingCodeRow, name_seal_context
from services.formats.hidden import Hidden
from services.rate_limit import Consumption, RateLimit, RateLimitedError
from services.storage.database import Database
from services.storage.keys import KeyRing, SecretPurpose

LIFETIME: Final = timedelta(minutes=5)
PAUSE: Final = timedelta(minutes=15)
ADDRESS_LIMIT: Final = RateLimit("bridge.address", 5, PAUSE)
GLOBAL_LIMIT: Final = RateLimit("bridge.all", 600, PAUSE)
LIMITS: Final = (ADDRESS_LIMIT, GLOBAL_LIMIT)

_SUBNET_BITS = 64
"""Prefix that a household gets of IPv6; all of it counts as one address."""
_log = structlog.get_logger()


@dataclass(frozen=True)
class PairingCode:
    """A code for the person to type at the PC."""

    code: Hidden
    expires_at: datetime


@dataclass(frozen=True)
class RedeemedCode:
    """Who a redeemed code was issued to."""

    chat_id: int
    user_id: int
    name: Hidden


class CodeRefusedError(Exception):
    """The code was refused.

    :ivar is_expired: the code was right, but too late.
    :ivar tries_left: of this address.
    :ivar retry_at: when codes are accepted again, where none are now.
    :ivar is_global: too many were wrong over all addresses; this one was not checked.
    """

    def __init__(
        self,
        tries_left: int,
        retry_at: datetime | None,
        *,
        is_expired: bool = False,
        is_global: bool = False,
    ) -> None:
        super().__init__("expired" if is_expired else f"{tries_left} tries left")
        self.is_expired = is_expired
        self.is_global = is_global
        self.tries_left = tries_left
        self.retry_at = retry_at


class PairingCodes:
    """Issues codes, and redeems each once."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    async def issue(self, chat_id: int, user_id: int, name: str, now: datetime) -> PairingCode:
        """Issue a code to a chat; an earlier one becomes invalid."""
        code = Hidden(
            "".join(secrets.choice(PAIRING_CODE_ALPHABET) for _ in range(PAIRING_CODE_LENGTH))
        )
        row = PairingCodeRow(
            chat_id=chat_id,
            code_hash=self._code_hash(code),
            user_id=user_id,
            name=self._keys.seal(name.encode(), name_seal_context(chat_id)),
            expires_at=now + LIFETIME,
        )
        async with self._database.unit_of_work() as session:
            await session.merge(row)
        return PairingCode(code, row.expires_at)

    async def withdraw(self, chat_id: int) -> None:
        """Invalidate the code of a chat."""
        async with self._database.unit_of_work() as session:
            await session.execute(delete(PairingCodeRow).where(PairingCodeRow.chat_id == chat_id))

    async def redeem(self, code: Hidden, address: str, now: datetime) -> RedeemedCode:
        """Redeem a code typed at a PC; a right one becomes invalid.

        :raises CodeRefusedError: where it is wrong or expired, or too many were wrong.
        """
        async with self._database.unit_of_work() as session:
            try:
                spent = [
                    await rate_limit.consume(session, ADDRESS_LIMIT, self._subject(address), now),
                    await rate_limit.consume(session, GLOBAL_LIMIT, self._subject("all"), now),
                ]
            except RateLimitedError as over:
                raise _limit_reached(over) from None
            row = await self._pop(session, code)
            if row is not None:
                for one in spent:
                    await rate_limit.refund(session, one)
        if row is None:
            raise _wrong_code(spent[0])
        if row.expires_at <= now:
            raise CodeRefusedError(spent[0].remaining + 1, None, is_expired=True)
        name = self._keys.unseal(row.name, name_seal_context(row.chat_id)).decode()
        return RedeemedCode(row.chat_id, row.user_id, Hidden(name))

    async def _pop(self, session: AsyncSession, code: Hidden) -> PairingCodeRow | None:
        matching = delete(PairingCodeRow).where(PairingCodeRow.code_hash == self._code_hash(code))
        return (await session.scalars(matching.returning(PairingCodeRow))).one_or_none()

    async def delete_old(self, session: AsyncSession, now: datetime) -> None:
        """Delete expired codes and counts."""
        await session.execute(
            delete(PairingCodeRow).where(PairingCodeRow.expires_at <= now - LIFETIME)
        )
        await rate_limit.delete_unused_limits(session, LIMITS, now)

    def _code_hash(self, code: Hidden) -> bytes:
        return self._keys.keyed_hash(SecretPurpose.LOOKUP, "bridge code", code.reveal())

    def _subject(self, address: str) -> bytes:
        return self._keys.keyed_hash(SecretPurpose.LOOKUP, "bridge", address)


def rate_limit_address(text: str) -> str:
    """What wrong codes are counted under: an IPv4 address or a /64 network of IPv6.

    Anything that is not an address counts as one address, ``unknown``.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return str(ip_network((address, _SUBNET_BITS), strict=False))
        address = address.ipv4_mapped
    return str(address)


def _wrong_code(spent: Consumption) -> CodeRefusedError:
    return CodeRefusedError(spent.remaining, None if spent.remaining else spent.until)


def _limit_reached(over: RateLimitedError) -> CodeRefusedError:
    if over.limit is GLOBAL_LIMIT:
        _log.error("bridge_pairing_used_up", remedy="look for many addresses at /bridge")
    return CodeRefusedError(0, over.until, is_global=over.limit is GLOBAL_LIMIT)
