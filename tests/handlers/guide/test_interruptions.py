"""Every step of every conversation, interrupted in every way: nobody loses the thread."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from telegram import Update

from bot.sandbox.engine import Engine
from handlers.dialog.moves import CANCELLED
from handlers.guide import CONVERSATIONS
from services.dialogs import EXPIRED
from tests.chat import Stage, Subscriber
from tests.handlers.dialog.walking import (
    LANGUAGES,
    Spot,
    button_data,
    expect,
    keys,
    later,
    open_spots,
    press,
    reach,
    spots,
    state,
)

Interruption = Callable[[Subscriber, Spot], Awaitable[None]]
STOPPED = {"en": "I stopped", "zh-hant": "已停止"}
RESTED = {"en": "rested for a long time", "zh-hant": "放了很久"}
EARLIER = {"en": "earlier step", "zh-hant": "前面的步驟"}


def tongue(anna: Subscriber) -> str:
    assert anna.person.language_code is not None
    return anna.person.language_code


async def goes_back(anna: Subscriber, spot: Spot) -> None:
    if spot.before is None:
        assert "back" not in keys(anna)
        return
    await press(anna, "back")
    await expect(anna, spot.before)
    assert spot.choice is not None
    await press(anna, spot.choice.key)
    await expect(anna, spot)


async def cancels(anna: Subscriber, _spot: Spot) -> None:
    heard = len(anna.heard)
    await press(anna, "cancel")
    at = await state(anna)
    assert (at.step, at.is_open, dict(at.data), at.trail) == (CANCELLED, False, {}, ())
    anna.sees(STOPPED[tongue(anna)])
    assert len(anna.heard) == heard, "edited in place"
    await anna.says("how much does the card cost")
    anna.sees("278", "Source:")


async def changes_language(anna: Subscriber, spot: Spot) -> None:
    before = await state(anna)
    other, name = ("zh_Hant", "繁體中文") if tongue(anna) == "en" else ("en", "English")
    await anna.says("/language")
    await anna.presses(name)
    await expect(anna, spot, other)
    back = {"zh_Hant": "en", "en": "zh_Hant"}[other]
    await press(anna, f"lang-{back}")
    await expect(anna, spot, back)
    assert await state(anna) == before


async def asks_a_question(anna: Subscriber, spot: Spot) -> None:
    before = await state(anna)
    await anna.says("how much does the card cost")
    answer = anna.heard[-2]["text"]
    assert "278" in answer
    assert "Source:" in answer
    await expect(anna, spot)
    assert await state(anna) == before


async def asks_for_help(anna: Subscriber, spot: Spot) -> None:
    before = await state(anna)
    for command in ("/help", "/faq", "/start", "/nonsense"):
        await anna.says(command)
        await expect(anna, spot)
    assert await state(anna) == before


async def sends_a_sticker(anna: Subscriber, spot: Spot) -> None:
    before = await state(anna)
    await anna.sends("sticker")
    assert anna.heard[-2]["text"] != anna.last["text"]
    await expect(anna, spot)
    assert await state(anna) == before


async def pastes_an_error_code(anna: Subscriber, spot: Spot) -> None:
    before = await state(anna)
    await anna.says("0x76000006")
    assert "0x76000006" in anna.heard[-2]["text"]
    await expect(anna, spot)
    assert await state(anna) == before


async def types_a_secret(anna: Subscriber, spot: Spot) -> None:
    before = await state(anna)
    for secret in ("A800000014", "GP12345678901234", "aB3dE9xZ"):
        sent = await anna.says(secret)
        assert sent not in [message["message_id"] for message in anna.messages]
        assert "🔒" in anna.heard[-2]["text"]
        await expect(anna, spot)
    assert await state(anna) == before


async def presses_an_old_button(anna: Subscriber, spot: Spot) -> None:
    before = await state(anna)
    for old in (before.version - 1, before.version + 7, 0):
        await anna.forges(anna.last["message_id"], f"v1:dlg:{spot.dialog}.{spot.name}.{old}.cancel")
        assert EARLIER[tongue(anna)] in (anna.toast or "")
        await expect(anna, spot)
    assert await state(anna) == before


async def presses_a_button_of_another_conversation(anna: Subscriber, spot: Spot) -> None:
    before = await state(anna)
    await anna.forges(anna.last["message_id"], f"v1:dlg:nosuch.step.{before.version}.back")
    await expect(anna, spot)
    assert await state(anna) == before


async def sends_the_same_update_twice(anna: Subscriber, spot: Spot) -> None:
    """As after a crash between the commit and the reply: the inbox hands it out again."""
    choice = spot.step.choices[0]
    before, heard = await state(anna), len(anna.heard)
    anna.person.press(anna.last["message_id"], button_data(anna, choice.key))
    raw = await anna.stage.updates()
    await anna.stage.kaika.intake.accept(raw + raw)
    await anna.stage.kaika.application.update_queue.join()
    shown, at = anna.last["text"], await state(anna)
    assert at.version == before.version + 1
    application = anna.stage.kaika.application
    await application.process_update(Update.de_json(raw[0], application.bot))
    assert await state(anna) == at
    assert (anna.last["text"], len(anna.heard)) == (shown, heard)


async def taps_twice(anna: Subscriber, spot: Spot) -> None:
    choice = spot.step.choices[-1]
    before, data = await state(anna), button_data(anna, choice.key)
    for _ in range(2):
        await anna.forges(anna.last["message_id"], data)
    at = await state(anna)
    assert at.version == before.version + 1
    target = next(s for s in spots(at.dialog) if s.name == at.step)
    await expect(anna, target)


async def begins_another(anna: Subscriber, spot: Spot) -> None:
    other = "status" if spot.dialog != "status" else "pay"
    before = await state(anna)
    await anna.starts(f"do-{other}")
    if not before.trail:
        assert (await state(anna)).dialog == other
        return
    assert await state(anna) == before, "asked first"
    await press(anna, "show")
    await expect(anna, spot)
    await anna.starts(f"do-{other}")
    await anna.forges(anna.last["message_id"], f"v1:anew:{other}.{CONVERSATIONS[other].begins}")
    at = await state(anna)
    assert (at.dialog, at.step, at.trail) == (other, CONVERSATIONS[other].begins, ())


async def looks_at_every_aside(anna: Subscriber, spot: Spot) -> None:
    before = await state(anna)
    for aside in spot.step.asides:
        await press(anna, aside.key)
        assert keys(anna) == ["show"]
        await press(anna, "show")
        await expect(anna, spot)
    assert await state(anna) == before


INTERRUPTIONS: tuple[Interruption, ...] = (
    goes_back,
    cancels,
    changes_language,
    asks_a_question,
    asks_for_help,
    sends_a_sticker,
    pastes_an_error_code,
    types_a_secret,
    presses_an_old_button,
    presses_a_button_of_another_conversation,
    sends_the_same_update_twice,
    taps_twice,
    begins_another,
    looks_at_every_aside,
)


async def at_every_step(
    stage: Stage, dialog: str, offset: int = 0
) -> list[tuple[Subscriber, Spot]]:
    """Bring somebody to each open step, every other one in Chinese."""
    people = []
    for number, spot in enumerate(open_spots(dialog)):
        language = LANGUAGES[(number + offset) % len(LANGUAGES)]
        anna = stage.subscriber(f"{spot.name} {number}", language)
        await reach(anna, spot)
        people.append((anna, spot))
    return people


@pytest.mark.parametrize("interruption", INTERRUPTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dialog", CONVERSATIONS)
async def test_an_interruption_loses_no_thread(
    stage: Stage, dialog: str, interruption: Interruption
) -> None:
    offset = INTERRUPTIONS.index(interruption)
    for anna, spot in await at_every_step(stage, dialog, offset):
        await interruption(anna, spot)


@pytest.mark.parametrize("dialog", CONVERSATIONS)
async def test_a_restart_changes_nothing(engine: Engine, tmp_path: Path, dialog: str) -> None:
    async with Stage.set_up(engine, tmp_path) as stage:
        people = await at_every_step(stage, dialog)
        await stage.settle()
        offset = stage._offset
    async with Stage.set_up(engine, tmp_path) as again:
        again._offset = offset
        for anna, spot in people:
            anna.stage = again
            await asks_a_question(anna, spot)
            await looks_at_every_aside(anna, spot)
            await taps_twice(anna, spot)


@pytest.mark.parametrize("dialog", CONVERSATIONS)
async def test_a_step_that_rested_too_long_says_so(stage: Stage, dialog: str) -> None:
    people = await at_every_step(stage, dialog)
    later(stage, 3)
    for number, (anna, spot) in enumerate(people):
        if number % 2:
            await press(anna, spot.step.choices[0].key)
        else:
            await anna.says("how much does the card cost")
            assert "278" in anna.heard[-2]["text"]
        anna.sees(RESTED[tongue(anna)])
        at = await state(anna)
        assert (at.step, at.is_open, dict(at.data)) == (EXPIRED, False, {})
        await anna.says("how much does the card cost")
        anna.sees("278", "Source:")
    anna, spot = people[0]
    await anna.starts(f"do-{dialog}")
    assert (await state(anna)).is_open


@pytest.mark.parametrize("dialog", CONVERSATIONS)
async def test_every_end_is_reached_and_is_the_end(stage: Stage, dialog: str) -> None:
    for number, spot in enumerate(spots(dialog)):
        if not spot.step.is_end:
            continue
        anna = stage.subscriber(f"{spot.name} {number}", LANGUAGES[number % 2])
        await reach(anna, spot)
        await looks_at_every_aside(anna, spot)
        end = anna.last["message_id"]
        await anna.says("how much does the card cost")
        anna.sees("278", "Source:")
        at = await state(anna)
        await anna.forges(end, f"v1:dlg:{spot.dialog}.{spot.name}.{at.version - 3}.done")
        assert anna.toast
        assert await state(anna) == at
        assert isinstance(spot.step.links, tuple)
        for target in spot.step.links:
            await reach(anna, spot)
            name, _, step = target.partition("/")
            await anna.forges(anna.last["message_id"], f"v1:do:{target.replace('/', '.')}")
            at = await state(anna)
            assert (at.dialog, at.step) == (name, step or CONVERSATIONS[name].begins)
