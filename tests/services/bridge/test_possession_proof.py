"""Proofs of possession: valid ones, and everything that is nearly valid."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from reader_bridge.protocol import Operation, SignatureAlgorithm
from reader_bridge.protocol.operation_payloads import Receipt
from services.bridge.operations.possession_proof import verify_receipt
from tests.services.bridge.wire_format import ORIGIN, possession_statement

SERIAL = "a0" * 16
NONCE = bytes(range(32))
PROVE = Operation.PROVE_POSSESSION
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
KEYS: dict[str, Key] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
}
WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505


def certificate(key: Key) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
    builder = builder.public_key(key.public_key()).not_valid_before(begin)
    signed = builder.not_valid_after(begin + timedelta(days=9)).sign(KEYS["ES256"], SHA256())
    return signed.public_bytes(Encoding.DER)


def signed(key: Key, algorithm: str, said: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(said, padding.PKCS1v15(), SHA256())
    return key.sign(said, ec.ECDSA(SHA384() if algorithm == "ES384" else SHA256()))


def receipt(
    key: Key, algorithm: str, operation: Operation = PROVE, origin: str = ORIGIN
) -> Receipt:
    nonce = os.urandom(32)
    said = possession_statement(origin, NONCE, nonce, operation.value, SERIAL)
    value = signed(key, algorithm, said)
    return Receipt(SERIAL, nonce, SignatureAlgorithm(algorithm), value, certificate(key))


def is_right(given: Receipt, of: bytes | None = None, nonce: bytes = NONCE) -> bool:
    return verify_receipt(given, of or given.certificate, ORIGIN, PROVE, nonce)


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_a_right_one_is_right(algorithm: str) -> None:
    assert is_right(receipt(KEYS[algorithm], algorithm))


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_one_of_another_key_origin_operation_nonce_or_card_is_not(algorithm: str) -> None:
    key = KEYS[algorithm]
    good = receipt(key, algorithm)
    another = KEYS["ES384" if algorithm == "ES256" else "ES256"]
    assert not is_right(good, certificate(another))
    assert not is_right(receipt(key, algorithm, origin="wss://elsewhere.test"))
    assert not is_right(receipt(key, algorithm, Operation.SET_PIN))
    assert not is_right(good, nonce=bytes(32))
    assert not is_right(replace(good, bridge_nonce=bytes(32)))
    assert not is_right(replace(good, card_serial="b0" * 16))
    bent = good.signature[:-1] + bytes([good.signature[-1] ^ 1])
    assert not is_right(replace(good, signature=bent))
    assert not is_right(replace(good, signature=b"nonsense"))


def test_the_algorithm_has_to_be_that_of_the_key() -> None:
    for algorithm, key in KEYS.items():
        for claimed in set(KEYS) - {algorithm}:
            given = receipt(key, algorithm)
            assert not is_right(replace(given, algorithm=SignatureAlgorithm(claimed)))


def test_a_weak_key_proves_nothing() -> None:
    assert not is_right(receipt(WEAK, "RS256"))


@pytest.mark.parametrize("der", [b"x", b"\x30\x00", bytes(300)])
def test_a_certificate_that_is_none_proves_nothing(der: bytes) -> None:
    assert not is_right(receipt(KEYS["ES256"], "ES256"), der)
