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
from tests.handlers.conversations.online.bridge_stage import CardStage
from tests.handlers.conversations.online.cardholders import NOW, at
from tests.handlers.conversations.online.path_planning import Here, planned
from tests.handlers.conversations.online.pc_walker import (
    AtPc,
    PcCast,
    link_for,
    ways_at_the_pc,
)
from tests.handlers.conversations.online.walker import visits
from tests.handlers.engine.departures import (
    begins_another,
    cancels,
    rested_too_long,
    sends_the_same_update_twice,
    taps_twice,
)
from tests.handlers.engine.interruptions import Visit, keeps_the_thread, looks_at_an_end, noted
from tests.handlers.engine.navigation import declared, later

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


def goals(cards: CardStage, dialog: str, *, ends: bool) -> list[Here]:
    """Give the open steps of a conversation, or its ends; what cannot be made up for comes last."""
    steps = declared(cards.stage)[dialog].steps
    found = [(dialog, name) for name, step in steps.items() if step.is_end is ends]
    return sorted(found, key=lambda goal: goal[1] == "paused" or link_for(goal) == "away")


@pytest.fixture
async def at_pc(cards: CardStage, dialog: str) -> AsyncIterator[AtPc]:
    """Somebody with a PC that stays on."""
    async with cards.pc() as pc:
        yield AtPc(cards, cards.stage.subscriber("Mai", LANGUAGES[dialog]), pc)


async def visit(at_pc: AtPc, goal: Here) -> Visit:
    """Bring them to a step."""
    map_ = partial(ways_at_the_pc, link_for(goal))
    role, path = planned(declared(at_pc.anna.stage), goal, map_)
    cast = PcCast(at_pc.cards.office, at_pc.anna, role, at=at_pc)
    await cast.prepares(goal)
    return replace(await visits(cast, goal, path, map_), rests=at_pc.stands_still)


def test_no_conversation_and_no_way_is_left_out(cards: CardStage) -> None:
    known = declared(cards.stage)
    assert set(known) == {*AT_THE_PC, *CARRIED_OUT}
    every = [(name, step) for name in AT_THE_PC for step in known[name].steps]
    assert {
        goal
        for goal in every
        if planned(known, goal, partial(ways_at_the_pc, link_for(goal)))[1][0].does
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


async def rests_for_two_hours(visit: Visit) -> None:
    if visit.spot.name in (WORK, COMPARE, CONFIRMED):
        return  # the hub watches over it, and ends it sooner with a word of its own
    later(visit.anna.stage, hours=2)
    await rested_too_long(visit)
    at(visit.anna.stage, NOW)


LEAVING = (
    begins_another, cancels, rests_for_two_hours, sends_the_same_update_twice, taps_twice,
)  # fmt: skip


@pytest.mark.parametrize("dialog", AT_THE_PC)
async def test_what_comes_between_loses_no_thread(at_pc: AtPc, dialog: str) -> None:
    for goal in goals(at_pc.cards, dialog, ends=False):
        if goal[1] in STEPS and dialog not in PAIRED_IN:
            continue  # the same steps
        there = await visit(at_pc, goal)
        await keeps_the_thread(there)
        for interruption in LEAVING:
            with noted(interruption, there):
                await interruption(there)
            if interruption is not LEAVING[-1]:
                there = await visit(at_pc, goal)


@pytest.mark.parametrize("dialog", AT_THE_PC)
async def test_every_end_is_reached_and_is_the_end(at_pc: AtPc, dialog: str) -> None:
    for goal in goals(at_pc.cards, dialog, ends=True):
        there = await visit(at_pc, goal)
        with noted(looks_at_an_end, there):
            await looks_at_an_end(there)
