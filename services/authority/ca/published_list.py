"""The last published revocation list, kept in a file beside the database and outside its backups.

A database that was restored from a backup does not know what was published since. The file does:
the number above which the next list has to be (RFC 5280 §5.2.3), and every certificate that was on
hold or revoked. It is the list itself, so its signature protects it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from services.authority.ca.crl import UNKNOWN_CHANGES, Crl
from services.storage import private_files

PUBLISHED_LIST = "published-list.crl"
"""Name of the file, in the data folder."""
_log = structlog.get_logger()


@dataclass(frozen=True)
class PublishedEntry:
    """One certificate in a list.

    :ivar since: since when it is on hold or revoked.
    :ivar reason: `None` where the list names none.
    """

    serial: int
    since: datetime
    reason: x509.ReasonFlags | None


class PublishedListFile:
    """Reads and replaces the file.

    :param certificate: of the authority whose lists it holds.
    """

    def __init__(self, path: Path, certificate: x509.Certificate) -> None:
        self.path = path
        self._certificate = certificate

    def read(self) -> Crl | None:
        """Return the list; `None` where there is no file, or none of this authority's."""
        try:
            der = self.path.read_bytes()
        except FileNotFoundError:
            return None
        crl = parse_list(der, self._certificate)
        if crl is None:
            _log.error("published_list_unreadable", path=str(self.path))
        return crl

    def keep(self, crl: Crl) -> None:
        """Put a list in place of an earlier one.

        :raises OSError: when it cannot be written.
        """
        known = self.read()
        if known is None or known.number < crl.number:
            private_files.replace(self.path, crl.der)


def parse_list(document: bytes, certificate: x509.Certificate) -> Crl | None:
    """Return a revocation list, DER or PEM; `None` for what this authority did not sign."""
    public = certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    try:
        is_pem = document.lstrip().startswith(b"-----BEGIN")
        parsed = (x509.load_pem_x509_crl if is_pem else x509.load_der_x509_crl)(document)
        number = parsed.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        is_signed = parsed.is_signature_valid(public)
    except (ValueError, x509.ExtensionNotFound, InvalidSignature, UnsupportedAlgorithm, TypeError):
        return None
    if not is_signed or parsed.issuer != certificate.subject or parsed.next_update_utc is None:
        return None
    der = parsed.public_bytes(serialization.Encoding.DER)
    return Crl(number, UNKNOWN_CHANGES, parsed.last_update_utc, parsed.next_update_utc, der)


def read_entries(crl: Crl) -> Sequence[PublishedEntry]:
    """Return every certificate in a list."""
    return [
        PublishedEntry(entry.serial_number, entry.revocation_date_utc, _reason(entry))
        for entry in x509.load_der_x509_crl(crl.der)
    ]


def _reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    for extension in entry.extensions:
        if isinstance(extension.value, x509.CRLReason):
            return extension.value.reason
    return None
