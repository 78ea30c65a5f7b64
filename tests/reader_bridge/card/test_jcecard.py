"""The PIV profile on `jcecard`, a card nobody here wrote, through a real pcscd.

It deviates as real cards do: it wants the AID cut down to the provider's part, tells the tries
also of a verified PIN, and says `63C0` when asked for and `6983` when tried.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from reader_bridge.card.connection import CardConnection
from reader_bridge.card.errors import (
    ApduError,
    InvalidPinError,
    InvalidPukError,
    LastTryError,
    PinBlockedError,
    PukBlockedError,
)
from reader_bridge.card.pcsc import PcscReaders
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardProfile, TryCounter
from reader_bridge.protocol.enums import KeyRole, ProfileName, SignatureAlgorithm
from tests.reader_bridge.card.card_issuer import CARD_NUMBER, CardTestAuthority, pkcs8
from tests.reader_bridge.card.jcecard_reader import insert_jcecard
from tests.reader_bridge.card.pcsc_sandbox import READER, PcscSandbox
from tests.reader_bridge.card.snapshot_recorder import SnapshotRecorder, has_card

PIN, NEW_PIN, WRONG_PIN = bytearray(b"123456"), bytearray(b"98765432"), bytearray(b"111111")
PUK, WRONG_PUK = bytearray(b"12345678"), bytearray(b"11111111")


@pytest.fixture
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def jcecard(
    pcsc_sandbox: PcscSandbox,
    issuer: CardTestAuthority,
    key: ec.EllipticCurvePrivateKey,
    tmp_path: Path,
) -> Iterator[PcscReaders]:
    """PC/SC, with such a card in the first reader."""
    (tmp_path / "key.der").write_bytes(pkcs8(key))
    (tmp_path / "certificate.der").write_bytes(issuer.certify("authentication", key))
    readers = PcscReaders(busy_timeout=5)
    snapshots = SnapshotRecorder()
    watch = readers.watch(snapshots)
    snapshots.wait_until(has_card(READER, False))
    with insert_jcecard(pcsc_sandbox, tmp_path):
        snapshots.wait_until(has_card(READER))
        yield readers
    snapshots.wait_until(has_card(READER, False))
    watch.close()


@pytest.fixture
def connection(jcecard: PcscReaders) -> Iterator[CardConnection]:
    with jcecard.connect(READER, exclusive=True) as connection:
        yield connection


@pytest.fixture
def profile(connection: CardConnection) -> CardProfile:
    return identify(connection)


def test_it_says_what_it_is(profile: CardProfile) -> None:
    status = profile.status()
    assert status.profile is ProfileName.PIV
    assert status.pin == TryCounter(3)
    assert status.puk == TryCounter(3)
    assert status.certificates == (KeyRole.AUTHENTICATION,)
    assert status.card_number == CARD_NUMBER


def test_it_signs_after_the_pin(profile: CardProfile, key: ec.EllipticCurvePrivateKey) -> None:
    with pytest.raises(ApduError):
        profile.sign(b"statement")
    profile.verify_pin(PIN)
    signature = profile.sign(b"statement")
    assert signature.algorithm is SignatureAlgorithm.ES256
    key.public_key().verify(signature.value, b"statement", ec.ECDSA(SHA256()))
    assert profile.status().pin == TryCounter(3), "asked again, although it is verified"


def test_its_pin_is_changed_blocked_and_unlocked(profile: CardProfile) -> None:
    profile.change_pin(PIN, NEW_PIN)
    for left in (2, 1):
        with pytest.raises(InvalidPinError) as wrong:
            profile.verify_pin(WRONG_PIN)
        assert wrong.value.attempts_remaining == left
    with pytest.raises(LastTryError):
        profile.verify_pin(WRONG_PIN)
    assert profile.status().pin == TryCounter(1), "the last try was not spent"
    with pytest.raises(PinBlockedError):
        profile.verify_pin(WRONG_PIN, accept_last_try=True)
    assert profile.status().pin == TryCounter(0)
    with pytest.raises(PinBlockedError):
        profile.change_pin(NEW_PIN, PIN, accept_last_try=True)
    profile.unlock_with_puk(PUK, PIN)
    profile.verify_pin(PIN)


def test_its_puk_blocks(profile: CardProfile) -> None:
    for left in (2, 1):
        with pytest.raises(InvalidPukError) as wrong:
            profile.unlock_with_puk(WRONG_PUK, NEW_PIN)
        assert wrong.value.attempts_remaining == left
    with pytest.raises(PukBlockedError):
        profile.unlock_with_puk(WRONG_PUK, NEW_PIN, accept_last_try=True)
    assert profile.status().puk == TryCounter(0)
    profile.verify_pin(PIN)
