"""Interruptions at every message of every operation: lost connection, killed server."""

from collections.abc import Awaitable, Callable

import pytest

from services.authority.lifecycle import CertificateState
from services.bridge.events import (
    BridgePaired,
    CardTaskEvent,
    CardTaskFailed,
    CardTaskSucceeded,
    PinSetResult,
    ServerFailure,
)
from services.bridge.operations.card_task import CardTask
from tests.services.authority import invariants
from tests.services.authority.authority_harness import CHAT, Applicant
from tests.services.bridge.hub_harness import HubHarness, MessageCutter, ServerKilled
from tests.services.bridge.reference_bridge import ReferenceBridge
from tests.services.bridge.reference_card import ReferenceCard

ORDINARY = (
    CardTask.LIST_READERS,
    CardTask.CARD_STATUS,
    CardTask.READ_CERTIFICATE,
    CardTask.PROVE_POSSESSION,
    CardTask.CHANGE_PIN,
)
Scenario = Callable[[], Awaitable[None]]


async def is_active(harness: HubHarness) -> tuple[Applicant, ReferenceCard, ReferenceBridge]:
    """Return a person with an active card at a paired PC."""
    someone, card = await harness.person()
    pc = await harness.paired_pc(card)
    await begins(harness, someone, pc, CardTask.ACTIVATE)
    await pc.works()
    assert isinstance(harness.events[-1], CardTaskSucceeded)
    await harness.acknowledge_ends()
    return someone, card, pc


async def begins(
    harness: HubHarness, someone: Applicant, pc: ReferenceBridge, work: CardTask
) -> None:
    """Start a task, with a new grant where it needs one."""
    grant = await harness.grant(someone, work) if work.purpose else None
    await harness.hub.start(CHAT, work, harness.now, grant)


async def cut_somewhere(harness: HubHarness, cutter: MessageCutter, scenario: Scenario) -> bool:
    """Play a scenario with a message cutter, and return whether it has cut."""
    harness.cutter = cutter
    try:
        await scenario()
    except ServerKilled:
        assert cutter.kills
    harness.cutter = None
    return cutter.has_cut


def last_word(harness: HubHarness) -> CardTaskEvent:
    """Return the last event of the chat's operation."""
    return harness.events_of(CardTaskEvent)[-1]


async def link_comes_back(harness: HubHarness, pc: ReferenceBridge) -> None:
    """Let the server notice the lost connection, and the bridge reconnect."""
    await pc.loses_link()
    await pc.dials()
    await pc.works()


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("work", list(CardTask))
async def test_a_link_that_is_cut_at_any_message_goes_on_where_it_was(
    harness: HubHarness, work: CardTask, arrives: bool
) -> None:
    someone, card, pc = await scene_of(harness, work)
    cut, at = True, 0
    while cut:
        at += 1
        harness.events.clear()

        async def scenario(who: Applicant = someone) -> None:
            await begins(harness, who, pc, work)
            await pc.works()

        cut = await cut_somewhere(
            harness, MessageCutter(at, kills=False, arrives=arrives), scenario
        )
        if cut:
            await link_comes_back(harness, pc)
        assert isinstance(last_word(harness), CardTaskSucceeded), (at, last_word(harness))
        assert len(harness.events_of(CardTaskSucceeded)) == 1
        if work is CardTask.ACTIVATE:
            assert await harness.certificate_state(someone) is CertificateState.ACTIVE
            someone, card = await harness.person(at + 1)
            pc.card = card
    assert at > 2


async def scene_of(
    harness: HubHarness, work: CardTask
) -> tuple[Applicant, ReferenceCard, ReferenceBridge]:
    if work is not CardTask.ACTIVATE:
        return await is_active(harness)
    someone, card = await harness.person()
    return someone, card, await harness.paired_pc(card)


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("work", ORDINARY)
async def test_a_server_that_is_killed_explains_an_ordinary_operation(
    harness: HubHarness, work: CardTask, arrives: bool
) -> None:
    someone, _, pc = await is_active(harness)
    cut, at = True, 0
    while cut:
        at += 1
        harness.events.clear()

        async def scenario() -> None:
            await begins(harness, someone, pc, work)
            await pc.works()

        cut = await cut_somewhere(harness, MessageCutter(at, kills=True, arrives=arrives), scenario)
        if cut:
            await comes_up_again(harness, pc)
            await harness.passes(seconds=21)
        if at > 1:  # before `start` has returned, the chat's update comes again
            word = last_word(harness)
            assert isinstance(word, CardTaskSucceeded | CardTaskFailed), word
            assert (
                isinstance(word, CardTaskSucceeded) or word.code is ServerFailure.SERVER_RESTARTED
            )
            assert isinstance(word, CardTaskSucceeded) or at < COMPLETE[work]
        await begins(harness, someone, pc, work)  # and can be done again
        await pc.works()
        assert isinstance(last_word(harness), CardTaskSucceeded)


COMPLETE = {work: 3 if work in ORDINARY[3:] else 2 for work in ORDINARY}
"""The message from which on the PC has done its part, whatever happens to the server."""


async def comes_up_again(harness: HubHarness, pc: ReferenceBridge) -> None:
    """Restart the server on the same database; the bridge reconnects."""
    pc.wire = None
    await harness.restart()
    await pc.dials()
    await pc.works()


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("work", [CardTask.ACTIVATE, CardTask.UNLOCK])
async def test_a_server_that_is_killed_finds_out_whether_the_pin_is_set(
    harness: HubHarness, work: CardTask, arrives: bool
) -> None:
    """Wherever it is killed: it succeeds, or is explained and succeeds with a new code."""
    cut, at = True, 0
    ends = set()
    while cut:
        at += 1
        someone, card = await harness.person(10 * at)
        pc = await harness.paired_pc(card)
        if work is CardTask.UNLOCK:
            await begins(harness, someone, pc, CardTask.ACTIVATE)
            await pc.works()
        card.pin_is_set = False
        await harness.acknowledge_ends()

        async def scenario(who: Applicant = someone, where: ReferenceBridge = pc) -> None:
            await begins(harness, who, where, work)
            await where.works()

        cut = await cut_somewhere(harness, MessageCutter(at, kills=True, arrives=arrives), scenario)
        if cut:
            await comes_up_again(harness, pc)
            await harness.passes(seconds=21)  # the card is asked where the bridge does not tell
            await pc.works()
        word = last_word(harness)
        ends.add(type(word).__name__)
        if isinstance(word, CardTaskSucceeded):
            assert card.pin_is_set
            assert word.value == PinSetResult()
        else:
            assert isinstance(word, CardTaskFailed), word
            assert not card.pin_is_set
            await begins(harness, someone, pc, work)
            await pc.works()
            assert isinstance(last_word(harness), CardTaskSucceeded)
        assert await harness.certificate_state(someone) is CertificateState.ACTIVE
        assert len(await harness.releases()) == (await harness.card_steps()).count("cryptogram")
        await harness.hub.unpair(CHAT, harness.now)
        await harness.acknowledge_ends()
    assert ends == {"CardTaskSucceeded", "CardTaskFailed"}
    assert at > 7
    await invariants.check_invariants(harness.authority_world)


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_server_that_is_killed_while_pairing_can_be_paired_with_again(
    harness: HubHarness, arrives: bool
) -> None:
    _, card = await harness.person()
    cut, at = True, 0
    while cut:
        at += 1
        pc = ReferenceBridge(harness, card, f"198.51.100.{at}")
        await pc.dials()
        code = await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna", harness.now)

        async def scenario(where: ReferenceBridge = pc, typed: str = code.code.reveal()) -> None:
            await where.types(typed)
            await harness.hub.answer_pairing(CHAT, harness.now, accepted=True)
            await where.works()

        cut = await cut_somewhere(harness, MessageCutter(at, kills=True, arrives=arrives), scenario)
        if cut:
            await comes_up_again(harness, pc)
            if not harness.hub.status(CHAT).is_connected:
                await harness.pairs(pc)
        await harness.hub.start(CHAT, CardTask.CARD_STATUS, harness.now)
        await pc.works()
        assert isinstance(last_word(harness), CardTaskSucceeded)
        assert len(harness.events_of(BridgePaired)) >= 1
    assert at > 3
