"""Activating and unlocking over a bridge that behaves."""

from services.authority.states import CertificateState
from services.bridge.events import Done, PinSet, Waiting
from services.bridge.work import Work
from tests.services.authority.conftest import make_url
from tests.services.authority.world import CHAT
from tests.services.bridge.world import BridgeWorld

__all__ = ["make_url"]  # on each kind of database


async def test_a_card_is_activated(world: BridgeWorld) -> None:
    someone, card = await world.person()
    pc = await world.paired_pc(card)
    grant = await world.grant(someone, Work.ACTIVATE)
    operation = await world.hub.start(CHAT, Work.ACTIVATE, world.now, grant)
    await pc.works()
    assert world.told(Done) == [Done(CHAT, operation, Work.ACTIVATE, PinSet())]
    assert [event.step for event in world.told(Waiting)] == ["waiting_for_person"]
    assert card.pin_is_set
    assert await world.certificates_of(someone) is CertificateState.ACTIVE
    assert await world.card_steps() == ["authorised", "cryptogram", "pin_set"]
