"""Issuing a card for a paid application: keys, three certificates, and the card itself.

Keys and signatures are made outside the unit of work. The card is first written to a temporary
file named after its serial, and moved in place once its record is committed. Issuing again after a
crash in between finds the record and completes the move.
"""

import asyncio
import glob
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.ca.crl import record_status_change
from services.authority.embedded.audit import Actor, Audit, AuditAct
from services.authority.embedded.certificates.cards import derive_admin_key
from services.authority.embedded.models import (
    CardRecord,
    Certificate,
    CertificateSet,
)
from services.authority.embedded.payments.applications import advance
from services.authority.embedded.personal_data.records import PersonalRecords
from services.authority.errors import CardFileTakenError, NoIssuerError
from services.authority.interface.cards import CardMaker, CardOrder
from services.authority.interface.certificates import (
    CertificateIssuer,
    CertificateKind,
    CertificateRequest,
    IssuedCertificate,
)
from services.authority.lifecycle import (
    ApplicationAct,
    ApplicationState,
    CertificateState,
    next_application_state,
)
from services.calendar import validity_end
from services.formats.card_number import CardNumber
from services.formats.hidden import Hidden
from services.formats.ui_number import UiNumber
from services.storage.database import Database
from services.storage.keys import KeyRing

CARD_PREFIX = "KA"
"""The letters our card numbers begin with."""
CardKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class IssuedCard:
    """A card that was issued.

    :ivar changed: `False` when it was issued before.
    """

    changed: bool
    application: str
    card_serial: str
    card_number: CardNumber | None


@dataclass(frozen=True, repr=False)
class _NewCard:
    """A card that is made and not yet on record."""

    order: CardOrder
    certificates: tuple[IssuedCertificate, ...]
    request: CertificateRequest


class CardIssuer:
    """Issues cards."""

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        records: PersonalRecords,
        audit: Audit,
        certificate_issuer: CertificateIssuer | None,
        generate_key: Callable[[], CardKey],
    ) -> None:
        self._database = database
        self._keys = keys
        self._records = records
        self._audit = audit
        self._certificate_issuer = certificate_issuer
        self._generate_key = generate_key

    @property
    def certificate_issuer(self) -> CertificateIssuer:
        """The certificate authority.

        :raises NoIssuerError: where none is set up.
        """
        if self._certificate_issuer is None:
            raise NoIssuerError
        return self._certificate_issuer

    async def issue(
        self,
        ui_number: UiNumber,
        path: Path,
        maker: CardMaker,
        passphrase: Hidden,
        actor: Actor,
        now: datetime,
    ) -> IssuedCard:
        """Issue a person's card and write it to `path`. Opens units of work of its own.

        :raises UnknownPersonError: where nobody is known under the number.
        :raises WrongStateError: when it is not paid.
        :raises NoIssuerError: where there is no certificate authority.
        :raises CardFileTakenError: when another file is at `path`.
        """
        # Looked at first: a card is on record before it is put in place, by whomever.
        is_taken = await asyncio.to_thread(path.exists)
        async with self._database.unit_of_work() as session:
            done = await self._find_issued(session, ui_number)
            request = None if done else await self._build_request(session, ui_number, now)
        if request is not None:
            if is_taken:
                raise CardFileTakenError(path)
            made = await self._make(request, path, maker, passphrase)
            async with self._database.unit_of_work() as session:
                done = await self._record(session, ui_number, made, actor, now)
        assert done is not None
        await asyncio.to_thread(_move_in_place, path, done.card_serial)
        return done

    async def _find_issued(self, session: AsyncSession, ui_number: UiNumber) -> IssuedCard | None:
        _, application = await self._records.require_latest(session, ui_number)
        state = ApplicationState(application.state)
        if next_application_state(state, ApplicationAct.ISSUE) != state:
            return None
        card = await session.get(CardRecord, application.id)
        assert card is not None
        number = self._records.unseal_card_number(card)
        return IssuedCard(False, application.id, card.serial, number)

    async def _build_request(
        self, session: AsyncSession, ui_number: UiNumber, now: datetime
    ) -> CertificateRequest:
        subscriber, _ = await self._records.require_latest(session, ui_number)
        data = self._records.unseal_person(subscriber)
        return CertificateRequest(
            name=data.name,
            person_serial=self._records.unseal_field(subscriber, "person_serial"),
            id_last_four=ui_number.reveal()[-4:],
            card_number=_generate_card_number().reveal(),
            mail_address=data.mail_address,
            not_before=now,
            not_after=validity_end(now),
            public_keys={},
        )

    async def _make(
        self, blank: CertificateRequest, path: Path, maker: CardMaker, passphrase: Hidden
    ) -> _NewCard:
        private = await asyncio.to_thread(self._generate_keys)
        public = {kind: _encode_public(key) for kind, key in private.items()}
        request = replace(blank, public_keys=public)
        certificates = tuple(await self.certificate_issuer.issue(request))
        serial = secrets.token_hex(16)
        order = CardOrder(
            card_number=CardNumber(request.card_number),
            card_serial=serial,
            admin_key=derive_admin_key(self._keys, serial),
            private_keys={kind: _encode_private(key) for kind, key in private.items()},
            certificates={certificate.kind: certificate.der for certificate in certificates},
            passphrase=passphrase,
        )
        await asyncio.to_thread(maker.make, order, _temporary_path(path, serial))
        return _NewCard(order, certificates, request)

    def _generate_keys(self) -> Mapping[CertificateKind, CardKey]:
        return {kind: self._generate_key() for kind in CertificateKind}

    async def _record(
        self,
        session: AsyncSession,
        ui_number: UiNumber,
        made: _NewCard,
        actor: Actor,
        now: datetime,
    ) -> IssuedCard:
        before = await self._find_issued(session, ui_number)
        if before is not None:  # another process was quicker
            return before
        _, application = await self._records.require_latest(session, ui_number)
        advance(application, ApplicationAct.ISSUE, now)
        number, serial = made.order.card_number, made.order.card_serial
        session.add(
            CardRecord(
                application_id=application.id,
                serial=serial,
                number_hash=self._records.hash_card_number(number),
                number=self._records.seal(number.reveal(), "cards", application.id, "number"),
            )
        )
        session.add(
            CertificateSet(
                application_id=application.id,
                state=CertificateState.INACTIVE,
                changed_at=now,
                not_before=made.request.not_before,
                not_after=made.request.not_after,
            )
        )
        await session.flush()
        session.add_all(self._certificate_row(application.id, one) for one in made.certificates)
        details = {"card": serial}
        self._audit.record(session, AuditAct.ISSUED, application.id, actor.name, now, details)
        await session.flush()
        record_status_change(session, now)
        return IssuedCard(True, application.id, serial, number)

    def _certificate_row(self, application: str, certificate: IssuedCertificate) -> Certificate:
        serial = f"{certificate.serial:x}"
        sealed = self._keys.seal(certificate.der, f"certificates/{serial}/document")
        return Certificate(
            serial=serial, application_id=application, kind=certificate.kind, document=sealed
        )


def _generate_card_number() -> CardNumber:
    return CardNumber(CARD_PREFIX + "".join(secrets.choice("0123456789") for _ in range(14)))


def generate_rsa_2048() -> CardKey:
    """Generate a key such as MOICA's cards have (docs/facts.md §2.7)."""
    return rsa.generate_private_key(65537, 2048)


def _encode_public(key: CardKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _encode_private(key: CardKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _temporary_path(path: Path, serial: str) -> Path:
    return path.with_name(f"{path.name}.{serial}.new")


def _move_in_place(path: Path, serial: str) -> None:
    """Move the recorded card to its place, and remove leftovers of failed attempts."""
    with suppress(FileNotFoundError):  # it was moved before, perhaps just now by another process
        _temporary_path(path, serial).replace(path)
    for left_over in path.parent.glob(f"{glob.escape(path.name)}.*.new"):
        left_over.unlink(missing_ok=True)
