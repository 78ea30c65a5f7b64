"""The reader in this process: one card, connections that share it or keep others out."""

import pytest

from reader_bridge.card.connection import ReaderService, ReaderSnapshot
from reader_bridge.card.errors import (
    CardInUseError,
    CardRemovedError,
    MalformedResponseError,
    NoCardError,
    ReaderNotFoundError,
)
from reader_bridge.card.profiles import identify
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.reader import READER_NAME, VirtualReader
from tests.reader_bridge.virtual_card.misbehaviour import (
    MisbehavingCard,
    Misbehaviour,
    MisbehaviourKind,
)


def test_an_empty_reader_and_one_that_is_not_there() -> None:
    reader = VirtualReader()
    assert [state.card_present for state in reader.list_readers()] == [False]
    with pytest.raises(NoCardError):
        reader.connect(READER_NAME)
    with pytest.raises(ReaderNotFoundError):
        reader.connect("another")


def test_one_connection_for_oneself_keeps_the_others_out(reader: VirtualReader) -> None:
    with reader.connect(READER_NAME, exclusive=True) as alone:
        assert alone.exclusive
        assert reader.list_readers()[0].in_use
        with pytest.raises(CardInUseError):
            reader.connect(READER_NAME)
    first, second = reader.connect(READER_NAME), reader.connect(READER_NAME)
    with pytest.raises(CardInUseError):
        reader.connect(READER_NAME, exclusive=True)
    first.close()
    second.close()
    reader.connect(READER_NAME, exclusive=True).close()


def test_a_card_one_had_for_oneself_is_given_back_reset(reader: VirtualReader) -> None:
    with reader.connect(READER_NAME, exclusive=True) as alone:
        identify(alone).verify_pin(bytearray(b"first123"))
        assert alone.send_and_receive(bytearray.fromhex("00200080"))[1] == 0x9000
    with reader.connect(READER_NAME) as shared:
        assert shared.send_and_receive(bytearray.fromhex("00200080"))[1] == 0x6985


def test_a_closed_connection_reaches_no_card_and_closes_twice(reader: VirtualReader) -> None:
    connection = reader.connect(READER_NAME)
    connection.close()
    connection.close()
    with pytest.raises(CardRemovedError):
        connection.send_and_receive(bytearray(5))


def test_a_pulled_card_is_lost_to_its_connections(reader: VirtualReader, card: VirtualCard) -> None:
    connection = reader.connect(READER_NAME)
    profile = identify(connection)
    reader.pull()
    with pytest.raises(CardRemovedError):
        profile.status()
    reader.insert(card)
    with pytest.raises(CardRemovedError):
        profile.status()
    assert identify(reader.connect(READER_NAME)).status().pin is not None


def test_a_watch_is_told_of_every_change_and_of_a_swapped_card(
    reader: VirtualReader, card: VirtualCard
) -> None:
    told: list[ReaderSnapshot] = []
    watch = reader.watch(told.append)
    reader.pull()
    reader.insert(card)
    assert [snapshot.readers[0].card_present for snapshot in told] == [True, False, True]
    assert told[0] != told[2], "the same card again, but it was out"
    assert {snapshot.service for snapshot in told} == {ReaderService.RUNNING}
    assert watch.snapshot == told[-1]
    watch.close()
    watch.close()
    reader.pull()
    assert len(told) == 3


def test_an_answer_without_a_status_word_is_none(card: VirtualCard) -> None:
    mute = MisbehavingCard(card, Misbehaviour(MisbehaviourKind.GARBAGE, answer=b"\x90"))
    connection = VirtualReader(mute).connect(READER_NAME)
    with pytest.raises(MalformedResponseError):
        connection.send_and_receive(bytearray(5))


def test_a_command_that_waited_while_the_card_was_pulled_does_not_reach_it(
    reader: VirtualReader,
) -> None:
    class PullingLock:
        """The reader's lock, which is had by somebody who pulls the card first."""

        def __enter__(self) -> None:
            reader._lock = lock
            reader.pull()
            lock.acquire()

        def __exit__(self, *_: object) -> None:
            lock.release()

    connection, lock = reader.connect(READER_NAME), reader._lock
    reader._lock = PullingLock()  # type: ignore[assignment]
    with pytest.raises(CardRemovedError):
        connection.send_and_receive(bytearray.fromhex("00200080"))
