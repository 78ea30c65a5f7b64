"""The fields of a card's certificates that are used here. Nothing proves that they are genuine."""

import re
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtensionOID

from reader_bridge.card import tlv
from reader_bridge.card.errors import MalformedResponseError, UnsupportedKeyError
from reader_bridge.protocol.enums import KeyRole

CARD_NUMBER_PATTERN = re.compile(r"[A-Z]{2}[0-9]{14}")
"""IC card number (IC卡卡號), docs/facts.md §3."""
CARD_NUMBER_ATTRIBUTE = bytes.fromhex("608676016402814c")
"""2.16.886.1.100.2.204, in subjectDirectoryAttributes (docs/facts.md §2.7)."""
INVALID_CERTIFICATE_ERRORS = (
    TypeError,
    ValueError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UserWarning,
)
"""What `cryptography` raises for invalid certificates; the last where warnings are errors."""
SEQUENCE, SET, OBJECT_IDENTIFIER = 0x30, 0x31, 0x06


@dataclass(frozen=True, slots=True)
class ValidityPeriod:
    """From when to when a certificate is valid, both ends included."""

    not_before: datetime
    not_after: datetime

    def contains(self, now: datetime) -> bool:
        """Whether the certificate is valid at a moment."""
        return self.not_before <= now <= self.not_after


def load_certificate(der: bytes) -> x509.Certificate:
    """Parse a certificate.

    :raises MalformedResponseError: the data is not a certificate.
    """
    try:
        return x509.load_der_x509_certificate(der)
    except INVALID_CERTIFICATE_ERRORS as error:
        raise MalformedResponseError("certificate") from error


def load_public_key(der: bytes) -> CertificatePublicKeyTypes:
    """Return the public key of a certificate.

    :raises UnsupportedKeyError: the kind of key is unknown.
    """
    try:
        return load_certificate(der).public_key()
    except (*INVALID_CERTIFICATE_ERRORS, UnsupportedAlgorithm) as error:
        raise UnsupportedKeyError("unknown") from error


def validity_period(der: bytes) -> ValidityPeriod:
    """Return the validity period of a certificate.

    :raises MalformedResponseError: the data is not a certificate, or breaks the rules of one.
    """
    certificate = load_certificate(der)
    try:
        return ValidityPeriod(certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    except INVALID_CERTIFICATE_ERRORS as error:
        raise MalformedResponseError("certificate") from error


def find_card_number(certificate: x509.Certificate) -> str | None:
    """Return the IC card number from a certificate's subjectDirectoryAttributes."""
    try:
        extension = certificate.extensions.get_extension_for_oid(
            ExtensionOID.SUBJECT_DIRECTORY_ATTRIBUTES
        )
    except (x509.ExtensionNotFound, *INVALID_CERTIFICATE_ERRORS):
        return None
    if not isinstance(extension.value, x509.UnrecognizedExtension):
        return None
    try:
        return _find_in_attributes(extension.value.value)
    except MalformedResponseError:
        return None


def _find_in_attributes(attributes: bytes) -> str | None:
    for attribute in tlv.parse(tlv.require(attributes, SEQUENCE)):
        if tlv.find(attribute.value, OBJECT_IDENTIFIER) != CARD_NUMBER_ATTRIBUTE:
            continue
        for value in tlv.parse(tlv.require(attribute.value, SET)):
            text = value.value.decode("ascii", "replace")
            if CARD_NUMBER_PATTERN.fullmatch(text):
                return text
    return None


def key_role(certificate: x509.Certificate) -> KeyRole | None:
    """Return the role of a certificate's key, from its key usage."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, *INVALID_CERTIFICATE_ERRORS):
        return None
    if usage.content_commitment:
        return KeyRole.SIGNATURE
    if usage.digital_signature:
        return KeyRole.AUTHENTICATION
    if usage.key_encipherment or usage.key_agreement or usage.data_encipherment:
        return KeyRole.ENCRYPTION
    return None
