"""An authority for the tests: certificates, and the issuer's half of the admin authentication.

It shares no code with the card or the profiles, so that it is a check on both.
"""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from reader_bridge.card.profiles.base import MutualChallenge
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.issuing import issue_card

ADMIN_KEY = bytes.fromhex("0123456789abcdeffedcba9876543210ffeeddccbbaa9988")
SERIAL = bytes(range(0xA0, 0xB0))
CARD_NUMBER = "GP00000000123456"
PASSPHRASE = "correct horse"
LOW_COST = 2**4
NOW = datetime(2026, 3, 1, tzinfo=UTC)

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class CardTestAuthority:
    """An authority, with keys for the three certificates of a card."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.name = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "TW"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "行政院"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "測試憑證管理中心"),
            ]
        )
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        self.certificate = (
            self._builder(self.key.public_key(), self.name, 1)
            .add_extension(constraints, True)
            .sign(self.key, SHA256())
        )
        self.keys: dict[str, PrivateKey] = {
            kind: rsa.generate_private_key(65537, 2048)
            for kind in ("authentication", "signature", "encryption")
        }

    @property
    def der(self) -> bytes:
        """The authority's own certificate."""
        return self.certificate.public_bytes(Encoding.DER)

    def certify(self, kind: str, key: PrivateKey | None = None, number: str = CARD_NUMBER) -> bytes:
        """Issue a certificate for a key of the card."""
        public_key = (key or self.keys[kind]).public_key()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST PERSON")])
        return (
            self._builder(public_key, subject, 0x1234)
            .add_extension(_usage(kind), True)
            .add_extension(_directory_attributes(number), False)
            .sign(self.key, SHA256())
            .public_bytes(Encoding.DER)
        )

    def issue(self, path: Path, pin: bytes | None) -> VirtualCard:
        """Make a card, and open it."""
        issue_card(
            path,
            PASSPHRASE,
            card_number=CARD_NUMBER,
            serial=SERIAL,
            admin_key=ADMIN_KEY,
            private_keys={kind: pkcs8(key) for kind, key in self.keys.items()},
            certificates={kind: self.certify(kind) for kind in self.keys},
            pin=SecretBuffer(pin) if pin is not None else None,
            cost=LOW_COST,
        )
        return VirtualCard.insert(path, PASSPHRASE)

    def _builder(
        self,
        public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
        subject: x509.Name,
        serial: int,
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(serial)
            .not_valid_before(NOW - timedelta(days=1))
            .not_valid_after(NOW + timedelta(days=365 * 5))
        )


def pkcs8(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def cryptogram(challenge: MutualChallenge, key: bytes = ADMIN_KEY) -> bytes:
    """The host's proof: card's challenge, host's, seven fresh bytes, 80."""
    encryptor = Cipher(TripleDES(key), CBC(bytes(8))).encryptor()
    proof = challenge.card + challenge.host + secrets.token_bytes(7) + b"\x80"
    return encryptor.update(proof) + encryptor.finalize()


def card_is_genuine(challenge: MutualChallenge, answer: bytes, key: bytes = ADMIN_KEY) -> bool:
    """Whether the card's answer could only come from one that has the key."""
    decryptor = Cipher(TripleDES(key), CBC(bytes(8))).decryptor()
    plain = decryptor.update(answer) + decryptor.finalize()
    return plain[:32] == challenge.host + challenge.card and plain[-1:] == b"\x80"


def _usage(kind: str) -> x509.KeyUsage:
    encrypts = kind == "encryption"
    return x509.KeyUsage(
        digital_signature=not encrypts,
        content_commitment=kind == "signature",
        key_encipherment=encrypts,
        data_encipherment=encrypts,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _directory_attributes(card_number: str) -> x509.UnrecognizedExtension:
    """One attribute: 2.16.886.1.100.2.204, a set of one PrintableString."""
    value = bytes.fromhex("3112") + b"\x13\x10" + card_number.encode()
    attribute = bytes.fromhex("0608608676016402814c") + value
    body = bytes((0x30, len(attribute))) + attribute
    return x509.UnrecognizedExtension(
        x509.ObjectIdentifier("2.5.29.9"), bytes((0x30, len(body))) + body
    )
