"""Every operation stopped at every moment: nothing more is asked or sent, and the truth is told."""

from collections.abc import Callable
from itertools import count

import pytest

from reader_bridge.card.apdu import Instruction
from reader_bridge.prompter import PinKind
from reader_bridge.protocol import PinPurpose
from reader_bridge.protocol.failure_codes import FailureCode
from reader_bridge.protocol.operation_messages import OperationFailure, OperationResult
from reader_bridge.protocol.operation_payloads import (
    ChangePin,
    ListReaders,
    Parameters,
    ProvePossession,
    Receipt,
    SetPin,
)
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.card.card_issuer import CardTestAuthority
from tests.reader_bridge.card.fake_cards import PivCard
from tests.reader_bridge.client.test_operations import verifies
from tests.reader_bridge.operation_samples import (
    CARD_OPERATIONS,
    NEW_PIN,
    NONCE,
    PIN,
    TYPED_SECRETS,
)
from tests.reader_bridge.operations.stop_moments import StopMoments
from tests.reader_bridge.scripted_prompter import Answer

OPERATIONS = [ListReaders(), *CARD_OPERATIONS]
CHANGING = {Instruction.CHANGE_REFERENCE_DATA, Instruction.RESET_RETRY_COUNTER}
SIGNING = {Instruction.PERFORM_SECURITY_OPERATION, Instruction.GENERAL_AUTHENTICATE}
PIV_SERIAL, PIV_NEW_PIN = bytes(range(16)).hex(), b"98765432"
PIV_SECRETS = {PinKind.CURRENT: [b"123456"], PinKind.NEW: [PIV_NEW_PIN], PinKind.PUK: [b"87654321"]}
CANCELLED = OperationFailure("op1", FailureCode.CANCELLED)


def check_end(moments: StopMoments, end: object, new_is_set: bool) -> None:
    """Check that nothing came after the stop, and that the end is true of the card."""
    assert moments.after == [], moments.where
    came_too_late = bool(CHANGING & set(moments.before))
    assert new_is_set == came_too_late, moments.where
    if isinstance(end, OperationResult):
        has_signed = isinstance(end.value, Receipt) and bool(SIGNING & set(moments.before))
        assert has_signed or came_too_late, moments.where
    elif came_too_late:
        assert isinstance(moments.parameters, SetPin), moments.where
        assert end == OperationFailure("op1", FailureCode.PIN_SET_UNPROVED), moments.where
    else:
        assert end == CANCELLED, moments.where


@pytest.mark.parametrize("parameters", OPERATIONS, ids=lambda each: type(each).__name__)
async def test_stopped_at_any_moment_the_card_gets_nothing_more(
    new_card: Callable[..., VirtualCard], monkeypatch: pytest.MonkeyPatch, parameters: Parameters
) -> None:
    secrets: dict[PinKind, list[Answer]] = dict(TYPED_SECRETS)  # type: ignore[arg-type]
    card = new_card()
    for stop_at in count(1):
        moments = StopMoments(card, parameters, secrets, stop_at)
        end = await moments.run(monkeypatch)
        if not moments.where:
            break
        assert (card.file.state.pin_tries, card.file.state.admin_tries) == (3, 8), moments.where
        new_is_set = not verifies(VirtualReader(card), PIN)
        check_end(moments, end, new_is_set)
        if new_is_set:
            card = new_card()
    assert stop_at > 2


@pytest.mark.parametrize(
    "parameters",
    [
        ProvePossession(NONCE, card_serial=PIV_SERIAL),
        ChangePin(),
        SetPin(PinPurpose.UNLOCK, PIV_SERIAL, NONCE),
    ],
    ids=lambda each: type(each).__name__,
)
async def test_so_does_a_card_that_is_unlocked_by_its_puk(
    issuer: CardTestAuthority, monkeypatch: pytest.MonkeyPatch, parameters: Parameters
) -> None:
    for stop_at in count(1):
        card = PivCard(issuer.keys["authentication"], issuer.certify("authentication"))
        moments = StopMoments(card, parameters, dict(PIV_SECRETS), stop_at)  # type: ignore[arg-type]
        end = await moments.run(monkeypatch)
        if not moments.where:
            break
        assert card.tries == {0x80: 3, 0x81: 3}, moments.where
        check_end(moments, end, card.pin == PIV_NEW_PIN)
    assert stop_at > 10


async def test_a_wrong_pin_that_was_on_its_way_is_told(
    new_card: Callable[..., VirtualCard], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A try is spent, which is true whether the person waits for it or not."""
    secrets: dict[PinKind, list[Answer]] = {PinKind.CURRENT: [b"wrong123"], PinKind.NEW: [NEW_PIN]}
    card, told = new_card(), set()
    for stop_at in count(1):
        moments = StopMoments(card, ProvePossession(NONCE), secrets, stop_at)
        end = await moments.run(monkeypatch)
        if not moments.where or card.file.state.pin_tries < 3:
            break
        assert isinstance(end, OperationFailure)
        told.add(end.code)
    assert moments.where == "execution 20"
    assert isinstance(end, OperationFailure)
    assert (end.code, end.values.tries_left) == (FailureCode.PIN_WRONG, 2)
    assert told == {FailureCode.CANCELLED}
    assert verifies(VirtualReader(card), PIN)
