"""Operations that do not come to their end: card or driver fails them, or they are cancelled.

`test_stop_moments.py` stops them at every moment.
"""

import asyncio
import logging
import threading
from collections.abc import Callable

import pytest

from reader_bridge.prompter import ConsentRequest, PinRequest
from reader_bridge.protocol.failure_codes import FAILURE_ADVICE, FailureCode
from reader_bridge.protocol.operation_messages import OperationFailure, OperationResult
from reader_bridge.protocol.operation_payloads import (
    CardReport,
    ChangePin,
    Parameters,
    ReadCardStatus,
    SetPin,
)
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.card.fake_cards import RecordingCard
from tests.reader_bridge.client.test_operations import verifies
from tests.reader_bridge.operation_samples import (
    ALL_OPERATIONS,
    CARD_OPERATIONS,
    NEW_PIN,
    PIN,
    TYPED_SECRETS,
)
from tests.reader_bridge.operations.operation_harness import OperationHarness
from tests.reader_bridge.virtual_card.misbehaviour import (
    MisbehavingCard,
    Misbehaviour,
    MisbehaviourKind,
)


@pytest.mark.parametrize(
    "kind",
    [MisbehaviourKind.PULLED_BEFORE, MisbehaviourKind.PULLED_AFTER, MisbehaviourKind.GARBAGE],
)
@pytest.mark.parametrize("parameters", CARD_OPERATIONS, ids=lambda each: type(each).__name__)
async def test_a_card_that_fails_at_any_command_leaves_a_state_that_is_told(
    new_card: Callable[..., VirtualCard],
    caplog: pytest.LogCaptureFixture,
    parameters: Parameters,
    kind: MisbehaviourKind,
) -> None:
    caplog.set_level(logging.NOTSET)
    for at in range(1, 200):
        card = new_card()
        failing = MisbehavingCard(card, Misbehaviour(kind, command=at))
        room = OperationHarness(VirtualReader(failing), dict(TYPED_SECRETS))  # type: ignore[arg-type]
        outcome = await room.run(parameters)
        reader = VirtualReader(card)
        new_is_set = verifies(reader, NEW_PIN)
        check(outcome, new_is_set, parameters)
        assert all(set(buffer) <= {0} for buffer in room.person.handed_out)
        card.close()
        if failing.commands < at:
            break
    else:
        pytest.fail("endless")
    for secret in (PIN, NEW_PIN):
        assert secret.decode() not in caplog.text


def check(
    outcome: OperationResult | OperationFailure, new_is_set: bool, parameters: Parameters
) -> None:
    """What is told has to be true of the card."""
    changes = isinstance(parameters, ChangePin | SetPin)
    if isinstance(outcome, OperationResult):
        assert new_is_set == changes or isinstance(outcome.value, CardReport)
        return
    assert outcome.code in FAILURE_ADVICE
    assert outcome.code is not FailureCode.INTERNAL_ERROR
    if new_is_set:
        assert outcome.code in (FailureCode.OUTCOME_UNKNOWN, FailureCode.PIN_SET_UNPROVED)
    elif outcome.code is FailureCode.PIN_SET_UNPROVED:
        pytest.fail("the PIN is not set")


async def test_a_driver_that_hangs_costs_its_operation_and_no_other(card: VirtualCard) -> None:
    released = threading.Event()

    def wait(_: float) -> None:
        released.wait(10)

    slow = MisbehavingCard(card, Misbehaviour(MisbehaviourKind.SLOW, command=3), wait=wait)
    room = OperationHarness(VirtualReader(slow), dict(TYPED_SECRETS))  # type: ignore[arg-type]
    outcome = await room.run(ReadCardStatus(), deadline=1)
    assert outcome == OperationFailure("op1", FailureCode.TIMED_OUT)
    released.set()
    assert isinstance(await room.run(ReadCardStatus()), OperationResult)


async def test_cancelling_ends_the_question_and_leaves_the_card(card: VirtualCard) -> None:
    room = OperationHarness(VirtualReader(card), {})
    task = asyncio.ensure_future(room.run(ChangePin()))
    await room.person.wait_until(lambda: any(isinstance(e, PinRequest) for e in room.person.asked))
    assert room.running is not None
    room.running.stop(FailureCode.CANCELLED)
    assert await task == OperationFailure("op1", FailureCode.CANCELLED)


async def test_an_operation_stopped_before_it_began_has_an_outcome(card: VirtualCard) -> None:
    room = OperationHarness(VirtualReader(card), {})
    task = asyncio.ensure_future(room.run(ReadCardStatus()))
    await asyncio.sleep(0)
    assert room.running is not None
    room.running.stop(FailureCode.LINK_LOST)
    assert await task == OperationFailure("op1", FailureCode.LINK_LOST)


@pytest.mark.parametrize("parameters", ALL_OPERATIONS, ids=lambda each: type(each).__name__)
async def test_an_operation_stopped_before_it_was_run_asks_and_does_nothing(
    card: VirtualCard, parameters: Parameters
) -> None:
    recorded = RecordingCard(card)
    room = OperationHarness(VirtualReader(recorded), dict(TYPED_SECRETS))  # type: ignore[arg-type]
    prepared = room.prepare(parameters)
    assert room.running is not None
    room.running.stop(FailureCode.LINK_LOST)
    room.running.stop(FailureCode.CANCELLED)
    assert await prepared == OperationFailure("op1", FailureCode.LINK_LOST), (
        "the first reason counts"
    )
    assert (room.person.asked, room.sent, recorded.commands) == ([], [], [])


async def test_a_mistake_in_the_bridge_is_told_without_what_it_was_about(
    card: VirtualCard, caplog: pytest.LogCaptureFixture
) -> None:
    room = OperationHarness(VirtualReader(card), {})

    async def broken(_: ConsentRequest) -> bool:
        raise ZeroDivisionError("first123")

    room.person.ask_consent = broken  # type: ignore[method-assign,assignment]
    assert await room.run(ChangePin()) == OperationFailure("op1", FailureCode.INTERNAL_ERROR)
    assert "ZeroDivisionError" in caplog.text
    assert "first123" not in caplog.text
