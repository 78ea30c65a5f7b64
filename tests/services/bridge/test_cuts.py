"""Every message of every operation: the link cut at it, and the server killed at it."""

from collections.abc import Awaitable, Callable

import pytest

from services.authority.lifecycle import CertificateState
from services.bridge.events import (
    BridgePaired,
    OperationEvent,
    OperationFailed,
    OperationSucceeded,
    PinSetResult,
    ServerFailure,
)
from services.bridge.operations.task import CardTask
from tests.services.authority import invariants
from tests.services.authority.world import CHAT, Someone
from tests.services.bridge.card import Card
from tests.services.bridge.pc import Pc
from tests.services.bridge.world import BridgeWorld, Killed, Scissors

ORDINARY = (
    CardTask.LIST_READERS,
    CardTask.CARD_STATUS,
    CardTask.READ_CERTIFICATE,
    CardTask.PROVE_POSSESSION,
    CardTask.CHANGE_PIN,
)
Scene = Callable[[], Awaitable[None]]


async def is_active(world: BridgeWorld) -> tuple[Someone, Card, Pc]:
    """Give a person whose card is active, at a PC that is paired."""
    someone, card = await world.person()
    pc = await world.paired_pc(card)
    await begins(world, someone, pc, CardTask.ACTIVATE)
    await pc.works()
    assert isinstance(world.events[-1], OperationSucceeded)
    await world.chats_were_told()
    return someone, card, pc


async def begins(world: BridgeWorld, someone: Someone, pc: Pc, work: CardTask) -> None:
    """Start something, with a new code where it needs one."""
    grant = await world.grant(someone, work) if work.purpose else None
    await world.hub.start(CHAT, work, world.now, grant)


async def cut_somewhere(world: BridgeWorld, scissors: Scissors, scene: Scene) -> bool:
    """Play a scene with scissors in hand; tell whether anything was cut."""
    world.scissors = scissors
    try:
        await scene()
    except Killed:
        assert scissors.kills
    world.scissors = None
    return scissors.cut


def last_word(world: BridgeWorld) -> OperationEvent:
    """Give the last thing the chat heard of its operation."""
    return world.told(OperationEvent)[-1]


async def link_comes_back(world: BridgeWorld, pc: Pc) -> None:
    """Have the server notice that the link is gone, and the bridge dial again."""
    await pc.loses_link()
    await pc.dials()
    await pc.works()


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("work", list(CardTask))
async def test_a_link_that_is_cut_at_any_message_goes_on_where_it_was(
    world: BridgeWorld, work: CardTask, arrives: bool
) -> None:
    someone, card, pc = await scene_of(world, work)
    cut, at = True, 0
    while cut:
        at += 1
        world.events.clear()

        async def scene(who: Someone = someone) -> None:
            await begins(world, who, pc, work)
            await pc.works()

        cut = await cut_somewhere(world, Scissors(at, kills=False, arrives=arrives), scene)
        if cut:
            await link_comes_back(world, pc)
        assert isinstance(last_word(world), OperationSucceeded), (at, last_word(world))
        assert len(world.told(OperationSucceeded)) == 1
        if work is CardTask.ACTIVATE:
            assert await world.certificates_of(someone) is CertificateState.ACTIVE
            someone, card = await world.person(at + 1)
            pc.card = card
    assert at > 2


async def scene_of(world: BridgeWorld, work: CardTask) -> tuple[Someone, Card, Pc]:
    if work is not CardTask.ACTIVATE:
        return await is_active(world)
    someone, card = await world.person()
    return someone, card, await world.paired_pc(card)


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("work", ORDINARY)
async def test_a_server_that_is_killed_explains_an_ordinary_operation(
    world: BridgeWorld, work: CardTask, arrives: bool
) -> None:
    someone, _, pc = await is_active(world)
    cut, at = True, 0
    while cut:
        at += 1
        world.events.clear()

        async def scene() -> None:
            await begins(world, someone, pc, work)
            await pc.works()

        cut = await cut_somewhere(world, Scissors(at, kills=True, arrives=arrives), scene)
        if cut:
            await comes_up_again(world, pc)
            await world.passes(seconds=16)
        if at > 1:  # before `start` has returned, the chat's update comes again
            word = last_word(world)
            assert isinstance(word, OperationSucceeded | OperationFailed), word
            assert (
                isinstance(word, OperationSucceeded) or word.code is ServerFailure.SERVER_RESTARTED
            )
            assert isinstance(word, OperationSucceeded) or at < COMPLETE[work]
        await begins(world, someone, pc, work)  # and can be done again
        await pc.works()
        assert isinstance(last_word(world), OperationSucceeded)


COMPLETE = {work: 3 if work in ORDINARY[3:] else 2 for work in ORDINARY}
"""From which message on the PC has done its part, whatever became of the server."""


async def comes_up_again(world: BridgeWorld, pc: Pc) -> None:
    """Start the server anew on the same database; the bridge comes back."""
    pc.wire = None
    world.now = world.now.replace(microsecond=0)
    await world.restart()
    await pc.dials()
    await pc.works()


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("work", [CardTask.ACTIVATE, CardTask.UNLOCK])
async def test_a_server_that_is_killed_finds_out_whether_the_pin_is_set(
    world: BridgeWorld, work: CardTask, arrives: bool
) -> None:
    """Whatever it was killed at: it is done, or it is explained and is done with a new code."""
    cut, at = True, 0
    ends = set()
    while cut:
        at += 1
        someone, card = await world.person(10 * at)
        pc = await world.paired_pc(card)
        if work is CardTask.UNLOCK:
            await begins(world, someone, pc, CardTask.ACTIVATE)
            await pc.works()
        card.pin_is_set = False
        await world.chats_were_told()

        async def scene(who: Someone = someone, where: Pc = pc) -> None:
            await begins(world, who, where, work)
            await where.works()

        cut = await cut_somewhere(world, Scissors(at, kills=True, arrives=arrives), scene)
        if cut:
            await comes_up_again(world, pc)
            await world.passes(seconds=16)  # the card is asked where the bridge does not tell
            await pc.works()
        word = last_word(world)
        ends.add(type(word).__name__)
        if isinstance(word, OperationSucceeded):
            assert card.pin_is_set
            assert word.value == PinSetResult()
        else:
            assert isinstance(word, OperationFailed), word
            assert not card.pin_is_set
            await begins(world, someone, pc, work)
            await pc.works()
            assert isinstance(last_word(world), OperationSucceeded)
        assert await world.certificates_of(someone) is CertificateState.ACTIVE
        assert len(await world.releases()) == (await world.card_steps()).count("cryptogram")
        await world.hub.unpair(CHAT, world.now)
        await world.chats_were_told()
    assert ends == {"OperationSucceeded", "OperationFailed"}
    assert at > 7
    await invariants.hold(world.world)


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_server_that_is_killed_while_pairing_can_be_paired_with_again(
    world: BridgeWorld, arrives: bool
) -> None:
    _, card = await world.person()
    cut, at = True, 0
    while cut:
        at += 1
        pc = Pc(world, card, f"198.51.100.{at}")
        await pc.dials()
        code = await world.hub.issue_pairing_code(CHAT, CHAT, "Anna", world.now)

        async def scene(where: Pc = pc, typed: str = code.code.reveal()) -> None:
            await where.types(typed)
            await world.hub.answer_pairing(CHAT, world.now, accepted=True)
            await where.works()

        cut = await cut_somewhere(world, Scissors(at, kills=True, arrives=arrives), scene)
        if cut:
            await comes_up_again(world, pc)
            if not world.hub.status(CHAT).is_connected:
                await world.pairs(pc)
        await world.hub.start(CHAT, CardTask.CARD_STATUS, world.now)
        await pc.works()
        assert isinstance(last_word(world), OperationSucceeded)
        assert len(world.told(BridgePaired)) >= 1
    assert at > 3
