"""Activating and unlocking over a correct bridge, and refusals to start."""

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
    CardTaskEvent,
    CardTaskFailed,
    CardTaskProgressed,
    CardTaskSucceeded,
    PinSetResult,
)
from services.bridge.models import OperationRow
from services.bridge.operations.card_task import CardTask
from tests.services.authority.authority_harness import CHAT
from tests.services.authority.conftest import make_url
from tests.services.bridge.hostile_bridge import (
    authorise_hostile_bridge,
    make_active_card,
    pair_hostile_bridge,
)
from tests.services.bridge.hub_harness import HubHarness
from tests.services.bridge.test_interruptions import begins
from tests.services.bridge.test_resolving import dies_after_the_pin_is_set

__all__ = ["make_url"]  # on each kind of database


async def operations_on_record(harness: HubHarness) -> int:
    async with harness.authority_world.database.unit_of_work() as session:
        return await session.scalar(select(func.count()).select_from(OperationRow)) or 0


async def test_a_card_is_activated(harness: HubHarness) -> None:
    someone, card = await harness.person()
    pc = await harness.paired_pc(card)
    grant = await harness.grant(someone, CardTask.ACTIVATE)
    operation = await harness.hub.start(CHAT, CardTask.ACTIVATE, harness.now, grant)
    await pc.works()
    assert harness.events_of(CardTaskSucceeded) == [
        CardTaskSucceeded(CHAT, operation, CardTask.ACTIVATE, PinSetResult())
    ]
    assert [event.step for event in harness.events_of(CardTaskProgressed)] == ["waiting_for_person"]
    assert card.pin_is_set
    assert await harness.certificate_state(someone) is CertificateState.ACTIVE
    assert await harness.card_steps() == ["authorised", "cryptogram", "pin_set"]


async def test_the_bridge_is_asked_for_the_card_on_record_at_once(harness: HubHarness) -> None:
    someone, card = await harness.person()
    stranger = (await harness.person(2))[1]
    pc = await harness.paired_pc(stranger)
    grant = await harness.grant(someone, CardTask.ACTIVATE)
    await harness.hub.start(CHAT, CardTask.ACTIVATE, harness.now, grant)
    (asked,) = pc.heard_of("start")
    assert (asked["operation"], asked["parameters"]["card_serial"]) == ("set_pin", card.serial)
    await pc.works()
    (failed,) = harness.events_of(CardTaskFailed)
    assert failed.code == "wrong_card"
    assert not stranger.pin_is_set
    pc.card = card  # the right one is put in; nothing was released, so that the code is still good
    await harness.hub.start(CHAT, CardTask.ACTIVATE, harness.now, grant)
    await pc.works()
    assert isinstance(harness.events_of(CardTaskEvent)[-1], CardTaskSucceeded)


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
    harness: HubHarness, work: CardTask, act: str | None, state: CertificateState
) -> None:
    if act is None:
        someone, card = await harness.person()
    else:
        someone, card = await make_active_card(harness)
    pc = await pair_hostile_bridge(harness, card)
    grant = await harness.grant(someone, work)
    if act is not None:
        await getattr(someone, act)(harness.now)
    on_record, steps = await operations_on_record(harness), await harness.card_steps()
    with pytest.raises(WrongStateError) as refused:
        await harness.hub.start(CHAT, work, harness.now, grant)
    assert refused.value.state == state
    await nothing_was_begun(harness, pc.heard_of("start"), on_record, steps)
    await begins(
        harness, someone, pc, CardTask.CARD_STATUS
    )  # and the chat is free for something else


async def nothing_was_begun(
    harness: HubHarness, asked: list[dict[str, object]], on_record: int, steps: list[str]
) -> None:
    assert asked == []
    assert harness.hub.status(CHAT).running is None
    assert harness.events_of(CardTaskEvent) == []
    assert await operations_on_record(harness) == on_record
    assert await harness.card_steps() == steps


async def test_a_grant_that_is_no_good_begins_nothing(harness: HubHarness) -> None:
    someone, card = await make_active_card(harness)
    pc = await pair_hostile_bridge(harness, card)
    grant = await harness.grant(someone, CardTask.UNLOCK)
    await harness.passes(minutes=10, seconds=1)
    on_record, steps = await operations_on_record(harness), await harness.card_steps()
    for given in (grant, "0" * 32, grant, None):
        with pytest.raises(GrantExpiredError):
            await harness.hub.start(CHAT, CardTask.UNLOCK, harness.now, given)
    await nothing_was_begun(harness, pc.heard_of("start"), on_record, steps)


async def test_the_bridge_is_looked_at_before_the_authority_is_asked(harness: HubHarness) -> None:
    """Nothing is recorded as authorised if no bridge could continue."""
    pc, card, grant = await authorise_hostile_bridge(harness)
    steps = await harness.card_steps()
    await refuses(harness, grant, OperationRunningError)
    await pc.challenges(card)
    await pc.fails("admin_key_rejected", tries_left=4)
    someone = harness.authority_world.person(1)
    await someone.suspends(harness.now)  # even so: there is nothing to be done over this pairing
    await refuses(harness, await harness.grant(someone, CardTask.UNLOCK), AdminBarredError)
    await harness.hub.unpair(CHAT, harness.now)
    await refuses(harness, await harness.grant(someone, CardTask.UNLOCK), NotPairedError)
    told = ["cryptogram", "admin_key_rejected"]
    assert await harness.card_steps() == steps + told


async def refuses(harness: HubHarness, grant: str, error: type[BridgeError]) -> None:
    with pytest.raises(error):
        await harness.hub.start(CHAT, CardTask.UNLOCK, harness.now, grant)


async def test_what_is_unresolved_waits_on_when_nothing_else_begins(harness: HubHarness) -> None:
    someone, card = await harness.person()
    await dies_after_the_pin_is_set(harness, someone, card)
    pc = await pair_hostile_bridge(harness, card)
    await pc.works()
    assert pc.wanted["purpose"] == "activate"
    await harness.hub.cancel(CHAT, harness.now)  # instead of proving
    grant = await harness.grant(someone, CardTask.UNLOCK)
    with pytest.raises(AuthorityError):
        await harness.hub.start(CHAT, CardTask.UNLOCK, harness.now, grant)
    assert harness.hub.status(CHAT).unresolved is CardTask.ACTIVATE
    await pc.gives(pc.receipt("prove_possession", pc.wanted), "prove_possession")
    assert isinstance(harness.events_of(CardTaskEvent)[-1], CardTaskSucceeded)
    assert await harness.certificate_state(someone) is CertificateState.ACTIVE
