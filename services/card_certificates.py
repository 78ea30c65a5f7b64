"""Parsing of a certificate read from a card."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

_ISSUER_NAMES = (
    NameOID.COMMON_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.ORGANIZATION_NAME,
)
_MAX_ISSUER_LENGTH = 100


class NotACertificateError(ValueError):
    """The document is not a certificate."""


@dataclass(frozen=True)
class CardCertificate:
    """The contents of a certificate, whose signature is not checked.

    :ivar serial: serial number.
    :ivar issuer: name of the issuer.
    """

    serial: int
    issuer: str
    not_before: datetime
    not_after: datetime


def parse_certificate(document: bytes) -> CardCertificate:
    """Parse a certificate (DER).

    :raises NotACertificateError: for anything else.
    """
    try:
        certificate = x509.load_der_x509_certificate(document)
        names = [
            name.value
            for oid in _ISSUER_NAMES
            for name in certificate.issuer.get_attributes_for_oid(oid)
        ]
        return CardCertificate(
            certificate.serial_number,
            str(names[0])[:_MAX_ISSUER_LENGTH] if names else "?",
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )
    except ValueError as error:
        raise NotACertificateError from error
