"""Hostile bridges get no cryptogram that they should not have."""

import pytest

from services.authority.errors import AuthorityError, GrantUsedError
from services.bridge.events import CardTaskFailed
from services.bridge.operations.card_task import CardTask
from tests.services.authority.authority_harness import CHAT
from tests.services.bridge.hostile_bridge import (
    authorise_hostile_bridge,
    failures,
    make_active_card,
    pair_hostile_bridge,
)
from tests.services.bridge.hub_harness import HubHarness
from tests.services.bridge.wire_format import decode_bytes

OTHER = 2002


async def test_nothing_is_released_without_an_authorisation(harness: HubHarness) -> None:
    _, card = await make_active_card(harness)
    pc = await pair_hostile_bridge(harness, card)
    assert await pc.challenges(card) == []
    for work in (CardTask.CARD_STATUS, CardTask.CHANGE_PIN, CardTask.PROVE_POSSESSION):
        await harness.hub.start(CHAT, work, harness.now)
        await pc.works()
        assert await pc.challenges(card) == []
        await harness.hub.cancel(CHAT, harness.now)
        await pc.works()
    assert await harness.releases() == [card.serial]  # the one that activated it


async def test_another_persons_card_is_not_unlocked(harness: HubHarness) -> None:
    someone, card = await make_active_card(harness, 1)
    _, victims = await make_active_card(harness, 2)
    pc = await pair_hostile_bridge(harness, victims)
    grant = await harness.grant(someone, CardTask.UNLOCK)
    await harness.hub.start(CHAT, CardTask.UNLOCK, harness.now, grant)
    await pc.works()
    assert pc.wanted["card_serial"] == card.serial
    assert await pc.challenges(victims) == []
    assert failures(harness) == ["not_your_card"]


async def test_the_card_is_not_exchanged_after_it_was_authorised(harness: HubHarness) -> None:
    _, victims = await make_active_card(harness, 2)
    pc, card, _ = await authorise_hostile_bridge(harness)
    assert await pc.challenges(victims) == []
    assert failures(harness) == ["not_your_card"]
    assert await pc.challenges(card) == []  # and then not even for the own one


async def test_a_cryptogram_is_worth_nothing_on_another_card(harness: HubHarness) -> None:
    """It names its own card and forwards the challenge of another, whose key differs."""
    _, victims = await make_active_card(harness, 2)
    pc, card, _ = await authorise_hostile_bridge(harness)
    (given,) = await pc.challenges(victims, card.serial)
    assert victims.complete(decode_bytes(given["cryptogram"])) is None


async def test_without_any_card_it_gets_one_cryptogram_for_the_card_on_record(
    harness: HubHarness,
) -> None:
    """It has no card, and sends the serial that it was asked for."""
    someone, card = await make_active_card(harness)
    pc = await pair_hostile_bridge(harness, None)
    await harness.hub.start(
        CHAT, CardTask.UNLOCK, harness.now, await harness.grant(someone, CardTask.UNLOCK)
    )
    await pc.works()
    strangers = (await harness.person(2))[1]
    (given,) = await pc.challenges(strangers, pc.wanted["card_serial"])
    assert strangers.complete(decode_bytes(given["cryptogram"])) is None
    card.challenge()
    assert card.complete(decode_bytes(given["cryptogram"])) is None, (
        "nor for a challenge of its own"
    )
    assert len(await pc.challenges(card)) == 1
    assert (await harness.releases()).count(card.serial) == 2  # one of them activated it


async def test_what_was_superseded_has_no_say_any_more(harness: HubHarness) -> None:
    pc, card, _ = await authorise_hostile_bridge(harness)
    pc.before = lambda message: message["type"] != "cancel"  # it does not do as it is told
    await pc.challenges(card)
    await harness.passes(seconds=61)
    assert harness.hub.status(CHAT).unresolved is CardTask.UNLOCK
    before, old = pc.about, pc.wanted
    grant = await harness.grant(harness.authority_world.person(1), CardTask.UNLOCK)
    await harness.hub.start(CHAT, CardTask.UNLOCK, harness.now, grant)
    await pc.works()
    now, pc.about = pc.about, before
    count_before = len(harness.events)
    await pc.gives(pc.receipt("set_pin", old))
    await pc.fails("cancelled")
    assert len(await pc.challenges(card)) == 1, "that of before"
    assert harness.events[count_before:] == []
    pc.about = now
    assert len(await pc.challenges(card)) == 2


async def test_one_authorisation_releases_one_cryptogram(harness: HubHarness) -> None:
    pc, card, grant = await authorise_hostile_bridge(harness)
    assert len(await pc.challenges(card)) == 1
    for _ in range(3):
        assert len(await pc.challenges(card)) == 1
    assert {error["code"] for error in pc.heard_of("error")} == {"bad_state"}
    assert (await harness.card_steps()).count("cryptogram") == 2  # one of them activated the card
    await pc.fails("cancelled")
    with pytest.raises(GrantUsedError):  # nor does the same grant authorise again
        await harness.hub.start(CHAT, CardTask.UNLOCK, harness.now, grant)


async def test_a_grant_releases_one_cryptogram_over_whatever_hubs(harness: HubHarness) -> None:
    """Two processes on one database have authorised with the same grant."""
    pc, card, grant = await authorise_hostile_bridge(harness)
    here = harness.hub
    harness.build()
    there = harness.hub
    second = await pair_hostile_bridge(harness, card, CHAT)
    await there.start(CHAT, CardTask.UNLOCK, harness.now, grant)
    await second.works()
    assert len(await second.challenges(card)) == 1
    harness.hub = here
    assert await pc.challenges(card) == []
    assert failures(harness) == ["code_again"]
    await here.close()


async def test_a_restart_between_authorisation_and_challenge_releases_nothing(
    harness: HubHarness,
) -> None:
    pc, card, _ = await authorise_hostile_bridge(harness)
    old = harness.hub
    await harness.restart()
    assert await pc.challenges(card) == []  # to the process that should be dead
    assert failures(harness) == ["code_again"]
    await pc.dials()
    await pc.fails("link_lost")
    assert failures(harness) == ["code_again", "cancelled"], "as the old process had asked"
    await old.close()


async def test_a_challenge_comes_too_late(harness: HubHarness) -> None:
    pc, card, _ = await authorise_hostile_bridge(harness)
    harness.now = harness.now.replace(minute=harness.now.minute + 5, second=1)
    assert await pc.challenges(card) == []
    assert failures(harness) == ["timed_out"]


async def test_the_grant_is_over_before_the_challenge(harness: HubHarness) -> None:
    """The operation ends with its grant, however long the person types."""
    someone, card = await make_active_card(harness)
    pc = await pair_hostile_bridge(harness, card)
    grant = await harness.grant(someone, CardTask.UNLOCK)
    await harness.passes(minutes=9, seconds=30)
    await harness.hub.start(CHAT, CardTask.UNLOCK, harness.now, grant)
    await pc.works()
    assert pc.heard_of("start")[-1]["deadline"] == 30
    await harness.passes(seconds=31)
    assert await pc.challenges(card) == []
    await harness.passes(seconds=10)
    assert failures(harness) == ["timed_out"]


@pytest.mark.parametrize("act", ["suspends", "is_revoked"])
async def test_a_state_that_changed_meanwhile_is_looked_at_again(
    harness: HubHarness, act: str
) -> None:
    someone, card = await make_active_card(harness)
    pc = await pair_hostile_bridge(harness, card)
    await harness.hub.start(
        CHAT, CardTask.UNLOCK, harness.now, await harness.grant(someone, CardTask.UNLOCK)
    )
    await pc.works()
    await getattr(someone, act)(harness.now)
    assert await pc.challenges(card) == []
    assert failures(harness) == ["wrong_state"]


async def test_a_pairing_that_ended_elsewhere_releases_nothing(harness: HubHarness) -> None:
    """Another process has unpaired the chat, which this one does not know."""
    pc, card, _ = await authorise_hostile_bridge(harness)
    other = harness.another_hub()
    await other.restore(harness.now)
    assert await other.unpair(CHAT, harness.now)
    assert await pc.challenges(card) == []


async def test_a_grant_of_another_chat_or_operation_is_none(harness: HubHarness) -> None:
    someone, card = await make_active_card(harness)
    await pair_hostile_bridge(harness, card)
    of_another_chat = await harness.grant(someone, CardTask.UNLOCK, OTHER)
    to_activate = await harness.grant(someone, CardTask.ACTIVATE)
    for grant in (of_another_chat, to_activate, "0" * 32, "", None):
        with pytest.raises(AuthorityError):
            await harness.hub.start(CHAT, CardTask.UNLOCK, harness.now, grant)


async def test_a_recorded_cryptogram_is_worth_nothing_later(harness: HubHarness) -> None:
    pc, card, _ = await authorise_hostile_bridge(harness)
    (given,) = await pc.challenges(card)
    assert card.complete(decode_bytes(given["cryptogram"])) is not None
    card.challenge()
    assert card.complete(decode_bytes(given["cryptogram"])) is None


async def test_nobody_speaks_of_another_chats_operation(harness: HubHarness) -> None:
    pc, card, _ = await authorise_hostile_bridge(harness)
    thief = await pair_hostile_bridge(harness, card, OTHER)
    thief.about = pc.about
    assert await thief.challenges(card) == []
    await thief.fails("cancelled")
    assert harness.events_of(CardTaskFailed) == []
    assert len(await pc.challenges(card)) == 1
