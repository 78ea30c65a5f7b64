"""The certificate authority's name, certificate and signing key."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

LIFETIME = timedelta(days=20 * 365 + 5)
"""Twenty years, as the third generation of MOICA's own key (docs/facts.md §2.7)."""
KEY_BITS = 4096
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True)
class CaName:
    """Distinguished name in the form of MOICA's (docs/facts.md §2.7).

    It is never MOICA's own, so that nobody takes these certificates for theirs.
    """

    organization: str = "Kaika"
    unit: str = "Kaika Certificate Authority 開卡憑證管理中心"
    country: str = "TW"

    def to_x509(self) -> x509.Name:
        """Return the distinguished name."""
        return x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, self.country),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.organization),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, self.unit),
            ]
        )


class CaSigner:
    """Signs certificates and revocation lists; the key stays inside."""

    def __init__(self, certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> None:
        self.certificate = certificate
        self._key = key
        self.name = certificate.subject
        identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        self.key_identifier = identifier.value
        self.key_id = identifier.value.digest.hex()
        """Tells generations of the authority apart, also in the addresses it publishes at."""

    def __repr__(self) -> str:
        return f"CaIdentity({self.key_id}, key=•••)"

    @property
    def authority_key_identifier(self) -> x509.AuthorityKeyIdentifier:
        """The extension by which whatever this key signs names it."""
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self.key_identifier)

    def sign_certificate(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        """Sign a certificate in the authority's name."""
        named = builder.issuer_name(self.name)
        pointed = named.add_extension(self.authority_key_identifier, critical=False)
        return pointed.sign(self._key, hashes.SHA256())

    def sign_list(
        self, builder: x509.CertificateRevocationListBuilder
    ) -> x509.CertificateRevocationList:
        """Sign a revocation list in the authority's name."""
        named = builder.issuer_name(self.name)
        pointed = named.add_extension(self.authority_key_identifier, critical=False)
        return pointed.sign(self._key, hashes.SHA256())


def self_sign(name: CaName, key: rsa.RSAPrivateKey, now: datetime) -> x509.Certificate:
    """Create the certificate of a new authority, which may certify no other authority."""
    subject = name.to_x509()
    usage = key_usage("key_cert_sign", "crl_sign")
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def key_usage(*allowed: str) -> x509.KeyUsage:
    """Return a key usage extension (RFC 5280 §4.2.1.3) that allows only what is named."""
    return x509.KeyUsage(**{usage: usage in allowed for usage in _USAGES})
