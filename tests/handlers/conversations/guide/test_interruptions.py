"""Every step of every conversation, interrupted in every way: nobody loses the thread."""

from pathlib import Path

import pytest

from handlers.conversations.guided import CONVERSATIONS
from sandbox.engine import Engine
from tests.chat import Stage
from tests.handlers.engine.departures import LEAVING, taps_twice, times_out
from tests.handlers.engine.interruptions import (
    Interruption,
    StepVisit,
    asks_a_question,
    describe_failure,
    looks_at_an_end,
    looks_at_every_info_button,
    stays_at_the_step,
)
from tests.handlers.engine.navigation import (
    LANGUAGES,
    StepLocation,
    advance_time,
    go_to_step,
    locate_open_steps,
    locate_steps,
    press,
    state,
)


async def visits(stage: Stage, spot: StepLocation, name: str, language: str) -> StepVisit:
    """Bring somebody to a step."""
    anna = stage.subscriber(name, language)
    await go_to_step(anna, spot)

    async def again() -> None:
        assert spot.button is not None
        await press(anna, spot.button.key)

    return StepVisit(anna, spot, spot.previous, again)


async def at_every_step(stage: Stage, dialog: str, offset: int = 0) -> list[StepVisit]:
    """Bring somebody to each open step, every other one in Chinese."""
    return [
        await visits(stage, spot, f"{spot.name} {number}", LANGUAGES[(number + offset) % 2])
        for number, spot in enumerate(locate_open_steps(CONVERSATIONS, dialog))
    ]


@pytest.mark.parametrize("dialog", CONVERSATIONS)
async def test_what_comes_between_loses_no_thread(stage: Stage, dialog: str) -> None:
    for visit in await at_every_step(stage, dialog):
        await stays_at_the_step(visit)


@pytest.mark.parametrize("interruption", LEAVING, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dialog", CONVERSATIONS)
async def test_what_leads_elsewhere_leads_there_once(
    stage: Stage, dialog: str, interruption: Interruption
) -> None:
    for visit in await at_every_step(stage, dialog, LEAVING.index(interruption)):
        with describe_failure(interruption, visit):
            await interruption(visit)


@pytest.mark.parametrize("dialog", CONVERSATIONS)
async def test_a_restart_changes_nothing(engine: Engine, tmp_path: Path, dialog: str) -> None:
    async with Stage.set_up(engine, tmp_path) as stage:
        people = await at_every_step(stage, dialog)
        await stage.settle()
        offset = stage._offset
    async with Stage.set_up(engine, tmp_path) as again:
        again._offset = offset
        for visit in people:
            visit.anna.stage = again
            for interruption in (asks_a_question, looks_at_every_info_button, taps_twice):
                with describe_failure(interruption, visit):
                    await interruption(visit)


@pytest.mark.parametrize("dialog", CONVERSATIONS)
async def test_a_step_that_rested_too_long_says_so(stage: Stage, dialog: str) -> None:
    people = await at_every_step(stage, dialog)
    advance_time(stage, days=3)
    for visit in people:
        with describe_failure(times_out, visit):
            await times_out(visit)
    anna = people[0].anna
    await anna.starts(f"do-{dialog}")
    assert (await state(anna)).is_open


@pytest.mark.parametrize("dialog", CONVERSATIONS)
async def test_every_end_is_reached_and_is_the_end(stage: Stage, dialog: str) -> None:
    for number, spot in enumerate(locate_steps(CONVERSATIONS, dialog)):
        if not spot.step.is_end:
            continue
        visit = await visits(stage, spot, f"{spot.name} {number}", LANGUAGES[number % 2])
        anna = visit.anna
        await looks_at_an_end(visit)
        assert isinstance(spot.step.links, tuple)
        for target in spot.step.links:
            await go_to_step(anna, spot)
            name, _, step = target.partition("/")
            await anna.forges(anna.last["message_id"], f"v1:do:{target.replace('/', '.')}")
            at = await state(anna)
            assert (at.conversation, at.step) == (name, step or CONVERSATIONS[name].initial)
