"""A bridge that lies about how things ended, and what becomes of that."""

import os
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from services.authority.errors import NoAuthorityError
from services.authority.lifecycle import CertificateState
from services.bridge.errors import AdminBarredError, OperationRunningError
from services.bridge.events import (
    OperationEvent,
    OperationFailed,
    OperationSucceeded,
    OperationUnresolved,
    ProvenPossession,
)
from services.bridge.hub import Hub
from services.bridge.operations.task import CardTask
from tests.services.authority import invariants
from tests.services.authority.world import CHAT
from tests.services.bridge.attacker import (
    attacker,
    authorised,
    failures,
    locked,
    until_receipt,
)
from tests.services.bridge.said import ORIGIN, Message, coded
from tests.services.bridge.world import BridgeWorld


async def test_an_activation_needs_the_cards_own_proof(world: BridgeWorld) -> None:
    """A bridge that lies about everything but has no card: no receipt will do."""
    someone, card = await world.person()
    pc = await attacker(world, card)
    await world.hub.start(
        CHAT, CardTask.ACTIVATE, world.now, await world.grant(someone, CardTask.ACTIVATE)
    )
    await pc.works()
    early = pc.receipt("set_pin", pc.wanted)
    await pc.gives(early)
    assert await world.certificates_of(someone) is CertificateState.INACTIVE
    assert len(await pc.challenges(card)) == 1
    await pc.says("admin_answer", operation_id=pc.about, answer=coded(os.urandom(40)))
    await pc.works()
    assert pc.heard_of("admin_verified")[0]["ok"] is False
    assert failures(world) == ["card_not_genuine"]
    await pc.gives(early)
    assert await world.certificates_of(someone) is CertificateState.INACTIVE


async def test_a_receipt_has_to_be_of_this_card_server_operation_and_moment(
    world: BridgeWorld,
) -> None:
    someone, pc = await until_receipt(world)
    wanted = pc.wanted
    stranger = (await world.person(2))[1]
    stranger.serial = wanted["card_serial"]
    pc.origin = "wss://elsewhere.test"
    elsewhere = pc.receipt("set_pin", wanted)
    pc.origin = ORIGIN
    wrong: Sequence[Message] = (
        pc.receipt("set_pin", wanted, stranger),
        elsewhere,
        pc.receipt("prove_possession", wanted),
        pc.receipt("set_pin", {"server_nonce": coded(bytes(32))}),
    )
    for receipt in wrong:
        await pc.gives(receipt)
        assert await world.certificates_of(someone) is CertificateState.INACTIVE
    assert {event.code for event in world.told(OperationUnresolved)} == {"receipt_wrong"}
    await pc.gives(pc.receipt("set_pin", wanted))
    assert await world.certificates_of(someone) is CertificateState.ACTIVE


async def test_a_receipt_is_taken_once(world: BridgeWorld) -> None:
    someone, pc = await until_receipt(world)
    receipt = pc.receipt("set_pin", pc.wanted)
    for _ in range(3):
        await pc.gives(receipt)
    assert len(world.told(OperationSucceeded)) == 1
    assert await world.certificates_of(someone) is CertificateState.ACTIVE
    assert (await world.card_steps()).count("pin_set") == 1
    await invariants.hold(world.world)


@pytest.mark.parametrize("told_by", ["bridge", "card"])
async def test_staff_hear_of_a_card_that_does_not_know_its_issuer(
    world: BridgeWorld, told_by: str
) -> None:
    pc, card, _ = await authorised(world)
    await pc.challenges(card)
    with capture_logs() as logs:
        if told_by == "bridge":
            await pc.fails("admin_key_rejected", tries_left=4)
        else:
            await pc.says("admin_answer", operation_id=pc.about, answer=coded(bytes(40)))
    code = "admin_key_rejected" if told_by == "bridge" else "card_not_genuine"
    (alert,) = [line for line in logs if line["log_level"] == "error"]
    assert (alert["event"], alert["card"]) == (f"bridge_{code}", card.serial)
    assert failures(world) == [code]
    assert (await world.card_steps())[-1] == code
    someone = world.world.person(1)
    for _ in range(2):  # never tried again over this pairing, not even after a restart
        grant = await world.grant(someone, CardTask.UNLOCK)
        with pytest.raises(AdminBarredError):
            await world.hub.start(CHAT, CardTask.UNLOCK, world.now, grant)
        pc.wire = None
        await world.restart()
        await pc.dials()


async def test_a_claim_before_the_cryptogram_alarms_nobody(world: BridgeWorld) -> None:
    pc, _, _ = await authorised(world)
    with capture_logs() as logs:
        await pc.fails("admin_key_rejected")
    assert logs == []
    assert failures(world) == ["admin_key_rejected"]


async def test_a_puk_unlocks_without_a_cryptogram_but_never_activates(world: BridgeWorld) -> None:
    pc, card, _ = await authorised(world)
    await pc.gives(pc.receipt("set_pin", pc.wanted))
    assert isinstance(world.told(OperationEvent)[-1], OperationSucceeded)
    assert await world.releases() == [card.serial]  # that of the activation


async def test_one_thing_at_a_time(world: BridgeWorld) -> None:
    pc, _, _ = await authorised(world)
    with pytest.raises(OperationRunningError) as busy:
        await world.hub.start(CHAT, CardTask.CARD_STATUS, world.now)
    assert busy.value.task == CardTask.UNLOCK
    assert await world.hub.cancel(CHAT, world.now)
    await pc.works()
    assert pc.heard_of("cancel")
    await world.hub.start(CHAT, CardTask.CARD_STATUS, world.now)


async def test_what_is_on_its_way_to_the_card_is_not_cancelled(world: BridgeWorld) -> None:
    pc, card, _ = await authorised(world)
    await pc.challenges(card)
    assert not await world.hub.cancel(CHAT, world.now)
    assert world.told(OperationFailed) == []


async def test_an_answer_that_does_not_come_is_waited_for_a_minute(world: BridgeWorld) -> None:
    pc, card, _ = await authorised(world)
    await pc.challenges(card)
    await world.passes(seconds=60)
    assert world.told(OperationUnresolved) == []
    await world.passes(seconds=1)
    assert [event.code for event in world.told(OperationUnresolved)] == ["no_answer"]


async def test_a_guide_carries_nothing_out(world: BridgeWorld) -> None:
    someone, card = await locked(world)
    database, keys = world.world.database, world.world.keys
    world.hub = Hub(database, keys, None, ORIGIN, world.events.append)
    pc = await world.paired_pc(card)
    grant = await world.grant(someone, CardTask.UNLOCK)
    with pytest.raises(NoAuthorityError):
        await world.hub.start(CHAT, CardTask.UNLOCK, world.now, grant)
    await world.hub.start(CHAT, CardTask.CARD_STATUS, world.now)
    await pc.works()
    assert isinstance(world.told(OperationEvent)[-1], OperationSucceeded)


async def test_possession_is_believed_of_who_proves_it(world: BridgeWorld) -> None:
    _, card = await locked(world)
    pc = await world.paired_pc(card)
    await world.hub.start(CHAT, CardTask.PROVE_POSSESSION, world.now)
    await pc.works()
    done = world.told(OperationSucceeded)[-1]
    assert done.value == ProvenPossession(card.serial, card.certificate)
    pc.origin = "wss://elsewhere.test"
    await world.hub.start(CHAT, CardTask.PROVE_POSSESSION, world.now)
    await pc.works()
    assert failures(world) == ["receipt_wrong"]
