"""Every step that needs a card, interrupted in every transition: nobody loses the thread."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest

from handlers.card.operation_steps import WORK
from handlers.card.pairing_steps import COMPARE, CONFIRMED, STEPS
from handlers.engine.model import resolve_target
from handlers.engine.rendering import SHOW
from handlers.engine.transitions import BACK, CANCEL
from tests.handlers.clock import NOW, advance_time, set_time
from tests.handlers.conversations.online.bridge_harness import BridgeHarness
from tests.handlers.conversations.online.path_planning import StepId, plan_visit
from tests.handlers.conversations.online.pc_walker import (
    PcDriver,
    PcWalker,
    find_edges_with_pc,
    pc_state_for,
)
from tests.handlers.conversations.online.step_walker import forget_mails, visit_step
from tests.handlers.engine.interruptions import (
    StepVisit,
    begins_another,
    cancels,
    describe_failure,
    looks_at_an_end,
    sends_the_same_update_twice,
    stays_at_the_step,
    taps_twice,
    times_out,
)
from tests.handlers.engine.navigation import declared_conversations

WITHOUT_PC = ("triage", "retrieve", "pay", "suspend", "resume", "status")
BY_A_LINK_ONLY = {
    ("activate", "unpaid"), ("activate", "inactive"), ("unlock", "unpaid"), ("unlock", "waiting"),
}  # fmt: skip
"""Not reached with a card in a reader, which was posted and can be activated."""
WITH_PC = ("pair", "card_check", "change_pin", "activate", "unlock")
PAIRED_IN = ("pair", "activate")
"""Where the pairing steps, which are the same everywhere, are interrupted."""
LANGUAGES = {"pair": "en", "card_check": "zh-hant", "change_pin": "en", "activate": "zh-hant",
             "unlock": "en"}  # fmt: skip


def list_steps(bridge_harness: BridgeHarness, conversation: str, *, ends: bool) -> list[StepId]:
    """Return the open steps of a conversation, or its ends; what cannot be undone comes last."""
    steps = declared_conversations(bridge_harness.harness)[conversation].steps
    found = [(conversation, name) for name, step in steps.items() if step.is_end is ends]
    last = {"verify_limit": 1, "paused": 3}
    return sorted(found, key=lambda goal: last.get(goal[1], 2 * (pc_state_for(goal) == "away")))


@pytest.fixture
async def pc_driver(bridge_harness: BridgeHarness, conversation: str) -> AsyncIterator[PcDriver]:
    """A person with a PC that stays on."""
    async with bridge_harness.open_pc() as pc:
        yield PcDriver(
            bridge_harness, bridge_harness.harness.add_user("Mai", LANGUAGES[conversation]), pc
        )


async def visit_with_pc(pc_driver: PcDriver, goal: StepId) -> StepVisit:
    """Bring the person to a step."""
    edges_from = partial(find_edges_with_pc, pc_state_for(goal))
    persona, path = plan_visit(declared_conversations(pc_driver.anna.harness), goal, edges_from)
    walker = PcWalker(pc_driver.bridge_harness.office, pc_driver.anna, persona, driver=pc_driver)
    await walker.prepare(goal)
    await forget_mails(pc_driver.bridge_harness.office, pc_driver.anna.person.id)
    return replace(
        await visit_step(walker, goal, path, edges_from), wait_until_idle=pc_driver.wait_until_idle
    )


def test_no_conversation_and_no_way_is_left_out(bridge_harness: BridgeHarness) -> None:
    conversations = declared_conversations(bridge_harness.harness)
    assert set(conversations) == {*WITH_PC, *WITHOUT_PC}
    every = [(name, step) for name in WITH_PC for step in conversations[name].steps]
    assert {
        goal
        for goal in every
        if plan_visit(conversations, goal, partial(find_edges_with_pc, pc_state_for(goal)))[1][
            0
        ].action
        == "link:" + "-".join(goal)
    } == BY_A_LINK_ONLY
    for conversation in conversations.values():
        for step in conversation.steps.values():
            names = [each.key for each in step.buttons] + [each.key for each in step.info_buttons]
            unique_at_a_time = [name for name in names if name != "code"]  # one of two is shown
            assert len(unique_at_a_time) == len(set(unique_at_a_time))
            assert not {BACK, CANCEL, SHOW} & set(names)
            for target in (
                each
                for transition in step.transitions
                for each in (transition.target, *transition.also_targets)
            ):
                other, there = resolve_target(target, conversation.name)
                assert there in conversations[other].steps, f"{conversation.name} leads to {target}"


async def times_out_after_two_hours(visit: StepVisit) -> None:
    if visit.location.name in (WORK, COMPARE, CONFIRMED):
        return  # the hub ends these earlier, with a message of its own
    advance_time(visit.anna.harness, hours=2)
    await times_out(visit)
    set_time(visit.anna.harness, NOW)


LEAVING = (
    begins_another, cancels, times_out_after_two_hours, sends_the_same_update_twice, taps_twice,
)  # fmt: skip


@pytest.mark.parametrize("conversation", WITH_PC)
async def test_what_comes_between_loses_no_thread(pc_driver: PcDriver, conversation: str) -> None:
    for goal in list_steps(pc_driver.bridge_harness, conversation, ends=False):
        if goal[1] in STEPS and conversation not in PAIRED_IN:
            continue  # the same steps
        there = await visit_with_pc(pc_driver, goal)
        await stays_at_the_step(there)
        for interruption in LEAVING:
            with describe_failure(interruption, there):
                await interruption(there)
            if interruption is not LEAVING[-1]:
                there = await visit_with_pc(pc_driver, goal)


@pytest.mark.parametrize("conversation", WITH_PC)
async def test_every_end_is_reached_and_is_the_end(pc_driver: PcDriver, conversation: str) -> None:
    for goal in list_steps(pc_driver.bridge_harness, conversation, ends=True):
        there = await visit_with_pc(pc_driver, goal)
        with describe_failure(looks_at_an_end, there):
            await looks_at_an_end(there)
