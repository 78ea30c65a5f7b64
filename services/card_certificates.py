"""Reading a certificate that a card gave: until when it is good, and who issued it."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID


class NoCertificateError(ValueError):
    """What the card gave is no certificate."""


@dataclass(frozen=True)
class CardCertificate:
    """What stands in a certificate, as the card gave it; that it is genuine is not checked.

    :ivar serial: its number, by which its issuer knows it.
    :ivar issuer: as it names itself.
    """

    serial: int
    issuer: str
    not_before: datetime
    not_after: datetime


def read(document: bytes) -> CardCertificate:
    """Read a certificate (DER).

    :raises NoCertificateError: for anything else.
    """
    try:
        found = x509.load_der_x509_certificate(document)
        names = (NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.ORGANIZATION_NAME)
        issuer = [each.value for oid in names for each in found.issuer.get_attributes_for_oid(oid)]
        return CardCertificate(
            found.serial_number,
            str(issuer[0])[:_LONGEST] if issuer else "?",
            found.not_valid_before_utc,
            found.not_valid_after_utc,
        )
    except ValueError as error:
        raise NoCertificateError from error


_LONGEST = 100
