"""A server that wants the PIN, the tries, a signature of its choice or a command of its choice."""

import asyncio
import hashlib
import itertools
import os

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from reader_bridge.card.profiles.base import MutualChallenge as CardsChallenge
from reader_bridge.prompter import ConsentRequest, ExitReason, PinKind
from reader_bridge.protocol import origin_of
from reader_bridge.protocol.enums import UnpairReason
from reader_bridge.protocol.failure_codes import FailureCode
from reader_bridge.protocol.operation_messages import (
    AdminAnswer,
    AdminChallenge,
    AdminCryptogram,
    AdminVerified,
    Bye,
    OperationFailure,
    OperationResult,
    StartOperation,
)
from reader_bridge.protocol.operation_payloads import (
    ProvePossession,
    Receipt,
    operation_of,
)
from reader_bridge.protocol.pairing_messages import Pair, PairAnswer, Paired
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.card.card_issuer import SERIAL, cryptogram
from tests.reader_bridge.card.fake_cards import RecordingCard
from tests.reader_bridge.client.conftest import NEW_PIN, PIN, run_client, scripted_person
from tests.reader_bridge.client.test_operations import verifies
from tests.reader_bridge.operation_samples import ALL_OPERATIONS
from tests.reader_bridge.scripted_server import NAME, BridgeLink
from tests.reader_bridge.secret_forms import secret_forms

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


async def try_everything(line: BridgeLink, rounds: int) -> None:
    """Start everything over and over, and answer whatever is asked with what hurts most."""
    names = (f"op{number}" for number in itertools.count())
    for parameters in ALL_OPERATIONS * rounds:
        name = next(names)
        await line.send(AdminCryptogram(name, os.urandom(40)))
        await line.start(parameters, name)
        await line.send(StartOperation(name, operation_of(parameters), parameters, 30))
        while True:
            message = await line.receive_any()
            if isinstance(message, AdminChallenge):
                await line.send(AdminCryptogram(name, os.urandom(40)))
                await line.send(AdminCryptogram(name, os.urandom(40)))
            elif isinstance(message, AdminAnswer):
                await line.send(AdminVerified(name, True))
            elif (
                isinstance(message, OperationResult | OperationFailure)
                and message.operation_id == name
            ):
                break
            elif isinstance(message, Bye):
                return


async def test_against_a_person_who_wants_nothing_it_gets_nothing(
    card: VirtualCard, reader: VirtualReader
) -> None:
    reader.insert(recorded := RecordingCard(card))
    person = scripted_person(agree=lambda question: not isinstance(question, ConsentRequest))
    async with asyncio.timeout(20), run_client(reader, person) as harness:
        line = await harness.pair()
        await try_everything(line, 50)
        assert await harness.task is ExitReason.REFUSED, "three times is enough"
    assert recorded.commands == [], "the card was not even looked at"
    assert person.handed_out == []


async def test_against_a_person_who_agrees_to_everything_no_pin_try_is_lost(
    card: VirtualCard, reader: VirtualReader
) -> None:
    reader.insert(recorded := RecordingCard(card))
    person = scripted_person()
    person.will_type(PinKind.NEW, PIN)
    async with asyncio.timeout(60), run_client(reader, person) as harness:
        line = await harness.pair()
        await try_everything(line, 12)
        seen = "".join(harness.server.frames).encode()
    assert card.file.state.pin_tries == 3
    assert verifies(reader, PIN)
    assert card.file.state.admin_tries == 7, "one, once, and then no more for good"
    assert [command for command in recorded.instructions if command == 0x87] == [0x87, 0x87]
    assert not [form for form in secret_forms(PIN) | secret_forms(NEW_PIN) if form in seen]
    assert all(set(buffer) == {0} for buffer in person.handed_out)


async def test_after_one_rejected_cryptogram_no_card_gets_another(
    card: VirtualCard, reader: VirtualReader
) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.pair()
        codes = []
        for number in range(5):
            await line.start(ALL_OPERATIONS[4], f"op{number}")
            message = await line.receive_any()
            while not isinstance(message, OperationFailure):
                if isinstance(message, AdminChallenge):
                    await line.send(AdminCryptogram(f"op{number}", os.urandom(40)))
                message = await line.receive_any()
            codes.append(message.code)
        await line.unpair(UnpairReason.BY_CHAT)
        await line.receive(Pair)
        await line.offer()
        await line.receive(PairAnswer)
        await line.send(Paired(bytes(32), 100, NAME))
        await line.start(ALL_OPERATIONS[4], "again")
        codes.append((await line.receive_failure()).code)
        assert codes == [FailureCode.ADMIN_KEY_REJECTED] * 6, "nor after pairing anew"
    assert card.file.state.admin_tries == 7
    assert verifies(reader, PIN)


async def test_with_few_admin_tries_the_challenge_is_not_even_asked_for(
    card: VirtualCard, reader: VirtualReader
) -> None:
    card.file.state.admin_tries = 2
    reader.insert(recorded := RecordingCard(card))
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.pair()
        await line.start(ALL_OPERATIONS[4])
        failure = await line.receive_failure()
    assert failure.code is FailureCode.ADMIN_TRIES_LOW
    assert (failure.values.tries_left, failure.values.tries_needed) == (2, 3)
    assert not {0x87, 0x22, 0x2C} & set(recorded.instructions)
    assert [asked for asked in harness.person.asked if isinstance(asked, ConsentRequest)][1:] == []


async def test_a_card_the_server_calls_false_gets_no_new_pin(
    card: VirtualCard, reader: VirtualReader
) -> None:
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.pair()
        await line.start(ALL_OPERATIONS[4])
        while not isinstance(message := await line.receive_any(), AdminChallenge):
            pass
        challenge = CardsChallenge(message.host_challenge, message.card_challenge)
        await line.send(AdminCryptogram("op1", cryptogram(challenge)))
        await line.receive(AdminAnswer)
        await line.send(AdminVerified("op1", False))
        failure = await line.receive_failure()
    assert failure.code is FailureCode.CARD_NOT_GENUINE
    assert verifies(reader, PIN)
    assert card.file.state.admin_tries == 8


async def test_every_command_is_one_of_the_bridges_own(
    card: VirtualCard, reader: VirtualReader
) -> None:
    reader.insert(recorded := RecordingCard(card))
    async with asyncio.timeout(60), run_client(reader) as harness:
        line = await harness.pair()
        await try_everything(line, 2)
    heads = {tuple(command[:4]) for command in recorded.commands}
    assert {head for head in heads if head[1] != 0xCB} <= KNOWN_COMMANDS
    reads = {head for head in heads if head[1] == 0xCB}
    assert all(head[0] == 0 for head in reads)


async def test_no_value_of_the_servers_choice_is_signed(
    card: VirtualCard, reader: VirtualReader
) -> None:
    chosen = hashlib.sha256(b"I owe you everything").digest()
    async with asyncio.timeout(20), run_client(reader) as harness:
        line = await harness.pair()
        signatures = set()
        for number in range(10):
            await line.start(ProvePossession(chosen, card_serial=SERIAL.hex()), f"op{number}")
            result = await line.receive_end()
            assert isinstance(result, OperationResult)
            assert isinstance(result.value, Receipt)
            receipt = result.value
            signatures.add(receipt.signature)
        key = x509.load_der_x509_certificate(receipt.certificate).public_key()
        assert isinstance(key, RSAPublicKey)
        signed = key.recover_data_from_signature(receipt.signature, PKCS1v15(), SHA256())
        told = origin_of(harness.server.url).encode()
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
