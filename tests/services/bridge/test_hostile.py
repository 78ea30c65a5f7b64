"""A bridge that means harm: whatever it says, it gets no cryptogram it should not have."""

import pytest

from services.authority.errors import AuthorityError, GrantExpiredError
from services.bridge.events import OperationFailed
from services.bridge.operations.task import CardTask
from tests.services.authority.world import CHAT
from tests.services.bridge.attacker import attacker, authorised, failures, locked
from tests.services.bridge.said import octets
from tests.services.bridge.world import BridgeWorld

OTHER = 2002


async def test_nothing_is_released_without_an_authorisation(world: BridgeWorld) -> None:
    _, card = await locked(world)
    pc = await attacker(world, card)
    assert await pc.challenges(card) == []
    for work in (CardTask.CARD_STATUS, CardTask.CHANGE_PIN, CardTask.PROVE_POSSESSION):
        await world.hub.start(CHAT, work, world.now)
        await pc.works()
        assert await pc.challenges(card) == []
        await world.hub.cancel(CHAT, world.now)
    assert await world.releases() == [card.serial]  # the one that activated it


async def test_another_persons_card_is_not_unlocked(world: BridgeWorld) -> None:
    someone, card = await locked(world, 1)
    _, victims = await locked(world, 2)
    pc = await attacker(world, victims)
    grant = await world.grant(someone, CardTask.UNLOCK)
    await world.hub.start(CHAT, CardTask.UNLOCK, world.now, grant)
    await pc.works()
    assert pc.wanted["card_serial"] == card.serial
    assert await pc.challenges(victims) == []
    assert failures(world) == ["not_your_card"]


async def test_the_card_is_not_exchanged_after_it_was_authorised(world: BridgeWorld) -> None:
    _, victims = await locked(world, 2)
    pc, card, _ = await authorised(world)
    assert await pc.challenges(victims) == []
    assert failures(world) == ["not_your_card"]
    assert await pc.challenges(card) == []  # and then not even for the own one


async def test_a_cryptogram_is_worth_nothing_on_another_card(world: BridgeWorld) -> None:
    """It names its own card and passes on the challenge of another: the keys differ."""
    _, victims = await locked(world, 2)
    pc, card, _ = await authorised(world)
    (given,) = await pc.challenges(victims, card.serial)
    assert victims.complete(octets(given["cryptogram"])) is None


async def test_without_any_card_it_gets_one_cryptogram_for_the_card_on_record(
    world: BridgeWorld,
) -> None:
    """It never had a card to look at, and says the serial that it was told."""
    someone, card = await locked(world)
    pc = await attacker(world, None)
    await world.hub.start(
        CHAT, CardTask.UNLOCK, world.now, await world.grant(someone, CardTask.UNLOCK)
    )
    await pc.works()
    strangers = (await world.person(2))[1]
    (given,) = await pc.challenges(strangers, pc.wanted["card_serial"])
    assert strangers.complete(octets(given["cryptogram"])) is None
    card.challenge()
    assert card.complete(octets(given["cryptogram"])) is None, "nor for a challenge of its own"
    assert len(await pc.challenges(card)) == 1
    assert (await world.releases()).count(card.serial) == 2  # one of them activated it


async def test_what_was_superseded_has_no_say_any_more(world: BridgeWorld) -> None:
    pc, card, _ = await authorised(world)
    pc.before = lambda message: message["type"] != "cancel"  # it does not do as it is told
    await pc.challenges(card)
    await world.passes(seconds=61)
    assert world.hub.status(CHAT).unresolved is CardTask.UNLOCK
    before, old = pc.about, pc.wanted
    grant = await world.grant(world.world.person(1), CardTask.UNLOCK)
    await world.hub.start(CHAT, CardTask.UNLOCK, world.now, grant)
    await pc.works()
    now, pc.about = pc.about, before
    heard = len(world.events)
    await pc.gives(pc.receipt("set_pin", old))
    await pc.fails("cancelled")
    assert len(await pc.challenges(card)) == 1, "that of before"
    assert world.events[heard:] == []
    pc.about = now
    assert len(await pc.challenges(card)) == 2


async def test_one_authorisation_releases_one_cryptogram(world: BridgeWorld) -> None:
    pc, card, grant = await authorised(world)
    assert len(await pc.challenges(card)) == 1
    for _ in range(3):
        assert len(await pc.challenges(card)) == 1
    assert {error["code"] for error in pc.heard_of("error")} == {"bad_state"}
    assert (await world.card_steps()).count("cryptogram") == 2  # one of them activated the card
    await pc.fails("cancelled")
    with pytest.raises(GrantExpiredError):  # nor does the same grant authorise again
        await world.hub.start(CHAT, CardTask.UNLOCK, world.now, grant)


async def test_a_grant_releases_one_cryptogram_over_whatever_hubs(world: BridgeWorld) -> None:
    """Two processes on one database, each of which has authorised with the same grant."""
    pc, card, grant = await authorised(world)
    here = world.hub
    world.build()
    there = world.hub
    second = await attacker(world, card, CHAT)
    await there.start(CHAT, CardTask.UNLOCK, world.now, grant)
    await second.works()
    assert len(await second.challenges(card)) == 1
    world.hub = here
    assert await pc.challenges(card) == []
    assert failures(world) == ["code_again"]
    await here.close()


async def test_a_restart_between_authorisation_and_challenge_releases_nothing(
    world: BridgeWorld,
) -> None:
    pc, card, _ = await authorised(world)
    old = world.hub
    await world.restart()
    assert await pc.challenges(card) == []  # to the process that should be dead
    assert set(failures(world)) == {"server_restarted", "code_again"}
    await old.close()


async def test_a_challenge_comes_too_late(world: BridgeWorld) -> None:
    pc, card, _ = await authorised(world)
    world.now = world.now.replace(minute=world.now.minute + 5, second=1)
    assert await pc.challenges(card) == []
    assert failures(world) == ["timed_out"]


async def test_the_grant_is_over_before_the_challenge(world: BridgeWorld) -> None:
    """The operation ends with its grant, however long the person types."""
    someone, card = await locked(world)
    pc = await attacker(world, card)
    grant = await world.grant(someone, CardTask.UNLOCK)
    await world.passes(minutes=9, seconds=30)
    await world.hub.start(CHAT, CardTask.UNLOCK, world.now, grant)
    await pc.works()
    assert pc.heard_of("start")[-1]["deadline"] == 30
    await world.passes(seconds=31)
    assert await pc.challenges(card) == []
    await world.passes(seconds=10)
    assert failures(world) == ["timed_out"]


@pytest.mark.parametrize("act", ["suspends", "is_revoked"])
async def test_a_state_that_changed_meanwhile_is_looked_at_again(
    world: BridgeWorld, act: str
) -> None:
    someone, card = await locked(world)
    pc = await attacker(world, card)
    await world.hub.start(
        CHAT, CardTask.UNLOCK, world.now, await world.grant(someone, CardTask.UNLOCK)
    )
    await pc.works()
    await getattr(someone, act)(world.now)
    assert await pc.challenges(card) == []
    assert failures(world) == ["wrong_state"]


async def test_a_pairing_that_ended_elsewhere_releases_nothing(world: BridgeWorld) -> None:
    """Another process has unpaired the chat; this one has not heard of it."""
    pc, card, _ = await authorised(world)
    other = world.another_hub()
    await other.restore(world.now)
    assert await other.unpair(CHAT, world.now)
    assert await pc.challenges(card) == []


async def test_a_grant_of_another_chat_or_operation_is_none(world: BridgeWorld) -> None:
    someone, card = await locked(world)
    await attacker(world, card)
    of_another_chat = await world.grant(someone, CardTask.UNLOCK, OTHER)
    to_activate = await world.grant(someone, CardTask.ACTIVATE)
    for grant in (of_another_chat, to_activate, "0" * 32, "", None):
        with pytest.raises(AuthorityError):
            await world.hub.start(CHAT, CardTask.UNLOCK, world.now, grant)


async def test_a_recorded_cryptogram_is_worth_nothing_later(world: BridgeWorld) -> None:
    pc, card, _ = await authorised(world)
    (given,) = await pc.challenges(card)
    assert card.complete(octets(given["cryptogram"])) is not None
    card.challenge()
    assert card.complete(octets(given["cryptogram"])) is None


async def test_nobody_speaks_of_another_chats_operation(world: BridgeWorld) -> None:
    pc, card, _ = await authorised(world)
    thief = await attacker(world, card, OTHER)
    thief.about = pc.about
    assert await thief.challenges(card) == []
    await thief.fails("cancelled")
    assert world.told(OperationFailed) == []
    assert len(await pc.challenges(card)) == 1
