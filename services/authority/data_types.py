"""The values that an authority takes and returns."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.authority.lifecycle import ApplicationState, CertificateState
from services.formats.hidden import Hidden

CURRENCY = "TWD"


class AuthorityOperation(StrEnum):
    """What a person can ask for; all but `VERIFY` are names of conversations."""

    RETRIEVE = "retrieve"
    PAY = "pay"
    STATUS = "status"
    ACTIVATE = "activate"
    SUSPEND = "suspend"
    RESUME = "resume"
    UNLOCK = "unlock"
    VERIFY = "verify"
    """More attempts at the code for a chat that verified its person."""


class Proof(StrEnum):
    """What a person has proved."""

    CODE = "code"
    BIRTH_DATE = "birth_date"
    MAIL = "mail"
    """A one-time code that was sent by e-mail."""
    CARD_NUMBER = "card_number"


@dataclass(frozen=True)
class Grant:
    """Permission for one operation on one person's records, for ten minutes in one chat.

    A conversation stores only its id.
    """

    id: str
    operation: AuthorityOperation
    proofs: frozenset[Proof]
    expires_at: datetime


@dataclass(frozen=True)
class Challenge:
    """A one-time code that was sent, or looks as if it was."""

    id: str
    expires_at: datetime
    tries: int


@dataclass(frozen=True)
class Change:
    """Result of an operation.

    :ivar changed: `False` when it was done before and nothing happened.
    :ivar other_chats: other chats linked to the person, which are notified.
    """

    changed: bool
    application: str
    other_chats: tuple[int, ...] = ()


@dataclass(frozen=True)
class RevealedCode:
    """The subscriber code, to be shown once and deleted soon."""

    code: Hidden
    change: Change


class FeeKind(StrEnum):
    """What a fee is for (docs/facts.md §1.2)."""

    CARD = "card"
    """工本費"""
    POSTAGE = "postage"
    """郵資處理費"""


@dataclass(frozen=True)
class Fee:
    """One fee, in the smallest unit of the currency."""

    kind: FeeKind
    amount: int


@dataclass(frozen=True)
class AmountDue:
    """The fees due, the deadline, and the address the card will be posted to."""

    fees: tuple[Fee, ...]
    deadline: datetime
    last_day: date
    """The last day to pay on, in Taipei."""
    address: Hidden
    application: str


@dataclass(frozen=True)
class Invoice:
    """An invoice that can be paid once, by one person, in one chat.

    :ivar amount: the sum of its fees, in the smallest unit of the currency.
    """

    payload: str
    fees: tuple[Fee, ...]
    amount: int
    currency: str = CURRENCY


@dataclass(frozen=True)
class Checkout:
    """A payment as the provider reports it, before and after it takes money."""

    payload: str
    user_id: int
    amount: int
    currency: str


@dataclass(frozen=True)
class Charge:
    """Money that was taken."""

    charge_id: str
    provider_charge_id: str
    checkout: Checkout


@dataclass(frozen=True)
class ChargeResult:
    """Result of recording a charge.

    :ivar receipt: its number; every charge has one, so that staff and payer can name it.
    :ivar matched: `False` when it matches no application; staff must be alerted.
    :ivar changed: `False` when this charge was recorded before.
    """

    receipt: str
    matched: bool
    changed: bool
    amount: int
    currency: str
    application: str | None
    other_chats: tuple[int, ...] = ()
    """Other chats linked to the person, which are notified of a payment."""
    reason: str | None = None
    """Why it matches none, as a `CheckoutRefusal`."""
    fees: tuple[Fee, ...] = ()
    """The fees it paid, where that is known."""


@dataclass(frozen=True)
class Timeline:
    """Where an application and its certificates stand."""

    application: ApplicationState
    certificate: CertificateState | None
    moments: Mapping[ApplicationState, datetime]
    """When each state was reached."""
    deadline: datetime
    certificate_changed_at: datetime | None
    valid_until: datetime | None
    next_operation: AuthorityOperation | None
    """What the person can do next to come further; `None` where there is only waiting."""


@dataclass(frozen=True)
class CardPermit:
    """Permission to activate or unlock one card."""

    application: str
    card_serial: str
    operation: AuthorityOperation


@dataclass(frozen=True)
class ReportResult:
    """Result of the report "that was not me".

    :ivar changed: whether the certificates were suspended by it.
    :ivar certificate: where they stand now, `None` where none were made.
    """

    changed: bool
    certificate: CertificateState | None


@dataclass(frozen=True)
class ChatLink:
    """A chat that is linked to a person, and since when."""

    chat: int
    since: datetime


@dataclass(frozen=True)
class LinkedPerson:
    """A person a chat is linked to, as `/privacy` shows it."""

    subscriber: str
    ui_number_masked: str
    links: tuple[ChatLink, ...]
    application: ApplicationState | None
    certificate: CertificateState | None
