"""A whole authority for a test, and a person whose life can be told in short words."""

import os
import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from services.argon2_cost import Argon2Cost
from services.authority.data_types import (
    AuthorityOperation,
    Change,
    Charge,
    ChargeResult,
    Checkout,
    Grant,
    Proof,
)
from services.authority.embedded.audit import Actor
from services.authority.embedded.authority import AuthorityFiles, EmbeddedAuthority
from services.authority.embedded.certificates.issuing import CardKey, IssuedCard
from services.authority.embedded.counter import Counter
from services.authority.embedded.credentials import grants
from services.authority.embedded.credentials.hashing import Argon2Hasher
from services.authority.embedded.payments.applications import ApplicationReceipt
from services.authority.embedded.personal_data.records import PersonalData, find_latest_application
from services.authority.interface.cards import CardOrder
from services.authority.interface.certificates import (
    CertificateIssuer,
    CertificateRequest,
    IssuedCertificate,
)
from services.authority.lifecycle import RevocationReason
from services.formats import ui_number
from services.formats.hidden import Hidden
from services.formats.subscriber_code import SubscriberCode
from services.formats.ui_number import UiNumber
from services.storage import keys as key_module
from services.storage.database import Database
from services.storage.engine import Limits

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
"""Noon in Taipei."""
CHEAP = Argon2Cost(memory=64, passes=1)
CHAT = 1001
USER = 1001


class FakeIssuer:
    """Issues documents that are no certificates."""

    async def issue(self, request: CertificateRequest) -> Sequence[IssuedCertificate]:
        document = f"certificate of {request.name}, {request.person_serial}".encode()
        return [
            IssuedCertificate(kind, secrets.randbits(120), document + key)
            for kind, key in request.public_keys.items()
        ]


class FakeCardMaker:
    """Writes a card as its number, and remembers the orders."""

    def __init__(self) -> None:
        self.orders: list[CardOrder] = []

    def make(self, order: CardOrder, path: Path) -> None:
        self.orders.append(order)
        path.write_text(order.card_serial)


def small_key() -> CardKey:
    """Draw a key that is quick to make."""
    return ec.generate_private_key(ec.SECP256R1())


def valid_ui_number(rng: random.Random) -> UiNumber:
    """Draw a valid UI No. of the new format."""
    body = rng.choice("ABCDEFGH") + rng.choice("89") + "".join(rng.choices("0123456789", k=7))
    last = next(digit for digit in "0123456789" if ui_number.checksum(body + digit) == 0)
    return UiNumber.parse(body + last)


UNHURRIED = Limits(120.0, {"statement_timeout": "110s"})
"""Limits for tests of what the authority does: a machine that is full makes them wait, not fail."""


def fast_folder() -> Path | None:
    """Return a folder in memory, where there is one: a test's database needs no disk."""
    memory = Path("/dev/shm")  # noqa: S108
    return memory if os.access(memory, os.W_OK) else None


@dataclass
class AuthorityHarness:
    """An authority on a database of its own, with the files beside it."""

    url: str
    folder: Path
    database: Database = field(init=False)
    authority: EmbeddedAuthority = field(init=False)
    issuer: FakeIssuer = field(default_factory=FakeIssuer)
    maker: FakeCardMaker = field(default_factory=FakeCardMaker)
    signs_with: CertificateIssuer | None = None
    cost: Argon2Cost = CHEAP

    def __post_init__(self) -> None:
        self.open()

    def open(self, database: Database | None = None) -> None:
        """Put the authority together, as a process does at its start."""
        self.database = database or Database(self.url, UNHURRIED)
        self.keys = key_module.load_or_create(self.folder / "keys.json")
        self.authority = EmbeddedAuthority(
            self.database,
            self.keys,
            AuthorityFiles.in_folder(self.folder),
            self.signs_with or self.issuer,
            Argon2Hasher(self.cost),
            small_key,
        )
        self.counter = Counter(self.authority, Actor.at_counter("test"))

    def hash_with(self, hasher: Argon2Hasher) -> None:
        """Check codes at another cost from now on."""
        self.authority.close()
        self.authority.hasher = self.authority.codes.hasher = hasher

    async def close(self) -> None:
        self.authority.close()
        await self.database.close()

    async def restart(self, now: datetime = NOW) -> None:
        """Stop as if the process ended, and start again."""
        await self.close()
        self.open()
        await self.authority.start(now)

    def person(self, seed: int = 1) -> "Applicant":
        """Return a person who has not applied yet."""
        return Applicant(self, valid_ui_number(random.Random(seed)), seed)  # noqa: S311


@dataclass
class Applicant:
    """A person, told in short words. Each verb does one act and returns its result."""

    world: AuthorityHarness
    ui_number: UiNumber
    seed: int
    code: SubscriberCode = field(init=False)
    charges: int = 0

    @property
    def data(self) -> PersonalData:
        return PersonalData(
            ui_number=self.ui_number,
            name=f"Nguyễn Văn {chr(65 + self.seed % 26)}",
            birth_date=date(1990, 5, 17),
            mail_address=f"nguyen{self.seed}@mail.example",
            postal_address=f"臺北市中正區忠孝東路一段{self.seed}號",
        )

    @property
    def card_file(self) -> Path:
        return self.world.folder / f"card-{self.seed}.json"

    async def applies(self, now: datetime = NOW) -> ApplicationReceipt:
        applied = await self.world.counter.apply(self.data, now)
        if applied.code is not None:
            self.code = applied.code
        return applied

    async def obtain_grant(
        self, operation: AuthorityOperation, *proofs: Proof, chat: int = CHAT, now: datetime = NOW
    ) -> Grant:
        """Return a grant without the way to it, which other tests walk."""
        authority = self.world.authority
        async with self.world.database.unit_of_work() as session:
            subscriber = await authority.records.require(session, self.ui_number)
            application = await find_latest_application(session, subscriber)
            assert application is not None
            shown = frozenset(proofs) or frozenset(Proof)
            return grants.open_grant(session, application.id, operation, shown, chat, now)

    async def checks(
        self,
        code: SubscriberCode | str | None = None,
        operation: AuthorityOperation = AuthorityOperation.STATUS,
        chat: int = CHAT,
        now: datetime = NOW,
    ) -> Grant:
        typed = SubscriberCode(code) if isinstance(code, str) else code or self.code
        authority = self.world.authority
        return await authority.credentials.check_code(self.ui_number, typed, operation, chat, now)

    async def open_invoice(self, now: datetime = NOW) -> Checkout:
        grant = await self.obtain_grant(AuthorityOperation.PAY, now=now)
        async with self.world.database.unit_of_work() as session:
            open_invoice = self.world.authority.payments.open_invoice
            invoice = await open_invoice(session, grant.id, USER, CHAT, now)
        return Checkout(invoice.payload, USER, invoice.amount, invoice.currency)

    async def approve_checkout(self, checkout: Checkout, now: datetime = NOW) -> Change:
        async with self.world.database.unit_of_work() as session:
            return await self.world.authority.payments.approve_checkout(session, checkout, now)

    async def record_charge(
        self, checkout: Checkout, charge_id: str | None = None, now: datetime = NOW
    ) -> ChargeResult:
        self.charges += charge_id is None
        charge = Charge(charge_id or f"charge-{self.seed}-{self.charges}", "provider", checkout)
        async with self.world.database.unit_of_work() as session:
            return await self.world.authority.payments.record_charge(session, charge, now)

    async def pays(self, now: datetime = NOW) -> ChargeResult:
        checkout = await self.open_invoice(now)
        await self.approve_checkout(checkout, now)
        return await self.record_charge(checkout, now=now)

    async def is_issued(self, now: datetime = NOW) -> IssuedCard:
        world = self.world
        issuing = world.authority.card_issuer
        actor = Actor.at_counter("test")
        secret = Hidden("passphrase of the card")
        return await issuing.issue(self.ui_number, self.card_file, world.maker, secret, actor, now)

    async def is_posted(self, now: datetime = NOW) -> Change:
        return await self.world.counter.post(self.ui_number, now)

    async def activates(self, now: datetime = NOW) -> Change:
        grant = await self.obtain_grant(AuthorityOperation.ACTIVATE, Proof.CODE, now=now)
        authority = self.world.authority
        async with self.world.database.unit_of_work() as session:
            operation = AuthorityOperation.ACTIVATE
            permit, _ = await authority.cards.permit(session, grant.id, operation, CHAT, now)
        async with self.world.database.unit_of_work() as session:
            return await authority.cards.activate(session, permit, CHAT, now)

    async def suspends(self, now: datetime = NOW) -> Change:
        grant = await self.obtain_grant(AuthorityOperation.SUSPEND, now=now)
        async with self.world.database.unit_of_work() as session:
            return await self.world.authority.certificates.suspend(session, grant.id, CHAT, now)

    async def resumes(self, now: datetime = NOW) -> Change:
        grant = await self.obtain_grant(AuthorityOperation.RESUME, now=now)
        async with self.world.database.unit_of_work() as session:
            return await self.world.authority.certificates.resume(session, grant.id, CHAT, now)

    async def is_revoked(self, now: datetime = NOW) -> Change:
        return await self.world.counter.revoke(self.ui_number, RevocationReason.LOST, now)

    async def links(self, chat: int, now: datetime = NOW) -> Change:
        grant = await self.obtain_grant(AuthorityOperation.STATUS, Proof.CODE, chat=chat, now=now)
        async with self.world.database.unit_of_work() as session:
            return await self.world.authority.links.link_chat(session, grant.id, chat, now)

    async def is_active(self) -> "Applicant":
        """Live up to an active card."""
        await self.applies()
        await self.pays()
        await self.is_issued()
        await self.is_posted()
        await self.activates()
        return self
