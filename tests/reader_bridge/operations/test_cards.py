"""Which card, in which state: every kind of card, pulled at every command, and several at once."""

from collections.abc import Callable

import pytest

from reader_bridge.card.errors import ReaderServiceError
from reader_bridge.prompter import PinKind, PinRequest
from reader_bridge.protocol import Operation, PinPurpose, ProfileName
from reader_bridge.protocol.enums import KeyRole
from reader_bridge.protocol.failure_codes import FailureCode, FailureValues
from reader_bridge.protocol.operation_messages import OperationFailure, OperationResult
from reader_bridge.protocol.operation_payloads import (
    CardReport,
    ChangePin,
    ListReaders,
    Parameters,
    PinChanged,
    ProvePossession,
    ReadCardStatus,
    ReadCertificate,
    ReaderList,
    Receipt,
    SetPin,
    Tries,
)
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.card_command import CardCommand, CommandRefusedError
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.card.card_issuer import CARD_NUMBER, CardTestAuthority
from tests.reader_bridge.card.fake_cards import PIN_INSTRUCTIONS, MoicaCard, PivCard, RecordingCard
from tests.reader_bridge.operation_samples import (
    CARD_OPERATIONS,
    NEW_PIN,
    NONCE,
    PIN,
    TYPED_SECRETS,
)
from tests.reader_bridge.operations.operation_harness import OperationHarness, ReaderGroup

PIV_SERIAL = bytes(range(16)).hex()


@pytest.fixture
def piv(issuer: CardTestAuthority) -> PivCard:
    return PivCard(issuer.keys["authentication"], issuer.certify("authentication"))


def piv_room(card: PivCard, **secrets: list[bytes | None]) -> OperationHarness:
    typed = {PinKind.CURRENT: [b"123456"], PinKind.NEW: [b"98765432"], PinKind.PUK: [b"87654321"]}
    chosen = {PinKind(kind): list(answers) for kind, answers in secrets.items()}
    return OperationHarness(VirtualReader(card), {**typed, **chosen})  # type: ignore[dict-item]


async def test_a_piv_card_is_unlocked_by_the_puk_typed_on_the_pc(piv: PivCard) -> None:
    piv.tries[0x80] = 0
    room = piv_room(piv)
    outcome = await room.run(SetPin(PinPurpose.UNLOCK, PIV_SERIAL, NONCE))
    assert isinstance(outcome, OperationResult)
    assert isinstance(outcome.value, Receipt)
    assert (piv.pin, piv.tries) == (b"98765432", {0x80: 3, 0x81: 3})
    assert all(set(buffer) == {0} for buffer in room.person.handed_out)


async def test_a_wrong_puk_is_told_and_typed_again(piv: PivCard) -> None:
    room = piv_room(piv, puk=[b"11111111", None])
    outcome = await room.run(SetPin(PinPurpose.UNLOCK, PIV_SERIAL, NONCE))
    assert outcome == OperationFailure("op1", FailureCode.PUK_WRONG, FailureValues(tries_left=2))
    assert piv.tries[0x81] == 2


async def test_a_piv_card_is_not_activated(piv: PivCard) -> None:
    outcome = await piv_room(piv).run(SetPin(PinPurpose.ACTIVATE, PIV_SERIAL, NONCE))
    assert outcome == OperationFailure(
        "op1", FailureCode.OPERATION_REFUSED, FailureValues(profile=ProfileName.PIV)
    )


async def test_pin_and_proof_on_a_piv_card(piv: PivCard) -> None:
    room = piv_room(piv)
    assert isinstance(
        await room.run(ProvePossession(NONCE, card_serial=PIV_SERIAL)), OperationResult
    )
    changed = await room.run(ChangePin())
    assert changed == OperationResult("op1", Operation.CHANGE_PIN, PinChanged(PIV_SERIAL))
    assert piv.pin == b"98765432"


class StrictPivCard(PivCard):
    """A PIV card that refuses a PIN of one digit only, as a YubiKey 5.7 does."""

    def _change(self, command: CardCommand) -> bytes:
        self._ensure_strong(command)
        return super()._change(command)

    def _unlock(self, command: CardCommand) -> bytes:
        self._ensure_strong(command)
        return super()._unlock(command)

    def _ensure_strong(self, command: CardCommand) -> None:
        if len(set(command.data[8:])) <= 2:
            raise CommandRefusedError(0x6985)


NEW_PIN_OPERATIONS: list[Parameters] = [
    ChangePin(),
    SetPin(PinPurpose.UNLOCK, PIV_SERIAL, NONCE),
]


@pytest.mark.parametrize("parameters", NEW_PIN_OPERATIONS)
async def test_another_new_pin_is_asked_for_where_the_cards_rules_refuse_it(
    piv: PivCard, parameters: Parameters
) -> None:
    strict = StrictPivCard(piv.key, piv.certificate)
    room = piv_room(strict, new=[b"11111111", b"98765432"])
    assert isinstance(await room.run(parameters), OperationResult)
    assert strict.pin == b"98765432"
    asked = [each for each in room.person.asked if isinstance(each, PinRequest)]
    assert [each.fault for each in asked if each.kind is PinKind.NEW] == [None, "wrong"]
    assert not any(each.fault for each in asked if each.kind is not PinKind.NEW)
    assert all(set(buffer) == {0} for buffer in room.person.handed_out)


@pytest.mark.parametrize("last", [None, b"11111111"])
@pytest.mark.parametrize("parameters", NEW_PIN_OPERATIONS)
async def test_a_new_pin_that_the_cards_rules_refuse_is_told(
    piv: PivCard, parameters: Parameters, last: bytes | None
) -> None:
    strict = StrictPivCard(piv.key, piv.certificate)
    outcome = await piv_room(strict, new=[b"11111111", last]).run(parameters)
    assert isinstance(outcome, OperationFailure)
    assert outcome.code is FailureCode.PIN_NOT_ACCEPTED
    assert (strict.pin, strict.tries) == (b"123456", {0x80: 3, 0x81: 3})


async def test_a_pin_that_is_not_usable_is_blocked(piv: PivCard) -> None:
    piv.blocked, piv.tries[0x80] = 0x6984, 0
    report = await piv_room(piv).run(ReadCardStatus())
    assert isinstance(report, OperationResult)
    assert isinstance(report.value, CardReport)
    assert report.value.pin == Tries(0)
    assert await piv_room(piv).run(ChangePin()) == OperationFailure(
        "op1", FailureCode.PIN_BLOCKED, FailureValues(tries_left=0)
    )
    piv.tries[0x81] = 0
    outcome = await piv_room(piv).run(SetPin(PinPurpose.UNLOCK, PIV_SERIAL, NONCE))
    assert isinstance(outcome, OperationFailure)
    assert outcome.code is FailureCode.PUK_BLOCKED


async def test_a_card_without_serial_is_named_by_its_certificate(piv: PivCard) -> None:
    class Nameless(PivCard):
        def _get_data(self, command):  # type: ignore[no-untyped-def]
            if bytes(command.data) == bytes.fromhex("5c035fc102"):
                return b""
            return super()._get_data(command)

    room = piv_room(Nameless(piv.key, piv.certificate))
    report = await room.run(ReadCardStatus())
    assert isinstance(report, OperationResult)
    assert isinstance(report.value, CardReport)
    assert report.value.card_serial is not None
    assert len(report.value.card_serial) == 32
    assert isinstance(
        await room.run(ProvePossession(NONCE, card_serial=report.value.card_serial)),
        OperationResult,
    )


@pytest.mark.parametrize("parameters", CARD_OPERATIONS[2:])
async def test_a_real_moica_card_is_read_and_gets_no_pin_command(
    issuer: CardTestAuthority, parameters: Parameters
) -> None:
    card = MoicaCard(issuer.certify("encryption"), issuer.certify("signature"), issuer.der)
    room = OperationHarness(VirtualReader(card), dict(TYPED_SECRETS))  # type: ignore[arg-type]
    report = await room.run(ReadCardStatus())
    assert isinstance(report, OperationResult)
    assert isinstance(report.value, CardReport)
    assert report.value.profile is ProfileName.MOICA
    assert report.value.card_number == CARD_NUMBER
    assert isinstance(await room.run(ReadCertificate(KeyRole.SIGNATURE)), OperationResult)
    outcome = await room.run(parameters)
    assert isinstance(outcome, OperationFailure)
    assert outcome.code is FailureCode.OPERATION_REFUSED, "whoever's card it is"
    assert room.person.handed_out == []
    assert not {command[1] for command in card.commands} & PIN_INSTRUCTIONS


@pytest.mark.parametrize("parameters", CARD_OPERATIONS[1:])
async def test_an_unknown_card_is_left_alone(parameters: Parameters) -> None:
    class Unknown(PivCard):
        def answer(self, command):  # type: ignore[no-untyped-def]
            raise AssertionError

        def transmit(self, apdu: bytes | bytearray) -> bytes:
            assert apdu[1] not in PIN_INSTRUCTIONS
            return b"\x6d\x00"

    room = OperationHarness(VirtualReader(Unknown(None, b"")), dict(TYPED_SECRETS))  # type: ignore[arg-type]
    report = await room.run(ReadCardStatus())
    assert isinstance(report, OperationResult)
    assert isinstance(report.value, CardReport)
    assert report.value.profile is ProfileName.UNKNOWN
    assert report.value.possible == (Operation.LIST_READERS, Operation.CARD_STATUS)
    outcome = await room.run(parameters)
    assert isinstance(outcome, OperationFailure)
    assert outcome.code is FailureCode.CARD_UNKNOWN


async def test_another_card_than_the_expected_one_gets_nothing(card: VirtualCard) -> None:
    recorded = RecordingCard(card)
    for parameters in (
        SetPin(PinPurpose.UNLOCK, "00" * 16, NONCE),
        ChangePin(card_serial="00" * 16),
        ProvePossession(NONCE, card_serial="00" * 16),
    ):
        room = OperationHarness(VirtualReader(recorded), dict(TYPED_SECRETS))  # type: ignore[arg-type]
        outcome = await room.run(parameters)
        assert outcome == OperationFailure("op1", FailureCode.WRONG_CARD)
        assert len([each for each in room.person.asked if isinstance(each, PinRequest)]) == 0
    assert not {0x20, 0x24, 0x2C, 0x87} & set(recorded.instructions)


async def test_a_card_swapped_while_the_pin_is_typed_never_sees_it(
    new_card: Callable[..., VirtualCard],
) -> None:
    reader = VirtualReader(new_card())
    other = RecordingCard(new_card())
    room = OperationHarness(reader, dict(TYPED_SECRETS))  # type: ignore[arg-type]
    ask = room.person.ask_pin

    async def swap(request: PinRequest) -> object:
        reader.insert(other)
        return await ask(request)

    room.person.ask_pin = swap  # type: ignore[method-assign,assignment]
    for parameters in CARD_OPERATIONS[2:]:
        outcome = await room.run(parameters)
        assert outcome == OperationFailure("op1", FailureCode.CARD_REMOVED)
    assert not {0x20, 0x24, 0x2C, 0x87} & set(other.instructions)


async def test_of_several_cards_the_one_that_is_known_is_taken(
    new_card: Callable[..., VirtualCard], piv: PivCard
) -> None:
    class Unknown(PivCard):
        def transmit(self, apdu: bytes | bytearray) -> bytes:
            return b"\x6d\x00"

    strange = VirtualReader(Unknown(piv.key, b""), "A")
    known, second = VirtualReader(new_card(), "B"), VirtualReader(new_card(), "C")
    report = await OperationHarness(ReaderGroup(strange, known)).run(ReadCardStatus())
    assert isinstance(report, OperationResult)
    assert isinstance(report.value, CardReport)
    assert report.value.reader == "B"
    both = ReaderGroup(strange, known, second)
    assert await OperationHarness(both).run(ReadCardStatus()) == OperationFailure(
        "op1", FailureCode.SEVERAL_CARDS
    )
    named = await OperationHarness(both).run(ReadCardStatus("C"))
    assert isinstance(named, OperationResult)
    listed = await OperationHarness(both).run(ListReaders())
    assert isinstance(listed, OperationResult)
    assert isinstance(listed.value, ReaderList)
    assert [each.name for each in listed.value.readers] == ["A", "B", "C"]


async def test_a_card_another_program_holds_is_told(reader: VirtualReader) -> None:
    with reader.connect(reader.name, exclusive=True):
        outcome = await OperationHarness(reader).run(ReadCardStatus())
    assert outcome == OperationFailure(
        "op1", FailureCode.CARD_IN_USE, FailureValues(reader=reader.name)
    )


async def test_a_stopped_reader_service_is_told(reader: VirtualReader) -> None:
    class Stopped(VirtualReader):
        def list_readers(self) -> tuple[()]:
            raise ReaderServiceError

    outcome = await OperationHarness(Stopped()).run(ReadCardStatus())
    assert outcome == OperationFailure("op1", FailureCode.READER_SERVICE_STOPPED)


async def test_a_blocked_pin_is_told_before_anything_is_asked(card: VirtualCard) -> None:
    card.file.state.pin_tries = 0
    room = OperationHarness(VirtualReader(card), dict(TYPED_SECRETS))  # type: ignore[arg-type]
    assert await room.run(ChangePin()) == OperationFailure(
        "op1", FailureCode.PIN_BLOCKED, FailureValues(tries_left=0)
    )
    assert not [each for each in room.person.asked if isinstance(each, PinRequest)]


async def test_the_old_pin_is_checked_before_a_new_one_is_asked_for(card: VirtualCard) -> None:
    wrong = {PinKind.CURRENT: [b"999999", b"888888", None], PinKind.NEW: [NEW_PIN]}
    room = OperationHarness(VirtualReader(card), wrong)  # type: ignore[arg-type]
    outcome = await room.run(ChangePin())
    assert isinstance(outcome, OperationFailure)
    assert outcome.code is FailureCode.PIN_WRONG
    asked = [each.kind for each in room.person.asked if isinstance(each, PinRequest)]
    assert set(asked) == {PinKind.CURRENT}
    assert card.file.state.pin_tries == outcome.values.tries_left == 1


async def test_what_cannot_be_a_pin_is_asked_again_and_never_sent(card: VirtualCard) -> None:
    recorded = RecordingCard(card)
    secrets = {PinKind.CURRENT: [b"abc", "密碼".encode(), PIN], PinKind.NEW: [b"12345", NEW_PIN]}
    room = OperationHarness(VirtualReader(recorded), secrets)  # type: ignore[arg-type]
    assert isinstance(await room.run(ChangePin()), OperationResult)
    asked = [each for each in room.person.asked if isinstance(each, PinRequest)]
    assert [each.fault for each in asked] == [None, "format", "format", None, "format"]
    assert recorded.instructions.count(0x24) == 1


async def test_somebody_who_never_types_a_pin_that_could_be_one_is_asked_ten_times(
    card: VirtualCard,
) -> None:
    room = OperationHarness(VirtualReader(card), {PinKind.CURRENT: [b""]})
    assert await room.run(ChangePin()) == OperationFailure("op1", FailureCode.PIN_FORMAT)
    assert len(room.person.handed_out) == 10
