"""Several cards in several readers: which one an operation takes, and what the others get."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

import locales
from reader_bridge.app.notice_texts import describe_event
from reader_bridge.prompter import (
    CardChoice,
    OccupiedReaders,
    OperationNotDone,
    OperationWaiting,
    PinRequest,
)
from reader_bridge.protocol import Operation, PinPurpose, ProfileName, ProgressStep
from reader_bridge.protocol.failure_codes import FailureCode, FailureValues
from reader_bridge.protocol.operation_messages import (
    OperationFailure,
    OperationResult,
    ProgressReport,
)
from reader_bridge.protocol.operation_payloads import (
    CardReport,
    ChangePin,
    Parameters,
    ProvePossession,
    ReadCardStatus,
    SetPin,
)
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import InsertableCard, VirtualReader
from tests.reader_bridge.card.card_issuer import SERIAL, CardTestAuthority
from tests.reader_bridge.card.fake_cards import MoicaCard, PivCard, RecordingCard
from tests.reader_bridge.operation_samples import NONCE, TYPED_SECRETS
from tests.reader_bridge.operations.operation_harness import OperationHarness, ReaderGroup

RECOGNITION = {0xA4, 0xB0, 0xC0, 0xCB}
"""SELECT, READ BINARY, GET RESPONSE, GET DATA."""
NAMED = SERIAL.hex()
BY_SERIAL: list[Parameters] = [
    ProvePossession(NONCE, card_serial=NAMED),
    ChangePin(card_serial=NAMED),
    SetPin(PinPurpose.UNLOCK, NAMED, NONCE),
]
named = pytest.mark.parametrize("parameters", BY_SERIAL, ids=lambda each: type(each).__name__)


class OtherCard(RecordingCard):
    """A card of the same kind with another serial."""

    def transmit(self, apdu: bytes | bytearray) -> bytes:
        return super().transmit(apdu).replace(SERIAL, bytes(reversed(SERIAL)))


class TwoSlots:
    """A person with two readers, and a record of what the cards in them got."""

    def __init__(self, left: InsertableCard | None, right: InsertableCard | None) -> None:
        self.left, self.right = VirtualReader(left, "left"), VirtualReader(right, "right")
        self.room = OperationHarness(
            ReaderGroup(self.left, self.right),
            dict(TYPED_SECRETS),  # type: ignore[arg-type]
        )
        self.person = self.room.person

    def run(self, parameters: Parameters) -> Awaitable[object]:
        return self.room.run(parameters)

    @property
    def waits(self) -> list[OperationWaiting]:
        shown = (each for each in self.person.shown if isinstance(each, OperationWaiting))
        return [each for each in shown if each.step is ProgressStep.WAITING_FOR_CARD]

    @property
    def choices(self) -> list[CardChoice]:
        return [each for each in self.person.asked if isinstance(each, CardChoice)]


@pytest.fixture
def piv(issuer: CardTestAuthority) -> RecordingCard:
    return RecordingCard(PivCard(issuer.keys["authentication"], issuer.certify("authentication")))


@pytest.fixture
def other(new_card: Callable[..., VirtualCard]) -> OtherCard:
    return OtherCard(new_card())


@pytest.fixture
def moica(issuer: CardTestAuthority) -> MoicaCard:
    return MoicaCard(issuer.certify("encryption"), issuer.certify("signature"), issuer.der)


@named
async def test_the_card_that_the_server_names_is_found_among_all(
    new_card: Callable[..., VirtualCard],
    piv: RecordingCard,
    other: OtherCard,
    parameters: Parameters,
) -> None:
    for stranger in (piv, other):
        for slots in (TwoSlots(stranger, new_card()), TwoSlots(new_card(), stranger)):
            assert isinstance(await slots.run(parameters), OperationResult)
            assert slots.choices == []
        assert set(stranger.instructions) <= RECOGNITION


@named
async def test_a_missing_card_is_waited_for_though_another_one_is_in(
    card: VirtualCard, piv: RecordingCard, parameters: Parameters
) -> None:
    slots = TwoSlots(piv, None)
    running = asyncio.ensure_future(slots.run(parameters))
    await slots.person.wait_until(lambda: bool(slots.waits and slots.waits[-1].occupied.other_card))
    assert slots.waits[-1].occupied == OccupiedReaders(other_card=("left",))
    slots.right.insert(card)
    assert isinstance(await running, OperationResult)
    steps = [each.step for each in slots.room.sent if isinstance(each, ProgressReport)]
    assert ProgressStep.WAITING_FOR_CARD in steps
    assert set(piv.instructions) <= RECOGNITION


@named
async def test_where_no_reader_is_empty_the_wrong_card_is_told(
    piv: RecordingCard, other: OtherCard, parameters: Parameters
) -> None:
    assert await TwoSlots(piv, other).run(parameters) == OperationFailure(
        "op1", FailureCode.WRONG_CARD
    )
    assert set(piv.instructions) | set(other.instructions) <= RECOGNITION


async def test_the_person_chooses_where_the_server_names_none(
    card: VirtualCard, piv: RecordingCard
) -> None:
    slots = TwoSlots(piv, card)
    slots.person.chosen_reader = "right"
    assert isinstance(await slots.run(ChangePin()), OperationResult)
    (choice,) = slots.choices
    assert [(each.reader, each.card.profile) for each in choice.options] == [
        ("left", ProfileName.PIV),
        ("right", ProfileName.GIDS),
    ]
    assert set(piv.instructions) <= RECOGNITION
    asked = [each for each in slots.person.asked if isinstance(each, PinRequest)]
    assert asked


async def test_who_chooses_none_is_told_and_no_card_gets_anything(
    card: VirtualCard, piv: RecordingCard
) -> None:
    recorded = RecordingCard(card)
    outcome = await TwoSlots(piv, recorded).run(ReadCardStatus())
    assert outcome == OperationFailure("op1", FailureCode.SEVERAL_CARDS)
    assert set(recorded.instructions) | set(piv.instructions) <= RECOGNITION


async def test_a_card_that_cannot_do_it_is_not_offered(card: VirtualCard, moica: MoicaCard) -> None:
    slots = TwoSlots(moica, card)
    assert isinstance(await slots.run(ChangePin()), OperationResult)
    assert slots.choices == []
    slots.person.chosen_reader = "left"
    report = await slots.run(ReadCardStatus())
    assert isinstance(report, OperationResult)
    assert isinstance(report.value, CardReport)
    assert report.value.reader == "left", "reading is possible with both"


async def test_a_card_swapped_while_the_person_chooses_gets_nothing(
    card: VirtualCard, piv: RecordingCard, other: OtherCard
) -> None:
    slots = TwoSlots(piv, card)
    slots.person.chosen_reader = "right"
    choose = slots.person.choose_card

    async def swap(choice: CardChoice) -> int | None:
        slots.right.insert(other)
        return await choose(choice)

    slots.person.choose_card = swap  # type: ignore[method-assign]
    assert await slots.run(ChangePin()) == OperationFailure("op1", FailureCode.CARD_REMOVED)
    assert other.commands == []


async def test_a_stop_withdraws_the_choice(card: VirtualCard, piv: RecordingCard) -> None:
    recorded = RecordingCard(card)
    slots = TwoSlots(piv, recorded)
    is_asked = asyncio.Event()

    async def ask(_: CardChoice) -> int | None:
        is_asked.set()
        await asyncio.Event().wait()
        return 0

    slots.person.choose_card = ask  # type: ignore[method-assign,assignment]
    running = asyncio.ensure_future(slots.run(ChangePin()))
    await is_asked.wait()
    before = len(recorded.commands)
    assert slots.room.running is not None
    slots.room.running.stop(FailureCode.CANCELLED)
    assert await running == OperationFailure("op1", FailureCode.CANCELLED)
    assert len(recorded.commands) == before


async def test_a_card_that_another_program_holds_does_not_hide_the_right_one(
    card: VirtualCard, piv: RecordingCard
) -> None:
    slots = TwoSlots(piv, None)
    with slots.left.connect("left", exclusive=True):
        running = asyncio.ensure_future(slots.run(ChangePin(card_serial=NAMED)))
        await slots.person.wait_until(lambda: bool(slots.waits and slots.waits[-1].occupied.in_use))
        assert slots.waits[-1].occupied == OccupiedReaders(in_use=("left",))
        slots.right.insert(card)
        assert isinstance(await running, OperationResult)


async def test_the_right_reader_is_named_where_its_card_is_held_by_another_program(
    other: OtherCard, card: VirtualCard
) -> None:
    slots = TwoSlots(other, card)
    with slots.right.connect("right", exclusive=True):
        outcome = await slots.run(ChangePin(card_serial=NAMED))
    assert outcome == OperationFailure(
        "op1", FailureCode.CARD_IN_USE, FailureValues(reader="right")
    )


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_the_person_is_told_which_reader_holds_what(language: str) -> None:
    occupied = OccupiedReaders(other_card=("讀卡機 A",), in_use=("Reader B",))
    event = OperationWaiting(Operation.SET_PIN, ProgressStep.WAITING_FOR_CARD, occupied)
    notice = describe_event(event, language, "kaika.example")
    first, second = notice.advice.index("讀卡機 A"), notice.advice.index("Reader B")
    assert 0 <= first < second
    failure = OperationNotDone(
        Operation.SET_PIN, FailureCode.CARD_IN_USE, FailureValues(reader="Reader B")
    )
    assert "Reader B" in describe_event(failure, language, "kaika.example").text
