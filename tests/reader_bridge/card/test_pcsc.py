"""The PC/SC adapter and the reader watch, on a real pcscd with virtual pcsc_readers."""

import threading
from collections.abc import Callable

import pytest

from reader_bridge.card.connection import ReaderService, ReaderSnapshot
from reader_bridge.card.errors import (
    CardInUseError,
    CardNotRespondingError,
    CardRemovedError,
    CardResetError,
    InvalidPinError,
    MalformedResponseError,
    NoCardError,
    PcscMissingError,
    ReaderNotFoundError,
    ReaderServiceError,
)
from reader_bridge.card.pcsc import PcscConnection, PcscReaders
from reader_bridge.card.pcsc_api import PcscApi
from reader_bridge.card.pcsc_library import RESET_CARD, SHARE_SHARED, PcscLibrary
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import TryCounter
from reader_bridge.protocol.enums import ProfileName
from reader_bridge.virtual_card.card import VirtualCard
from tests.reader_bridge.card.card_issuer import card_is_genuine, cryptogram
from tests.reader_bridge.card.pcsc_sandbox import READER, SECOND_READER, PcscSandbox
from tests.reader_bridge.card.snapshot_recorder import SnapshotRecorder, has_card, state_of
from tests.reader_bridge.conftest import InsertCard
from tests.reader_bridge.virtual_card.misbehaviour import (
    MisbehavingCard,
    Misbehaviour,
    MisbehaviourKind,
)

PIN, NEW_PIN = bytearray(b"first123"), bytearray(b"second45")
IS_PIN_VERIFIED, NOTHING_SELECTED = bytearray.fromhex("00200080"), 0x6985
SELECT = bytearray.fromhex("00a4040009a0000003974254465900")


def test_the_readers_are_listed_with_their_cards(
    pcsc_readers: PcscReaders, insert: InsertCard, card: VirtualCard
) -> None:
    assert [state.name for state in pcsc_readers.list_readers()] == [READER, SECOND_READER]
    insert(card)
    first, second = pcsc_readers.list_readers()
    assert (first.card_present, first.atr) == (True, card.atr)
    assert (second.card_present, second.atr) == (False, b"")


def test_every_operation_works_through_a_real_reader(
    pcsc_readers: PcscReaders, insert: InsertCard, card: VirtualCard
) -> None:
    insert(card)
    with pcsc_readers.connect(READER, exclusive=True) as connection:
        assert connection.atr == card.atr
        profile = identify(connection)
        assert profile.name is ProfileName.GIDS
        with pytest.raises(InvalidPinError):
            profile.verify_pin(NEW_PIN)
        assert profile.status().pin == TryCounter(2, 3)
        challenge = profile.begin_admin_authentication()
        answer = profile.complete_admin_authentication(cryptogram(challenge))
        assert card_is_genuine(challenge, answer)
        profile.reset_retry_counter(NEW_PIN)
        profile.change_pin(NEW_PIN, PIN)
        profile.verify_pin(PIN)
        assert len(profile.sign(b"statement").value) == 256


def test_commands_of_extended_length_pass_a_real_reader_too(
    pcsc_readers: PcscReaders, insert: InsertCard, card: VirtualCard
) -> None:
    insert(card)
    with pcsc_readers.connect(READER) as connection:
        connection.extended_length = True
        profile = identify(connection)
        assert profile.status().pin == TryCounter(3, 3)


def test_the_card_is_ours_alone_and_reset_before_and_after(
    pcsc_readers: PcscReaders, insert: InsertCard, card: VirtualCard
) -> None:
    insert(card)
    with pcsc_readers.connect(READER, exclusive=True) as alone:
        with pytest.raises(CardInUseError) as held:
            pcsc_readers.connect(READER)
        assert held.value.reader == READER
        identify(alone).verify_pin(PIN)
    with pcsc_readers.connect(READER) as shared:
        assert shared.send_and_receive(IS_PIN_VERIFIED)[1] == NOTHING_SELECTED
        with pytest.raises(CardInUseError):
            pcsc_readers.connect(READER, exclusive=True)


def test_a_card_that_another_program_holds_is_waited_for(
    pcsc_readers: PcscReaders, insert: InsertCard, card: VirtualCard
) -> None:
    insert(card)
    held = pcsc_readers.connect(READER)
    threading.Timer(0.3, held.close).start()
    with PcscReaders(busy_timeout=10).connect(READER, exclusive=True) as connection:
        assert identify(connection).status().pin == TryCounter(3, 3)


def test_a_reset_by_another_program_is_told(
    pcsc_readers: PcscReaders, insert: InsertCard, card: VirtualCard
) -> None:
    insert(card)
    with pcsc_readers.connect(READER) as connection:
        pcsc = PcscApi(PcscLibrary())
        context = pcsc.establish()
        other, _ = pcsc.connect(context, READER, SHARE_SHARED)
        pcsc.disconnect(other, RESET_CARD)
        pcsc.release(context)
        with pytest.raises(CardResetError):
            connection.send_and_receive(SELECT)


def test_without_reader_or_card_there_is_no_connection(
    pcsc_readers: PcscReaders, snapshots: SnapshotRecorder
) -> None:
    snapshots.wait_until(has_card(READER, False))
    with pytest.raises(NoCardError):
        pcsc_readers.connect(READER)
    with pytest.raises(ReaderNotFoundError):
        pcsc_readers.connect("no such reader")


@pytest.mark.parametrize("kind", [MisbehaviourKind.PULLED_BEFORE, MisbehaviourKind.PULLED_AFTER])
def test_a_card_pulled_in_the_middle_is_told(
    pcsc_readers: PcscReaders,
    insert: InsertCard,
    snapshots: SnapshotRecorder,
    card: VirtualCard,
    kind: MisbehaviourKind,
) -> None:
    insert(MisbehavingCard(card, Misbehaviour(kind, instruction=0x20)))
    with pcsc_readers.connect(READER, exclusive=True) as connection:
        profile = identify(connection)
        with pytest.raises(CardRemovedError):
            profile.verify_pin(bytearray(b"wrong123"))
        with pytest.raises(CardRemovedError):
            connection.send_and_receive(SELECT)
    snapshots.wait_until(has_card(READER, False))
    insert(card)
    with pcsc_readers.connect(READER) as connection:
        left = 3 if kind is MisbehaviourKind.PULLED_BEFORE else 2
        assert identify(connection).status().pin == TryCounter(left, 3)


def test_a_card_that_never_answers_costs_its_operation_only(
    pcsc_readers: PcscReaders, insert: InsertCard, card: VirtualCard
) -> None:
    answered = threading.Event()

    def wait(_seconds: float) -> None:
        answered.wait()

    insert(MisbehavingCard(card, Misbehaviour(MisbehaviourKind.SLOW, instruction=0xCB), wait=wait))
    connection = pcsc_readers.connect(READER)
    profile = identify(connection)
    assert isinstance(connection, PcscConnection)
    connection._call_timeout = 0.3
    with pytest.raises(CardNotRespondingError) as late:
        profile.status()
    assert late.value.seconds == 0.3
    with pytest.raises(CardRemovedError):
        connection.send_and_receive(SELECT)
    connection.close()
    answered.set()
    with PcscReaders(busy_timeout=10).connect(READER, exclusive=True) as again:
        assert identify(again).status().pin == TryCounter(3, 3)


def test_an_answer_without_a_status_word_is_none(
    pcsc_readers: PcscReaders, insert: InsertCard, card: VirtualCard
) -> None:
    insert(MisbehavingCard(card, Misbehaviour(MisbehaviourKind.GARBAGE, answer=b"\x90")))
    with pcsc_readers.connect(READER) as connection, pytest.raises(MalformedResponseError):
        connection.send_and_receive(SELECT)


def test_the_watch_tells_of_cards_in_several_readers(
    insert: InsertCard,
    snapshots: SnapshotRecorder,
    card: VirtualCard,
    new_card: Callable[..., VirtualCard],
) -> None:
    first, second = insert(card), insert(new_card(), slot=1)
    assert (
        {state.card_present for state in snapshots.last.readers} == {True}
        if snapshots.last
        else False
    )
    before = snapshots.wait_until(has_card(READER))
    first.pull()
    snapshots.wait_until(has_card(READER, False))
    first.insert(card)
    after = snapshots.wait_until(has_card(READER))
    assert state_of(after, READER).changes > state_of(before, READER).changes
    assert state_of(after, SECOND_READER).card_present
    second.pull()
    snapshots.wait_until(has_card(SECOND_READER, False))


def test_the_watch_and_the_card_survive_a_restart_of_the_service(
    pcsc_sandbox: PcscSandbox,
    pcsc_readers: PcscReaders,
    insert: InsertCard,
    snapshots: SnapshotRecorder,
    card: VirtualCard,
) -> None:
    insert(card)
    connection = pcsc_readers.connect(READER)
    pcsc_sandbox.stop()
    try:
        snapshots.wait_until(lambda snapshot: snapshot.service is ReaderService.STOPPED)
        with pytest.raises((ReaderServiceError, CardRemovedError)):
            connection.send_and_receive(SELECT)
        connection.close()
        for ask in (pcsc_readers.list_readers, lambda: pcsc_readers.connect(READER)):
            with pytest.raises(ReaderServiceError):
                ask()
    finally:
        pcsc_sandbox.start()
    snapshots.wait_until(has_card(READER))
    with pcsc_readers.connect(READER, exclusive=True) as again:
        identify(again).verify_pin(PIN)


def test_a_closed_watch_tells_nothing_any_more(pcsc_readers: PcscReaders) -> None:
    snapshots = SnapshotRecorder()
    watch = pcsc_readers.watch(snapshots)
    snapshot = snapshots.wait_until(lambda snapshot: len(snapshot.readers) == 2)
    assert isinstance(watch.snapshot, ReaderSnapshot)
    assert watch.snapshot == snapshot
    watch.close()
    watch.close()
    assert snapshots.nothing_more()


def test_without_a_library_for_readers_the_error_says_so() -> None:
    with pytest.raises(PcscMissingError):
        PcscLibrary("libno-such-library.so")
