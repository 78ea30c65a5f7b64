"""The PIV profile, on a card as the standard has it and on those that deviate as real ones do."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from reader_bridge.card.errors import (
    ApduError,
    CertificateMissingError,
    InvalidPinError,
    InvalidPukError,
    LastTryError,
    PinBlockedError,
    PinFormatError,
    PinOperationRefusedError,
    PukBlockedError,
)
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardProfile, TryCounter
from reader_bridge.protocol.enums import KeyRole, ProfileName, SignatureAlgorithm
from reader_bridge.virtual_card.reader import READER_NAME, VirtualReader
from tests.reader_bridge.card.card_issuer import CARD_NUMBER, CardTestAuthority
from tests.reader_bridge.card.fake_cards import PivCard, RecordingCard

PIN, NEW_PIN, WRONG_PIN = bytearray(b"123456"), bytearray(b"98765432"), bytearray(b"111111")
PUK, WRONG_PUK = bytearray(b"87654321"), bytearray(b"11111111")
WHOLE_AID = bytes.fromhex("a000000308000010000100")
TRUNCATED_AID = bytes.fromhex("a00000030800001000")
RID = bytes.fromhex("a000000308")

DEVIATIONS: dict[str, dict[str, Any]] = {
    "as the standard says": {},
    "whole AID only": {"accepted": (WHOLE_AID,)},
    "truncated AID only": {"accepted": (TRUNCATED_AID,)},
    "provider's part of the AID only": {"accepted": (RID,)},
    "no template in the answer": {
        "answer_to_select": bytes.fromhex("4f0600001000010079074f05a000000308")
    },
    "whole AID in the answer": {"answer_to_select": bytes.fromhex("610d4f0b") + WHOLE_AID},
    "tries told also when verified": {"verified_query": None},
    "blocked as 63C0": {"blocked": 0x63C0},
    "tries told as 630x": {"wrong": 0x6300},
    "certificate compressed": {"compressed": True},
}

NewPiv = Callable[..., tuple[CardProfile, RecordingCard, PivCard]]


@pytest.fixture
def new_piv(issuer: CardTestAuthority) -> NewPiv:
    def make(**deviations: Any) -> tuple[CardProfile, RecordingCard, PivCard]:
        key = deviations.pop("key", issuer.keys["authentication"])
        card = PivCard(key, issuer.certify("authentication", key), **deviations)
        recorded = RecordingCard(card)
        connection = VirtualReader(recorded).connect(READER_NAME, exclusive=True)
        return identify(connection), recorded, card

    return make


@pytest.mark.parametrize("deviation", DEVIATIONS)
class TestEveryCard:
    @pytest.fixture
    def profile(self, new_piv: NewPiv, deviation: str) -> CardProfile:
        return new_piv(**DEVIATIONS[deviation])[0]

    def test_it_says_what_it_is(self, profile: CardProfile) -> None:
        status = profile.status()
        assert status.profile is ProfileName.PIV
        assert status.serial == bytes(range(16)).hex()
        assert status.card_number == CARD_NUMBER
        assert status.pin == TryCounter(3)
        assert status.puk == TryCounter(3)
        assert status.certificates == (KeyRole.AUTHENTICATION,)

    def test_it_signs_after_the_pin(self, profile: CardProfile, issuer: CardTestAuthority) -> None:
        with pytest.raises(ApduError):
            profile.sign(b"statement")
        profile.verify_pin(PIN)
        signature = profile.sign(b"statement")
        key = issuer.keys["authentication"].public_key()
        assert isinstance(key, RSAPublicKey)
        key.verify(signature.value, b"statement", PKCS1v15(), SHA256())

    def test_a_wrong_pin_says_how_many_tries_are_left(self, profile: CardProfile) -> None:
        with pytest.raises(InvalidPinError) as wrong:
            profile.verify_pin(WRONG_PIN)
        assert wrong.value.attempts_remaining == 2
        assert profile.status().pin == TryCounter(2)

    def test_it_blocks_and_the_puk_unlocks_it(self, profile: CardProfile) -> None:
        for _ in range(2):
            with pytest.raises(InvalidPinError):
                profile.verify_pin(WRONG_PIN)
        with pytest.raises(LastTryError):
            profile.verify_pin(WRONG_PIN)
        with pytest.raises(PinBlockedError):
            profile.verify_pin(WRONG_PIN, accept_last_try=True)
        assert profile.status().pin == TryCounter(0)
        with pytest.raises(PinBlockedError):
            profile.verify_pin(PIN, accept_last_try=True)
        profile.unlock_with_puk(PUK, NEW_PIN)
        profile.verify_pin(NEW_PIN)

    def test_the_pin_is_changed_also_after_it_was_verified(self, profile: CardProfile) -> None:
        profile.verify_pin(PIN)
        profile.change_pin(PIN, NEW_PIN)
        profile.verify_pin(NEW_PIN)
        with pytest.raises(InvalidPinError):
            profile.change_pin(PIN, WRONG_PIN)

    def test_the_puk_blocks_too(self, profile: CardProfile) -> None:
        for left in (2, 1):
            with pytest.raises(InvalidPukError) as wrong:
                profile.unlock_with_puk(WRONG_PUK, NEW_PIN)
            assert wrong.value.attempts_remaining == left
        with pytest.raises(LastTryError):
            profile.unlock_with_puk(WRONG_PUK, NEW_PIN)
        with pytest.raises(PukBlockedError):
            profile.unlock_with_puk(WRONG_PUK, NEW_PIN, accept_last_try=True)
        with pytest.raises(PukBlockedError):
            profile.unlock_with_puk(PUK, NEW_PIN, accept_last_try=True)


def test_asking_for_the_tries_spends_none(new_piv: NewPiv) -> None:
    profile, recorded, card = new_piv()
    for _ in range(10):
        profile.status()
    assert card.tries == {0x80: 3, 0x81: 3}
    assert all(len(command) == 4 for command in recorded.commands if command[1] == 0x20)


def test_a_pin_is_padded_and_a_new_one_is_of_digits(new_piv: NewPiv) -> None:
    profile, recorded, _ = new_piv()
    profile.verify_pin(PIN)
    assert recorded.commands[-1].hex() == "0020008008" + b"123456\xff\xff".hex()
    for pin in (b"12345", b"123456789", b"abc12345"):
        with pytest.raises(PinFormatError) as refused:
            profile.change_pin(PIN, bytearray(pin))
        assert refused.value.digits_only


def test_elliptic_curves_sign_too(new_piv: NewPiv) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    profile, _, _ = new_piv(key=key)
    profile.verify_pin(PIN)
    signature = profile.sign(b"statement")
    assert signature.algorithm is SignatureAlgorithm.ES256
    key.public_key().verify(signature.value, b"statement", ec.ECDSA(SHA256()))


def test_a_missing_certificate_is_told(new_piv: NewPiv) -> None:
    profile, _, _ = new_piv()
    with pytest.raises(CertificateMissingError):
        profile.read_certificate(KeyRole.SIGNATURE)


def test_the_administrators_way_is_refused_before_anything_is_sent(new_piv: NewPiv) -> None:
    profile, recorded, _ = new_piv()
    recorded.commands.clear()
    for verb in (
        profile.begin_admin_authentication,
        lambda: profile.complete_admin_authentication(bytes(40)),
        lambda: profile.reset_retry_counter(NEW_PIN),
    ):
        with pytest.raises(PinOperationRefusedError):
            verb()
    assert recorded.commands == []


@pytest.mark.parametrize("answer", ["", "6f00", "61024f00", "610a4f08a0000003974254"])
def test_a_card_that_takes_any_application_is_not_a_piv_card(new_piv: NewPiv, answer: str) -> None:
    profile, recorded, _ = new_piv(answer_to_select=bytes.fromhex(answer))
    assert profile.name is ProfileName.UNKNOWN
    assert 0x20 not in recorded.instructions
