"""The GIDS profile with the virtual card, in one process."""

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from reader_bridge.card.certificate import load_public_key
from reader_bridge.card.errors import (
    ApduError,
    CertificateMissingError,
    InvalidPinError,
    LastTryError,
    NotExclusiveError,
    PinBlockedError,
    PinFormatError,
    PinOperationRefusedError,
)
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardCapability, CardProfile, TryCounter
from reader_bridge.protocol.enums import KeyRole, ProfileName, SignatureAlgorithm
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import READER_NAME, VirtualReader
from tests.reader_bridge.card.card_issuer import (
    CARD_NUMBER,
    SERIAL,
    CardTestAuthority,
)
from tests.reader_bridge.card.fake_cards import RecordingCard

PIN = bytearray(b"first123")
NEW_PIN = bytearray(b"second45")
WRONG_PIN = bytearray(b"wrong123")


def enter_wrong_pin(profile: CardProfile, times: int) -> None:
    for left in reversed(range(3 - times, 3)):
        error = InvalidPinError if left else PinBlockedError
        with pytest.raises(error):
            profile.verify_pin(WRONG_PIN, accept_last_try=True)


def test_the_card_says_what_it_is_without_a_pin(
    profile: CardProfile, recorded: RecordingCard
) -> None:
    status = profile.status()
    assert status.profile is ProfileName.GIDS
    assert status.serial == SERIAL.hex()
    assert status.card_number == CARD_NUMBER
    assert status.pin == TryCounter(3, 3)
    assert status.admin == TryCounter(8, 8)
    assert status.certificates == tuple(KeyRole)
    assert CardCapability.SET_PIN_AS_ADMIN in status.capabilities
    assert set(recorded.instructions) <= {0xA4, 0xCB, 0xC0}


@pytest.mark.parametrize("role", list(KeyRole))
def test_each_certificate_is_read(
    profile: CardProfile, issuer: CardTestAuthority, role: KeyRole
) -> None:
    expected = issuer.keys[role].public_key()
    assert load_public_key(profile.read_certificate(role)) == expected


def test_reading_on_a_shared_connection_is_enough(
    card: VirtualCard, issuer: CardTestAuthority
) -> None:
    shared = identify(VirtualReader(card).connect(READER_NAME))
    assert shared.status().pin == TryCounter(3, 3)
    with pytest.raises(NotExclusiveError):
        shared.verify_pin(PIN)
    assert shared.status().pin == TryCounter(3, 3)


def test_a_statement_is_signed_with_the_authentication_key(
    profile: CardProfile, issuer: CardTestAuthority
) -> None:
    profile.verify_pin(PIN)
    signature = profile.sign(b"a whole statement")
    assert signature.algorithm is SignatureAlgorithm.RS256
    key = issuer.keys["authentication"].public_key()
    assert isinstance(key, RSAPublicKey)
    key.verify(signature.value, b"a whole statement", PKCS1v15(), SHA256())


def test_nothing_is_signed_without_the_pin(profile: CardProfile) -> None:
    with pytest.raises(ApduError) as refused:
        profile.sign(b"statement")
    assert refused.value.status_word == 0x6982


def test_the_pin_is_forgotten_when_the_card_is_given_back(reader: VirtualReader) -> None:
    with reader.connect(READER_NAME, exclusive=True) as connection:
        identify(connection).verify_pin(PIN)
    with reader.connect(READER_NAME, exclusive=True) as connection, pytest.raises(ApduError):
        identify(connection).sign(b"statement")


def test_a_wrong_pin_says_how_many_tries_are_left(profile: CardProfile) -> None:
    with pytest.raises(InvalidPinError) as wrong:
        profile.verify_pin(WRONG_PIN)
    assert wrong.value.attempts_remaining == 2
    assert profile.status().pin == TryCounter(2, 3)
    profile.verify_pin(PIN)
    assert profile.status().pin == TryCounter(3, 3)


def test_the_last_try_is_not_spent_without_a_yes(
    profile: CardProfile, recorded: RecordingCard
) -> None:
    enter_wrong_pin(profile, 2)
    recorded.commands.clear()
    with pytest.raises(LastTryError) as last:
        profile.verify_pin(WRONG_PIN)
    assert last.value.attempts_remaining == 1
    with pytest.raises(LastTryError):
        profile.change_pin(WRONG_PIN, NEW_PIN)
    assert set(recorded.instructions) == {0xCB}
    profile.verify_pin(PIN, accept_last_try=True)


def test_a_blocked_pin_is_told_and_not_tried(profile: CardProfile, recorded: RecordingCard) -> None:
    enter_wrong_pin(profile, 3)
    recorded.commands.clear()
    with pytest.raises(PinBlockedError):
        profile.verify_pin(PIN, accept_last_try=True)
    with pytest.raises(PinBlockedError):
        profile.change_pin(PIN, NEW_PIN, accept_last_try=True)
    assert set(recorded.instructions) == {0xCB}
    status = profile.status()
    assert status.pin is not None
    assert status.pin.is_blocked


@pytest.mark.parametrize(
    "pin", [b"", b"abc", b"with space", b"\xe5\xaf\x86\xe7\xa2\xbc", b"x" * 17]
)
def test_what_cannot_be_a_pin_never_reaches_the_card(
    profile: CardProfile, recorded: RecordingCard, pin: bytes
) -> None:
    with pytest.raises(PinFormatError):
        profile.verify_pin(bytearray(pin))
    with pytest.raises(PinFormatError):
        profile.change_pin(bytearray(pin), NEW_PIN)
    with pytest.raises(PinFormatError):
        profile.change_pin(PIN, bytearray(pin))
    assert not {0x20, 0x24} & set(recorded.instructions)


def test_a_new_pin_has_six_to_eight_characters(profile: CardProfile) -> None:
    for pin in (b"abc12", b"abc123456"):
        with pytest.raises(PinFormatError) as refused:
            profile.change_pin(PIN, bytearray(pin))
        assert (refused.value.min_length, refused.value.max_length) == (6, 8)


def test_the_pin_is_changed(profile: CardProfile) -> None:
    profile.change_pin(PIN, NEW_PIN)
    with pytest.raises(InvalidPinError):
        profile.verify_pin(PIN)
    profile.verify_pin(NEW_PIN)


def test_a_wrong_old_pin_changes_nothing(profile: CardProfile) -> None:
    with pytest.raises(InvalidPinError) as wrong:
        profile.change_pin(WRONG_PIN, NEW_PIN)
    assert wrong.value.attempts_remaining == 2
    profile.verify_pin(PIN)


def test_a_gids_card_has_no_puk(profile: CardProfile, recorded: RecordingCard) -> None:
    recorded.commands.clear()
    with pytest.raises(PinOperationRefusedError) as refused:
        profile.unlock_with_puk(bytearray(b"12345678"), NEW_PIN)
    assert (refused.value.profile, refused.value.operation) == ("gids", "unlock_with_puk")
    assert recorded.commands == []


def test_a_card_without_the_certificate_says_so(card: VirtualCard, profile: CardProfile) -> None:
    del card._objects[0xA010, 0xDF24]
    with pytest.raises(ApduError):
        profile.read_certificate(KeyRole.AUTHENTICATION)


def test_an_empty_card_has_no_certificates(card: VirtualCard, profile: CardProfile) -> None:
    card._objects[0xA010, 0xDF23] = b""
    assert profile.status().certificates == ()
    with pytest.raises(CertificateMissingError) as missing:
        profile.read_certificate(KeyRole.SIGNATURE)
    assert missing.value.role == "signature"
    with pytest.raises(CertificateMissingError):
        profile.sign(b"statement")


def test_one_pin_is_kept_whole_for_the_next_verb(profile: CardProfile) -> None:
    old, new = bytearray(PIN), bytearray(NEW_PIN)
    profile.change_pin(old, new)
    profile.verify_pin(new)
    assert (old, new) == (PIN, NEW_PIN), "the one who asked for it overwrites it"
