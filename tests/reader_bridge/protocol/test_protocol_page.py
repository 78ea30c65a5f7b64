"""The page of the protocol is what the types say, and nothing is missing on it."""

import hashlib
import hmac
import json
import re
from pathlib import Path

from reader_bridge.protocol import (
    FAILURE_ADVICE,
    FailureCode,
    Operation,
    ProtocolErrorCode,
    SessionState,
)
from reader_bridge.protocol.enums import ALLOWED_IN
from reader_bridge.protocol.messages import BRIDGE_MESSAGES, SERVER_MESSAGES
from tools.protocol_docs import document
from tools.protocol_docs.schema import field_texts, hints

DOCS = Path(__file__).parents[3] / "docs"
REGENERATE_COMMAND = "python -m tools.protocol_docs.document docs"


def test_the_page_is_up_to_date() -> None:
    assert (DOCS / document.PAGE).read_text(encoding="utf-8") == document.page(), REGENERATE_COMMAND


def test_the_schema_is_up_to_date() -> None:
    written = (DOCS / document.SCHEMA).read_text(encoding="utf-8")
    assert written == document.schema_text(), REGENERATE_COMMAND


def test_everything_that_can_be_sent_is_on_the_page() -> None:
    page = document.page()
    for name in (
        *SERVER_MESSAGES,
        *BRIDGE_MESSAGES,
        *Operation,
        *FailureCode,
        *ProtocolErrorCode,
        *SessionState,
    ):
        assert f"`{name}`" in page
    assert "<!--" not in page


def test_every_field_is_explained() -> None:
    for kind in {*SERVER_MESSAGES.values(), *BRIDGE_MESSAGES.values()}:
        assert set(field_texts(kind)) == set(hints(kind)), kind


def test_every_failure_has_cause_and_remedy() -> None:
    assert set(FAILURE_ADVICE) == set(FailureCode)
    assert all(advice.cause and advice.remedy for advice in FAILURE_ADVICE.values())


def test_every_operation_names_the_states_it_is_allowed_in() -> None:
    assert set(ALLOWED_IN) == set(Operation)
    assert all(states == {SessionState.PAIRED} for states in ALLOWED_IN.values())


def test_the_schema_names_every_message_once() -> None:
    both = json.loads(document.schema_text())["oneOf"]
    names = [[each["title"] for each in side["oneOf"]] for side in both]
    assert names == [list(SERVER_MESSAGES), list(BRIDGE_MESSAGES)]


def test_the_values_to_test_with_follow_from_the_page_alone() -> None:
    page = document.page()
    section = page.partition("## Values to test with")[2].partition("\n## ")[0]
    values = dict(re.findall(r"^\| (.+?) \| `(.+)` \|$", section, re.M))
    octets = {name: bytes.fromhex(values[name]) for name in values if "nonce" in name}
    session, table = values["session"].encode(), page.partition("\n## Words")[2]
    words = [cell.strip() for row in re.findall(r"^\| \d+ \|(.+)\|$", table, re.M)
             for cell in row.split("|")]  # fmt: skip
    assert len(words) == 256

    numbered = bytes([len(session)]) + session
    committed = b"kaika-bridge commitment v2" + numbered + octets["nonce of pair_offer"]
    commitment = hashlib.sha256(committed).digest()
    assert commitment.hex() == values["→ commitment"]
    said = hmac.digest(
        values["code"].encode(),
        b"kaika-bridge words v2"
        + hashlib.sha256(values["origin"].encode()).digest()
        + numbered
        + commitment
        + octets["nonce of pair"]
        + octets["nonce of pair_offer"],
        hashlib.sha256,
    )
    first = words.pop(int.from_bytes(said[:2], "big") % 256)
    second = words[int.from_bytes(said[2:4], "big") % 255]
    shown = [part.split() for part in values["→ the words"].split(", ")]
    assert [list(pair) for pair in zip(first.split(), second.split(), strict=True)] == shown

    proved = b"kaika-bridge resume v1" + session + octets["nonce of greeting"]
    secret = bytes.fromhex(values["resume_secret"])
    assert hmac.digest(secret, proved, hashlib.sha256).hex() == values["→ proof"]

    name, serial = values["operation"].encode(), values["card_serial"].encode()
    statement = (
        b"Kaika reader bridge: statement of possession, version 1\0"
        + hashlib.sha256(values["origin"].encode()).digest()
        + octets["server_nonce"] + octets["bridge_nonce"]
        + bytes([len(name)]) + name + bytes([len(serial)]) + serial
    )  # fmt: skip
    assert statement.hex() == values["→ the statement"]
    assert hashlib.sha256(statement).hexdigest() == values["→ its SHA-256"]
