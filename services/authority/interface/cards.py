"""Cards: work on the card in a reader, and what a card is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.data_types import AuthorityOperation, CardPermit, Change
from services.authority.interface.certificates import CertificateKind
from services.formats.card_number import CardNumber
from services.formats.hidden import Hidden


class Cards(Protocol):
    """Activating and unlocking the card in a reader."""

    async def permit(
        self,
        session: AsyncSession,
        grant_id: str,
        operation: AuthorityOperation,
        chat_id: int,
        now: datetime,
    ) -> tuple[CardPermit, datetime]:
        """Check person and state before work on the person's card (activate, unlock).

        :return: the permission, and when the grant ends.
        :raises GrantExpiredError: when the grant is over, or for another operation.
        :raises WrongStateError: where the certificates do not allow it.
        """

    async def record_work(
        self, session: AsyncSession, permit: CardPermit, step: str, chat_id: int, now: datetime
    ) -> None:
        """Record a step of the work on a card in the audit, before it takes effect."""

    def derive_admin_key(self, card_serial: str) -> bytes:
        """Derive the 24-byte admin key of a card; it is stored nowhere."""

    async def find_certificate(self, session: AsyncSession, permit: CardPermit) -> bytes:
        """Return the authentication certificate on record of the card, as DER.

        :raises WrongCardError: where there is none, or no longer one.
        """

    async def activate(
        self, session: AsyncSession, permit: CardPermit, chat_id: int, now: datetime
    ) -> Change:
        """Activate the card (開卡) once it proved to be present; its code is then destroyed."""


@dataclass(frozen=True, repr=False)
class CardOrder:
    """Everything that goes onto one card; the private keys are PKCS#8, DER.

    :ivar passphrase: protects the keys where the card is a file.
    :ivar pin: on the card from the start; only in the sandbox, where nobody stands at a counter.
    """

    card_number: CardNumber
    card_serial: str
    admin_key: bytes
    private_keys: Mapping[CertificateKind, bytes]
    certificates: Mapping[CertificateKind, bytes]
    passphrase: Hidden
    pin: Hidden | None = None


class CardMaker(Protocol):
    """Makes a card from an order, such as the virtual card's file."""

    def make(self, order: CardOrder, path: Path) -> None:
        """Write the card to `path`, whole and flushed to the disk, or raise."""
