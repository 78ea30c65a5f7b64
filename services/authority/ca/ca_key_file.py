"""The key file of the certificate authority: mode 600, its key sealed under a passphrase.

The file is JSON: the certificate in the clear, and the private key (PKCS#8) in AES-256-GCM under
Argon2id of the passphrase. The certificate is authenticated with it, so that neither can be
exchanged. PKCS#12, the usual envelope, is not used: the library writes its integrity check with
2,048 rounds only, which is what somebody who guesses passphrases would try against.
"""

import json
import os
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from services.argon2_cost import Argon2Cost
from services.authority.ca.ca_certificate import KEY_BITS, CaName, CaSigner, self_sign
from services.authority.ca.errors import CaKeyError, CaKeyProblem
from services.formats.hidden import Hidden
from services.storage import private_files

MIN_PASSPHRASE_LENGTH = 12
_SALT_BYTES = 16
_NONCE_BYTES = 12
_MAX_COST = Argon2Cost(memory=1024 * 1024, passes=16, lanes=16)
"""A file that asks for more was not written here."""


@dataclass(frozen=True)
class CaParameters:
    """Parameters of a new certificate authority."""

    name: CaName = field(default_factory=CaName)
    key_bits: int = KEY_BITS
    cost: Argon2Cost = field(default_factory=Argon2Cost)


@dataclass(frozen=True, repr=False)
class _Envelope:
    certificate: x509.Certificate
    cost: Argon2Cost
    salt: bytes
    nonce: bytes
    sealed: bytes


def create_ca_key_file(
    path: Path, passphrase: Hidden, parameters: CaParameters, now: datetime
) -> None:
    """Create a key and its file; a file that another process just created is left alone.

    :raises CaKeyError: for a passphrase that is too short or a place that cannot be written to.
    """
    if len(passphrase.reveal()) < MIN_PASSPHRASE_LENGTH:
        raise CaKeyError(path, CaKeyProblem.SHORT_PASSPHRASE)
    key = rsa.generate_private_key(65537, parameters.key_bits)
    content = _seal(self_sign(parameters.name, key, now), key, passphrase, parameters.cost)
    try:
        private_files.create_private_file(path, _serialize(content))
    except OSError as error:
        raise CaKeyError(path, CaKeyProblem.UNREADABLE) from error


def load_key_file(path: Path, passphrase: Hidden) -> CaSigner:
    """Read and decrypt the key file.

    :raises CaKeyError: saying what is wrong.
    """
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise CaKeyError(path, CaKeyProblem.OPEN_TO_OTHERS)
        content = _parse(json.loads(path.read_bytes()))
    except OSError as error:
        raise CaKeyError(path, CaKeyProblem.UNREADABLE) from error
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CaKeyError(path, CaKeyProblem.NOT_A_KEY_FILE) from None
    try:
        return CaSigner(content.certificate, _unseal(content, passphrase))
    except InvalidTag:
        raise CaKeyError(path, CaKeyProblem.WRONG_PASSPHRASE) from None


def _seal(
    certificate: x509.Certificate, key: rsa.RSAPrivateKey, passphrase: Hidden, cost: Argon2Cost
) -> _Envelope:
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    plain = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    sealed = _cipher(passphrase, salt, cost).encrypt(nonce, plain, _der(certificate))
    return _Envelope(certificate, cost, salt, nonce, sealed)


def _unseal(content: _Envelope, passphrase: Hidden) -> rsa.RSAPrivateKey:
    cipher = _cipher(passphrase, content.salt, content.cost)
    plain = cipher.decrypt(content.nonce, content.sealed, _der(content.certificate))
    key = serialization.load_der_private_key(plain, None)
    assert isinstance(key, rsa.RSAPrivateKey)  # nothing else is ever sealed
    return key


def _cipher(passphrase: Hidden, salt: bytes, cost: Argon2Cost) -> AESGCM:
    kdf = Argon2id(
        salt=salt,
        length=32,
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.memory,
    )
    return AESGCM(kdf.derive(passphrase.reveal().encode()))


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _serialize(content: _Envelope) -> str:
    pem = content.certificate.public_bytes(serialization.Encoding.PEM)
    cost = content.cost
    values = {
        "certificate": pem.decode(),
        "argon2id": {"memory": cost.memory, "passes": cost.passes, "lanes": cost.lanes},
        "salt": content.salt.hex(),
        "nonce": content.nonce.hex(),
        "sealed_key": b64encode(content.sealed).decode(),
    }
    return json.dumps(values, indent=1)


def _parse(values: Any) -> _Envelope:
    """Parse the file.

    :raises ValueError: (or its kin) when it is not one of ours.
    """
    given = values["argon2id"]
    cost = Argon2Cost(int(given["memory"]), int(given["passes"]), int(given["lanes"]))
    if cost.memory > _MAX_COST.memory or cost.passes > _MAX_COST.passes:
        raise ValueError
    if not 1 <= cost.lanes <= _MAX_COST.lanes or cost.memory < 8 * cost.lanes or cost.passes < 1:
        raise ValueError
    content = _Envelope(
        certificate=x509.load_pem_x509_certificate(values["certificate"].encode()),
        cost=cost,
        salt=bytes.fromhex(values["salt"]),
        nonce=bytes.fromhex(values["nonce"]),
        sealed=b64decode(values["sealed_key"], validate=True),
    )
    if len(content.salt) != _SALT_BYTES or len(content.nonce) != _NONCE_BYTES:
        raise ValueError
    return content
