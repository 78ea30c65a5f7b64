"""Pairing codes (配對碼): issued to a chat, redeemed once at a PC within five minutes.

A code is one of 30⁸ (6.6 × 10¹¹). Wrong codes are counted per address and, of IPv6, per network,
in the database, so that neither reconnecting nor a restart allows new attempts. They are never
counted over everybody for a limit, since then strangers could keep a right code out. While many
wrong ones come in, staff are alerted and new codes have two characters more (5.9 × 10¹⁴), which
takes 900 times the guesses. Whoever hits one still needs the two words, which the victim did not
see on their own PC, to be confirmed in the chat.
"""

import secrets
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from reader_bridge.protocol import (
    LONG_PAIRING_CODE_LENGTH,
    PAIRING_CODE_ALPHABET,
    PAIRING_CODE_LENGTH,
)
from services import rate_limit
from services.bridge.models import PairingCodeRow, name_seal_context
from services.clock import steady_time
from services.formats.hidden import Hidden
from services.messaging.staff_alerts import StaffAlert, enqueue_alert
from services.rate_limit import Consumption, RateLimit, RateLimitedError
from services.storage.database import Database
from services.storage.keys import KeyRing, SecretPurpose

LIFETIME: Final = timedelta(minutes=5)
PAUSE: Final = timedelta(minutes=15)
ADDRESS_LIMIT: Final = RateLimit("bridge.address", 5, PAUSE)
"""Of an IPv4 address, or a /64 of IPv6, which is what a household gets."""
SITE_LIMIT: Final = RateLimit("bridge.site", 20, PAUSE)
"""Of a /56 of IPv6, which some providers give to a household."""
ORGANISATION_LIMIT: Final = RateLimit("bridge.organisation", 80, PAUSE)
"""Of a /48 of IPv6, the largest network that one customer usually gets."""
LIMITS: Final = (ADDRESS_LIMIT, SITE_LIMIT, ORGANISATION_LIMIT)
MANY_WRONG_CODES: Final = 600
"""Wrong codes from everywhere within `PAUSE`, above which guessing is assumed."""

_SUBNETS: Final = ((64, ADDRESS_LIMIT), (56, SITE_LIMIT), (48, ORGANISATION_LIMIT))
_ALERT_INTERVAL: Final = timedelta(hours=1)


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
    :ivar chat_id: of the chat that shows the code, where it is right but not accepted now.
    """

    def __init__(
        self,
        tries_left: int,
        retry_at: datetime | None,
        *,
        is_expired: bool = False,
        chat_id: int | None = None,
    ) -> None:
        super().__init__("expired" if is_expired else f"{tries_left} tries left")
        self.is_expired = is_expired
        self.tries_left = tries_left
        self.retry_at = retry_at
        self.chat_id = chat_id


class WrongCodeCounter:
    """Counts the wrong codes from everywhere, to notice guessing. In memory, so per process."""

    def __init__(self) -> None:
        self._latest: deque[datetime] = deque(maxlen=MANY_WRONG_CODES)
        self._alerted_at: datetime | None = None

    def add(self, now: datetime) -> bool:
        """Count one; return whether staff have to be alerted."""
        steady = steady_time(now)
        self._latest.append(steady)
        is_due = self._alerted_at is None or steady - self._alerted_at >= _ALERT_INTERVAL
        if not (is_due and self.is_many(now)):
            return False
        self._alerted_at = steady
        return True

    def is_many(self, now: datetime) -> bool:
        """Whether somebody seems to be guessing."""
        is_full = len(self._latest) == MANY_WRONG_CODES
        return is_full and steady_time(now) - self._latest[0] <= PAUSE


class PairingCodes:
    """Issues codes, and redeems each once."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys
        self._wrong_codes = WrongCodeCounter()

    async def issue(self, chat_id: int, user_id: int, name: str, now: datetime) -> PairingCode:
        """Issue a code to a chat; an earlier one becomes invalid."""
        is_guessed = self._wrong_codes.is_many(now)
        length = LONG_PAIRING_CODE_LENGTH if is_guessed else PAIRING_CODE_LENGTH
        code = Hidden("".join(secrets.choice(PAIRING_CODE_ALPHABET) for _ in range(length)))
        row = PairingCodeRow(
            chat_id=chat_id,
            code_hash=self._code_hash(code),
            user_id=user_id,
            name=self._keys.seal(name.encode(), name_seal_context(chat_id)),
            expires_at=steady_time(now) + LIFETIME,
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
                spent = await self._consume(session, address, now)
            except RateLimitedError as over:
                chat_id = await self._find_chat(session, code, now)
                raise CodeRefusedError(0, over.until, chat_id=chat_id) from None
            row = await self._pop(session, code)
            if row is not None:
                for one in spent:
                    await rate_limit.refund(session, one)
            elif self._wrong_codes.add(now):
                about = {"wrong_codes": MANY_WRONG_CODES}
                await enqueue_alert(session, StaffAlert.PAIRING_CODES_GUESSED, about, now)
        if row is None:
            raise _wrong_code(spent)
        if row.expires_at <= steady_time(now):
            tries_left = min(one.remaining for one in spent) + 1
            raise CodeRefusedError(tries_left, None, is_expired=True)
        name = self._keys.unseal(row.name, name_seal_context(row.chat_id)).decode()
        return RedeemedCode(row.chat_id, row.user_id, Hidden(name))

    async def _consume(
        self, session: AsyncSession, address: str, now: datetime
    ) -> list[Consumption]:
        return [
            await rate_limit.consume(session, limit, self._subject(network), now)
            for network, limit in _limits_of(address)
        ]

    async def _find_chat(self, session: AsyncSession, code: Hidden, now: datetime) -> int | None:
        """The chat that shows a code, which stays valid."""
        is_valid = (
            PairingCodeRow.code_hash == self._code_hash(code),
            PairingCodeRow.expires_at > steady_time(now),
        )
        chat_id: int | None = await session.scalar(select(PairingCodeRow.chat_id).where(*is_valid))
        return chat_id

    async def _pop(self, session: AsyncSession, code: Hidden) -> PairingCodeRow | None:
        matching = delete(PairingCodeRow).where(PairingCodeRow.code_hash == self._code_hash(code))
        return (await session.scalars(matching.returning(PairingCodeRow))).one_or_none()

    async def delete_old(self, session: AsyncSession, now: datetime) -> None:
        """Delete expired codes and counts."""
        await session.execute(
            delete(PairingCodeRow).where(PairingCodeRow.expires_at <= steady_time(now) - LIFETIME)
        )
        await rate_limit.delete_unused_limits(session, LIMITS, now)

    def _code_hash(self, code: Hidden) -> bytes:
        return self._keys.keyed_hash(SecretPurpose.LOOKUP, "bridge code", code.reveal())

    def _subject(self, address: str) -> bytes:
        return self._keys.keyed_hash(SecretPurpose.LOOKUP, "bridge", address)


def rate_limit_address(text: str) -> str:
    """What a PC counts as: an IPv4 address or a /64 network of IPv6.

    Anything that is not an address counts as one address, ``unknown``.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return str(ip_network((address, _SUBNETS[0][0]), strict=False))
        address = address.ipv4_mapped
    return str(address)


def _limits_of(address: str) -> list[tuple[str, RateLimit]]:
    """The limits that a PC comes under, each with the network whose uses it counts.

    :param address: as `rate_limit_address` returns it.
    """
    if "/" not in address:
        return [(address, ADDRESS_LIMIT)]
    network = ip_network(address)
    return [(str(network.supernet(new_prefix=bits)), limit) for bits, limit in _SUBNETS]


def _wrong_code(spent: list[Consumption]) -> CodeRefusedError:
    fewest = min(spent, key=lambda one: one.remaining)
    return CodeRefusedError(fewest.remaining, None if fewest.remaining else fewest.until)
