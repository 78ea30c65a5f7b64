"""The certificate authority put together, and opened on start."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from services import jobs
from services.authority.ca import keys
from services.authority.ca.ca_certificate import CaIdentity
from services.authority.ca.crl import DUE_KIND, CrlPublisher
from services.authority.ca.errors import CaKeyError, CaKeyProblem
from services.authority.ca.issuing import Issuer
from services.authority.ca.keys import NewCa
from services.authority.ca.models import ONLY, CertificateAuthority
from services.authority.ca.ocsp import OcspResponder
from services.authority.ca.publication import Publication
from services.authority.ca.status_lookup import DatabaseStatuses
from services.formats.hidden import Hidden
from services.storage.database import Database
from services.storage.upsert import insert_or_ignore


@dataclass(frozen=True)
class CertificateService:
    """Everything the authority does with certificates."""

    identity: CaIdentity
    publication: Publication
    issuer: Issuer
    crl: CrlPublisher
    ocsp: OcspResponder

    @property
    def certificate(self) -> bytes:
        """The authority's own certificate, DER."""
        return self.identity.certificate.public_bytes(serialization.Encoding.DER)


async def open_service(
    database: Database,
    path: Path,
    passphrase: Hidden,
    publication: Publication,
    now: datetime,
    new: NewCa | None = None,
) -> CertificateService:
    """Open the authority's key, making it on the first start.

    :raises CaKeyError: when the key cannot be used, is not there although the database was made
        with one, or is another than that.
    """
    known = await _known_key_id(database)
    made = None if known else new or NewCa()
    identity = await asyncio.to_thread(_load, path, passphrase, made, now)
    if await _register(database, identity, now) != identity.key_id:
        raise CaKeyError(path, CaKeyProblem.FOREIGN)
    return CertificateService(
        identity=identity,
        publication=publication,
        issuer=Issuer(identity, publication),
        crl=CrlPublisher(database, identity),
        ocsp=OcspResponder(identity, DatabaseStatuses(database)),
    )


def _load(path: Path, passphrase: Hidden, new: NewCa | None, now: datetime) -> CaIdentity:
    """Load the key, making it first where there is none and none is missed."""
    if not path.exists():
        if new is None:
            raise CaKeyError(path, CaKeyProblem.LOST)
        keys.create(path, passphrase, new, now)
    return keys.load(path, passphrase)


async def _known_key_id(database: Database) -> str | None:
    async with database.unit_of_work() as session:
        authority = await session.get(CertificateAuthority, ONLY)
        return authority.key_id if authority else None


async def _register(database: Database, identity: CaIdentity, now: datetime) -> str:
    """Note whose database this is, where nobody did; give the key id that is noted."""
    row = {
        "id": ONLY,
        "key_id": identity.key_id,
        "certificate": identity.certificate.public_bytes(serialization.Encoding.DER),
        "created_at": now,
        "changes": 0,
        "last_crl_number": 0,
    }
    async with database.unit_of_work() as session:
        await session.execute(insert_or_ignore(session, CertificateAuthority).values(row))
        authority = await session.get_one(CertificateAuthority, ONLY)
        await jobs.schedule(session, DUE_KIND, DUE_KIND, now)
        return authority.key_id
