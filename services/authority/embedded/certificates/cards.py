"""Work on a person's card: activating and unlocking it, and its admin key.

The admin key of each card is derived from one master key and the card's serial, and stored
nowhere.
"""

from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.authority.data_types import AuthorityOperation, CardPermit, Change
from services.authority.embedded.audit import Actor, Audit, AuditAct
from services.authority.embedded.certificates.certificates import (
    EmbeddedCertificates,
    list_certificates,
    lock_certificates,
)
from services.authority.embedded.credentials import grants
from services.authority.embedded.models import Application, CardRecord
from services.authority.errors import WrongCardError, WrongStateError
from services.authority.interface.cards import Cards
from services.authority.interface.certificates import CertificateKind
from services.authority.lifecycle import (
    ApplicationAct,
    ApplicationState,
    CertificateAct,
    CertificateState,
    next_application_state,
    next_certificate_state,
)
from services.storage.database import lock_row
from services.storage.keys import KeyRing, SecretPurpose

ADMIN_KEY_BYTES = 24
"""Three keys of DES, as GIDS cards authenticate their administrator."""
LABEL = b"kaika card admin key"


class EmbeddedCards(Cards):
    """The cards on record."""

    def __init__(self, keys: KeyRing, audit: Audit, certificates: EmbeddedCertificates) -> None:
        self._keys = keys
        self._audit = audit
        self._certificates = certificates

    @override
    async def permit(
        self,
        session: AsyncSession,
        grant_id: str,
        operation: AuthorityOperation,
        chat_id: int,
        now: datetime,
    ) -> tuple[CardPermit, datetime]:
        grant, application = await grants.require_grant(session, grant_id, operation, chat_id, now)
        certificates = await lock_certificates(session, application, operation)
        if operation is AuthorityOperation.ACTIVATE:
            next_application_state(ApplicationState(application.state), ApplicationAct.ACTIVATE)
            next_certificate_state(CertificateState(certificates.state), CertificateAct.ACTIVATE)
        elif certificates.state != CertificateState.ACTIVE:
            raise WrongStateError(certificates.state, operation)
        card = await session.get_one(CardRecord, application.id)  # exists with the certificates
        return CardPermit(application.id, card.serial, operation), grant.expires_at

    @override
    async def record_work(
        self, session: AsyncSession, permit: CardPermit, step: str, chat_id: int, now: datetime
    ) -> None:
        details = {"step": step, "operation": permit.operation, "card": permit.card_serial}
        actor = Actor.in_chat(chat_id).name
        self._audit.record(session, AuditAct.CARD_WORK, permit.application, actor, now, details)

    @override
    async def activate(
        self, session: AsyncSession, permit: CardPermit, chat_id: int, now: datetime
    ) -> Change:
        application = await lock_row(session, Application, permit.application)
        if application is None or permit.operation is not AuthorityOperation.ACTIVATE:
            raise WrongStateError("unknown", CertificateAct.ACTIVATE)
        await _check_card(session, application, permit.card_serial)
        return await self._certificates.activate(session, application, Actor.in_chat(chat_id), now)

    @override
    def derive_admin_key(self, card_serial: str) -> bytes:
        return derive_admin_key(self._keys, card_serial)

    @override
    async def find_certificate(self, session: AsyncSession, permit: CardPermit) -> bytes:
        for one in await list_certificates(session, self._keys, permit.application):
            if one.kind is CertificateKind.AUTHENTICATION:
                return one.der
        raise WrongCardError


async def _check_card(session: AsyncSession, application: Application, serial: str) -> None:
    card = await session.get(CardRecord, application.id)
    if card is None or card.serial != serial:
        raise WrongCardError


def derive_admin_key(keys: KeyRing, card_serial: str) -> bytes:
    """Derive the admin key of the card with this serial (hex).

    KBKDF in counter mode with HMAC-SHA256 (NIST SP 800-108r1 §4.1): 32-bit counter before the fixed
    data, label ``kaika card admin key``, context the serial's bytes, 32-bit length.
    """
    derivation = KBKDFHMAC(
        algorithm=SHA256(),
        mode=Mode.CounterMode,
        length=ADMIN_KEY_BYTES,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=LABEL,
        context=bytes.fromhex(card_serial),
        fixed=None,
    )
    return derivation.derive(keys.secret(SecretPurpose.CARD_MASTER))
