"""Cards that answer whatever they like, to every operation: an outcome each time, and no crash."""

import asyncio
import warnings

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reader_bridge.card.connection import CardConnection, ReaderState
from reader_bridge.prompter import PinKind
from reader_bridge.protocol import PinPurpose
from reader_bridge.protocol.failure_codes import FailureCode
from reader_bridge.protocol.messages import encode_frame, parse_frame
from reader_bridge.protocol.operation_messages import OperationFailure, OperationResult
from reader_bridge.protocol.operation_payloads import (
    ChangePin,
    ListReaders,
    Parameters,
    ProvePossession,
    ReadCardStatus,
    ReadCertificate,
    SetPin,
)
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.card.fake_cards import ScriptedConnection
from tests.reader_bridge.card.test_hostile_cards import ANSWERS, ATRS, MOST_SENDS_A_VERB, hostile
from tests.reader_bridge.operations.operation_harness import OperationHarness

PARAMETERS = st.sampled_from(
    [
        ListReaders(),
        ReadCardStatus(),
        ReadCertificate(),
        ProvePossession(bytes(32)),
        ChangePin(),
        SetPin(PinPurpose.UNLOCK, "a0a1", bytes(32)),
    ]
)
GIDS_CHOSEN = (bytes.fromhex("610d4f0ba000000397425446590201"), 0x9000)
PIV_CHOSEN = (bytes.fromhex("61114f0600001000010079074f05a000000308"), 0x9000)
NAMES = st.text(max_size=300).map(lambda text: text or "reader")


class HostileReaders(VirtualReader):
    """A reader with a strange name and a card that says what it wants."""

    def __init__(self, name: str, connection: ScriptedConnection) -> None:
        super().__init__(None, name)
        self.connection = connection

    def list_readers(self) -> tuple[ReaderState, ...]:
        return (ReaderState(self.name, True, self.connection.atr),)

    def connect(self, reader: str, *, exclusive: bool = False) -> CardConnection:
        return self.connection


def secrets() -> dict[PinKind, list[bytes | None]]:
    return {PinKind.CURRENT: [b"123456"], PinKind.NEW: [b"654321"], PinKind.PUK: [b"12345678"]}


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    parameters=PARAMETERS,
    answers=ANSWERS,
    first=st.sampled_from([None, GIDS_CHOSEN, PIV_CHOSEN]),
    atr=ATRS,
    name=NAMES,
)
def test_whatever_a_card_says_there_is_an_outcome_that_can_be_sent(
    parameters: Parameters,
    answers: list[tuple[bytes, int]],
    first: tuple[bytes, int] | None,
    atr: bytes,
    name: str,
) -> None:
    connection = recognisable_card(first, hostile(answers, atr)) if first else hostile(answers, atr)

    async def run() -> OperationResult | OperationFailure:
        room = OperationHarness(HostileReaders(name, connection), secrets())
        async with asyncio.timeout(30):
            outcome = await room.run(parameters)
        room.thread.close()
        assert all(set(buffer) <= {0} for buffer in room.person.handed_out)
        return outcome

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = asyncio.run(run())
    if isinstance(outcome, OperationFailure):
        assert outcome.code is not FailureCode.INTERNAL_ERROR
        assert parse_frame(encode_frame(outcome, 1)).decode_from_bridge() == outcome
    assert len(connection.sent) < 4 * MOST_SENDS_A_VERB


def recognisable_card(first: tuple[bytes, int], then: ScriptedConnection) -> ScriptedConnection:
    """A card that lets itself be recognised, and then turns hostile."""

    def answer(command: bytes) -> tuple[bytes, int]:
        return first if command[1] == 0xA4 else then.send_and_receive(bytearray(command))

    return ScriptedConnection(answer, then.atr)
