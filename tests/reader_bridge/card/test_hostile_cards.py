"""Cards that answer whatever they like: nothing crashes, nothing hangs, nothing is let out."""

import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reader_bridge.card import tlv
from reader_bridge.card.channel import MAX_SENDS, CardChannel
from reader_bridge.card.errors import CardError, MalformedResponseError
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardProfile
from reader_bridge.card.profiles.gids import GidsProfile
from reader_bridge.card.profiles.gids_files import unpack_certificate
from reader_bridge.card.profiles.moica import MoicaProfile
from reader_bridge.card.profiles.piv import PivProfile, _gunzip
from reader_bridge.protocol.enums import KeyRole, ProfileName
from tests.reader_bridge.card.fake_cards import PIN_INSTRUCTIONS, ScriptedConnection

PIN, NEW_PIN = bytearray(b"123456"), bytearray(b"654321")
MOST_SENDS_A_VERB = 60 * MAX_SENDS
"""A verb is a bounded number of commands, each of a bounded number of sends."""

VERBS: list[Callable[[CardProfile], object]] = [
    lambda card: card.status(),
    lambda card: card.read_certificate(KeyRole.SIGNATURE),
    lambda card: card.verify_pin(PIN, accept_last_try=True),
    lambda card: card.change_pin(PIN, NEW_PIN, accept_last_try=True),
    lambda card: card.sign(b"statement"),
    lambda card: card.unlock_with_puk(PIN, NEW_PIN, accept_last_try=True),
    lambda card: card.begin_admin_authentication(),
    lambda card: card.complete_admin_authentication(bytes(40)),
    lambda card: card.reset_retry_counter(NEW_PIN),
]

OBJECT_TAGS = st.sampled_from(
    [
        *(0x4F, 0x53, 0x61, 0x6F, 0x70, 0x71, 0x79, 0x7C, 0x81, 0x82, 0x84, 0x93, 0x97),
        *(0x7F71, 0x7F73, 0xDF1F, 0xDF20, 0xDF23, 0xDF24),
    ]
)
FILES = st.sampled_from(
    [
        b"\x01"
        + b"mscp".ljust(9, b"\0")
        + b"cmapfile".ljust(9, b"\0")
        + bytes.fromhex("000023df000010a00000"),
        b"\x01"
        + b"mscp".ljust(9, b"\0")
        + b"ksc00".ljust(9, b"\0")
        + bytes.fromhex("000024df000010a00000"),
        bytes(80) + bytes.fromhex("030000080000"),
        b"\x01\x00\xff\xff" + bytes.fromhex("789ccb48cdc9c9"),
        bytes.fromhex("a000000397425446590201"),
        bytes.fromhex("3082ffff"),
        bytes(16),
    ]
)
OBJECTS = st.recursive(
    st.one_of(st.binary(max_size=40), FILES),
    lambda inner: st.lists(st.builds(tlv.encode, OBJECT_TAGS, inner), max_size=4).map(b"".join),
    max_leaves=6,
)
LENGTHS_THAT_LIE = st.builds(
    lambda tag, length, value: bytes([tag]) + length + value,
    st.sampled_from([0x53, 0x61, 0x7C]),
    st.sampled_from([b"\x82\xff\xff", b"\x83\xff\xff\xff", b"\x84\xff\xff\xff\xff", b"\x80"]),
    st.binary(max_size=20),
)
STATUS_WORDS = st.one_of(
    st.sampled_from([0x9000, 0x9000, 0x9000, 0x6100, 0x61FF, 0x6C00, 0x6C14, 0x63C0, 0x63C3])
    | st.sampled_from([0x6300, 0x6982, 0x6983, 0x6A82, 0x6A88, 0x6D00]),
    st.integers(0, 0xFFFF),
)
ANSWERS = st.lists(
    st.tuples(OBJECTS | LENGTHS_THAT_LIE | st.binary(max_size=300), STATUS_WORDS),
    min_size=1,
    max_size=12,
)
ATRS = st.sampled_from(
    [bytes.fromhex("3b80800101"), bytes.fromhex("3bb813008131fa524348544d4f494341a5")]
) | st.binary(max_size=40)


def hostile(answers: list[tuple[bytes, int]], atr: bytes) -> ScriptedConnection:
    """Says the same things over and over, to the end of time."""
    said = 0

    def answer(_: bytes) -> tuple[bytes, int]:
        nonlocal said
        said += 1
        return answers[said % len(answers)]

    return ScriptedConnection(answer, atr)


def use(profile: CardProfile) -> None:
    for verb in VERBS:
        with contextlib.suppress(CardError):
            verb(profile)


@settings(max_examples=300, deadline=None)
@given(ANSWERS, ATRS)
def test_whatever_an_unidentified_card_says_it_is_asked_no_pin(
    answers: list[tuple[bytes, int]], atr: bytes
) -> None:
    connection = hostile(answers, atr)
    profile = identify(connection)
    use(profile)
    assert len(connection.sent) < MOST_SENDS_A_VERB
    if profile.name in (ProfileName.UNKNOWN, ProfileName.MOICA):
        assert not {command[1] for command in connection.sent} & PIN_INSTRUCTIONS


@pytest.mark.parametrize("kind", [GidsProfile, PivProfile, MoicaProfile])
@settings(max_examples=150, deadline=None)
@given(ANSWERS, ATRS)
def test_a_recognised_card_that_turns_hostile_harms_nothing(
    kind: type[CardProfile], answers: list[tuple[bytes, int]], atr: bytes
) -> None:
    connection = hostile(answers, atr)
    use(kind(CardChannel(connection).for_profile(kind.name)))
    assert len(connection.sent) < MOST_SENDS_A_VERB


@pytest.mark.parametrize("kind", [GidsProfile, PivProfile])
@pytest.mark.parametrize("status_word", [0x6C08, 0x6100, 0x6101, 0x6300, 0x63C2, 0x6F00])
def test_one_verb_sends_a_pin_once_whatever_comes_back(
    kind: type[CardProfile], status_word: int
) -> None:
    connection = ScriptedConnection(
        lambda apdu: (b"", status_word) if len(apdu) > 5 and apdu[1] == 0x20 else (b"", 0x6A88)
    )
    profile = kind(CardChannel(connection).for_profile(kind.name))
    with pytest.raises(CardError):
        profile.verify_pin(PIN, accept_last_try=True)
    assert len([sent for sent in connection.sent if sent[1] == 0x20 and len(sent) > 5]) == 1


TEN_MEGABYTES = bytes(10_000_000)
BOMB = b"\x01\x00\xff\xff" + zlib.compress(TEN_MEGABYTES, 9)


@given(st.binary(max_size=50))
def test_a_certificate_that_unpacks_without_end_is_refused(noise: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        unpack_certificate(BOMB + noise)


@pytest.mark.parametrize(
    ("unpack", "packed"), [(unpack_certificate, BOMB), (_gunzip, gzip.compress(TEN_MEGABYTES))]
)
def test_it_is_not_unpacked_further_than_a_certificate_is_long(
    unpack: Callable[[bytes], bytes], packed: bytes
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(MalformedResponseError):
            unpack(packed)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
