"""Messages: what is written is read again, and what is none is refused, whatever it is."""

import contextlib
import dataclasses
import json
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reader_bridge.protocol import (
    Operation,
    ProtocolError,
    ProtocolErrorCode,
    UnknownOperationError,
    encode_frame,
    parse_frame,
)
from reader_bridge.protocol.codec import (
    BytesBounds,
    IntegerBounds,
    ListBounds,
    TaggedUnion,
    TextBounds,
    message_fields,
)
from reader_bridge.protocol.enums import KeyRole
from reader_bridge.protocol.limits import MAX_FRAME_BYTES
from reader_bridge.protocol.messages import BRIDGE_MESSAGES, SERVER_MESSAGES, UNNUMBERED
from reader_bridge.protocol.operation_messages import (
    CancelOperation,
    OperationResult,
    StartOperation,
)
from reader_bridge.protocol.operation_payloads import (
    PARAMETERS,
    RESULT_VALUES,
    CertificateCopy,
    ListReaders,
    ReadCardStatus,
)
from reader_bridge.protocol.pairing_messages import Pair, Paired, Resume
from tools.protocol_docs.schema import hints, notes, strip_optional

READABLE = st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp"))


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    inner, optional = strip_optional(hint)
    plain = plain_values(inner)
    return st.none() | plain if optional else plain


def plain_values(hint: Any) -> st.SearchStrategy[Any]:
    for note in notes(hint):
        match note:
            case TextBounds(pattern=""):
                return st.text(READABLE, min_size=note.min_length, max_size=note.max_length)
            case TextBounds(max_length=most, min_length=least, pattern=pattern):
                return matching(pattern, least, most)
            case IntegerBounds():
                return st.integers(note.minimum, note.maximum)
            case BytesBounds():
                return st.binary(min_size=note.min_length, max_size=min(note.max_length, 200))
            case ListBounds():
                inner = values_of(get_args(get_args(hint)[0])[0])
                return st.lists(inner, max_size=note.max_items).map(tuple)
    if hint is bool:
        return st.booleans()
    if dataclasses.is_dataclass(hint):
        return objects(hint)
    assert get_origin(hint) is None
    return st.sampled_from(list(hint))


def matching(pattern: str, least: int, most: int) -> st.SearchStrategy[str]:
    sized = st.from_regex(pattern, fullmatch=True)
    return sized.filter(lambda text: least <= len(text) <= most)


@st.composite
def objects(draw: st.DrawFn, kind: Any) -> Any:
    found: dict[str, Any] = {}
    for name, hint in hints(kind).items():
        choice = next((each for each in notes(hint) if isinstance(each, TaggedUnion)), None)
        strategy = objects(choice.types[found[choice.tag_field]]) if choice else values_of(hint)
        found[name] = draw(strategy)
    return kind(**found)


EVERY_KIND = [*((True, kind) for kind in SERVER_MESSAGES.values())] + [
    (False, kind) for kind in BRIDGE_MESSAGES.values()
]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_is_written_is_read_again(data: st.DataObject) -> None:
    from_server, kind = data.draw(st.sampled_from(EVERY_KIND))
    message = data.draw(objects(kind))
    seq = 0 if kind in UNNUMBERED else data.draw(st.integers(1, 2**31 - 1))
    text = encode_frame(message, seq)
    frame = parse_frame(text)
    assert frame.seq == seq
    assert (frame.decode_from_server() if from_server else frame.decode_from_bridge()) == message
    more = json.loads(text) | {"colour": {"red": [1, None]}}
    frame = parse_frame(json.dumps(more))
    assert (frame.decode_from_server() if from_server else frame.decode_from_bridge()) == message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
FIELDS = sorted({field.name for _, kind in EVERY_KIND for field in message_fields(kind)})
FRAMES = st.builds(
    lambda head, more: json.dumps(more | head),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from([*SERVER_MESSAGES, *BRIDGE_MESSAGES]) | JSON,
            "seq": st.integers() | JSON,
        }
    ),
    st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from([*Operation]), max_size=8),
)


@settings(max_examples=500, deadline=None)
@given(FRAMES | st.text() | JSON.map(json.dumps))
def test_nonsense_is_refused_and_nothing_else_happens(text: str) -> None:
    for read in ("decode_from_server", "decode_from_bridge"):
        with contextlib.suppress(ProtocolError):
            getattr(parse_frame(text), read)()


CANCEL = {"type": "cancel", "seq": 1, "operation_id": "a"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"seq": True},
        {"seq": 1.0},
        {"seq": "1"},
        {"seq": None},
        {"seq": -1},
        {"seq": 2**31},
        {"type": None},
        {"operation_id": None},
        {"operation_id": ""},
        {"operation_id": "a" * 65},
        {"operation_id": "a\n"},
        {"operation_id": "ä"},
        {"operation_id": ["a"]},
    ],
)
def test_a_field_out_of_its_bounds_is_refused(wrong: dict[str, object]) -> None:
    assert parse_frame(json.dumps(CANCEL)).decode_from_server() == CancelOperation("a")
    with pytest.raises(ProtocolError):
        parse_frame(json.dumps(CANCEL | wrong)).decode_from_server()


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"cancel","seq":1,"seq":2,"operation_id":"a"}',
        '{"type":"cancel","seq":1,"operation_id":NaN}',
        '{"type":"cancel","seq":1,"operation_id":Infinity}',
        "[" * 100_000,
        "[" * 60_000,
        "1" * 60_000,
        '"' + "a" * MAX_FRAME_BYTES + '"',
        "{}",
        "",
    ],
)
def test_frames_that_are_none(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_frame(text)


@pytest.mark.parametrize(
    "octets", ["A", "AA=", "AAB", "A A", "AA\n", "AA+", "AA/", "é", "A" * 42, "A" * 44, 5, None]
)
def test_bytes_are_written_in_one_way_only(octets: object) -> None:
    frame = {"type": "paired", "seq": 1, "seconds_left": 1, "telegram_name": ""}
    with pytest.raises(ProtocolError):
        parse_frame(json.dumps(frame | {"resume_secret": octets})).decode_from_server()


def test_an_unknown_type_and_an_unknown_operation_are_told_apart() -> None:
    with pytest.raises(ProtocolError) as unknown:
        parse_frame('{"type":"send_apdu","seq":1}').decode_from_server()
    assert unknown.value.code is ProtocolErrorCode.UNKNOWN_MESSAGE
    start = {"type": "start", "seq": 1, "operation_id": "a", "operation": "send_apdu"}
    with pytest.raises(UnknownOperationError) as refused:
        parse_frame(json.dumps(start)).decode_from_server()
    assert refused.value.operation_id == "a"
    with pytest.raises(ProtocolError) as nonsense:
        parse_frame(json.dumps(start | {"operation": "list_readers"})).decode_from_server()
    assert nonsense.value.code is ProtocolErrorCode.BAD_MESSAGE


def test_neither_side_reads_what_only_the_other_says() -> None:
    with pytest.raises(ProtocolError):
        parse_frame(encode_frame(CancelOperation("a"), 1)).decode_from_bridge()
    with pytest.raises(ProtocolError):
        parse_frame(encode_frame(Pair("ABCD2345", bytes(32)), 1)).decode_from_server()


def test_this_sides_own_mistakes_are_not_sent() -> None:
    certificate = CertificateCopy(KeyRole.SIGNATURE, bytes(20_000))
    for message in (
        CancelOperation(""),
        Pair("O0O0O0O0", bytes(32)),
        OperationResult("a", Operation.READ_CERTIFICATE, certificate),
        StartOperation("a", Operation.LIST_READERS, ReadCardStatus(), 5),
        StartOperation("a", Operation.LIST_READERS, ListReaders(), 0),
    ):
        with pytest.raises(ProtocolError):
            encode_frame(message, 1)


def test_what_must_not_be_seen_is_not_printed() -> None:
    secret = b"s" * 32
    for message in (
        Paired(secret, 5, "Mai"),
        Resume("session", secret, 1),
        Pair("ABCD2345", bytes(32)),
    ):
        for shown in ("sss", "Mai", "ABCD"):
            assert shown not in repr(message)


def test_errors_do_not_hold_the_value() -> None:
    with pytest.raises(ProtocolError) as refused:
        parse_frame(json.dumps(CANCEL | {"operation_id": "my secret"})).decode_from_server()
    assert "secret" not in repr(refused.value)
    assert refused.value.field == "operation_id"


def test_every_operation_has_parameters_and_a_value() -> None:
    assert set(PARAMETERS) == set(RESULT_VALUES) == set(Operation)
