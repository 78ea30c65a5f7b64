"""A server that says the right things at the wrong time, and what is no message at all."""

import asyncio
import json
import os
import random
from collections.abc import Callable

import pytest

from reader_bridge.client.session import SessionTimeouts
from reader_bridge.prompter import OperationNotDone
from reader_bridge.protocol.enums import Operation, ProtocolErrorCode, UnpairReason
from reader_bridge.protocol.failure_codes import FailureCode
from reader_bridge.protocol.limits import MAX_FRAME_BYTES
from reader_bridge.protocol.messages import ServerMessage, parse_frame
from reader_bridge.protocol.operation_messages import (
    AdminAnswer,
    AdminChallenge,
    AdminCryptogram,
    AdminVerified,
    Bye,
    CancelOperation,
    ErrorMessage,
    OperationFailure,
    OperationResult,
    ProgressReport,
    StartOperation,
)
from reader_bridge.protocol.operation_payloads import ListReaders, ReadCardStatus, operation_of
from reader_bridge.protocol.pairing_messages import Pair, Paired, PairOffer, Unpaired
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.client.conftest import run_client, scripted_person
from tests.reader_bridge.operation_samples import ALL_OPERATIONS
from tests.reader_bridge.scripted_server import CODE, NAME, CutError


def nobody_asked_for_this(_: object) -> bool:
    return False


@pytest.mark.parametrize("seed", range(6))
async def test_messages_in_any_order_change_nothing(
    card: VirtualCard, reader: VirtualReader, seed: int
) -> None:
    """Everything a server can send, drawn at random, to a person who refuses everything."""
    draw = random.Random(seed)  # noqa: S311 - a test
    person = scripted_person(codes=(CODE,) * 50, agree=nobody_asked_for_this)
    messages: list[Callable[[], ServerMessage]] = [
        lambda: StartOperation(
            f"op{draw.randrange(3)}", operation_of(p := draw.choice(ALL_OPERATIONS)), p, 5
        ),
        lambda: AdminCryptogram(f"op{draw.randrange(3)}", os.urandom(40)),
        lambda: AdminVerified(f"op{draw.randrange(3)}", True),
        lambda: CancelOperation(f"op{draw.randrange(3)}"),
        lambda: Paired(bytes(32), 100, NAME),
        lambda: PairOffer(line.pairing_nonce, NAME),
        lambda: Unpaired(draw.choice(list(UnpairReason)), line.commit()),
        lambda: ErrorMessage(draw.choice(list(ProtocolErrorCode))),
    ]
    async with asyncio.timeout(30), run_client(reader, person) as harness:
        line = await harness.server.accept()
        await line.welcome()
        for _ in range(200):
            await line.send(draw.choice(messages)())
        await line.send(StartOperation("last", operation_of(ListReaders()), ListReaders(), 5))
        while not isinstance(message := await line.receive_any(), OperationFailure) or (
            message.operation_id != "last"
        ):
            assert not isinstance(message, OperationResult | AdminChallenge | AdminAnswer)
    assert person.handed_out == []
    assert (card.file.state.pin_tries, card.file.state.admin_tries) == (3, 8)


async def test_nobody_is_paired_before_the_person_at_the_pc_said_yes(
    reader: VirtualReader,
) -> None:
    asked = asyncio.Event()

    class Slow(type(scripted_person())):  # type: ignore[misc]
        async def confirm_pairing(self, peer: object) -> bool:
            asked.set()
            await asyncio.Event().wait()
            return True

    async with asyncio.timeout(20), run_client(reader, Slow((CODE,))) as harness:
        line = await harness.server.accept()
        await line.welcome()
        await line.receive(Pair)
        await line.offer()
        await asked.wait()
        await line.send(Paired(bytes(32), 100, NAME))
        assert await line.receive_any() == ErrorMessage(ProtocolErrorCode.BAD_STATE)
        await line.start(ReadCardStatus())
        assert await line.receive_any() == OperationFailure("op1", FailureCode.BAD_STATE)


BAD_FRAMES = [
    "",
    "{",
    "[]",
    "null",
    '"start"',
    "9" * 5000,
    "[" * 60000,
    '{"type":"start"}',
    '{"type":"start","seq":"5"}',
    '{"type":"start","seq":true}',
    '{"type":"start","seq":-1}',
    '{"type":"start","seq":1e3}',
    '{"type":"start","seq":99999999999999}',
    '{"type":["start"],"seq":5}',
    '{"type":"cancel","seq":SEQ}',
    '{"type":"cancel","seq":SEQ,"operation_id":7}',
    '{"type":"cancel","seq":SEQ,"operation_id":"a b"}',
    '{"type":"cancel","seq":SEQ,"operation_id":"' + "a" * 65 + '"}',
    '{"type":"cancel","seq":SEQ,"operation_id":"a","operation_id":"b"}',
    '{"type":"cancel","seq":SEQ,"operation_id":NaN}',
    '{"type":"start","seq":SEQ,"operation_id":"a","operation":"list_readers","parameters":[],'
    '"deadline":5}',
    '{"type":"start","seq":SEQ,"operation_id":"a","operation":"list_readers","parameters":{},'
    '"deadline":100000}',
    '{"type":"start","seq":SEQ,"operation_id":"a","operation":["x"],"parameters":{},"deadline":5}',
    '{"type":"start","seq":SEQ,"operation_id":{},"operation":"send_apdu","parameters":{}}',
    '{"type":"admin_cryptogram","seq":SEQ,"operation_id":"a","cryptogram":"AAAA"}',
    '{"type":"unpaired","seq":SEQ,"reason":"because"}',
    '{"type":"greeting","seq":0,"api_levels":[1],"nonce":"' + "A" * 43 + '","origin":"ws://x"}',
    '{"type":"greeting","seq":SEQ,"api_levels":[1],"nonce":"' + "A" * 43 + '","origin":"ws://x"}',
    '{"type":"cancel","seq":0,"operation_id":"a"}',
    '{"type":"cancel","seq":77,"operation_id":"a"}',
    "x" * 70_000,
]


@pytest.mark.parametrize("number", range(len(BAD_FRAMES)))
async def test_nonsense_closes_the_link_and_nothing_more(
    card: VirtualCard, reader: VirtualReader, number: int
) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.pair()
        seq = line.memory.outgoing.last + 1
        await line.send_frame(BAD_FRAMES[number].replace("SEQ", str(seq)))
        if len(BAD_FRAMES[number]) < MAX_FRAME_BYTES:
            assert parse_frame(await line.receive_frame()).decode_from_bridge() == ErrorMessage(
                ProtocolErrorCode.BAD_MESSAGE
            )
        with pytest.raises(CutError):
            await line.receive_frame()
        memory, line = line.memory, await harness.server.accept()
        await line.resume(memory)
        memory.outgoing.last = (
            line.hello and line.hello.resume and line.hello.resume.last_seq
        ) or 0
        await line.start(ListReaders(), "after")
        outcome = await line.receive_end()
        assert outcome.operation_id == "after", "the pairing has outlived it"


async def test_what_is_unknown_is_refused_and_what_is_more_is_ignored(
    reader: VirtualReader,
) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.pair()

        async def put(**values: object) -> None:
            frame = json.loads(line.memory.outgoing.number(CancelOperation("none")))
            await line.send_frame(json.dumps({"seq": frame["seq"], **values}))

        await put(type="send_apdu", apdu="00a40400")
        assert await line.receive_any() == ErrorMessage(ProtocolErrorCode.UNKNOWN_MESSAGE)
        await put(type="start", operation_id="x", operation="send_apdu", parameters={"a": 1})
        assert await line.receive_any() == OperationFailure("x", FailureCode.UNKNOWN_OPERATION)
        assert isinstance(harness.person.shown[-1], OperationNotDone)
        await put(
            type="start",
            operation_id="y",
            operation="list_readers",
            parameters={"apdu": "00a40400"},
            deadline=5,
            colour="green",
        )
        assert isinstance(await line.receive_end(), OperationResult)


async def test_a_message_of_exactly_the_allowed_size_is_taken(reader: VirtualReader) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.pair()
        for operation_id, size in (("fits", MAX_FRAME_BYTES), ("longer", MAX_FRAME_BYTES + 1)):
            start = StartOperation(operation_id, Operation.LIST_READERS, ListReaders(), 5)
            frame = line.memory.outgoing.number(start)[:-1] + ',"colour":"'
            await line.send_frame(frame + "a" * (size - len(frame) - 2) + '"}')
            if size == MAX_FRAME_BYTES:
                assert isinstance(await line.receive_end(), OperationResult)
        with pytest.raises(CutError):
            await line.receive_frame()


async def test_one_operation_at_a_time_and_the_same_start_twice_is_one(
    reader: VirtualReader,
) -> None:
    reader.pull()
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.pair()
        await line.start(ReadCardStatus(), "first")
        await line.receive(ProgressReport)
        await line.start(ReadCardStatus(), "first")
        await line.start(ReadCardStatus(), "second")
        while not isinstance(message := await line.receive_any(), OperationFailure):
            pass
        assert message == OperationFailure("second", FailureCode.BUSY)
        await line.send(CancelOperation("another"))
        await line.send(CancelOperation("first"))
        assert await line.receive_end() == OperationFailure("first", FailureCode.CANCELLED)
        await line.start(ReadCardStatus(), "first")
        assert await line.receive_any() == OperationFailure("first", FailureCode.CANCELLED), (
            "told again, not done"
        )


async def test_the_deadline_ends_an_operation_nobody_attends_to(reader: VirtualReader) -> None:
    reader.pull()
    async with asyncio.timeout(20), run_client(reader, timeouts=SessionTimeouts()) as harness:
        line = await harness.pair()
        await line.start(ReadCardStatus(), deadline=1)
        assert (await line.receive_failure()).code is FailureCode.TIMED_OUT


async def test_the_bridge_lets_itself_be_paired_for_its_time_only(reader: VirtualReader) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.server.accept()
        await line.pair(seconds=0)
        assert isinstance(await line.receive_any(), Bye)
        line = await harness.server.accept()
        assert (await line.greet()).resume is None
        assert any(getattr(event, "reason", None) == "expired" for event in harness.person.shown)
