"""Resolving operations that were interrupted where the PIN may or may not be set."""

import pytest

from services.authority.errors import WrongStateError
from services.authority.lifecycle import CertificateState
from services.bridge.errors import BridgeError
from services.bridge.events import CardTaskFailed, CardTaskSucceeded, CardTaskUnresolved
from services.bridge.operations.card_task import CardTask
from tests.services.authority.authority_harness import CHAT, Applicant
from tests.services.authority.conftest import make_url
from tests.services.bridge.hub_harness import HubHarness
from tests.services.bridge.reference_bridge import ReferenceBridge
from tests.services.bridge.reference_card import ReferenceCard
from tests.services.bridge.test_interruptions import begins, is_active, last_word

__all__ = ["make_url"]  # on each kind of database


async def test_an_operation_without_a_link_for_a_minute_is_over(harness: HubHarness) -> None:
    someone, _, pc = await is_active(harness)
    pc.before = lambda message: message["type"] != "start"
    await begins(harness, someone, pc, CardTask.CHANGE_PIN)
    await pc.works()
    await pc.loses_link()
    await harness.passes(seconds=60)
    assert harness.events_of(CardTaskFailed) == []
    await harness.passes(seconds=1)
    assert last_word(harness).code == "unconfirmed"  # type: ignore[attr-defined]


async def test_what_was_cut_after_the_cryptogram_is_told_by_the_bridge_that_comes_back(
    harness: HubHarness,
) -> None:
    """The connection is lost for more than a minute, and the PC has finished meanwhile."""
    someone, card = await harness.person()
    pc = await harness.paired_pc(card)

    def until_verified(message: dict[str, object]) -> bool:
        if message["type"] == "admin_verified":
            pc.wire = None  # what is said from here on waits for a link
        return True

    pc.before = until_verified
    await begins(harness, someone, pc, CardTask.ACTIVATE)
    await pc.works()
    assert card.pin_is_set
    await pc.loses_link()
    await harness.passes(seconds=61)
    assert isinstance(last_word(harness), CardTaskUnresolved)
    assert harness.hub.status(CHAT).unresolved is CardTask.ACTIVATE
    pc.before = lambda _: True
    await pc.dials()
    await pc.works()
    assert isinstance(last_word(harness), CardTaskSucceeded)
    assert await harness.certificate_state(someone) is CertificateState.ACTIVE


async def test_a_new_bridge_resolves_what_the_old_one_left(harness: HubHarness) -> None:
    """The PC died after the card had its new PIN."""
    someone, card = await harness.person()
    await dies_after_the_pin_is_set(harness, someone, card)
    word = last_word(harness)
    assert isinstance(word, CardTaskUnresolved)
    assert not word.waits_for_person
    another = await harness.paired_pc(card)
    await another.works()
    assert isinstance(last_word(harness), CardTaskSucceeded)
    assert await harness.certificate_state(someone) is CertificateState.ACTIVE


async def dies_after_the_pin_is_set(
    harness: HubHarness, someone: Applicant, card: ReferenceCard
) -> None:
    pc = await harness.paired_pc(card)

    def dies(message: dict[str, object]) -> bool:
        if message["type"] == "admin_verified":
            pc.wire = None
        return True

    pc.before = dies
    await begins(harness, someone, pc, CardTask.ACTIVATE)
    await pc.works()
    await pc.loses_link()
    await harness.passes(seconds=61)


async def test_the_card_that_is_asked_says_that_it_has_no_new_pin(harness: HubHarness) -> None:
    someone, card = await harness.person()
    await dies_after_the_pin_is_set(harness, someone, card)
    card.pin_is_set = False
    another = await harness.paired_pc(card)
    await another.works()
    word = last_word(harness)
    assert isinstance(word, CardTaskFailed)
    assert word.code == "not_done"
    assert await harness.certificate_state(someone) is CertificateState.INACTIVE
    await begins(harness, someone, another, CardTask.ACTIVATE)
    await another.works()
    assert isinstance(last_word(harness), CardTaskSucceeded)


async def test_a_new_code_takes_the_place_of_what_is_unresolved(harness: HubHarness) -> None:
    someone, card = await harness.person()
    await dies_after_the_pin_is_set(harness, someone, card)
    another = ReferenceBridge(harness, card)
    another.before = lambda message: message["type"] != "start"
    await another.dials()
    await harness.pairs(another)
    await harness.hub.cancel(CHAT, harness.now)  # instead of proving
    another.before = lambda _: True
    assert harness.hub.status(CHAT).unresolved is CardTask.ACTIVATE
    word = last_word(harness)
    assert isinstance(word, CardTaskUnresolved)
    assert word.waits_for_person, "nobody asks the card by itself after that"
    await begins(harness, someone, another, CardTask.ACTIVATE)
    await another.works()
    assert isinstance(last_word(harness), CardTaskSucceeded)
    assert harness.hub.status(CHAT).unresolved is None
    await harness.restart()
    assert harness.hub.status(CHAT).unresolved is None


async def test_the_card_is_asked_again_when_the_person_wants_it(harness: HubHarness) -> None:
    someone, card = await harness.person()
    await dies_after_the_pin_is_set(harness, someone, card)
    other_card = (await harness.person(2))[1]
    another = await harness.paired_pc(other_card)
    await another.works()
    word = last_word(harness)
    assert isinstance(word, CardTaskUnresolved)
    assert word.code == "wrong_card"
    assert word.waits_for_person
    await harness.passes(minutes=1)
    assert last_word(harness) is word, "it is not asked by itself"
    another.card = card
    await harness.hub.resolve(CHAT, harness.now)
    await another.works()
    assert isinstance(last_word(harness), CardTaskSucceeded)


async def test_an_end_that_was_not_told_is_told_again_after_a_restart(harness: HubHarness) -> None:
    someone, card = await harness.person()
    pc = await harness.paired_pc(card)
    await begins(harness, someone, pc, CardTask.ACTIVATE)
    await pc.works()
    done = last_word(harness)
    harness.events.clear()
    await harness.restart()
    assert harness.events == [done]
    await harness.hub.acknowledge_end(done.operation_id)
    harness.events.clear()
    await harness.restart()
    assert harness.events == []


async def test_a_revoked_card_is_not_activated_by_what_comes_late(harness: HubHarness) -> None:
    someone, card = await harness.person()
    await dies_after_the_pin_is_set(harness, someone, card)
    await someone.is_revoked(harness.now)
    another = await harness.paired_pc(card)
    await another.works()
    word = last_word(harness)
    assert isinstance(word, CardTaskFailed)
    assert (word.code, word.state) == ("wrong_state", "revoked")
    with pytest.raises((WrongStateError, BridgeError)):
        await harness.hub.resolve(CHAT, harness.now)
