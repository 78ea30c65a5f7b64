"""The administrator's authentication of the GIDS profile, in its two halves, and what it allows."""

import os
from collections.abc import Callable

import pytest

from reader_bridge.card.errors import (
    AdminKeyRejectedError,
    AdminTriesLowError,
    CryptogramFormatError,
    OutOfOrderError,
)
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardProfile, TryCounter
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import READER_NAME, VirtualReader
from tests.reader_bridge.card.card_issuer import ADMIN_KEY, card_is_genuine, cryptogram
from tests.reader_bridge.card.fake_cards import RecordingCard
from tests.reader_bridge.card.test_gids import NEW_PIN, PIN, enter_wrong_pin


def test_the_administrator_sets_a_new_pin_on_a_blocked_card(profile: CardProfile) -> None:
    enter_wrong_pin(profile, 3)
    challenge = profile.begin_admin_authentication()
    answer = profile.complete_admin_authentication(cryptogram(challenge))
    assert card_is_genuine(challenge, answer)
    profile.reset_retry_counter(NEW_PIN)
    assert profile.status().pin == TryCounter(3, 3)
    profile.verify_pin(NEW_PIN)


def test_the_first_pin_of_a_new_card_is_set_so(new_card: Callable[..., VirtualCard]) -> None:
    connection = VirtualReader(new_card(pin=None)).connect(READER_NAME, exclusive=True)
    profile = identify(connection)
    assert profile.status().pin == TryCounter(0, 3)
    challenge = profile.begin_admin_authentication()
    profile.complete_admin_authentication(cryptogram(challenge))
    profile.reset_retry_counter(NEW_PIN)
    profile.verify_pin(NEW_PIN)
    assert profile.sign(b"statement").value


def test_the_server_may_choose_the_hosts_challenge(profile: CardProfile) -> None:
    chosen = os.urandom(16)
    challenge = profile.begin_admin_authentication(chosen)
    assert challenge.host == chosen
    answer = profile.complete_admin_authentication(cryptogram(challenge))
    assert card_is_genuine(challenge, answer)


def test_a_wrong_admin_key_is_told_and_spends_one_try(profile: CardProfile) -> None:
    challenge = profile.begin_admin_authentication()
    with pytest.raises(AdminKeyRejectedError) as rejected:
        profile.complete_admin_authentication(cryptogram(challenge, bytes(range(24))))
    assert rejected.value.attempts_remaining == 7
    assert profile.status().admin == TryCounter(7, 8)
    with pytest.raises(OutOfOrderError):
        profile.reset_retry_counter(NEW_PIN)


def test_a_cryptogram_is_taken_once(profile: CardProfile, recorded: RecordingCard) -> None:
    challenge = profile.begin_admin_authentication()
    proof = cryptogram(challenge)
    profile.complete_admin_authentication(proof)
    profile.reset_retry_counter(NEW_PIN)
    sent = len(recorded.commands)
    with pytest.raises(OutOfOrderError):
        profile.complete_admin_authentication(proof)
    with pytest.raises(OutOfOrderError):
        profile.reset_retry_counter(PIN)
    assert len(recorded.commands) == sent
    profile.begin_admin_authentication(challenge.host)
    with pytest.raises(AdminKeyRejectedError):
        profile.complete_admin_authentication(proof)


def test_a_cryptogram_of_another_length_never_reaches_the_card(
    profile: CardProfile, recorded: RecordingCard
) -> None:
    profile.begin_admin_authentication()
    sent = len(recorded.commands)
    for proof in (b"", bytes(39), bytes(41), bytes(4000)):
        with pytest.raises(CryptogramFormatError):
            profile.complete_admin_authentication(proof)
    with pytest.raises(CryptogramFormatError):
        profile.begin_admin_authentication(bytes(8))
    assert 0x87 not in recorded.instructions[sent:]
    assert profile.status().admin == TryCounter(8, 8)


def test_with_few_admin_tries_left_none_is_begun(
    card: VirtualCard, profile: CardProfile, recorded: RecordingCard
) -> None:
    card.file.state.admin_tries = 2
    with pytest.raises(AdminTriesLowError) as low:
        profile.begin_admin_authentication()
    assert (low.value.attempts_remaining, low.value.required) == (2, 3)
    assert not {0x22, 0x87} & set(recorded.instructions)


def test_the_admin_counter_never_falls_below_two_by_wrong_keys(profile: CardProfile) -> None:
    for _ in range(6):
        challenge = profile.begin_admin_authentication()
        with pytest.raises(AdminKeyRejectedError):
            profile.complete_admin_authentication(cryptogram(challenge, ADMIN_KEY[::-1]))
    with pytest.raises(AdminTriesLowError):
        profile.begin_admin_authentication()
    assert profile.status().admin == TryCounter(2, 8)
