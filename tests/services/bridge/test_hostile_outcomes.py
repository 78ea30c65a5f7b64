"""Hostile bridges that lie about outcomes."""

import os
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from reader_bridge.protocol import FailureCode
from services.authority.errors import NoAuthorityError
from services.authority.lifecycle import CertificateState
from services.bridge.errors import AdminBarredError, OperationRunningError
from services.bridge.events import (
    CardTaskEvent,
    CardTaskFailed,
    CardTaskSucceeded,
    CardTaskUnresolved,
    ProvenPossession,
)
from services.bridge.hub import Hub
from services.bridge.interface import CancelResult
from services.bridge.operations.card_task import CardTask
from tests.services.authority import invariants
from tests.services.authority.authority_harness import CHAT
from tests.services.bridge.hostile_bridge import (
    authorise_hostile_bridge,
    failures,
    make_active_card,
    pair_hostile_bridge,
    run_until_receipt,
)
from tests.services.bridge.hub_harness import HubHarness
from tests.services.bridge.wire_format import ORIGIN, Message, decode_bytes, encode_bytes


async def test_an_activation_needs_the_cards_own_proof(harness: HubHarness) -> None:
    """It lies about everything but has no card: no receipt is accepted."""
    someone, card = await harness.person()
    pc = await pair_hostile_bridge(harness, card)
    await harness.hub.start(
        CHAT, CardTask.ACTIVATE, harness.now, await harness.grant(someone, CardTask.ACTIVATE)
    )
    await pc.works()
    early = pc.receipt("set_pin", pc.wanted)
    await pc.gives(early)
    assert await harness.certificate_state(someone) is CertificateState.INACTIVE
    assert len(await pc.challenges(card)) == 1
    await pc.says("admin_answer", operation_id=pc.about, answer=encode_bytes(os.urandom(40)))
    await pc.works()
    assert pc.heard_of("admin_verified")[0]["ok"] is False
    assert failures(harness) == ["card_not_genuine"]
    await pc.gives(early)
    assert await harness.certificate_state(someone) is CertificateState.INACTIVE


async def test_a_receipt_has_to_be_of_this_card_server_operation_and_moment(
    harness: HubHarness,
) -> None:
    someone, pc = await run_until_receipt(harness)
    wanted = pc.wanted
    stranger = (await harness.person(2))[1]
    stranger.serial = wanted["card_serial"]
    pc.origin = "wss://elsewhere.test"
    elsewhere = pc.receipt("set_pin", wanted)
    pc.origin = ORIGIN
    wrong: Sequence[Message] = (
        pc.receipt("set_pin", wanted, stranger),
        elsewhere,
        pc.receipt("prove_possession", wanted),
        pc.receipt("set_pin", {"server_nonce": encode_bytes(bytes(32))}),
    )
    for receipt in wrong:
        await pc.gives(receipt)
        assert await harness.certificate_state(someone) is CertificateState.INACTIVE
    assert {event.code for event in harness.events_of(CardTaskUnresolved)} == {"receipt_wrong"}
    await pc.gives(pc.receipt("set_pin", wanted))
    assert await harness.certificate_state(someone) is CertificateState.ACTIVE


async def test_a_receipt_is_taken_once(harness: HubHarness) -> None:
    someone, pc = await run_until_receipt(harness)
    receipt = pc.receipt("set_pin", pc.wanted)
    for _ in range(3):
        await pc.gives(receipt)
    assert len(harness.events_of(CardTaskSucceeded)) == 1
    assert await harness.certificate_state(someone) is CertificateState.ACTIVE
    assert (await harness.card_steps()).count("pin_set") == 1
    await invariants.check_invariants(harness.authority_world)


@pytest.mark.parametrize("told_by", ["bridge", "card"])
async def test_staff_hear_of_a_card_that_does_not_know_its_issuer(
    harness: HubHarness, told_by: str
) -> None:
    pc, card, _ = await authorise_hostile_bridge(harness)
    await pc.challenges(card)
    with capture_logs() as logs:
        if told_by == "bridge":
            await pc.fails("admin_key_rejected", tries_left=4)
        else:
            await pc.says("admin_answer", operation_id=pc.about, answer=encode_bytes(bytes(40)))
    code = "admin_key_rejected" if told_by == "bridge" else "card_not_genuine"
    (alert,) = [line for line in logs if line["log_level"] == "error"]
    assert (alert["event"], alert["card"]) == (f"bridge_{code}", card.serial)
    assert failures(harness) == [code]
    assert (await harness.card_steps())[-1] == code
    someone = harness.authority_world.person(1)
    for _ in range(2):  # never tried again over this pairing, not even after a restart
        grant = await harness.grant(someone, CardTask.UNLOCK)
        with pytest.raises(AdminBarredError):
            await harness.hub.start(CHAT, CardTask.UNLOCK, harness.now, grant)
        pc.wire = None
        await harness.restart()
        await pc.dials()


async def test_a_claim_before_the_cryptogram_alarms_nobody(harness: HubHarness) -> None:
    pc, _, _ = await authorise_hostile_bridge(harness)
    with capture_logs() as logs:
        await pc.fails("admin_key_rejected")
    assert logs == []
    assert failures(harness) == ["admin_key_rejected"]


async def test_a_puk_unlocks_without_a_cryptogram_but_never_activates(harness: HubHarness) -> None:
    pc, card, _ = await authorise_hostile_bridge(harness)
    await pc.gives(pc.receipt("set_pin", pc.wanted))
    assert isinstance(harness.events_of(CardTaskEvent)[-1], CardTaskSucceeded)
    assert await harness.releases() == [card.serial]  # that of the activation


async def test_one_thing_at_a_time(harness: HubHarness) -> None:
    pc, _, _ = await authorise_hostile_bridge(harness)
    with pytest.raises(OperationRunningError) as busy:
        await harness.hub.start(CHAT, CardTask.CARD_STATUS, harness.now)
    assert busy.value.task == CardTask.UNLOCK
    assert await harness.hub.cancel(CHAT, harness.now) is CancelResult.REQUESTED
    await pc.works()
    assert pc.heard_of("cancel")
    await harness.hub.start(CHAT, CardTask.CARD_STATUS, harness.now)


async def test_after_a_cancel_no_card_is_called_genuine(harness: HubHarness) -> None:
    pc, card, _ = await authorise_hostile_bridge(harness)
    given = (await pc.challenges(card))[-1]
    for _ in range(2):
        assert await harness.hub.cancel(CHAT, harness.now) is CancelResult.REQUESTED
    answer = card.complete(decode_bytes(given["cryptogram"]))
    assert answer is not None
    await pc.says("admin_answer", operation_id=pc.about, answer=encode_bytes(answer))
    await pc.works()
    assert len(pc.heard_of("cancel")) == 1
    assert pc.heard_of("admin_verified") == []
    await pc.says("failure", operation_id=pc.about, code="cancelled", values={})
    (end,) = harness.events_of(CardTaskFailed)
    assert (end.code, end.is_cancelled) == (FailureCode.CANCELLED, True)


async def test_what_is_on_its_way_to_the_card_is_not_cancelled(harness: HubHarness) -> None:
    await run_until_receipt(harness)
    assert await harness.hub.cancel(CHAT, harness.now) is CancelResult.TOO_LATE
    assert harness.events_of(CardTaskFailed) == []


async def test_an_answer_that_does_not_come_is_waited_for_a_minute(harness: HubHarness) -> None:
    pc, card, _ = await authorise_hostile_bridge(harness)
    await pc.challenges(card)
    await harness.passes(seconds=60)
    assert harness.events_of(CardTaskUnresolved) == []
    await harness.passes(seconds=1)
    assert [event.code for event in harness.events_of(CardTaskUnresolved)] == ["no_answer"]


async def test_a_guide_carries_nothing_out(harness: HubHarness) -> None:
    someone, card = await make_active_card(harness)
    database, keys = harness.authority_world.database, harness.authority_world.keys
    harness.hub = Hub(database, keys, None, ORIGIN, harness.events.append)
    pc = await harness.paired_pc(card)
    grant = await harness.grant(someone, CardTask.UNLOCK)
    with pytest.raises(NoAuthorityError):
        await harness.hub.start(CHAT, CardTask.UNLOCK, harness.now, grant)
    await harness.hub.start(CHAT, CardTask.CARD_STATUS, harness.now)
    await pc.works()
    assert isinstance(harness.events_of(CardTaskEvent)[-1], CardTaskSucceeded)


async def test_possession_is_believed_of_who_proves_it(harness: HubHarness) -> None:
    _, card = await make_active_card(harness)
    pc = await harness.paired_pc(card)
    await harness.hub.start(CHAT, CardTask.PROVE_POSSESSION, harness.now)
    await pc.works()
    done = harness.events_of(CardTaskSucceeded)[-1]
    assert done.value == ProvenPossession(card.serial, card.certificate)
    pc.origin = "wss://elsewhere.test"
    await harness.hub.start(CHAT, CardTask.PROVE_POSSESSION, harness.now)
    await pc.works()
    assert failures(harness) == ["receipt_wrong"]
