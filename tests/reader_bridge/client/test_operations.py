"""The six operations, from a server on this machine to a card, with a person at the PC."""

import asyncio
from functools import partial

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from reader_bridge.card.connection import ReaderState
from reader_bridge.card.profiles.base import MutualChallenge as CardsChallenge
from reader_bridge.prompter import (
    ConsentRequest,
    OperationDone,
    OperationWaiting,
    PairingPeer,
    PairingStarted,
    PinKind,
    PinRequest,
    PrompterEvent,
)
from reader_bridge.protocol import Operation, PinPurpose, build_possession_statement, origin_of
from reader_bridge.protocol.enums import KeyRole, ProgressStep
from reader_bridge.protocol.failure_codes import FailureCode, FailureValues
from reader_bridge.protocol.limits import PROGRESS_IN_A_ROW
from reader_bridge.protocol.operation_messages import (
    AdminAnswer,
    AdminChallenge,
    AdminCryptogram,
    AdminVerified,
    OperationFailure,
    OperationResult,
    ProgressReport,
)
from reader_bridge.protocol.operation_payloads import (
    CardReport,
    CertificateCopy,
    ChangePin,
    ListReaders,
    Parameters,
    PinChanged,
    ProvePossession,
    ReadCardStatus,
    ReadCertificate,
    ReaderEntry,
    ReaderList,
    Receipt,
    SetPin,
    Tries,
)
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import READER_NAME, VirtualReader
from tests.reader_bridge.card.card_issuer import (
    CARD_NUMBER,
    SERIAL,
    card_is_genuine,
    cryptogram,
)
from tests.reader_bridge.client.conftest import NEW_PIN, PIN, RunningClient, run_client
from tests.reader_bridge.scripted_server import NAME, BridgeLink

NONCE = bytes(range(32))


def check_receipt(receipt: Receipt, operation: Operation, url: str) -> None:
    statement = build_possession_statement(
        origin_of(url),
        operation,
        server_nonce=NONCE,
        bridge_nonce=receipt.bridge_nonce,
        card_serial=SERIAL.hex(),
    )
    key = x509.load_der_x509_certificate(receipt.certificate).public_key()
    assert isinstance(key, RSAPublicKey)
    key.verify(receipt.signature, statement, PKCS1v15(), SHA256())


async def test_both_ends_see_the_same_two_words(harness: RunningClient) -> None:
    line = await harness.server.accept()
    words = await line.pair()
    await harness.person.wait_until(
        lambda: any(isinstance(e, PairingStarted) for e in harness.person.shown)
    )
    assert PairingPeer("127.0.0.1", NAME, words) in harness.person.asked
    assert words[0] != words[1]


async def test_the_readers_are_listed(harness: RunningClient) -> None:
    line = await harness.pair()
    await line.start(ListReaders())
    result = await line.receive_end()
    assert isinstance(result, OperationResult)
    assert result.value == ReaderList((ReaderEntry(READER_NAME, True),))


async def test_card_status_after_one_consent_for_the_session(harness: RunningClient) -> None:
    line = await harness.pair()
    for number in range(3):
        await line.start(ReadCardStatus(), f"op{number}")
        result = await line.receive_end()
        assert isinstance(result, OperationResult)
        assert isinstance(result.value, CardReport)
        assert result.value.card_serial == SERIAL.hex()
        assert result.value.card_number == CARD_NUMBER
        assert result.value.pin == Tries(3, 3)
        assert result.value.admin == Tries(8, 8)
        assert result.value.possible == tuple(Operation)
    consents = [asked for asked in harness.person.asked if isinstance(asked, ConsentRequest)]
    assert [each.for_session for each in consents] == [True]


async def test_a_certificate_is_read(harness: RunningClient) -> None:
    line = await harness.pair()
    await line.start(ReadCertificate(KeyRole.SIGNATURE))
    result = await line.receive_end()
    assert isinstance(result, OperationResult)
    assert isinstance(result.value, CertificateCopy)
    assert x509.load_der_x509_certificate(result.value.certificate)


async def test_possession_is_proved_for_this_server_and_this_moment(harness: RunningClient) -> None:
    line = await harness.pair()
    receipts = []
    for number in range(2):
        await line.start(ProvePossession(NONCE, card_serial=SERIAL.hex()), f"op{number}")
        result = await line.receive_end()
        assert isinstance(result, OperationResult)
        assert isinstance(result.value, Receipt)
        check_receipt(result.value, Operation.PROVE_POSSESSION, harness.server.url)
        receipts.append(result.value)
    assert receipts[0].bridge_nonce != receipts[1].bridge_nonce
    consents = [asked for asked in harness.person.asked if isinstance(asked, ConsentRequest)]
    assert [each.for_session for each in consents] == [True, False, False], "asked every time"
    assert all(set(buffer) == {0} for buffer in harness.person.handed_out), "overwritten"


async def test_the_pin_is_changed(
    harness: RunningClient, card: VirtualCard, reader: VirtualReader
) -> None:
    line = await harness.pair()
    await line.start(ChangePin())
    result = await line.receive_end()
    assert isinstance(result, OperationResult)
    assert result.value == PinChanged(SERIAL.hex())
    assert verifies(reader, NEW_PIN)
    assert all(set(buffer) == {0} for buffer in harness.person.handed_out)
    assert len(harness.person.handed_out) == 2


async def set_pin(
    line: BridgeLink, purpose: PinPurpose = PinPurpose.UNLOCK
) -> OperationResult | OperationFailure:
    """The server's half of `set_pin`."""
    await line.start(SetPin(purpose, SERIAL.hex(), NONCE))
    messages = 1
    while not isinstance(message := await line.receive_any(), AdminChallenge):
        assert isinstance(message, ProgressReport)
        messages += 1
    challenge = CardsChallenge(message.host_challenge, message.card_challenge)
    await line.send(AdminCryptogram("op1", cryptogram(challenge)))
    answer = await line.receive(AdminAnswer)
    await line.send(AdminVerified("op1", card_is_genuine(challenge, answer.answer)))
    result = await line.receive_end()
    assert messages + 5 <= 8
    return result


@pytest.mark.parametrize("purpose", PinPurpose)
async def test_a_new_pin_is_set_with_the_issuers_consent(
    harness: RunningClient, card: VirtualCard, reader: VirtualReader, purpose: PinPurpose
) -> None:
    for _ in range(3):
        assert not verifies(reader, b"wrong123")
    line = await harness.pair()
    async with asyncio.timeout(20):
        result = await set_pin(line, purpose)
    assert isinstance(result, OperationResult)
    assert isinstance(result.value, Receipt)
    check_receipt(result.value, Operation.SET_PIN, harness.server.url)
    assert verifies(reader, NEW_PIN)
    assert [each for each in harness.person.asked if isinstance(each, ConsentRequest)][
        -1
    ].purpose is purpose
    assert isinstance(harness.person.shown[-1], OperationDone)


async def test_an_ordinary_operation_takes_at_most_four_messages(harness: RunningClient) -> None:
    line = await harness.pair()
    ordinary: list[Parameters] = [ReadCardStatus(), ListReaders(), ReadCertificate()]
    for number, parameters in enumerate([*ordinary, ProvePossession(NONCE), ChangePin()]):
        before = line.memory.incoming.last
        await line.start(parameters, f"op{number}")
        assert isinstance(await line.receive_end(), OperationResult)
        assert line.memory.incoming.last - before + 1 <= 3


async def test_a_card_that_is_waited_for_is_taken_when_it_comes(
    harness: RunningClient, card: VirtualCard, reader: VirtualReader
) -> None:
    reader.pull()
    line = await harness.pair()
    await line.start(ReadCardStatus())
    assert (await line.receive(ProgressReport)).step is ProgressStep.WAITING_FOR_LEAVE
    assert (await line.receive(ProgressReport)).step is ProgressStep.WAITING_FOR_CARD
    reader.insert(card)
    assert isinstance(await line.receive_any(), OperationResult)


async def test_a_first_operation_tells_all_that_it_waits_for(
    harness: RunningClient, card: VirtualCard, reader: VirtualReader
) -> None:
    reader.pull()
    harness.person.will_type(PinKind.CURRENT, b"wrong123", b"wrong456", PIN)
    line = await harness.pair()
    await line.start(ChangePin())
    heard = []
    while not isinstance(message := await line.receive_any(), OperationResult):
        assert isinstance(message, ProgressReport)
        heard.append((message.step, message.tries_left))
        if message.step is ProgressStep.WAITING_FOR_CARD:
            reader.insert(card)
    assert heard == [
        (ProgressStep.WAITING_FOR_LEAVE, None),
        (ProgressStep.WAITING_FOR_CARD, None),
        (ProgressStep.WAITING_FOR_PERSON, None),
        (ProgressStep.WRONG_PIN, 2),
        (ProgressStep.WRONG_PIN, 1),
    ]


class LooseReader(VirtualReader):
    """A reader that can be plugged in and out."""

    is_plugged_in = False

    def plug(self, *, in_: bool) -> None:
        self.is_plugged_in = in_
        self._notify_watches()

    def list_readers(self) -> tuple[ReaderState, ...]:
        return super().list_readers() if self.is_plugged_in else ()


async def test_of_what_changes_without_end_the_newest_is_told(card: VirtualCard) -> None:
    reader = LooseReader()
    async with run_client(reader) as harness:
        line = await harness.pair()
        await line.start(ReadCardStatus())
        shown = harness.person.shown
        for number in range(21):
            wanted = (ProgressStep.WAITING_FOR_READER, ProgressStep.WAITING_FOR_CARD)[number % 2]
            await harness.person.wait_until(partial(_is_awaited, shown, wanted))
            reader.plug(in_=not reader.is_plugged_in)
        await harness.person.wait_until(partial(_is_awaited, shown, ProgressStep.WAITING_FOR_CARD))
        heard = [(await line.receive(ProgressReport)).step for _ in range(PROGRESS_IN_A_ROW + 1)]
        assert heard[-1] is ProgressStep.WAITING_FOR_CARD
        reader.insert(card)
        assert isinstance(await line.receive_any(), OperationResult)


def _is_awaited(shown: list[PrompterEvent], step: ProgressStep) -> bool:
    steps = [event.step for event in shown if isinstance(event, OperationWaiting)]
    return steps[-1:] == [step]


async def test_the_wrong_pin_is_told_and_typed_again_by_the_person(
    harness: RunningClient, card: VirtualCard
) -> None:
    harness.person.will_type(PinKind.CURRENT, b"wrong123", PIN)
    line = await harness.pair()
    await line.start(ListReaders(), "op0")
    assert (await line.receive(ProgressReport)).step is ProgressStep.WAITING_FOR_LEAVE
    assert isinstance(await line.receive_any(), OperationResult)
    await line.start(ProvePossession(NONCE))
    assert (await line.receive(ProgressReport)).step is ProgressStep.WAITING_FOR_PERSON
    assert await line.receive(ProgressReport) == ProgressReport("op1", ProgressStep.WRONG_PIN, 2)
    assert isinstance(await line.receive_any(), OperationResult)
    asked = [each for each in harness.person.asked if isinstance(each, PinRequest)]
    assert [(each.tries_left, each.fault, each.last_try) for each in asked] == [
        (3, None, False),
        (2, "wrong", False),
    ]


async def test_the_last_try_is_spent_by_nobody_who_was_not_warned(
    harness: RunningClient, card: VirtualCard
) -> None:
    card.file.state.pin_tries = 1
    harness.person.will_type(PinKind.CURRENT, None)
    line = await harness.pair()
    await line.start(ChangePin())
    assert await line.receive_end() == OperationFailure(
        "op1", FailureCode.PIN_NOT_ENTERED, FailureValues(tries_left=1)
    )
    asked = [each for each in harness.person.asked if isinstance(each, PinRequest)]
    assert [each.last_try for each in asked] == [True]
    assert card.file.state.pin_tries == 1


def verifies(reader: VirtualReader, pin: bytes) -> bool:
    with reader.connect(READER_NAME, exclusive=True) as connection:
        connection.send_and_receive(bytearray.fromhex("00a4040009a0000003974254465900"))
        command = bytearray.fromhex("00200080") + bytes([len(pin)]) + pin
        return connection.send_and_receive(bytearray(command))[1] == 0x9000


def test_pin_used_in_these_tests_is_the_cards(reader: VirtualReader) -> None:
    assert verifies(reader, PIN)
