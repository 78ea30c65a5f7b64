"""Every step of what is done with a card, interrupted in every way: nobody loses the thread."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest

from handlers.card.operation_steps import WORK
from handlers.card.pairing_steps import COMPARE, CONFIRMED, STEPS
from handlers.engine.model import resolve_target
from handlers.engine.rendering import SHOW
from handlers.engine.transitions import BACK, CANCEL
from tests.handlers.conversations.online.bridge_stage import BridgeStage
from tests.handlers.conversations.online.cardholders import NOW, set_time
from tests.handlers.conversations.online.path_planning import StepId, plan_visit
from tests.handlers.conversations.online.pc_walker import (
    PcDriver,
    PcWalker,
    find_edges_with_pc,
    pc_state_for,
)
from tests.handlers.conversations.online.walker import visit_step
from tests.handlers.engine.departures import (
    begins_another,
    cancels,
    sends_the_same_update_twice,
    taps_twice,
    times_out,
)
from tests.handlers.engine.interruptions import (
    StepVisit,
    describe_failure,
    looks_at_an_end,
    stays_at_the_step,
)
from tests.handlers.engine.navigation import advance_time, declared_conversations

CARRIED_OUT = ("triage", "retrieve", "pay", "suspend", "resume", "status")
BY_A_LINK_ONLY = {
    ("activate", "unpaid"), ("activate", "inactive"), ("unlock", "unpaid"), ("unlock", "waiting"),
}  # fmt: skip
"""Whose card is in a reader has one, and it can be activated once it was posted."""
AT_THE_PC = ("pair", "card_check", "change_pin", "activate", "unlock")
PAIRED_IN = ("pair", "activate")
"""Where the steps of pairing, which are the same everywhere, are interrupted."""
LANGUAGES = {"pair": "en", "card_check": "zh-hant", "change_pin": "en", "activate": "zh-hant",
             "unlock": "en"}  # fmt: skip


def goals(cards: BridgeStage, dialog: str, *, ends: bool) -> list[StepId]:
    """Give the open steps of a conversation, or its ends; what cannot be made up for comes last."""
    steps = declared_conversations(cards.stage)[dialog].steps
    found = [(dialog, name) for name, step in steps.items() if step.is_end is ends]
    return sorted(found, key=lambda goal: goal[1] == "paused" or pc_state_for(goal) == "away")


@pytest.fixture
async def at_pc(cards: BridgeStage, dialog: str) -> AsyncIterator[PcDriver]:
    """Somebody with a PC that stays on."""
    async with cards.open_pc() as pc:
        yield PcDriver(cards, cards.stage.subscriber("Mai", LANGUAGES[dialog]), pc)


async def visit(at_pc: PcDriver, goal: StepId) -> StepVisit:
    """Bring them to a step."""
    map_ = partial(find_edges_with_pc, pc_state_for(goal))
    role, path = plan_visit(declared_conversations(at_pc.anna.stage), goal, map_)
    cast = PcWalker(at_pc.bridge_stage.office, at_pc.anna, role, driver=at_pc)
    await cast.prepare(goal)
    return replace(await visit_step(cast, goal, path, map_), wait_until_idle=at_pc.wait_until_idle)


def test_no_conversation_and_no_way_is_left_out(cards: BridgeStage) -> None:
    known = declared_conversations(cards.stage)
    assert set(known) == {*AT_THE_PC, *CARRIED_OUT}
    every = [(name, step) for name in AT_THE_PC for step in known[name].steps]
    assert {
        goal
        for goal in every
        if plan_visit(known, goal, partial(find_edges_with_pc, pc_state_for(goal)))[1][0].action
        == "link:" + "-".join(goal)
    } == BY_A_LINK_ONLY
    for dialog in known.values():
        for step in dialog.steps.values():
            names = [each.key for each in step.buttons] + [each.key for each in step.info_buttons]
            shown_apart = [name for name in names if name != "code"]  # one of two is shown
            assert len(shown_apart) == len(set(shown_apart))
            assert not {BACK, CANCEL, SHOW} & set(names)
            for target in (
                each for way in step.transitions for each in (way.target, *way.also_targets)
            ):
                other, there = resolve_target(target, dialog.name)
                assert there in known[other].steps, f"{dialog.name} leads to {target}"


async def rests_for_two_hours(visit: StepVisit) -> None:
    if visit.location.name in (WORK, COMPARE, CONFIRMED):
        return  # the hub watches over it, and ends it sooner with a word of its own
    advance_time(visit.anna.stage, hours=2)
    await times_out(visit)
    set_time(visit.anna.stage, NOW)


LEAVING = (
    begins_another, cancels, rests_for_two_hours, sends_the_same_update_twice, taps_twice,
)  # fmt: skip


@pytest.mark.parametrize("dialog", AT_THE_PC)
async def test_what_comes_between_loses_no_thread(at_pc: PcDriver, dialog: str) -> None:
    for goal in goals(at_pc.bridge_stage, dialog, ends=False):
        if goal[1] in STEPS and dialog not in PAIRED_IN:
            continue  # the same steps
        there = await visit(at_pc, goal)
        await stays_at_the_step(there)
        for interruption in LEAVING:
            with describe_failure(interruption, there):
                await interruption(there)
            if interruption is not LEAVING[-1]:
                there = await visit(at_pc, goal)


@pytest.mark.parametrize("dialog", AT_THE_PC)
async def test_every_end_is_reached_and_is_the_end(at_pc: PcDriver, dialog: str) -> None:
    for goal in goals(at_pc.bridge_stage, dialog, ends=True):
        there = await visit(at_pc, goal)
        with describe_failure(looks_at_an_end, there):
            await looks_at_an_end(there)
