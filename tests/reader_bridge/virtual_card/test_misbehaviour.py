"""Cards that misbehave in the middle of every operation, and what is true afterwards."""

from collections.abc import Callable

import pytest

from reader_bridge.card.errors import (
    CardError,
    CardRemovedError,
    InvalidPinError,
    MalformedResponseError,
)
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardProfile, TryCounter
from reader_bridge.card.profiles.gids import GidsProfile
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import READER_NAME, VirtualReader
from tests.reader_bridge.card.card_issuer import cryptogram
from tests.reader_bridge.virtual_card.misbehaviour import (
    MisbehavingCard,
    Misbehaviour,
    MisbehaviourKind,
)

OLD, NEW = bytearray(b"first123"), bytearray(b"second45")


def status(profile: CardProfile) -> None:
    profile.status()


def prove_possession(profile: CardProfile) -> None:
    profile.verify_pin(OLD)
    profile.sign(b"statement")


def change_pin(profile: CardProfile) -> None:
    profile.change_pin(OLD, NEW)


def set_pin(profile: CardProfile) -> None:
    challenge = profile.begin_admin_authentication()
    profile.complete_admin_authentication(cryptogram(challenge))
    profile.reset_retry_counter(NEW)


OPERATIONS: list[Callable[[CardProfile], None]] = [status, prove_possession, change_pin, set_pin]


def run(
    reader: VirtualReader, operation: Callable[[CardProfile], None], card: MisbehavingCard
) -> CardError | None:
    reader.insert(card)
    try:
        with reader.connect(READER_NAME, exclusive=True) as connection:
            operation(identify(connection))
    except CardError as error:
        return error
    return None


def pin_of(reader: VirtualReader, card: VirtualCard) -> bytearray:
    """Which PIN the card has, found out as a person would."""
    reader.insert(card)
    with reader.connect(READER_NAME, exclusive=True) as connection:
        profile = identify(connection)
        try:
            profile.verify_pin(OLD, accept_last_try=True)
        except InvalidPinError:
            profile.verify_pin(NEW, accept_last_try=True)
            return NEW
        return OLD


@pytest.mark.parametrize("kind", [MisbehaviourKind.PULLED_BEFORE, MisbehaviourKind.PULLED_AFTER])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_pulled_at_any_command_the_card_has_the_old_pin_or_the_new_one(
    card: VirtualCard, operation: Callable[[CardProfile], None], kind: MisbehaviourKind
) -> None:
    reader = VirtualReader()
    found, at = set(), 0
    while True:
        at += 1
        error = run(reader, operation, MisbehavingCard(card, Misbehaviour(kind, command=at)))
        if error is None:
            break
        assert isinstance(error, CardRemovedError)
        assert not reader.list_readers()[0].card_present
        pin = pin_of(reader, card)
        found.add(bytes(pin))
        if pin == NEW:
            _change_back(reader)
    assert at > 3, "selected, asked for the tries, done"
    changes = operation in (change_pin, set_pin) and kind is MisbehaviourKind.PULLED_AFTER
    assert found == ({bytes(OLD), bytes(NEW)} if changes else {bytes(OLD)})


def _change_back(reader: VirtualReader) -> None:
    with reader.connect(READER_NAME, exclusive=True) as connection:
        identify(connection).change_pin(NEW, OLD)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("answer", [b"", b"\x90", b"\xff" * 300, b"\x53\x82\xff\xff\x90\x00"])
def test_garbage_at_any_command_is_an_error_or_harmless(
    card: VirtualCard, operation: Callable[[CardProfile], None], answer: bytes
) -> None:
    reader = VirtualReader()
    for at in range(1, 8):
        garbage = Misbehaviour(MisbehaviourKind.GARBAGE, command=at, answer=answer)
        error = run(reader, operation, MisbehavingCard(card, garbage))
        assert error is None or error.code != "card_error"
        if pin_of(reader, card) == NEW:
            _change_back(reader)


def test_a_try_spent_in_a_pulled_card_is_spent(card: VirtualCard) -> None:
    def guess(profile: CardProfile) -> None:
        profile.verify_pin(bytearray(b"wrong123"))

    reader = VirtualReader()
    pulled = MisbehavingCard(card, Misbehaviour(MisbehaviourKind.PULLED_AFTER, instruction=0x20))
    assert isinstance(run(reader, guess, pulled), CardRemovedError)
    reader.insert(card)
    assert identify(reader.connect(READER_NAME)).status().pin == TryCounter(2, 3)


def test_a_slow_card_is_slow_and_right(card: VirtualCard) -> None:
    waited: list[float] = []
    slow = MisbehavingCard(
        card,
        Misbehaviour(MisbehaviourKind.SLOW, instruction=0xCB, times=3, seconds=4.0),
        wait=waited.append,
    )
    assert run(VirtualReader(), status, slow) is None
    assert waited == [4.0, 4.0, 4.0]


def test_a_card_that_is_slow_in_every_portion_is_given_up(card: VirtualCard) -> None:
    now = 0.0

    def wait(seconds: float) -> None:
        nonlocal now
        now += seconds

    slow = MisbehavingCard(
        card, Misbehaviour(MisbehaviourKind.SLOW, times=1000, seconds=15.0), wait=wait
    )
    connection = VirtualReader(slow).connect(READER_NAME)
    connection.extended_length = False
    profile = identify(connection, clock=lambda: now)
    with pytest.raises(CardError) as late:
        profile.status()
    assert late.value.code == "card_not_responding"


def test_an_answer_in_place_of_the_cards_proof_is_not_taken_for_one(card: VirtualCard) -> None:
    short = Misbehaviour(
        MisbehaviourKind.GARBAGE, instruction=0x87, answer=b"\x7c\x02\x81\x00\x90\x00"
    )
    reader = VirtualReader(MisbehavingCard(card, short))
    profile = identify(reader.connect(READER_NAME, exclusive=True))
    assert isinstance(profile, GidsProfile)
    with pytest.raises(MalformedResponseError):
        profile.begin_admin_authentication()
