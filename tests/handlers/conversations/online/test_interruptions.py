"""Every step of the online conversations, interrupted in every way: nobody loses the thread."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from handlers.engine.model import StepContext
from handlers.engine.rendering import SHOW
from handlers.engine.transitions import BACK, CANCEL
from sandbox.engine import Engine
from tests import phrases
from tests.bot_harness import BotHarness, buttons
from tests.handlers.clock import NOW, advance_time, set_time
from tests.handlers.conversations.online.cardholders import Office
from tests.handlers.conversations.online.path_planning import StepId, plan_visit
from tests.handlers.conversations.online.step_walker import Walker, visit_step
from tests.handlers.engine.interruptions import (
    Interruption,
    StepVisit,
    asks_a_question,
    begins_another,
    cancels,
    describe_failure,
    expect_recent_text,
    looks_at_an_end,
    sends_the_same_update_twice,
    stays_at_the_step,
    taps_twice,
    times_out,
)
from tests.handlers.engine.navigation import (
    LANGUAGES,
    declared_conversations,
    expect_current_step,
    press,
    state,
    step_keys,
    step_message,
)

ONLINE = ("triage", "retrieve", "pay", "suspend", "resume", "status")
GUIDED = ("activate", "unlock", "change_pin", "card_check")
"""Guided, since there is no bridge to reach the card."""
GRANT_EXPIRED = {"en": phrases.TEN_MINUTES_PASSED, "zh-hant": phrases.TEN_MINUTES_PASSED.chinese}
CODE_EXPIRED = {"en": "This one-time code has expired", "zh-hant": "這組一次性驗證碼已失效"}


def list_steps(harness: BotHarness, *, ends: bool = False) -> list[StepId]:
    """Return the open steps of the conversations, or their ends."""
    conversations = declared_conversations(harness)
    return [
        (conversation, name)
        for conversation in ONLINE
        for name, step in conversations[conversation].steps.items()
        if step.is_end is ends
    ]


async def visit_as_new_person(
    harness: BotHarness, office: Office, goal: StepId, number: int
) -> tuple[Walker, StepVisit]:
    """Bring a new person to a step, every other one in Chinese."""
    persona, path = plan_visit(declared_conversations(harness), goal)
    anna = harness.add_user(f"{goal[1]} {number}", LANGUAGES[number % 2])
    walker = Walker(office, anna, persona)
    return walker, await visit_step(walker, goal, path)


async def visit_every_step(
    harness: BotHarness, office: Office, offset: int = 0
) -> AsyncIterator[StepVisit]:
    """Bring a new person to each open step, one after the other."""
    for number, goal in enumerate(list_steps(harness), offset):
        _, visit = await visit_as_new_person(harness, office, goal, number)
        yield visit


def test_no_conversation_is_left_out(harness: BotHarness) -> None:
    conversations = declared_conversations(harness)
    assert set(conversations) == {*ONLINE, *GUIDED}
    every = [*list_steps(harness), *list_steps(harness, ends=True)]
    plans = {goal: plan_visit(conversations, goal)[1] for goal in every}
    assert [goal for goal in every if plans[goal][0].action == "link:" + "-".join(goal)] == []
    for conversation in conversations.values():
        for step in conversation.steps.values():
            names = [each.key for each in step.buttons] + [each.key for each in step.info_buttons]
            assert len(names) == len(set(names))
            assert not {BACK, CANCEL, SHOW} & set(names)


async def test_what_comes_between_loses_no_thread_nor_does_a_restart(
    engine: Engine, tmp_path: Path
) -> None:
    async with BotHarness.start(engine, tmp_path, "embedded") as harness:
        set_time(harness, NOW)
        office = Office.open_for(harness, tmp_path)
        people = [visit async for visit in visit_every_step(harness, office)]
        for visit in people:
            await stays_at_the_step(visit)
        await harness.settle()
        offset = harness._offset
    async with BotHarness.start(engine, tmp_path, "embedded") as harness:
        set_time(harness, NOW)
        office.attach_to(harness)
        harness._offset = offset
        for visit in people:
            visit.anna.harness = harness
            for interruption in (asks_a_question, taps_twice):
                with describe_failure(interruption, visit):
                    await interruption(visit)


@pytest.mark.parametrize(
    "interruption",
    [cancels, sends_the_same_update_twice, begins_another],
    ids=lambda each: each.__name__,
)
async def test_what_leads_elsewhere_leads_there_once(
    harness: BotHarness, office: Office, interruption: Interruption
) -> None:
    async for visit in visit_every_step(harness, office, offset=1):
        with describe_failure(interruption, visit):
            await interruption(visit)


async def test_what_rested_too_long_says_so(harness: BotHarness, office: Office) -> None:
    people = [visit async for visit in visit_every_step(harness, office)]
    identified = [
        await visit_as_new_person(harness, office, goal, number)
        for number, goal in enumerate(list_steps(harness))
        if "grant" in declared_conversations(harness)[goal[0]].steps[goal[1]].requires
    ]
    advance_time(harness, minutes=11)
    for walker, visit in identified:
        with describe_failure(shows_who_they_are_again, visit):
            before = await (await walker.cardholder()).certificate_state()
            await shows_who_they_are_again(visit)
            assert await (await walker.cardholder()).certificate_state() == before
    advance_time(harness, days=3)
    for visit in people:
        with describe_failure(times_out, visit):
            await times_out(visit)


async def shows_who_they_are_again(visit: StepVisit) -> None:
    """Ten minutes after the right code its grant is no longer valid."""
    anna, (conversation, name) = visit.anna, visit.location.step_id
    acts = [c.key for c in visit.location.step.buttons if c.effect and c.key in step_keys(anna)]
    if visit.answer is not None:
        await anna.says(await visit.answer())
    else:
        await press(anna, acts[0])
    there = await expect_current_step(anna)
    if (conversation, name) == ("pay", "address"):
        assert there.step == "confirm", "the grant is checked when the address is saved"
    elif name == "mailed":
        assert there.step == "mailed"
        expect_recent_text(anna, CODE_EXPIRED)
    else:
        assert there.step == ("done" if name == "offer" else "who")
        assert "grant" not in there.data
        expect_recent_text(anna, GRANT_EXPIRED)


async def test_every_end_is_reached_and_is_the_end(harness: BotHarness, office: Office) -> None:
    for number, goal in enumerate(list_steps(harness, ends=True)):
        _, visit = await visit_as_new_person(harness, office, goal, number)
        with describe_failure(looks_at_an_end, visit):
            end = step_message(visit.anna)
            await looks_at_an_end(visit)
            there = await state(visit.anna)
            ctx = StepContext(there.chat_id, there.user_id, "en", None, NOW, there.data)
            shown = visit.location.step
            links = (*shown.next_steps_at(ctx), *shown.links_at(ctx))
            targets = [each.replace("/", ".") for each in links]
            offered = [b.get("callback_data", "") for b in buttons(end)]
            assert [d for d in offered if d.startswith("v1:do:")] == [
                f"v1:do:{target}" for target in targets
            ]
            for target in targets:
                await visit.anna.forges(end["message_id"], f"v1:do:{target}")
                name, _, step = target.partition(".")
                begun = await state(visit.anna)
                assert (begun.conversation, begun.step) == (
                    name,
                    step or declared_conversations(harness)[name].initial,
                )
