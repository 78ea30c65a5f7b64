"""Opening the certificate authority on start."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from services import jobs
from services.authority.ca import ca_key_file
from services.authority.ca.ca_certificate import CaSigner
from services.authority.ca.ca_key_file import CaParameters
from services.authority.ca.crl import DUE_KIND, CrlPublisher
from services.authority.ca.errors import CaKeyError, CaKeyProblem
from services.authority.ca.issuing import CaIssuer
from services.authority.ca.models import ROW_ID, CertificateAuthority
from services.authority.ca.ocsp import OcspResponder
from services.authority.ca.publication import PublicationUrls
from services.authority.ca.published_list import PUBLISHED_LIST, PublishedListFile
from services.authority.ca.status_lookup import BatchedStatusLookup
from services.authority.ca.statuses import CertificateRegister
from services.authority.ca.unrecorded import ExtendedRegister
from services.formats.hidden import Hidden
from services.storage.database import Database, insert_or_ignore


@dataclass(frozen=True)
class CertificateService:
    """Issuing, revocation lists and OCSP, behind one key."""

    signer: CaSigner
    urls: PublicationUrls
    issuer: CaIssuer
    crl: CrlPublisher
    ocsp: OcspResponder
    published: PublishedListFile

    @property
    def certificate_der(self) -> bytes:
        """The authority's own certificate, DER."""
        return self.signer.certificate.public_bytes(serialization.Encoding.DER)


async def open_certificate_service(
    database: Database,
    register: CertificateRegister,
    path: Path,
    passphrase: Hidden,
    urls: PublicationUrls,
    now: datetime,
    parameters: CaParameters | None = None,
) -> CertificateService:
    """Open the authority's key, creating it on the first start.

    :param register: the certificates whose status it publishes.
    :param path: of the key file; the last published list is kept beside it.
    :raises CaKeyError: when the key cannot be used, is not there although the database was made
        with one, or is another than that.
    """
    known = await _known_key_id(database)
    parameters = None if known else parameters or CaParameters()
    signer = await asyncio.to_thread(_load_or_create, path, passphrase, parameters, now)
    if await _register(database, signer, now) != signer.key_id:
        raise CaKeyError(path, CaKeyProblem.FOREIGN)
    register = ExtendedRegister(register)
    published = PublishedListFile(path.with_name(PUBLISHED_LIST), signer.certificate)
    return CertificateService(
        signer=signer,
        urls=urls,
        issuer=CaIssuer(signer, urls),
        crl=CrlPublisher(database, register, signer, published.keep),
        ocsp=OcspResponder(signer, BatchedStatusLookup(database, register)),
        published=published,
    )


def _load_or_create(
    path: Path, passphrase: Hidden, parameters: CaParameters | None, now: datetime
) -> CaSigner:
    """Load the key, creating it first where none is expected to exist."""
    if not path.exists():
        if parameters is None:
            raise CaKeyError(path, CaKeyProblem.LOST)
        ca_key_file.create_ca_key_file(path, passphrase, parameters, now)
    return ca_key_file.load_key_file(path, passphrase)


async def _known_key_id(database: Database) -> str | None:
    async with database.unit_of_work() as session:
        authority = await session.get(CertificateAuthority, ROW_ID)
        return authority.key_id if authority else None


async def _register(database: Database, signer: CaSigner, now: datetime) -> str:
    """Record which authority the database belongs to, unless it is; return the recorded key id."""
    row = {
        "id": ROW_ID,
        "key_id": signer.key_id,
        "certificate": signer.certificate.public_bytes(serialization.Encoding.DER),
        "created_at": now,
        "changes": 0,
        "last_crl_number": 0,
    }
    async with database.unit_of_work() as session:
        await session.execute(insert_or_ignore(session, CertificateAuthority).values(row))
        authority = await session.get_one(CertificateAuthority, ROW_ID)
        await jobs.schedule(session, DUE_KIND, DUE_KIND, now)
        return authority.key_id
