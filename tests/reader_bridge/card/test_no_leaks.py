"""No PIN in what is logged, printed, or shown of an error, whatever goes wrong and wherever."""

import logging
import traceback
from collections.abc import Callable

import pytest

from reader_bridge.card.errors import CardError
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardProfile
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import READER_NAME, VirtualReader
from tests.reader_bridge.card.card_issuer import ADMIN_KEY, cryptogram
from tests.reader_bridge.secret_forms import secret_forms
from tests.reader_bridge.virtual_card.misbehaviour import (
    MisbehavingCard,
    Misbehaviour,
    MisbehaviourKind,
)

PIN, NEW_PIN, WRONG_PIN = b"first123", b"second45", b"wrong678"


def verify(profile: CardProfile) -> None:
    with SecretBuffer(PIN) as pin:
        profile.verify_pin(pin)


def guess(profile: CardProfile) -> None:
    with SecretBuffer(WRONG_PIN) as pin:
        profile.verify_pin(pin)


def change(profile: CardProfile) -> None:
    with SecretBuffer(PIN) as old, SecretBuffer(NEW_PIN) as new:
        profile.change_pin(old, new)


def set_pin(profile: CardProfile) -> None:
    with SecretBuffer(NEW_PIN) as new:
        challenge = profile.begin_admin_authentication()
        profile.complete_admin_authentication(cryptogram(challenge))
        profile.reset_retry_counter(new)


@pytest.mark.parametrize(
    "kind",
    [MisbehaviourKind.PULLED_BEFORE, MisbehaviourKind.PULLED_AFTER, MisbehaviourKind.GARBAGE],
)
@pytest.mark.parametrize("operation", [verify, guess, change, set_pin])
def test_errors_with_all_their_locals_show_no_pin(
    new_card: Callable[..., VirtualCard],
    caplog: pytest.LogCaptureFixture,
    operation: Callable[[CardProfile], None],
    kind: MisbehaviourKind,
) -> None:
    caplog.set_level(logging.NOTSET)
    shown = []
    for at in range(1, 9):
        card = MisbehavingCard(new_card(), Misbehaviour(kind, command=at))
        connection = VirtualReader(card).connect(READER_NAME, exclusive=True)
        try:
            operation(identify(connection))
        except CardError as error:
            told = traceback.TracebackException.from_exception(error, capture_locals=True)
            shown.append("".join(told.format()) + repr(error) + str(vars(error)))
    assert len(shown) >= 2, "something did go wrong"
    everything = "".join(shown) + caplog.text
    assert "•••" in everything, "there was a secret to be hidden"
    looked_through = everything.encode("latin-1", "replace")
    for secret in (PIN, NEW_PIN, WRONG_PIN, ADMIN_KEY):
        assert not [form for form in secret_forms(secret) if form in looked_through]
