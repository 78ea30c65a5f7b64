"""Pairing codes (配對碼): offered by a chat, typed once at a PC, within five minutes.

A code is one of 30⁸ (6.6 × 10¹¹). Wrong ones are counted for each address and for all of them
together, in the database, so that neither reconnecting nor a restart gives a guesser new tries.
At the limit for all there are 57,600 guesses a day: with a thousand codes open at every moment,
one of them is hit within a day with a chance below 1 in 10,000 – and then the two words, which
the guesser's victim did not see on their own PC, still have to be confirmed in the chat. Whoever
commands 120 addresses can use the limit up and keep others from pairing; it is logged as such.
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
from services.bridge.models import BridgeCode, name_place
from services.formats.hidden import Hidden
from services.rate_limit import Limit, Spent, UsedUpError
from services.storage.database import Database
from services.storage.keys import KeyRing, Purpose

LIFETIME: Final = timedelta(minutes=5)
PAUSE: Final = timedelta(minutes=15)
OF_AN_ADDRESS: Final = Limit("bridge.address", 5, PAUSE)
OF_ALL: Final = Limit("bridge.all", 600, PAUSE)
LIMITS: Final = (OF_AN_ADDRESS, OF_ALL)

_SUBNET_BITS = 64
"""What one household is given of IPv6; all of it counts as one address."""
_log = structlog.get_logger()


@dataclass(frozen=True)
class PairingCode:
    """A code for the person to type at their PC."""

    code: Hidden
    expires_at: datetime


@dataclass(frozen=True)
class Offer:
    """Who asked for the code that was typed."""

    chat_id: int
    user_id: int
    name: Hidden


class CodeRefusedError(Exception):
    """The code was not taken.

    :ivar expired: it was a right one, too late.
    :ivar tries_left: of this address.
    :ivar wait: until when nothing more is taken, where that is so.
    :ivar of_all: too many were wrong over all addresses; this one need not have been.
    """

    def __init__(
        self,
        tries_left: int,
        wait: datetime | None,
        *,
        expired: bool = False,
        of_all: bool = False,
    ) -> None:
        super().__init__("expired" if expired else f"{tries_left} tries left")
        self.expired = expired
        self.of_all = of_all
        self.tries_left = tries_left
        self.wait = wait


class PairingCodes:
    """Draws codes, and takes each once."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    async def offer(self, chat_id: int, user_id: int, name: str, now: datetime) -> PairingCode:
        """Draw a code for a chat; one that it was shown before counts no more."""
        code = Hidden(
            "".join(secrets.choice(PAIRING_CODE_ALPHABET) for _ in range(PAIRING_CODE_LENGTH))
        )
        row = BridgeCode(
            chat_id=chat_id,
            code_hash=self._code_hash(code),
            user_id=user_id,
            name=self._keys.seal(name.encode(), name_place(chat_id)),
            expires_at=now + LIFETIME,
        )
        async with self._database.unit_of_work() as session:
            await session.merge(row)
        return PairingCode(code, row.expires_at)

    async def withdraw(self, chat_id: int) -> None:
        """Strike out the code a chat was shown."""
        async with self._database.unit_of_work() as session:
            await session.execute(delete(BridgeCode).where(BridgeCode.chat_id == chat_id))

    async def redeem(self, code: Hidden, address: str, now: datetime) -> Offer:
        """Take a code that was typed at a PC; a right one is struck out.

        :raises CodeRefusedError: where it is wrong, too old, or too many were wrong.
        """
        async with self._database.unit_of_work() as session:
            try:
                spent = [
                    await rate_limit.spend(session, OF_AN_ADDRESS, self._subject(address), now),
                    await rate_limit.spend(session, OF_ALL, self._subject("all"), now),
                ]
            except UsedUpError as over:
                raise _used_up(over) from None
            row = await self._take(session, code)
            if row is not None:
                for one in spent:
                    await rate_limit.refund(session, one)
        if row is None:
            raise _wrong(spent[0])
        if row.expires_at <= now:
            raise CodeRefusedError(spent[0].left + 1, None, expired=True)
        name = self._keys.unseal(row.name, name_place(row.chat_id)).decode()
        return Offer(row.chat_id, row.user_id, Hidden(name))

    async def _take(self, session: AsyncSession, code: Hidden) -> BridgeCode | None:
        typed = delete(BridgeCode).where(BridgeCode.code_hash == self._code_hash(code))
        return (await session.scalars(typed.returning(BridgeCode))).one_or_none()

    async def tidy(self, session: AsyncSession, now: datetime) -> None:
        """Strike out codes and counts that are over."""
        await session.execute(delete(BridgeCode).where(BridgeCode.expires_at <= now - LIFETIME))
        await rate_limit.tidy(session, LIMITS, now)

    def _code_hash(self, code: Hidden) -> bytes:
        return self._keys.keyed_hash(Purpose.LOOKUP, "bridge code", code.reveal())

    def _subject(self, address: str) -> bytes:
        return self._keys.keyed_hash(Purpose.LOOKUP, "bridge", address)


def counted_address(text: str) -> str:
    """Give what wrong tries are counted under: an IPv4 address, or a network of IPv6.

    What is no address is one of its own.
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


def _wrong(spent: Spent) -> CodeRefusedError:
    return CodeRefusedError(spent.left, None if spent.left else spent.until)


def _used_up(over: UsedUpError) -> CodeRefusedError:
    if over.limit is OF_ALL:
        _log.error("bridge_pairing_used_up", remedy="look for many addresses at /bridge")
    return CodeRefusedError(0, over.until, of_all=over.limit is OF_ALL)
