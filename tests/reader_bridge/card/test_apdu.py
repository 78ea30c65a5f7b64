"""Commands, answers, and the chain between them, with what bounds it."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader_bridge.card.apdu import (
    LE_ALL,
    MAX_CHAINED_RESPONSE,
    CommandApdu,
    Instruction,
    LengthFormat,
)
from reader_bridge.card.channel import MAX_SECONDS, MAX_SENDS, CardChannel
from reader_bridge.card.errors import (
    ApduError,
    CardNotRespondingError,
    MalformedResponseError,
    NotExclusiveError,
    PinOperationRefusedError,
)
from reader_bridge.protocol.enums import ProfileName
from tests.reader_bridge.card.fake_cards import ScriptedConnection

EXTENDED_ATR = bytes.fromhex("3b8b018073c001c0554b61696b6164")

Answers = Iterable[tuple[bytes, int]] | Callable[[bytes], tuple[bytes, int]]


def channel(answers: Answers, **options: bool) -> tuple[CardChannel, ScriptedConnection]:
    connection = ScriptedConnection(answers, EXTENDED_ATR, **options)
    return CardChannel(connection).for_profile(ProfileName.GIDS), connection


@pytest.mark.parametrize(
    ("data", "le", "short", "over_t0", "extended"),
    [
        (b"", None, "00a40400", "00a4040000", "00a40400"),
        (b"", LE_ALL, "00a4040000", "00a4040000", "00a40400000000"),
        (b"", 20, "00a4040014", "00a4040014", "00a40400000014"),
        (b"", 256, "00a4040000", "00a4040000", "00a40400000100"),
        (b"ab", None, "00a40400026162", "00a40400026162", "00a404000000026162"),
        (b"ab", LE_ALL, "00a4040002616200", "00a40400026162", "00a4040000000261620000"),
    ],
)
def test_every_case_is_written_as_its_form_wants_it(
    data: bytes, le: int | None, short: str, over_t0: str, extended: str
) -> None:
    command = CommandApdu(0x00, 0xA4, 0x04, 0x00, data, le)
    assert command.encode(LengthFormat.SHORT).hex() == short
    assert command.encode(LengthFormat.SHORT_T0).hex() == over_t0
    assert command.encode(LengthFormat.EXTENDED).hex() == extended


def test_a_command_too_long_for_its_form_is_not_written() -> None:
    with pytest.raises(ValueError, match="too long"):
        CommandApdu(0, 0xA4, 0, 0, bytes(256)).encode(LengthFormat.SHORT)
    assert len(CommandApdu(0, 0xA4, 0, 0, bytes(256)).encode(LengthFormat.EXTENDED)) == 4 + 3 + 256


def test_long_data_is_sent_in_parts_and_only_the_last_asks_for_an_answer() -> None:
    speaking, connection = channel([(b"", 0x9000), (b"", 0x9000), (b"ok", 0x9000)])
    command = CommandApdu(0x00, Instruction.GENERAL_AUTHENTICATE, 0, 0, bytes(600), LE_ALL)
    assert speaking.send(command) == b"ok"
    assert [sent[0] for sent in connection.sent] == [0x10, 0x10, 0x00]
    assert [sent[4] for sent in connection.sent] == [255, 255, 90]
    assert [len(sent) for sent in connection.sent] == [260, 260, 4 + 1 + 90 + 1]


def test_a_refused_part_ends_the_command() -> None:
    speaking, connection = channel([(b"", 0x6883)])
    with pytest.raises(ApduError) as refused:
        speaking.send(CommandApdu(0x00, Instruction.GENERAL_AUTHENTICATE, 0, 0, bytes(600)))
    assert refused.value.status_word == 0x6883
    assert refused.value.instruction == Instruction.GENERAL_AUTHENTICATE
    assert len(connection.sent) == 1


def test_extended_length_is_used_where_reader_and_card_both_have_it() -> None:
    speaking, connection = channel([(b"ok", 0x9000)], extended=True)
    speaking.send(CommandApdu(0x00, Instruction.GENERAL_AUTHENTICATE, 0, 0, bytes(600), LE_ALL))
    assert [sent[:7].hex() for sent in connection.sent] == ["00870000000258"]


def test_the_rest_of_an_answer_is_fetched() -> None:
    speaking, connection = channel([(b"a", 0x6102), (b"bc", 0x6100), (b"d", 0x9000)])
    assert speaking.select(b"aid") == b"abcd"
    assert [sent.hex() for sent in connection.sent[1:]] == ["00c0000002", "00c0000000"]


def test_a_wrong_expected_length_is_corrected_once() -> None:
    speaking, connection = channel([(b"", 0x6C14), (b"x" * 20, 0x9000)])
    assert speaking.select(b"aid") == b"x" * 20
    assert connection.sent[1][-1] == 0x14


def test_a_card_that_corrects_again_and_again_is_refused_after_the_second_time() -> None:
    speaking, connection = channel(lambda _: (b"", 0x6C14))
    with pytest.raises(ApduError):
        speaking.select(b"aid")
    assert len(connection.sent) == 2


def test_a_secret_is_never_sent_twice() -> None:
    speaking, connection = channel(lambda _: (b"", 0x6C14))
    command = CommandApdu(0, Instruction.VERIFY, 0, 0x80, bytearray(b"123456"), secret=True)
    assert speaking.exchange(command).status_word == 0x6C14
    assert len(connection.sent) == 1


def test_an_endless_answer_ends_at_its_longest() -> None:
    speaking, connection = channel(lambda _: (bytes(256), 0x6100))
    with pytest.raises(MalformedResponseError):
        speaking.select(b"aid")
    assert len(connection.sent) == MAX_CHAINED_RESPONSE // 256 + 1


def test_an_endless_answer_of_nothing_ends_too() -> None:
    speaking, connection = channel(lambda _: (b"", 0x6101))
    with pytest.raises(MalformedResponseError):
        speaking.select(b"aid")
    assert len(connection.sent) == MAX_SENDS


def test_a_card_that_is_slow_in_every_part_runs_out_of_time() -> None:
    seconds = iter(range(0, 10_000, 3))
    connection = ScriptedConnection(lambda _: (b"x", 0x6101))
    speaking = CardChannel(connection, clock=lambda: float(next(seconds)))
    with pytest.raises(CardNotRespondingError) as late:
        speaking.select(b"aid")
    assert late.value.seconds == MAX_SECONDS
    assert len(connection.sent) <= MAX_SECONDS / 3


def test_time_and_number_begin_anew_with_every_command() -> None:
    speaking, connection = channel(lambda _: (b"", 0x9000))
    for _ in range(MAX_SENDS + 1):
        speaking.select(b"aid")
    assert len(connection.sent) == MAX_SENDS + 1


def test_an_unidentified_card_gets_reading_commands_only() -> None:
    connection = ScriptedConnection(lambda _: (b"", 0x9000))
    unidentified = CardChannel(connection)
    for instruction in set(range(256)) - {0xA4, 0xB0, 0xC0, 0xCB}:
        with pytest.raises(PinOperationRefusedError):
            unidentified.exchange(CommandApdu(0x00, instruction, 0, 0))
    assert connection.sent == []


def test_a_secret_needs_the_card_for_us_alone() -> None:
    speaking, connection = channel(lambda _: (b"", 0x9000), exclusive=False)
    with pytest.raises(NotExclusiveError):
        speaking.exchange(
            CommandApdu(0, Instruction.VERIFY, 0, 0x80, bytearray(b"123456"), secret=True)
        )
    assert connection.sent == []


class KeepingConnection(ScriptedConnection):
    """Keeps the buffers themselves, to see what becomes of them."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__(lambda _: (b"", 0x9000))
        self.buffers: list[bytearray] = []
        self._fails = fails

    def send_and_receive(self, apdu: bytearray) -> tuple[bytes, int]:
        self.buffers.append(apdu)
        if self._fails:
            raise MalformedResponseError("test")
        return super().send_and_receive(apdu)


@pytest.mark.parametrize("fails", [False, True])
def test_a_sent_secret_is_overwritten_whatever_comes(fails: bool) -> None:
    connection = KeepingConnection(fails=fails)
    speaking = CardChannel(connection).for_profile(ProfileName.GIDS)
    command = CommandApdu(0, Instruction.VERIFY, 0, 0x80, bytearray(b"123456"), secret=True)
    if fails:
        with pytest.raises(MalformedResponseError):
            speaking.exchange(command)
    else:
        speaking.exchange(command)
    assert [set(buffer) for buffer in connection.buffers] == [{0}]


@given(st.binary(min_size=1, max_size=32))
def test_a_secret_prints_as_dots(pin: bytes) -> None:
    command = CommandApdu(0x00, 0x20, 0x00, 0x80, bytearray(pin), secret=True)
    assert repr(command) == "CommandApdu(00 20 00 80, •••, le=None)"
