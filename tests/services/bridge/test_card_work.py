"""Activating and unlocking over a bridge that behaves, and where nothing is begun at all."""

import pytest
from sqlalchemy import func, select

from services.authority.errors import AuthorityError, GrantExpiredError, WrongStateError
from services.authority.lifecycle import CertificateState
from services.bridge.errors import (
    AdminBarredError,
    BridgeError,
    NotPairedError,
    OperationRunningError,
)
from services.bridge.events import (
    OperationEvent,
    OperationFailed,
    OperationProgressed,
    OperationSucceeded,
    PinSetResult,
)
from services.bridge.models import BridgeOperation
from services.bridge.operations.task import CardTask
from tests.services.authority.conftest import make_url
from tests.services.authority.world import CHAT
from tests.services.bridge.attacker import attacker, authorised, locked
from tests.services.bridge.test_cuts import begins
from tests.services.bridge.test_resolving import dies_after_the_pin_is_set
from tests.services.bridge.world import BridgeWorld

__all__ = ["make_url"]  # on each kind of database


async def operations_on_record(world: BridgeWorld) -> int:
    async with world.world.database.unit_of_work() as session:
        return await session.scalar(select(func.count()).select_from(BridgeOperation)) or 0


async def test_a_card_is_activated(world: BridgeWorld) -> None:
    someone, card = await world.person()
    pc = await world.paired_pc(card)
    grant = await world.grant(someone, CardTask.ACTIVATE)
    operation = await world.hub.start(CHAT, CardTask.ACTIVATE, world.now, grant)
    await pc.works()
    assert world.told(OperationSucceeded) == [
        OperationSucceeded(CHAT, operation, CardTask.ACTIVATE, PinSetResult())
    ]
    assert [event.step for event in world.told(OperationProgressed)] == ["waiting_for_person"]
    assert card.pin_is_set
    assert await world.certificates_of(someone) is CertificateState.ACTIVE
    assert await world.card_steps() == ["authorised", "cryptogram", "pin_set"]


async def test_the_bridge_is_asked_for_the_card_on_record_at_once(world: BridgeWorld) -> None:
    someone, card = await world.person()
    stranger = (await world.person(2))[1]
    pc = await world.paired_pc(stranger)
    grant = await world.grant(someone, CardTask.ACTIVATE)
    await world.hub.start(CHAT, CardTask.ACTIVATE, world.now, grant)
    (asked,) = pc.heard_of("start")
    assert (asked["operation"], asked["parameters"]["card_serial"]) == ("set_pin", card.serial)
    await pc.works()
    (failed,) = world.told(OperationFailed)
    assert failed.code == "wrong_card"
    assert not stranger.pin_is_set
    pc.card = card  # the right one is put in; nothing was released, so that the code is still good
    await world.hub.start(CHAT, CardTask.ACTIVATE, world.now, grant)
    await pc.works()
    assert isinstance(world.told(OperationEvent)[-1], OperationSucceeded)


@pytest.mark.parametrize(
    ("work", "act", "state"),
    [
        (CardTask.UNLOCK, None, CertificateState.INACTIVE),
        (CardTask.UNLOCK, "suspends", CertificateState.SUSPENDED),
        (CardTask.ACTIVATE, "suspends", CertificateState.SUSPENDED),
        (CardTask.ACTIVATE, "is_revoked", CertificateState.REVOKED),
    ],
)
async def test_what_the_state_does_not_allow_is_told_at_once_and_begins_nothing(
    world: BridgeWorld, work: CardTask, act: str | None, state: CertificateState
) -> None:
    if act is None:
        someone, card = await world.person()
    else:
        someone, card = await locked(world)
    pc = await attacker(world, card)
    grant = await world.grant(someone, work)
    if act is not None:
        await getattr(someone, act)(world.now)
    on_record, steps = await operations_on_record(world), await world.card_steps()
    with pytest.raises(WrongStateError) as refused:
        await world.hub.start(CHAT, work, world.now, grant)
    assert refused.value.state == state
    await nothing_was_begun(world, pc.heard_of("start"), on_record, steps)
    await begins(
        world, someone, pc, CardTask.CARD_STATUS
    )  # and the chat is free for something else


async def nothing_was_begun(
    world: BridgeWorld, asked: list[dict[str, object]], on_record: int, steps: list[str]
) -> None:
    assert asked == []
    assert world.hub.status(CHAT).running is None
    assert world.told(OperationEvent) == []
    assert await operations_on_record(world) == on_record
    assert await world.card_steps() == steps


async def test_a_grant_that_is_no_good_begins_nothing(world: BridgeWorld) -> None:
    someone, card = await locked(world)
    pc = await attacker(world, card)
    grant = await world.grant(someone, CardTask.UNLOCK)
    await world.passes(minutes=10, seconds=1)
    on_record, steps = await operations_on_record(world), await world.card_steps()
    for given in (grant, "0" * 32, grant, None):
        with pytest.raises(GrantExpiredError):
            await world.hub.start(CHAT, CardTask.UNLOCK, world.now, given)
    await nothing_was_begun(world, pc.heard_of("start"), on_record, steps)


async def test_the_bridge_is_looked_at_before_the_authority_is_asked(world: BridgeWorld) -> None:
    """Nothing is noted as authorised where no bridge could go on."""
    pc, card, grant = await authorised(world)
    steps = await world.card_steps()
    await refuses(world, grant, OperationRunningError)
    await pc.challenges(card)
    await pc.fails("admin_key_rejected", tries_left=4)
    someone = world.world.person(1)
    await someone.suspends(world.now)  # even so: there is nothing to be done over this pairing
    await refuses(world, await world.grant(someone, CardTask.UNLOCK), AdminBarredError)
    await world.hub.unpair(CHAT, world.now)
    await refuses(world, await world.grant(someone, CardTask.UNLOCK), NotPairedError)
    told = ["cryptogram", "admin_key_rejected"]
    assert await world.card_steps() == steps + told


async def refuses(world: BridgeWorld, grant: str, error: type[BridgeError]) -> None:
    with pytest.raises(error):
        await world.hub.start(CHAT, CardTask.UNLOCK, world.now, grant)


async def test_what_is_unresolved_waits_on_when_nothing_else_begins(world: BridgeWorld) -> None:
    someone, card = await world.person()
    await dies_after_the_pin_is_set(world, someone, card)
    pc = await attacker(world, card)
    await pc.works()
    assert pc.wanted["purpose"] == "activate"
    assert await world.hub.cancel(CHAT, world.now)  # instead of proving
    grant = await world.grant(someone, CardTask.UNLOCK)
    with pytest.raises(AuthorityError):
        await world.hub.start(CHAT, CardTask.UNLOCK, world.now, grant)
    assert world.hub.status(CHAT).unresolved is CardTask.ACTIVATE
    await pc.gives(pc.receipt("prove_possession", pc.wanted), "prove_possession")
    assert isinstance(world.told(OperationEvent)[-1], OperationSucceeded)
    assert await world.certificates_of(someone) is CertificateState.ACTIVE
