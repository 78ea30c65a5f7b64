"""The rules both sides share: codes, words, proofs, the statement, numbers, and the table."""

import hashlib
import hmac
from collections import Counter

import pytest

from reader_bridge.card.connection import readable_name
from reader_bridge.card.errors import CardError, ReaderError
from reader_bridge.client.session import REACTIONS, Reaction
from reader_bridge.operations.failures import failure_from_card
from reader_bridge.protocol import (
    PAIRING_CODE_ALPHABET,
    PAIRING_WORDS,
    FailureCode,
    IncomingSequence,
    Operation,
    OutgoingSequence,
    PairingWord,
    ProtocolError,
    SessionState,
    build_possession_statement,
    compute_commitment,
    compute_resume_proof,
    derive_pairing_words,
    normalise_code,
    origin_of,
    parse_frame,
)
from reader_bridge.protocol.enums import ByeReason
from reader_bridge.protocol.limits import MAX_KEPT_MESSAGES
from reader_bridge.protocol.messages import SERVER_MESSAGES
from reader_bridge.protocol.operation_messages import Bye, CancelOperation, StartOperation
from reader_bridge.protocol.pairing_messages import Paired

ONE, TWO = bytes([1]) * 32, bytes([2]) * 32


def test_codes_are_taken_as_people_type_them() -> None:
    for typed in ("ABCD2345", "abcd2345", "abcd-2345", " ab cd 23 45\n", "abcd–2345"):
        assert normalise_code(typed) == "ABCD2345"
    for typed in (
        "",
        "ABCD234",
        "ABCD23456",
        "ABCD234O",
        "ABCD234!",
        "密碼密碼密碼密碼",
        "A" * 10**6,
    ):
        with pytest.raises(ProtocolError):
            normalise_code(typed)


def test_the_alphabet_has_thirty_letters_and_none_that_looks_like_another() -> None:
    assert len(set(PAIRING_CODE_ALPHABET)) == len(PAIRING_CODE_ALPHABET) == 30
    assert not set("0O1IUV") & set(PAIRING_CODE_ALPHABET)


def test_the_words_are_plain_and_distinct_in_both_languages() -> None:
    assert len(PAIRING_WORDS) == 256
    for language in ("english", "chinese"):
        counted = Counter(getattr(word, language) for word in PAIRING_WORDS)
        assert max(counted.values()) == 1
    assert all(word.english.isascii() and word.english.islower() for word in PAIRING_WORDS)
    assert all(not word.chinese.isascii() for word in PAIRING_WORDS)


def words_of(
    code: str = "ABCD2345",
    origin: str = "wss://kaika.example",
    session: str = "session",
    server_nonce: bytes = ONE,
    bridge_nonce: bytes = TWO,
) -> tuple[PairingWord, PairingWord]:
    return derive_pairing_words(
        code, origin=origin, session=session, server_nonce=server_nonce, bridge_nonce=bridge_nonce
    )


def test_the_words_depend_on_everything_both_ends_share() -> None:
    told = words_of()
    assert told == words_of()
    others = {
        words_of(code="ABCD2346"),
        words_of(session="another"),
        words_of(server_nonce=TWO),
        words_of(bridge_nonce=ONE),
        words_of(origin="wss://kaika.exampl"),
        words_of(origin="wss://kaika.examples", session="ession"),
    }
    assert told not in others
    assert len(others) == 6


def test_the_two_words_are_never_the_same_and_all_are_used() -> None:
    pairs = [words_of(session=str(n)) for n in range(4000)]
    assert all(first != second for first, second in pairs)
    assert {first for first, _ in pairs} == {second for _, second in pairs} == set(PAIRING_WORDS)


def test_the_words_are_made_as_the_page_says() -> None:
    committed = b"kaika-bridge commitment v2" + b"\x07session" + ONE
    commitment = hashlib.sha256(committed).digest()
    assert compute_commitment("session", ONE) == commitment
    origin = hashlib.sha256(b"wss://kaika.example").digest()
    said = b"kaika-bridge words v2" + origin + b"\x07session" + commitment + TWO + ONE
    digest = hmac.new(b"ABCD2345", said, hashlib.sha256).digest()
    rest = list(PAIRING_WORDS)
    first = rest.pop((digest[0] * 256 + digest[1]) % 256)
    second = rest[(digest[2] * 256 + digest[3]) % 255]
    assert words_of() == (first, second)


def test_the_proof_is_of_this_session_and_this_link() -> None:
    proof = compute_resume_proof(ONE, "session", TWO)
    said = b"kaika-bridge resume v1" + b"session" + TWO
    assert proof == hmac.new(ONE, said, hashlib.sha256).digest()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("wss://Kaika.Example/bridge/v1", "wss://kaika.example"),
        ("https://kaika.example:443", "wss://kaika.example"),
        ("wss://kaika.example:8443/x?y#z", "wss://kaika.example:8443"),
        ("ws://127.0.0.1:80/", "ws://127.0.0.1"),
        ("http://[::1]:8080/bridge/v1", "ws://[::1]:8080"),
    ],
)
def test_the_origin_is_that_of_the_address(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize("url", ["", "kaika.example", "ftp://x", "wss://", "wss://x:99999", "//x"])
def test_what_is_no_address_has_no_origin(url: str) -> None:
    with pytest.raises(ProtocolError):
        origin_of(url)


def test_the_statement_is_as_the_page_says() -> None:
    statement = build_possession_statement(
        "wss://kaika.example",
        Operation.SET_PIN,
        server_nonce=ONE,
        bridge_nonce=TWO,
        card_serial="a0a1",
    )
    assert statement == (
        b"Kaika reader bridge: statement of possession, version 1\x00"
        + hashlib.sha256(b"wss://kaika.example").digest()
        + ONE
        + TWO
        + b"\x07set_pin\x04a0a1"
    )
    with pytest.raises(ProtocolError):
        build_possession_statement(
            "x", Operation.SET_PIN, server_nonce=b"short", bridge_nonce=TWO, card_serial="a0"
        )


def test_numbers_rise_by_one_and_what_was_seen_is_dropped() -> None:
    incoming = IncomingSequence()
    assert [incoming.accept(seq) for seq in (1, 2, 2, 1, 3)] == [True, True, False, False, True]
    with pytest.raises(ProtocolError):
        incoming.accept(5)
    assert incoming.accept(4)


def test_what_was_sent_is_kept_for_a_while() -> None:
    outgoing = OutgoingSequence()
    assert outgoing.frames_after(0) == []
    assert outgoing.frames_after(1) is None, "never sent"
    for _ in range(MAX_KEPT_MESSAGES + 6):
        outgoing.number(Bye(ByeReason.CLOSED))
    assert outgoing.frames_after(5) is None, "not kept any more"
    kept = outgoing.frames_after(6)
    assert kept is not None
    assert [parse_frame(frame).seq for frame in kept] == list(range(7, MAX_KEPT_MESSAGES + 7))
    assert outgoing.frames_after(outgoing.last) == []


def test_what_cannot_be_sent_uses_no_number_up() -> None:
    outgoing = OutgoingSequence()
    with pytest.raises(ProtocolError):
        outgoing.number(CancelOperation(""))
    assert parse_frame(outgoing.number(CancelOperation("a"))).seq == 1


def subclasses(kind: type[CardError]) -> set[type[CardError]]:
    return {kind}.union(*(subclasses(each) for each in kind.__subclasses__()))


def test_every_error_of_a_card_has_a_failure_code() -> None:
    for kind in subclasses(CardError):
        error = kind.__new__(kind)
        for name in (
            "reader",
            "profile",
            "attempts_remaining",
            "required",
            "instruction",
            "result",
        ):
            setattr(error, name, "x" if issubclass(kind, ReaderError) else 1)
        error.status_word = 0x6A82  # type: ignore[attr-defined]
        assert failure_from_card(error).code in FailureCode


def test_names_of_readers_are_made_fit_to_be_sent() -> None:
    assert readable_name("ACS\tACR39U\x1b[31m 00") == "ACSACR39U[31m 00"
    assert readable_name("\x00") == "?"
    assert len(readable_name("讀" * 500)) == 128


WORKING = {SessionState.WORKING, SessionState.AUTHENTICATING, SessionState.PROVING}


def test_every_cell_of_the_table() -> None:
    """A start begins something in one state only; a pairing comes about in one state only."""
    assert set(REACTIONS) == set(SessionState)
    for state in SessionState:
        for kind in set(SERVER_MESSAGES.values()):
            reaction = REACTIONS[state].get(kind, Reaction.REFUSE)
            assert (reaction is Reaction.START) == (
                kind is StartOperation and state is SessionState.PAIRED
            )
            assert (reaction is Reaction.REFUSE_AS_BUSY) == (
                kind is StartOperation and state in WORKING
            )
            paired = kind is Paired and state is SessionState.ANSWERED
            assert (reaction is Reaction.BECOME_PAIRED) == paired
            if reaction is Reaction.DELIVER:
                assert state in {SessionState.AUTHENTICATING, SessionState.PROVING}
