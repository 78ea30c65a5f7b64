"""A server that wants the PIN, the tries, a signature of its choice or a command of its choice."""

import asyncio
import hashlib
import itertools
import json
import os
import random
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from reader_bridge.card.profiles.base import AdminChallenge as CardsChallenge
from reader_bridge.prompts import Consent, Ending, Failed, PinKind
from reader_bridge.protocol import Purpose, origin_of
from reader_bridge.protocol.failures import FailureCode
from reader_bridge.protocol.limits import MOST_FRAME_BYTES
from reader_bridge.protocol.messages import FromServer, open_frame, write_frame
from reader_bridge.protocol.operation_messages import (
    AdminAnswer,
    AdminChallenge,
    AdminCryptogram,
    AdminVerified,
    Bye,
    Cancel,
    ErrorMessage,
    Failure,
    Progress,
    Result,
    Start,
)
from reader_bridge.protocol.operations import (
    ChangePin,
    ListReaders,
    Parameters,
    ProvePossession,
    ReadCardStatus,
    ReadCertificate,
    Receipt,
    SetPin,
    operation_of,
)
from reader_bridge.protocol.pairing_messages import Pair, PairAnswer, Paired, PairOffer, Unpaired
from reader_bridge.protocol.vocabulary import ErrorCode, UnpairReason
from reader_bridge.session import Patience
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.bridge.conftest import NEW_PIN, PIN, scripted, staged
from tests.reader_bridge.bridge.test_cut_links import until_outcome
from tests.reader_bridge.bridge.test_operations import verifies
from tests.reader_bridge.card.cards import RecordingCard
from tests.reader_bridge.card.issuer import SERIAL, cryptogram
from tests.reader_bridge.counterpart import CODE, NAME, CutError, Line

NONCE = bytes(32)
EVERYTHING: list[Parameters] = [
    ListReaders(),
    ReadCardStatus(),
    ReadCertificate(),
    ProvePossession(NONCE),
    SetPin(Purpose.UNLOCK, SERIAL.hex(), NONCE),
    SetPin(Purpose.ACTIVATE, SERIAL.hex(), NONCE),
    SetPin(Purpose.UNLOCK, "00ff", NONCE),
    ChangePin(),
]
KNOWN_COMMANDS = {
    (0x00, 0xA4, 0x04, 0x00),  # SELECT
    (0x00, 0x20, 0x00, 0x80),  # VERIFY
    (0x00, 0x24, 0x00, 0x80),  # CHANGE REFERENCE DATA
    (0x00, 0x2C, 0x02, 0x80),  # RESET RETRY COUNTER
    (0x00, 0x22, 0xC1, 0xA4),  # MSE SET, administrator
    (0x00, 0x22, 0x41, 0xB6),  # MSE SET, signature
    (0x00, 0x87, 0x00, 0x00),  # GENERAL AUTHENTICATE
    (0x00, 0x2A, 0x9E, 0x9A),  # PSO: COMPUTE DIGITAL SIGNATURE
}


def nobody_asked_for_this(_: object) -> bool:
    return False


async def try_everything(line: Line, rounds: int) -> None:
    """Start everything over and over, and answer whatever is asked with what hurts most."""
    names = (f"op{number}" for number in itertools.count())
    for parameters in EVERYTHING * rounds:
        name = next(names)
        await line.send(AdminCryptogram(name, os.urandom(40)))
        await line.start(parameters, name)
        await line.send(Start(name, operation_of(parameters), parameters, 30))
        while True:
            message = await line.any()
            if isinstance(message, AdminChallenge):
                await line.send(AdminCryptogram(name, os.urandom(40)))
                await line.send(AdminCryptogram(name, os.urandom(40)))
            elif isinstance(message, AdminAnswer):
                await line.send(AdminVerified(name, True))
            elif isinstance(message, Result | Failure) and message.operation_id == name:
                break
            elif isinstance(message, Bye):
                return


async def test_against_a_person_who_wants_nothing_it_gets_nothing(
    card: VirtualCard, reader: VirtualReader
) -> None:
    reader.insert(recorded := RecordingCard(card))
    person = scripted(agree=lambda question: not isinstance(question, Consent))
    async with asyncio.timeout(20), staged(reader, person) as stage:
        line = await stage.paired()
        await try_everything(line, 50)
        assert await stage.task is Ending.REFUSED, "three times is enough"
    assert recorded.commands == [], "the card was not even looked at"
    assert person.lent == []


async def test_against_a_person_who_agrees_to_everything_no_pin_try_is_lost(
    card: VirtualCard, reader: VirtualReader
) -> None:
    reader.insert(recorded := RecordingCard(card))
    person = scripted()
    person.will_type(PinKind.NEW, PIN)
    async with asyncio.timeout(60), staged(reader, person) as stage:
        line = await stage.paired()
        await try_everything(line, 12)
        seen = "".join(stage.server.frames)
    assert card.file.state.pin_tries == 3
    assert verifies(reader, PIN)
    assert card.file.state.admin_tries == 7, "one, once, and then no more for good"
    assert [command for command in recorded.instructions if command == 0x87] == [0x87, 0x87]
    for secret in forms(PIN) | forms(NEW_PIN):
        assert secret not in seen
    assert all(set(buffer) == {0} for buffer in person.lent)


async def test_after_one_rejected_cryptogram_no_card_gets_another(
    card: VirtualCard, reader: VirtualReader
) -> None:
    async with asyncio.timeout(20), staged(reader) as stage:
        line = await stage.paired()
        codes = []
        for number in range(5):
            await line.start(EVERYTHING[4], f"op{number}")
            message = await line.any()
            while not isinstance(message, Failure):
                if isinstance(message, AdminChallenge):
                    await line.send(AdminCryptogram(f"op{number}", os.urandom(40)))
                message = await line.any()
            codes.append(message.code)
        await line.send(Unpaired(UnpairReason.BY_CHAT))
        await line.receive(Pair)
        await line.send(PairOffer(NAME))
        await line.receive(PairAnswer)
        await line.send(Paired(bytes(32), 100, NAME))
        await line.start(EVERYTHING[4], "again")
        codes.append((await until_failure(line)).code)
        assert codes == [FailureCode.ADMIN_KEY_REJECTED] * 6, "nor after pairing anew"
    assert card.file.state.admin_tries == 7
    assert verifies(reader, PIN)


async def test_with_few_admin_tries_the_challenge_is_not_even_asked_for(
    card: VirtualCard, reader: VirtualReader
) -> None:
    card.file.state.admin_tries = 2
    reader.insert(recorded := RecordingCard(card))
    async with asyncio.timeout(20), staged(reader) as stage:
        line = await stage.paired()
        await line.start(EVERYTHING[4])
        failure = await until_failure(line)
    assert failure.code is FailureCode.ADMIN_TRIES_LOW
    assert (failure.values.tries_left, failure.values.tries_needed) == (2, 3)
    assert not {0x87, 0x22, 0x2C} & set(recorded.instructions)
    assert [asked for asked in stage.person.asked if isinstance(asked, Consent)][1:] == []


async def test_a_card_the_server_calls_false_gets_no_new_pin(
    card: VirtualCard, reader: VirtualReader
) -> None:
    async with asyncio.timeout(20), staged(reader) as stage:
        line = await stage.paired()
        await line.start(EVERYTHING[4])
        while not isinstance(message := await line.any(), AdminChallenge):
            pass
        challenge = CardsChallenge(message.host_challenge, message.card_challenge)
        await line.send(AdminCryptogram("op1", cryptogram(challenge)))
        await line.receive(AdminAnswer)
        await line.send(AdminVerified("op1", False))
        failure = await until_failure(line)
    assert failure.code is FailureCode.CARD_NOT_GENUINE
    assert verifies(reader, PIN)
    assert card.file.state.admin_tries == 8


async def test_every_command_is_one_of_the_bridges_own(
    card: VirtualCard, reader: VirtualReader
) -> None:
    reader.insert(recorded := RecordingCard(card))
    async with asyncio.timeout(60), staged(reader) as stage:
        line = await stage.paired()
        await try_everything(line, 2)
    heads = {tuple(command[:4]) for command in recorded.commands}
    assert {head for head in heads if head[1] != 0xCB} <= KNOWN_COMMANDS
    reads = {head for head in heads if head[1] == 0xCB}
    assert all(head[0] == 0 for head in reads)


async def test_no_value_of_the_servers_choice_is_signed(
    card: VirtualCard, reader: VirtualReader
) -> None:
    chosen = hashlib.sha256(b"I owe you everything").digest()
    async with asyncio.timeout(20), staged(reader) as stage:
        line = await stage.paired()
        signatures = set()
        for number in range(10):
            await line.start(ProvePossession(chosen, card_serial=SERIAL.hex()), f"op{number}")
            result = await until_outcome(line)
            assert isinstance(result, Result)
            assert isinstance(result.value, Receipt)
            receipt = result.value
            signatures.add(receipt.signature)
        key = x509.load_der_x509_certificate(receipt.certificate).public_key()
        assert isinstance(key, RSAPublicKey)
        signed = key.recover_data_from_signature(receipt.signature, PKCS1v15(), SHA256())
        told = origin_of(stage.server.url).encode()
        statement = (
            b"Kaika reader bridge: statement of possession, version 1\x00"
            + hashlib.sha256(told).digest()
            + chosen
            + receipt.bridge_nonce
            + b"\x10prove_possession"
            + b"\x20"
            + SERIAL.hex().encode()
        )
        assert signed == hashlib.sha256(statement).digest()
        assert len(signatures) == 10, "half of what is signed is the bridge's own"


@pytest.mark.parametrize("seed", range(6))
async def test_messages_in_any_order_change_nothing(
    card: VirtualCard, reader: VirtualReader, seed: int
) -> None:
    """Everything a server can send, drawn at random, to a person who refuses everything."""
    draw = random.Random(seed)  # noqa: S311 - a test
    person = scripted(codes=(CODE,) * 50, agree=nobody_asked_for_this)
    messages: list[Callable[[], FromServer]] = [
        lambda: Start(f"op{draw.randrange(3)}", operation_of(p := draw.choice(EVERYTHING)), p, 5),
        lambda: AdminCryptogram(f"op{draw.randrange(3)}", os.urandom(40)),
        lambda: AdminVerified(f"op{draw.randrange(3)}", True),
        lambda: Cancel(f"op{draw.randrange(3)}"),
        lambda: Paired(bytes(32), 100, NAME),
        lambda: PairOffer(NAME),
        lambda: Unpaired(draw.choice(list(UnpairReason))),
        lambda: ErrorMessage(draw.choice(list(ErrorCode))),
    ]
    async with asyncio.timeout(30), staged(reader, person) as stage:
        line = await stage.server.next()
        await line.welcome()
        for _ in range(200):
            await line.send(draw.choice(messages)())
        await line.send(Start("last", operation_of(ListReaders()), ListReaders(), 5))
        while not isinstance(message := await line.any(), Failure) or (
            message.operation_id != "last"
        ):
            assert not isinstance(message, Result | AdminChallenge | AdminAnswer)
    assert person.lent == []
    assert (card.file.state.pin_tries, card.file.state.admin_tries) == (3, 8)


async def test_nobody_is_paired_before_the_person_at_the_pc_said_yes(
    reader: VirtualReader,
) -> None:
    asked = asyncio.Event()

    class Slow(type(scripted())):  # type: ignore[misc]
        async def confirm_pairing(self, peer: object) -> bool:
            asked.set()
            await asyncio.Event().wait()
            return True

    async with asyncio.timeout(20), staged(reader, Slow((CODE,))) as stage:
        line = await stage.server.next()
        await line.welcome()
        await line.receive(Pair)
        await line.send(PairOffer(NAME))
        await asked.wait()
        await line.send(Paired(bytes(32), 100, NAME))
        assert await line.any() == ErrorMessage(ErrorCode.BAD_STATE)
        await line.start(ReadCardStatus())
        assert await line.any() == Failure("op1", FailureCode.BAD_STATE)


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
    async with asyncio.timeout(20), staged(reader) as stage:
        line = await stage.paired()
        seq = line.memory.outgoing.last + 1
        await line.put(BAD_FRAMES[number].replace("SEQ", str(seq)))
        if len(BAD_FRAMES[number]) < MOST_FRAME_BYTES:
            assert open_frame(await line.get()).from_bridge() == ErrorMessage(ErrorCode.BAD_MESSAGE)
        with pytest.raises(CutError):
            await line.get()
        memory, line = line.memory, await stage.server.next()
        await line.resume(memory)
        memory.outgoing.last = (
            line.hello and line.hello.resume and line.hello.resume.last_seq
        ) or 0
        await line.start(ListReaders(), "after")
        outcome = await until_outcome(line)
        assert outcome.operation_id == "after", "the pairing has outlived it"


async def test_what_is_unknown_is_refused_and_what_is_more_is_ignored(
    reader: VirtualReader,
) -> None:
    async with asyncio.timeout(20), staged(reader) as stage:
        line = await stage.paired()

        async def put(**values: object) -> None:
            frame = json.loads(line.memory.outgoing.number(Cancel("none")))
            await line.put(json.dumps({"seq": frame["seq"], **values}))

        await put(type="send_apdu", apdu="00a40400")
        assert await line.any() == ErrorMessage(ErrorCode.UNKNOWN_MESSAGE)
        await put(type="start", operation_id="x", operation="send_apdu", parameters={"a": 1})
        assert await line.any() == Failure("x", FailureCode.UNKNOWN_OPERATION)
        assert isinstance(stage.person.shown[-1], Failed)
        await put(
            type="start",
            operation_id="y",
            operation="list_readers",
            parameters={"apdu": "00a40400"},
            deadline=5,
            colour="green",
        )
        assert isinstance(await until_outcome(line), Result)


async def test_one_operation_at_a_time_and_the_same_start_twice_is_one(
    reader: VirtualReader,
) -> None:
    reader.pull()
    async with asyncio.timeout(20), staged(reader) as stage:
        line = await stage.paired()
        await line.start(ReadCardStatus(), "first")
        await line.receive(Progress)
        await line.start(ReadCardStatus(), "first")
        await line.start(ReadCardStatus(), "second")
        while not isinstance(message := await line.any(), Failure):
            pass
        assert message == Failure("second", FailureCode.BUSY)
        await line.send(Cancel("another"))
        await line.send(Cancel("first"))
        assert await until_outcome(line) == Failure("first", FailureCode.CANCELLED)
        await line.start(ReadCardStatus(), "first")
        assert await line.any() == Failure("first", FailureCode.CANCELLED), "told again, not done"


async def test_the_deadline_ends_an_operation_nobody_attends_to(reader: VirtualReader) -> None:
    reader.pull()
    async with asyncio.timeout(20), staged(reader, patience=Patience()) as stage:
        line = await stage.paired()
        await line.start(ReadCardStatus(), deadline=1)
        assert (await until_failure(line)).code is FailureCode.TIMED_OUT


async def test_the_bridge_lets_itself_be_paired_for_its_time_only(reader: VirtualReader) -> None:
    async with asyncio.timeout(20), staged(reader) as stage:
        line = await stage.server.next()
        await line.pair(seconds=0)
        assert isinstance(await line.any(), Bye)
        line = await stage.server.next()
        assert (await line.greet()).resume is None
        assert any(getattr(event, "reason", None) == "expired" for event in stage.person.shown)


async def until_failure(line: Line) -> Failure:
    outcome = await until_outcome(line)
    assert isinstance(outcome, Failure)
    return outcome


def forms(secret: bytes) -> set[str]:
    """A secret as it could be written in a frame."""
    shapes = set()
    for value in (secret, secret[::-1]):
        shapes |= {value.decode(), value.hex(), value.hex().upper(), str(list(value))[1:-1]}
        shapes |= {b64encode(value).decode().rstrip("=")[:-1]}
        shapes |= {urlsafe_b64encode(value).decode().rstrip("=")[:-1]}
    return shapes


def test_the_search_for_secrets_finds_them() -> None:
    frame = write_frame(PairAnswer(True)) + urlsafe_b64encode(PIN).decode()
    assert any(form in frame for form in forms(PIN))
