"""What a certificate on a card says, in a few fields. Nothing here proves that it is genuine."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtensionOID, NameOID

from reader_bridge.card import tlv
from reader_bridge.card.errors import MalformedResponseError, UnsupportedKeyError

CARD_NUMBER_SHAPE = re.compile(r"[A-Z]{2}[0-9]{14}")
"""IC card number (IC卡卡號), docs/facts.md §3."""
CARD_NUMBER_ATTRIBUTE = bytes.fromhex("608676016402814c")
"""2.16.886.1.100.2.204, in subjectDirectoryAttributes (docs/facts.md §2.7)."""
BROKEN = (
    TypeError,
    ValueError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UserWarning,
)
"""How a certificate that breaks the rules shows itself; the last where warnings are errors."""
SEQUENCE, SET, OBJECT_IDENTIFIER = 0x30, 0x31, 0x06


class KeyRole(StrEnum):
    """What a key of the card is for."""

    AUTHENTICATION = "authentication"
    SIGNATURE = "signature"
    ENCRYPTION = "encryption"


@dataclass(frozen=True)
class CertificateSummary:
    """A certificate, for a person to look at.

    :ivar issuer: organisation and unit, outermost first.
    :ivar serial: as hex.
    :ivar card_number: the IC card number it names.
    :ivar self_issued: subject and issuer are the same.
    """

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    card_number: str | None
    self_issued: bool

    def valid_at(self, now: datetime) -> bool:
        """Tell whether its time has come and is not over."""
        return self.not_before <= now <= self.not_after


def load(der: bytes) -> x509.Certificate:
    """Read a certificate.

    :raises MalformedResponseError: where it is none.
    """
    try:
        return x509.load_der_x509_certificate(der)
    except BROKEN as error:
        raise MalformedResponseError("certificate") from error


def public_key(der: bytes) -> CertificatePublicKeyTypes:
    """Give the public key of a certificate.

    :raises UnsupportedKeyError: where it is of a kind that is not known here.
    """
    try:
        return load(der).public_key()
    except (*BROKEN, UnsupportedAlgorithm) as error:
        raise UnsupportedKeyError("unknown") from error


def summarise(der: bytes) -> CertificateSummary:
    """Say what a certificate says.

    :raises MalformedResponseError: where it is none, or breaks its own rules.
    """
    certificate = load(der)
    try:
        return CertificateSummary(
            subject=_last(certificate.subject, NameOID.COMMON_NAME),
            issuer=_organisation(certificate.issuer),
            serial=f"{certificate.serial_number:x}",
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            card_number=card_number(certificate),
            self_issued=certificate.subject == certificate.issuer,
        )
    except BROKEN as error:
        raise MalformedResponseError("certificate") from error


def card_number(certificate: x509.Certificate) -> str | None:
    """Give the IC card number in a certificate's subjectDirectoryAttributes."""
    try:
        extension = certificate.extensions.get_extension_for_oid(
            ExtensionOID.SUBJECT_DIRECTORY_ATTRIBUTES
        )
    except (x509.ExtensionNotFound, *BROKEN):
        return None
    if not isinstance(extension.value, x509.UnrecognizedExtension):
        return None
    try:
        return _card_number_attribute(extension.value.value)
    except MalformedResponseError:
        return None


def _card_number_attribute(attributes: bytes) -> str | None:
    for attribute in tlv.parse(tlv.require(attributes, SEQUENCE)):
        if tlv.find(attribute.value, OBJECT_IDENTIFIER) != CARD_NUMBER_ATTRIBUTE:
            continue
        for value in tlv.parse(tlv.require(attribute.value, SET)):
            text = value.value.decode("ascii", "replace")
            if CARD_NUMBER_SHAPE.fullmatch(text):
                return text
    return None


def _last(name: x509.Name, wanted: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(wanted)
    return str(found[-1].value) if found else ""


def _organisation(name: x509.Name) -> str:
    wanted = (NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.COMMON_NAME)
    return ", ".join(str(part.value) for part in name if part.oid in wanted)


def role_of(certificate: x509.Certificate) -> KeyRole | None:
    """Tell from the key usage what a certificate's key is for."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, *BROKEN):
        return None
    if usage.content_commitment:
        return KeyRole.SIGNATURE
    if usage.digital_signature:
        return KeyRole.AUTHENTICATION
    if usage.key_encipherment or usage.key_agreement or usage.data_encipherment:
        return KeyRole.ENCRYPTION
    return None
