"""An issued card and its issuer, which share no code with server or bridge."""

import secrets
from collections.abc import Sequence
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_der_private_key,
    load_der_public_key,
)
from cryptography.x509.oid import NameOID

from services.authority.interface.cards import CardOrder
from services.authority.interface.certificates import (
    CertificateKind,
    CertificateRequest,
    IssuedCertificate,
)


class CertifyingIssuer:
    """Signs real certificates with a throw-away key."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST AUTHORITY")])

    async def issue(self, request: CertificateRequest) -> Sequence[IssuedCertificate]:
        return [self._certify(kind, key, request) for kind, key in request.public_keys.items()]

    def _certify(
        self, kind: CertificateKind, key: bytes, request: CertificateRequest
    ) -> IssuedCertificate:
        serial = secrets.randbits(120) + 1
        public = load_der_public_key(key)
        assert isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, request.name)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(serial)
            .not_valid_before(request.not_before)
            .not_valid_after(request.not_before + timedelta(days=365))
            .sign(self._key, SHA256())
        )
        return IssuedCertificate(kind, serial, certificate.public_bytes(Encoding.DER))


class ReferenceCard:
    """A card: its serial, its keys, and whether it has a PIN."""

    def __init__(self, order: CardOrder) -> None:
        self.serial = order.card_serial
        self.admin_key = order.admin_key
        self.certificate = order.certificates[CertificateKind.AUTHENTICATION]
        key = load_der_private_key(order.private_keys[CertificateKind.AUTHENTICATION], None)
        assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
        self._key = key
        self._challenges: tuple[bytes, bytes] | None = None
        self._authenticated = False
        self.pin_is_set = False
        self.admin_tries = 5

    def challenge(self) -> tuple[bytes, bytes]:
        """Draw both challenges; the host's is drawn here too."""
        self._authenticated = False
        self._challenges = secrets.token_bytes(16), secrets.token_bytes(16)
        return self._challenges

    def complete(self, cryptogram: bytes) -> bytes | None:
        """Check the issuer's proof, and return the card's own, or `None`."""
        challenges, self._challenges = self._challenges, None
        assert challenges is not None, "the card has no challenge open"
        host, card = challenges
        decryptor = self._cipher().decryptor()
        plain = decryptor.update(cryptogram) + decryptor.finalize()
        if plain[:32] != card + host or plain[-1:] != b"\x80":
            self.admin_tries -= 1
            return None
        self._authenticated = True
        encryptor = self._cipher().encryptor()
        proof = host + card + secrets.token_bytes(7) + b"\x80"
        return encryptor.update(proof) + encryptor.finalize()

    def set_pin(self) -> None:
        """RESET RETRY COUNTER."""
        assert self._authenticated, "the issuer is not authenticated"
        self._authenticated = False
        self.pin_is_set = True

    def reset(self) -> None:
        """Lose the state of an authentication."""
        self._challenges, self._authenticated = None, False

    def sign(self, statement: bytes) -> tuple[str, bytes]:
        """Sign with the authentication key, and return algorithm and signature."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return "RS256", self._key.sign(statement, padding.PKCS1v15(), SHA256())
        if isinstance(self._key.curve, ec.SECP384R1):
            return "ES384", self._key.sign(statement, ec.ECDSA(SHA384()))
        return "ES256", self._key.sign(statement, ec.ECDSA(SHA256()))

    def _cipher(self) -> "Cipher[CBC]":
        return Cipher(TripleDES(self.admin_key), CBC(bytes(8)))
