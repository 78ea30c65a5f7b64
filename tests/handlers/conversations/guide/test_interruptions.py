"""Every step of every conversation, interrupted in every way: nobody loses the thread."""

from pathlib import Path

import pytest

from handlers.conversations.registry import GUIDES
from sandbox.engine import Engine
from tests.bot_harness import BotHarness
from tests.handlers.clock import advance_time
from tests.handlers.engine.interruptions import (
    LEAVING,
    Interruption,
    StepVisit,
    asks_a_question,
    describe_failure,
    looks_at_an_end,
    looks_at_every_info_button,
    stays_at_the_step,
    taps_twice,
    times_out,
)
from tests.handlers.engine.navigation import (
    LANGUAGES,
    StepLocation,
    go_to_step,
    locate_open_steps,
    locate_steps,
    press,
    state,
)


async def visit_step(
    harness: BotHarness, location: StepLocation, name: str, language: str
) -> StepVisit:
    """Bring a new person to a step."""
    anna = harness.add_user(name, language)
    await go_to_step(anna, location)

    async def return_from_previous() -> None:
        assert location.button is not None
        await press(anna, location.button.key)

    return StepVisit(anna, location, location.previous, return_from_previous)


async def visit_every_step(
    harness: BotHarness, conversation: str, offset: int = 0
) -> list[StepVisit]:
    """Bring a new person to each open step, every other one in Chinese."""
    return [
        await visit_step(
            harness, location, f"{location.name} {number}", LANGUAGES[(number + offset) % 2]
        )
        for number, location in enumerate(locate_open_steps(GUIDES, conversation))
    ]


@pytest.mark.parametrize("conversation", GUIDES)
async def test_what_comes_between_loses_no_thread(harness: BotHarness, conversation: str) -> None:
    for visit in await visit_every_step(harness, conversation):
        await stays_at_the_step(visit)


@pytest.mark.parametrize("interruption", LEAVING, ids=lambda f: f.__name__)
@pytest.mark.parametrize("conversation", GUIDES)
async def test_what_leads_elsewhere_leads_there_once(
    harness: BotHarness, conversation: str, interruption: Interruption
) -> None:
    for visit in await visit_every_step(harness, conversation, LEAVING.index(interruption)):
        with describe_failure(interruption, visit):
            await interruption(visit)


@pytest.mark.parametrize("conversation", GUIDES)
async def test_a_restart_changes_nothing(engine: Engine, tmp_path: Path, conversation: str) -> None:
    async with BotHarness.start(engine, tmp_path) as harness:
        people = await visit_every_step(harness, conversation)
        await harness.settle()
        offset = harness._offset
    async with BotHarness.start(engine, tmp_path) as restarted:
        restarted._offset = offset
        for visit in people:
            visit.anna.harness = restarted
            for interruption in (asks_a_question, looks_at_every_info_button, taps_twice):
                with describe_failure(interruption, visit):
                    await interruption(visit)


@pytest.mark.parametrize("conversation", GUIDES)
async def test_a_step_that_rested_too_long_says_so(harness: BotHarness, conversation: str) -> None:
    people = await visit_every_step(harness, conversation)
    advance_time(harness, days=3)
    for visit in people:
        with describe_failure(times_out, visit):
            await times_out(visit)
    anna = people[0].anna
    await anna.starts(f"do-{conversation}")
    assert (await state(anna)).is_open


@pytest.mark.parametrize("conversation", GUIDES)
async def test_every_end_is_reached_and_is_the_end(harness: BotHarness, conversation: str) -> None:
    for number, location in enumerate(locate_steps(GUIDES, conversation)):
        if not location.step.is_end:
            continue
        visit = await visit_step(
            harness, location, f"{location.name} {number}", LANGUAGES[number % 2]
        )
        anna = visit.anna
        await looks_at_an_end(visit)
        assert isinstance(location.step.links, tuple)
        for target in location.step.links:
            await go_to_step(anna, location)
            name, _, step = target.partition("/")
            await anna.forges(anna.last["message_id"], f"v1:do:{target.replace('/', '.')}")
            at = await state(anna)
            assert (at.conversation, at.step) == (name, step or GUIDES[name].initial)
