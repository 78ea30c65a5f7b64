"""Is a certificate revoked? Asked of its authority, where that can be reached.

The addresses stand in the certificate, which a card could make up: only hosts on a list are asked.
An answer counts only where the issuer on the card, or one it delegated to, has signed it; whether
that issuer is genuine is not proved by this.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from reader_bridge.card.certificate import BROKEN, load

AUTHORITY_HOSTS = ("moica.nat.gov.tw", "moica.moi.gov.tw", "crl-moica.moi.gov.tw")
"""docs/facts.md §2.7."""

Fetch = Callable[[str, bytes | None], Awaitable[bytes]]
"""Asks an address, with a body or without; raises :class:`UnreachableError`."""


class UnreachableError(Exception):
    """An authority's address gave no answer."""


class Standing(StrEnum):
    """What an authority says of a certificate."""

    GOOD = "good"
    SUSPENDED = "suspended"
    """On hold (`certificateHold`): it can come back."""
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    """Nobody could be asked, or no answer could be believed."""


@dataclass(frozen=True)
class RevocationStatus:
    """A standing, since when, and as of when.

    :ivar source: the address that said so.
    """

    standing: Standing
    since: datetime | None = None
    as_of: datetime | None = None
    source: str | None = None


async def check_revocation(
    certificate: bytes,
    issuer: bytes,
    fetch: Fetch,
    now: datetime,
    hosts: tuple[str, ...] = AUTHORITY_HOSTS,
) -> RevocationStatus:
    """Ask by OCSP, then by revocation list, and give the first answer that can be believed.

    :raises MalformedResponseError: where one of the certificates is none.
    """
    subject, authority = load(certificate), load(issuer)
    if not _issued_by(subject, authority):
        return RevocationStatus(Standing.UNKNOWN)
    for url in _allowed(_ocsp_addresses(subject), hosts):
        status = await _ask_responder(url, subject, authority, fetch, now)
        if status is not None:
            return status
    for url in _allowed(_list_addresses(subject), hosts):
        status = await _read_list(url, subject, authority, fetch, now)
        if status is not None:
            return status
    return RevocationStatus(Standing.UNKNOWN)


async def _ask_responder(
    url: str, subject: x509.Certificate, authority: x509.Certificate, fetch: Fetch, now: datetime
) -> RevocationStatus | None:
    request = ocsp.OCSPRequestBuilder().add_certificate(subject, authority, SHA1()).build()  # noqa: S303
    try:
        answer = ocsp.load_der_ocsp_response(await fetch(url, request.public_bytes(Encoding.DER)))
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return None
        if answer.serial_number != subject.serial_number or not _is_signed(answer, authority, now):
            return None
    except (UnreachableError, *BROKEN, UnsupportedAlgorithm):
        return None
    if answer.next_update_utc is not None and answer.next_update_utc < now:
        return None
    standing = {
        ocsp.OCSPCertStatus.GOOD: Standing.GOOD,
        ocsp.OCSPCertStatus.REVOKED: _standing(answer.revocation_reason),
    }.get(answer.certificate_status, Standing.UNKNOWN)
    return RevocationStatus(standing, answer.revocation_time_utc, answer.this_update_utc, url)


async def _read_list(
    url: str, subject: x509.Certificate, authority: x509.Certificate, fetch: Fetch, now: datetime
) -> RevocationStatus | None:
    try:
        revoked = x509.load_der_x509_crl(await fetch(url, None))
        key = authority.public_key()
        if not revoked.is_signature_valid(key):  # type: ignore[arg-type]
            return None
        expired = revoked.next_update_utc is not None and revoked.next_update_utc < now
        if revoked.issuer != subject.issuer or expired:
            return None
        entry = revoked.get_revoked_certificate_by_serial_number(subject.serial_number)
    except (UnreachableError, *BROKEN, UnsupportedAlgorithm):
        return None
    if entry is None:
        return RevocationStatus(Standing.GOOD, None, revoked.last_update_utc, url)
    return RevocationStatus(
        _standing(_reason(entry)), entry.revocation_date_utc, revoked.last_update_utc, url
    )


def _is_signed(answer: ocsp.OCSPResponse, authority: x509.Certificate, now: datetime) -> bool:
    """Tell whether the authority, or a responder it delegated to, signed (RFC 6960 §4.2.2.2)."""
    for signer in (authority, *_delegates(answer, authority, now)):
        try:
            _verify(answer, signer)
        except (InvalidSignature, *BROKEN, UnsupportedAlgorithm):
            continue
        return True
    return False


def _delegates(
    answer: ocsp.OCSPResponse, authority: x509.Certificate, now: datetime
) -> Iterator[x509.Certificate]:
    for certificate in answer.certificates:
        try:
            usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (x509.ExtensionNotFound, *BROKEN):
            continue
        current = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
        delegated = ExtendedKeyUsageOID.OCSP_SIGNING in usage
        if current and delegated and _issued_by(certificate, authority):
            yield certificate


def _verify(answer: ocsp.OCSPResponse, signer: x509.Certificate) -> None:
    key, algorithm = signer.public_key(), answer.signature_hash_algorithm
    if algorithm is None:
        raise ValueError("no hash")
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(answer.signature, answer.tbs_response_bytes, padding.PKCS1v15(), algorithm)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(algorithm))
    else:
        raise TypeError("key")


def _issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, UnsupportedAlgorithm, *BROKEN):
        return False
    return True


def _standing(reason: x509.ReasonFlags | None) -> Standing:
    held = reason is x509.ReasonFlags.certificate_hold
    return Standing.SUSPENDED if held else Standing.REVOKED


def _reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except (x509.ExtensionNotFound, *BROKEN):
        return None


def _ocsp_addresses(certificate: x509.Certificate) -> Iterator[str]:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except (x509.ExtensionNotFound, *BROKEN):
        return
    for description in access.value:
        if description.access_method == AuthorityInformationAccessOID.OCSP:
            yield str(description.access_location.value)


def _list_addresses(certificate: x509.Certificate) -> Iterator[str]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)
    except (x509.ExtensionNotFound, *BROKEN):
        return
    for point in points.value:
        yield from (str(name.value) for name in point.full_name or ())


def _allowed(addresses: Iterator[str], hosts: tuple[str, ...]) -> Iterator[str]:
    for address in addresses:
        try:
            parts = urlsplit(address)
            if parts.scheme in ("http", "https") and parts.hostname in hosts:
                yield address
        except ValueError:
            continue
