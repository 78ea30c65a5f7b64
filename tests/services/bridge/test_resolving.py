"""What was cut off where the PIN may be set or not, and who tells."""

import pytest

from services.authority.errors import WrongStateError
from services.authority.lifecycle import CertificateState
from services.bridge.errors import BridgeError
from services.bridge.events import OperationFailed, OperationSucceeded, OperationUnresolved
from services.bridge.operations.task import CardTask
from tests.services.authority.conftest import make_url
from tests.services.authority.world import CHAT, Someone
from tests.services.bridge.card import Card
from tests.services.bridge.pc import Pc
from tests.services.bridge.test_cuts import begins, is_active, last_word
from tests.services.bridge.world import BridgeWorld

__all__ = ["make_url"]  # on each kind of database


async def test_an_operation_without_a_link_for_a_minute_is_over(world: BridgeWorld) -> None:
    someone, _, pc = await is_active(world)
    pc.before = lambda message: message["type"] != "start"
    await begins(world, someone, pc, CardTask.CHANGE_PIN)
    await pc.works()
    await pc.loses_link()
    await world.passes(seconds=60)
    assert world.told(OperationFailed) == []
    await world.passes(seconds=1)
    assert last_word(world).code == "link_lost"  # type: ignore[attr-defined]


async def test_what_was_cut_after_the_cryptogram_is_told_by_the_bridge_that_comes_back(
    world: BridgeWorld,
) -> None:
    """The link is away for longer than a minute, and the PC has finished meanwhile."""
    someone, card = await world.person()
    pc = await world.paired_pc(card)

    def until_verified(message: dict[str, object]) -> bool:
        if message["type"] == "admin_verified":
            pc.wire = None  # what is said from here on waits for a link
        return True

    pc.before = until_verified
    await begins(world, someone, pc, CardTask.ACTIVATE)
    await pc.works()
    assert card.pin_is_set
    await pc.loses_link()
    await world.passes(seconds=61)
    assert isinstance(last_word(world), OperationUnresolved)
    assert world.hub.status(CHAT).unresolved is CardTask.ACTIVATE
    pc.before = lambda _: True
    await pc.dials()
    await pc.works()
    assert isinstance(last_word(world), OperationSucceeded)
    assert await world.certificates_of(someone) is CertificateState.ACTIVE


async def test_a_new_bridge_resolves_what_the_old_one_left(world: BridgeWorld) -> None:
    """The PC died after the card had its new PIN."""
    someone, card = await world.person()
    await dies_after_the_pin_is_set(world, someone, card)
    assert isinstance(last_word(world), OperationUnresolved)
    another = await world.paired_pc(card)
    await another.works()
    assert isinstance(last_word(world), OperationSucceeded)
    assert await world.certificates_of(someone) is CertificateState.ACTIVE


async def dies_after_the_pin_is_set(world: BridgeWorld, someone: Someone, card: Card) -> None:
    pc = await world.paired_pc(card)

    def dies(message: dict[str, object]) -> bool:
        if message["type"] == "admin_verified":
            pc.wire = None
        return True

    pc.before = dies
    await begins(world, someone, pc, CardTask.ACTIVATE)
    await pc.works()
    await pc.loses_link()
    await world.passes(seconds=61)


async def test_the_card_that_is_asked_says_that_it_has_no_new_pin(world: BridgeWorld) -> None:
    someone, card = await world.person()
    await dies_after_the_pin_is_set(world, someone, card)
    card.pin_is_set = False
    another = await world.paired_pc(card)
    await another.works()
    word = last_word(world)
    assert isinstance(word, OperationFailed)
    assert word.code == "not_done"
    assert await world.certificates_of(someone) is CertificateState.INACTIVE
    await begins(world, someone, another, CardTask.ACTIVATE)
    await another.works()
    assert isinstance(last_word(world), OperationSucceeded)


async def test_a_new_code_takes_the_place_of_what_is_unresolved(world: BridgeWorld) -> None:
    someone, card = await world.person()
    await dies_after_the_pin_is_set(world, someone, card)
    another = Pc(world, card)
    another.before = lambda message: message["type"] != "start"
    await another.dials()
    await world.pairs(another)
    assert await world.hub.cancel(CHAT, world.now)  # instead of proving
    another.before = lambda _: True
    assert world.hub.status(CHAT).unresolved is CardTask.ACTIVATE
    await begins(world, someone, another, CardTask.ACTIVATE)
    await another.works()
    assert isinstance(last_word(world), OperationSucceeded)
    assert world.hub.status(CHAT).unresolved is None
    await world.restart()
    assert world.hub.status(CHAT).unresolved is None


async def test_the_card_is_asked_again_when_the_person_wants_it(world: BridgeWorld) -> None:
    someone, card = await world.person()
    await dies_after_the_pin_is_set(world, someone, card)
    other_card = (await world.person(2))[1]
    another = await world.paired_pc(other_card)
    await another.works()
    word = last_word(world)
    assert isinstance(word, OperationUnresolved)
    assert word.code == "wrong_card"
    another.card = card
    await world.hub.resolve(CHAT, world.now)
    await another.works()
    assert isinstance(last_word(world), OperationSucceeded)


async def test_an_end_that_was_not_told_is_told_again_after_a_restart(world: BridgeWorld) -> None:
    someone, card = await world.person()
    pc = await world.paired_pc(card)
    await begins(world, someone, pc, CardTask.ACTIVATE)
    await pc.works()
    done = last_word(world)
    world.events.clear()
    await world.restart()
    assert world.events == [done]
    await world.hub.acknowledge_end(done.operation_id)
    world.events.clear()
    await world.restart()
    assert world.events == []


async def test_a_revoked_card_is_not_activated_by_what_comes_late(world: BridgeWorld) -> None:
    someone, card = await world.person()
    await dies_after_the_pin_is_set(world, someone, card)
    await someone.is_revoked(world.now)
    another = await world.paired_pc(card)
    await another.works()
    word = last_word(world)
    assert isinstance(word, OperationFailed)
    assert (word.code, word.state) == ("wrong_state", "revoked")
    with pytest.raises((WrongStateError, BridgeError)):
        await world.hub.resolve(CHAT, world.now)
