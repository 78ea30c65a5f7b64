"""The port: what conversations, the bridge hub and the counter may ask of an authority.

Two kinds of verbs. Those that take a `session` change or read records within the caller's unit of
work and never commit. Those without one check something secret: they spend a try in a
transaction of their own before they look, so they are called *outside* any unit of work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.interface.checks import CodeChecks, Keeping
from services.authority.values import (
    CardPermit,
    Challenge,
    Change,
    Charge,
    ChargeResult,
    Checkout,
    Denial,
    Grant,
    Invoice,
    LinkedPerson,
    Operation,
    Owed,
    RevealedCode,
    Timeline,
)
from services.formats.card_number import CardNumber
from services.formats.hidden import Hidden
from services.formats.ui_number import UiNumber


class Authority(Protocol):
    """Who stands behind the conversations."""

    @property
    def carries_out(self) -> frozenset[Operation]:
        """The operations that are carried out here; in the others the person is guided."""

    @property
    def keeper(self) -> str | None:
        """Who keeps the records, by name; `None` where they are made up, for demonstrations."""

    @property
    def online(self) -> "OnlineAuthority":
        """The verbs of an authority that carries operations out.

        :raises NotCarriedOutError: where there are none.
        """


class OnlineAuthority(CodeChecks, Keeping, Protocol):
    """What an authority does that carries operations out.

    Verbs that take a `grant_id` raise `GrantExpiredError`, `ProofMissingError` or
    `WrongStateError`.
    """

    async def ask_one_time_code(
        self,
        session: AsyncSession,
        ui_number: UiNumber,
        birth_date: date,
        operation: Operation,
        chat_id: int,
        now: datetime,
    ) -> Challenge:
        """Send a one-time code to who has this UI No. and birth date, without the code.

        Who does not exist gets the same answer, and no mail.

        :raises TooManyMailsError: after three in an hour, or ten in a day.
        """

    async def send_one_time_code(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Challenge:
        """Send a one-time code that adds a proof to a grant.

        :raises TooManyMailsError: after three in an hour, or ten in a day.
        """

    async def look_at_grant(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Grant:
        """Give a grant that is still good."""

    async def reveal_code(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> RevealedCode:
        """Give the subscriber code back, before it is activated (取回用戶代碼).

        :raises CodeNotKeptError: afterwards.
        """

    async def status(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Timeline:
        """Tell where application and certificates stand."""

    async def owed(self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime) -> Owed:
        """Tell what is owed, until when, and the address on record.

        :raises DeadlinePassedError: when it can no longer be paid.
        """

    async def change_address(
        self, session: AsyncSession, grant_id: str, address: str, chat_id: int, now: datetime
    ) -> Change:
        """Correct the address the card is posted to; under a grant to pay, before it is made.

        :raises FormatError: for an address nothing could be posted to.
        """

    async def open_invoice(
        self, session: AsyncSession, grant_id: str, user_id: int, chat_id: int, now: datetime
    ) -> Invoice:
        """Make an invoice bound to person, chat and amount, to be paid once.

        :raises DeadlinePassedError: when it can no longer be paid.
        """

    async def approve_checkout(
        self, session: AsyncSession, checkout: Checkout, now: datetime
    ) -> Change:
        """Check an invoice again before money is taken, and reserve it for an hour.

        :raises CheckoutRefusedError: with the reason.
        """

    async def record_charge(
        self, session: AsyncSession, charge: Charge, now: datetime
    ) -> ChargeResult:
        """Record money that was taken, once for each charge id; never refused."""

    async def permit_card(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> CardPermit:
        """Check person and state before work on the person's card (activate, unlock)."""

    async def note_card_work(
        self, session: AsyncSession, permit: CardPermit, step: str, chat_id: int, now: datetime
    ) -> None:
        """Put a step of the work on a card into the audit, before its effect leaves."""

    def card_admin_key(self, card_serial: str) -> bytes:
        """Derive the 24-byte admin key of a card; it is stored nowhere."""

    async def card_certificate(self, session: AsyncSession, permit: CardPermit) -> bytes:
        """Give the authentication certificate on record of the card, as DER.

        :raises WrongCardError: where there is none (any more).
        """

    async def activate(
        self, session: AsyncSession, permit: CardPermit, chat_id: int, now: datetime
    ) -> Change:
        """Activate (開卡), after the card proved to be there; the code is gone from then on."""

    async def look_ahead(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Change:
        """Tell, before more proofs are asked for, what suspending or resuming would change.

        Nobody learns more by it than by `status`, for which the code is enough.
        """

    async def suspend(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Change:
        """Suspend the certificates (停用)."""

    async def resume(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Change:
        """Take the suspension off (復用)."""

    async def announce_resumption(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Change:
        """Tell by mail and in the other linked chats that the certificates are to be resumed."""

    async def link_chat(
        self,
        session: AsyncSession,
        grant_id: str,
        chat_id: int,
        now: datetime,
        client_language: str | None = None,
    ) -> Change:
        """Link the chat to the person, after their yes.

        :param client_language: what their client speaks, for the notices to come.
        :raises TooManyChatsError: when three are linked.
        :raises ChatPausedError: when this chat was linked too often today.
        """

    async def unlink_chat(
        self, session: AsyncSession, subscriber: str, chat_id: int, acting_chat: int, now: datetime
    ) -> bool:
        """Remove a link, from this chat or from another that is linked.

        `False` where there was none, or where the acting chat is not linked itself.
        """

    async def deny(
        self, session: AsyncSession, doubt_id: str, chat_id: int, now: datetime
    ) -> Denial:
        """Hear that it was not the person: suspend at once, and end whatever is under way.

        What is not active cannot be suspended, and stays as it is.

        :raises DoubtOverError: after three days, or when the chat is no longer linked.
        """

    async def linked_people(self, session: AsyncSession, chat_id: int) -> Sequence[LinkedPerson]:
        """Give the people a chat is linked to, with the chats linked to each."""


class CertificateKind(StrEnum):
    """The certificates on a card."""

    AUTHENTICATION = "authentication"
    SIGNATURE = "signature"
    ENCRYPTION = "encryption"


@dataclass(frozen=True, repr=False)
class CertificateRequest:
    """What goes into the certificates of one card (docs/facts.md §2.7).

    :ivar person_serial: 16 digits, which are not the UI No.
    :ivar id_last_four: the last four characters of the UI No.
    :ivar public_keys: DER SubjectPublicKeyInfo for each certificate.
    """

    name: str
    person_serial: str
    id_last_four: str
    card_number: str
    mail_address: str
    not_before: datetime
    not_after: datetime
    public_keys: Mapping[CertificateKind, bytes]


@dataclass(frozen=True, repr=False)
class IssuedCertificate:
    """One certificate as it was issued."""

    kind: CertificateKind
    serial: int
    der: bytes


class CertificateIssuer(Protocol):
    """What the authority asks of its certificate authority."""

    async def issue(self, request: CertificateRequest) -> Sequence[IssuedCertificate]:
        """Sign one certificate for each public key. Called outside any unit of work.

        What is issued here counts only once its serials are recorded: an act that is cut before
        leaves certificates nobody has ever seen.
        """

    async def status_changed(self, session: AsyncSession, now: datetime) -> None:
        """Hear, within the change's own transaction, that a certificate's status changed."""


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
    """What makes a card of an order, such as the virtual card's file."""

    def make(self, order: CardOrder, path: Path) -> None:
        """Write the card to `path`, whole and flushed to the disk, or raise."""
