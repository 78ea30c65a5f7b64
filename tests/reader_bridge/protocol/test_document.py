"""The page of the protocol is what the types say, and nothing is missing on it."""

import json
from pathlib import Path

from reader_bridge.protocol import ADVICE, ErrorCode, FailureCode, Operation, SessionState, document
from reader_bridge.protocol.messages import FROM_BRIDGE, FROM_SERVER
from reader_bridge.protocol.schema import field_texts, hints
from reader_bridge.protocol.vocabulary import ALLOWED_IN

DOCS = Path(__file__).parents[3] / "docs"
TO_MAKE_IT_ANEW = "python -m reader_bridge.protocol.document docs"


def test_the_page_is_up_to_date() -> None:
    assert (DOCS / document.PAGE).read_text(encoding="utf-8") == document.page(), TO_MAKE_IT_ANEW


def test_the_schema_is_up_to_date() -> None:
    written = (DOCS / document.SCHEMA).read_text(encoding="utf-8")
    assert written == document.schema_text(), TO_MAKE_IT_ANEW


def test_everything_that_can_be_sent_is_on_the_page() -> None:
    page = document.page()
    for name in (*FROM_SERVER, *FROM_BRIDGE, *Operation, *FailureCode, *ErrorCode, *SessionState):
        assert f"`{name}`" in page
    assert "<!--" not in page


def test_every_field_is_explained() -> None:
    for kind in {*FROM_SERVER.values(), *FROM_BRIDGE.values()}:
        assert set(field_texts(kind)) == set(hints(kind)), kind


def test_every_failure_has_cause_and_remedy() -> None:
    assert set(ADVICE) == set(FailureCode)
    assert all(advice.cause and advice.remedy for advice in ADVICE.values())


def test_every_operation_names_the_states_it_is_allowed_in() -> None:
    assert set(ALLOWED_IN) == set(Operation)
    assert all(states == {SessionState.PAIRED} for states in ALLOWED_IN.values())


def test_the_schema_names_every_message_once() -> None:
    both = json.loads(document.schema_text())["oneOf"]
    names = [[each["title"] for each in side["oneOf"]] for side in both]
    assert names == [list(FROM_SERVER), list(FROM_BRIDGE)]
