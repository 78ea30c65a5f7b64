"""Malformed, repeated, oversized and too many frames."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from structlog.testing import capture_logs

from services.bridge.events import CardTaskFailed, CardTaskProgressed, CardTaskSucceeded
from services.bridge.operations.card_task import CardTask
from tests.services.authority.authority_harness import CHAT
from tests.services.bridge.hostile_bridge import authorise_hostile_bridge, make_active_card
from tests.services.bridge.hub_harness import HubHarness
from tests.services.bridge.reference_bridge import FakeTransport, ReferenceBridge
from tests.services.bridge.wire_format import encode_bytes

ENVELOPES = [
    "", "{", "null", "[]", "7", '"x"', "{}", '{"type":"pair"}', '{"type":"pair","seq":"1"}',
    '{"type":"pair","seq":true}', '{"type":"pair","seq":-1}', '{"type":"pair","seq":99999999999}',
    '{"type":"pair","seq":1,"seq":1,"code":"AAAAAAAA"}', '{"type":"pair","seq":1,"code":NaN}',
    '{"type":"pair","seq":3,"code":"AAAAAAAA"}', '{"type":"pair","seq":1,"code":"IIIIIIII"}',
    '{"type":"pair","seq":1,"code":null}', '{"type":"hello","seq":0}', '{"type":"pair","seq":0}',
    "[" * 60_000, '{"a":' * 10_000, '{"type":"pair","seq":1,"x":"' + "x" * 70_000 + '"}',
    '{"type":"greeting","seq":1}\x00',
]  # fmt: skip


@pytest.mark.parametrize("frame", ENVELOPES, ids=range(len(ENVELOPES)))
@pytest.mark.parametrize("when", ["before hello", "after hello", "paired"])
async def test_nonsense_ends_the_connection_and_nothing_else(
    harness: HubHarness, frame: str, when: str
) -> None:
    pc = ReferenceBridge(harness, None)
    await dialled_until(harness, pc, when)
    if '"seq":1,' in frame and when == "paired":
        frame = frame.replace('"seq":1,', f'"seq":{len(pc._out) + 1},')
    await pc.writes(frame)
    if '"type":"pair"' in frame and when == "paired" and pc.is_linked:
        assert pc.received[-1]["code"] == "bad_state"
        return
    assert not pc.is_linked
    assert pc.received[-1]["type"] == "error"
    await pc.writes(json.dumps({"type": "pair", "seq": 1, "code": "AAAAAAAA"}))  # unheard
    assert pc.heard_of("pair_refused") == []
    assert harness.hub.status(CHAT).is_paired is (when == "paired")


async def dialled_until(harness: HubHarness, pc: ReferenceBridge, when: str) -> None:
    if when == "before hello":
        pc.wire = FakeTransport(pc)
        pc._connection = harness.hub.connect(pc.wire, pc.address, harness.now)
        return
    await pc.dials()
    if when == "paired":
        await harness.pairs(pc)


async def test_strangers_who_send_nonsense_cannot_multiply_log_lines(harness: HubHarness) -> None:
    with capture_logs() as logs:
        for _ in range(20):
            pc = ReferenceBridge(harness, None)
            await dialled_until(harness, pc, "before hello")
            await pc.writes("{")
    assert [line["event"] for line in logs] == ["bridge_message_refused"]


async def test_a_type_that_nobody_knows_is_told_and_counted(harness: HubHarness) -> None:
    pc = ReferenceBridge(harness, None)
    await pc.dials()
    for number in range(17):
        assert pc.is_linked
        await pc.says("make_coffee", number=number)
    assert {error["code"] for error in pc.heard_of("error")} == {"unknown_message", "bad_message"}
    assert not pc.is_linked


async def test_a_newer_bridge_may_have_steps_and_failures_that_nobody_knows(
    harness: HubHarness,
) -> None:
    _, card = await make_active_card(harness)
    pc = await harness.paired_pc(card)
    await harness.hub.start(CHAT, CardTask.CHANGE_PIN, harness.now)
    about = pc.heard_of("start")[-1]["operation_id"]
    await pc.says("progress", operation_id=about, step="waiting_for_moon")
    await pc.says("failure", operation_id=about, code="moon_missing", values={})
    assert pc.is_linked
    assert [event.step for event in harness.events_of(CardTaskProgressed)] == ["waiting_for_person"]
    assert [event.code for event in harness.events_of(CardTaskFailed)] == ["internal_error"]


async def test_fields_that_nobody_knows_are_ignored(harness: HubHarness) -> None:
    pc = ReferenceBridge(harness, None)
    await pc.dials()
    code = await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna", harness.now)
    pair = {"code": code.code.reveal(), "nonce": encode_bytes(bytes(32))}
    await pc.says("pair", **pair, colour="blue", more={"deep": [1, 2]})
    assert pc.heard_of("pair_offer")


async def test_a_level_that_nobody_speaks(harness: HubHarness) -> None:
    pc = ReferenceBridge(harness, None)
    await dialled_until(harness, pc, "before hello")
    hello = {"api_level": 99, "app_version": "9", "language": "en"}
    await pc.writes({"type": "hello", "seq": 0, **hello})
    assert pc.received[-1]["code"] == "unsupported_api_level"


async def test_the_right_thing_twice_is_done_once(harness: HubHarness) -> None:
    _, card = await make_active_card(harness)
    pc = await harness.paired_pc(card)
    await harness.hub.start(CHAT, CardTask.CARD_STATUS, harness.now)
    await pc.works()
    for frame in pc._out:
        await pc.writes(frame)
    assert len(harness.events_of(CardTaskSucceeded)) == 1
    assert pc.is_linked


def tries_shown(harness: HubHarness) -> list[int | None]:
    return [event.tries_left for event in harness.events_of(CardTaskProgressed)]


async def test_of_much_progress_the_chat_hears_a_little_and_the_newest(harness: HubHarness) -> None:
    pc, _, _ = await authorise_hostile_bridge(harness)
    before = tries_shown(harness)
    for tries in range(60):
        await pc._asks_server("progress", step="wrong_pin", tries_left=tries)
    assert pc.is_linked
    assert tries_shown(harness) == [*before, 0, 1, 2, 3, 4]
    for _ in range(3):
        await harness.passes(seconds=1)
    assert tries_shown(harness) == [*before, 0, 1, 2, 3, 4, 59]
    await pc._asks_server("progress", step="wrong_pin", tries_left=100)
    assert tries_shown(harness)[-1] == 100


async def test_progress_that_waits_is_not_told_after_the_end(harness: HubHarness) -> None:
    pc, _, _ = await authorise_hostile_bridge(harness)
    for tries in range(9):
        await pc._asks_server("progress", step="wrong_pin", tries_left=tries)
    await pc._ends("failure", code="pin_not_entered", values={})
    events = list(harness.events)
    await harness.passes(seconds=10)
    assert harness.events == events
    assert isinstance(harness.events[-1], CardTaskFailed)


async def test_a_result_of_another_kind_ends_the_link(harness: HubHarness) -> None:
    pc, _, _ = await authorise_hostile_bridge(harness)
    await pc.gives({"readers": []}, "list_readers")
    assert not pc.is_linked
    assert harness.events_of(CardTaskSucceeded) == []


values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner),
    max_leaves=8,
)
kinds = some.sampled_from(
    ["hello", "pair", "pair_answer", "progress", "admin_challenge", "admin_answer", "result",
     "failure", "bye", "error", "start", "x"]
)  # fmt: skip


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    messages=some.lists(
        some.tuples(kinds, some.dictionaries(some.text(max_size=12), values, max_size=4)),
        max_size=6,
    )
)
async def test_whatever_is_said_the_hub_stands_and_releases_nothing(
    harness: HubHarness, messages: list[tuple[str, dict[str, Any]]]
) -> None:
    pc = ReferenceBridge(harness, None)
    await pc.dials()
    for kind, fields in messages:
        if pc.is_linked:
            await pc.says(**{**fields, "type": kind})
    await pc.loses_link()
    assert await harness.releases() == []
    assert harness.events == []
