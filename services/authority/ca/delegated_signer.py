"""The key that signs OCSP responses, delegated by the authority for some days.

The key exists in this process only and is created when it starts, so that there is nothing to
store and nothing to steal from a disk. Its certificate has ``id-pkix-ocsp-nocheck``: clients do not
check whether the signer is revoked, which is why it is short-lived.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from services.authority.ca.ca_certificate import CaSigner, key_usage

LIFETIME = timedelta(days=7)
_MARGIN = timedelta(days=1)
"""It is replaced this long before its end, so that responses do not soon outlive it."""
_CLOCK_SKEW = timedelta(hours=1)
"""How far a client's clock may be behind."""


@dataclass(frozen=True, repr=False)
class OcspSigningKey:
    """One delegated key."""

    certificate: x509.Certificate
    key_hash: bytes
    """SHA-1 of the public key, by which a response names its signer."""
    not_before: datetime
    not_after: datetime
    _key: ec.EllipticCurvePrivateKey

    def is_usable(self, now: datetime) -> bool:
        """Whether it may sign at this moment."""
        return self.not_before <= now < self.not_after - _MARGIN

    def sign(self, data: bytes) -> bytes:
        """Sign with ECDSA and SHA-256."""
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


class OcspSigner:
    """Delegates to a key, and to a new one before it expires."""

    def __init__(self, signer: CaSigner) -> None:
        self._signer = signer
        self._current: OcspSigningKey | None = None

    def get_key(self, now: datetime) -> OcspSigningKey:
        """Return the key that signs now."""
        if self._current is None or not self._current.is_usable(now):
            self._current = self._delegate(now)
        return self._current

    def _delegate(self, now: datetime) -> OcspSigningKey:
        authority = self._signer.certificate
        key = ec.generate_private_key(ec.SECP256R1())
        not_before = max(now - _CLOCK_SKEW, authority.not_valid_before_utc)
        not_after = min(now + LIFETIME, authority.not_valid_after_utc)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(self._subject())
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before)
            .not_valid_after(not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage("digital_signature"), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
            .add_extension(x509.OCSPNoCheck(), critical=False)
            .add_extension(identifier, critical=False)
        )
        certificate = self._signer.sign_certificate(builder)
        return OcspSigningKey(certificate, identifier.digest, not_before, not_after, key)

    def _subject(self) -> x509.Name:
        common = x509.NameAttribute(NameOID.COMMON_NAME, "OCSP")
        return x509.Name([*self._signer.name, common])
