"""What leads away from the step somebody is at, in either mode: to an end or to another step."""

from collections.abc import Mapping

from telegram import Update

from handlers.engine.rendering import SHOW
from handlers.engine.transitions import CANCELLED
from services.conversations import EXPIRED, ConversationState
from tests.chat import Json, Subscriber
from tests.handlers.engine.interruptions import Interruption, StepVisit, client_language
from tests.handlers.engine.navigation import (
    StepLocation,
    button_data,
    declared_conversations,
    expect_current_step,
    expect_step,
    press,
    state,
    step_keys,
    step_message,
)

CANCELLED_TEXTS = {"en": "I stopped", "zh-hant": "已停止"}


EXPIRED_TEXTS = {"en": "rested for a long time", "zh-hant": "放了很久"}


def expect_recent_text(anna: Subscriber, texts: Mapping[str, str]) -> None:
    """Expect words in one of the newest messages; an invoice or a code may stand below them."""
    newest = [message.get("text", "") for message in anna.heard[-3:]]
    assert any(texts[client_language(anna)] in text for text in newest), newest


def _pick_button(visit: StepVisit, last: bool = False) -> str | None:
    """Give a button of the step that leads on, where one is shown."""
    offered = step_keys(visit.anna)
    own = [choice.key for choice in visit.location.step.buttons if choice.key in offered]
    return own[-1 if last else 0] if own else None


async def cancels(visit: StepVisit) -> None:
    anna = visit.anna
    heard = len(anna.heard)
    await press(anna, "cancel")
    at = await state(anna)
    assert (at.step, at.is_open, dict(at.data), at.history) == (CANCELLED, False, {}, ())
    expect_recent_text(anna, CANCELLED_TEXTS)
    assert len(anna.heard) == heard, "edited in place"
    await anna.says("how much does the card cost")
    anna.sees("278", "Source:")


async def sends_the_same_update_twice(visit: StepVisit) -> None:
    """As after a crash between the commit and the reply: the inbox hands it out again."""
    anna, key = visit.anna, _pick_button(visit)
    before, heard = await state(anna), len(anna.heard)
    if key is None and visit.answer is not None:
        anna.person.send(await visit.answer())
    else:
        anna.person.press(step_message(anna)["message_id"], button_data(anna, key or "cancel"))
    raw = await anna.stage.updates()
    await anna.stage.kaika.intake.accept(raw + raw)
    await anna.stage.kaika.application.update_queue.join()
    if visit.wait_until_idle is not None:
        await visit.wait_until_idle()
    at, seen = await state(anna), step_message(anna)["text"]
    assert at.version == before.version + 1
    told = len(anna.heard)
    await redeliver_update(anna, raw[0])
    assert await state(anna) == at
    assert step_message(anna)["text"] == seen
    if _sends_nothing_new(visit, key):
        assert (told, len(anna.heard)) == (heard, heard), "edited in place"


def _sends_nothing_new(visit: StepVisit, key: str | None) -> bool:
    """Tell whether a tap sends nothing, neither below its message nor of another kind."""
    found = [c for c in visit.location.step.buttons if c.key == key]
    return bool(found) and found[0].after_commit is None


async def redeliver_update(anna: Subscriber, raw: Json) -> None:
    """Hand an update out again that was worked on already."""
    application = anna.stage.kaika.application
    await application.process_update(Update.de_json(raw, application.bot))


async def taps_twice(visit: StepVisit) -> None:
    """Of two taps on one button only one counts; what is typed twice is taken once."""
    anna, key = visit.anna, _pick_button(visit, last=True)
    if key is None and visit.answer is not None:
        await _types_twice(visit, await visit.answer())
        return
    before, data = await state(anna), button_data(anna, key or "cancel")
    message = step_message(anna)["message_id"]
    for _ in range(2):
        await anna.forges(message, data)
    if visit.wait_until_idle is not None:
        await visit.wait_until_idle()
    at = await state(anna)
    assert at.version == before.version + 1
    if at.step == CANCELLED:
        expect_recent_text(anna, CANCELLED_TEXTS)
    else:
        await expect_current_step(anna)


async def _types_twice(visit: StepVisit, answer: str) -> None:
    anna, before = visit.anna, await state(visit.anna)
    await anna.says(answer)
    first = await expect_current_step(anna)
    assert first.version == before.version + 1
    sent = await anna.says(answer)
    _expect_deleted_if_secret(anna, sent, answer)
    second = await state(anna)
    assert (second.conversation, second.step) == (first.conversation, first.step)


def _expect_deleted_if_secret(anna: Subscriber, sent: int, text: str) -> None:
    """Expect what was typed where nothing asks for it to be gone, where it looks like a secret."""
    services = anna.stage.kaika.application.bot_data["services"]
    if services.secret_shapes.find(text) is not None:
        assert sent not in [message["message_id"] for message in anna.messages]


async def begins_another(visit: StepVisit) -> None:
    """Who has something to lose is asked first."""
    anna, spot = visit.anna, visit.location
    known = declared_conversations(anna.stage)
    other = "status" if spot.conversation != "status" else "pay"
    before = await state(anna)
    await anna.starts(f"do-{other}")
    if not has_something_to_lose(spot, before):
        assert (await state(anna)).conversation == other
        return
    assert await state(anna) == before, "asked first"
    await press(anna, SHOW)
    await expect_step(anna, spot)
    await anna.starts(f"do-{other}")
    await anna.forges(step_message(anna)["message_id"], f"v1:anew:{other}.{known[other].initial}")
    at = await state(anna)
    assert (at.conversation, at.step, at.history) == (other, known[other].initial, ())


def has_something_to_lose(spot: StepLocation, at: ConversationState) -> bool:
    """Tell whether somebody came to a step by more than a link."""
    return bool(at.history or (spot.step.requires and not spot.step.is_done) or spot.step.on_leave)


async def times_out(visit: StepVisit) -> None:
    """After the time has passed, whatever comes next says that it is over."""
    anna = visit.anna
    key, number = _pick_button(visit), anna.person.id % 2
    if key is not None and number:
        await press(anna, key)
    elif visit.answer is not None:
        answer = await visit.answer()
        _expect_deleted_if_secret(anna, await anna.says(answer), answer)
    else:
        await anna.says("how much does the card cost")
        assert "278" in anna.heard[-2]["text"]
    expect_recent_text(anna, EXPIRED_TEXTS)
    at = await state(anna)
    assert (at.step, at.is_open, dict(at.data)) == (EXPIRED, False, {})
    await anna.says("how much does the card cost")
    anna.sees("278", "Source:")


LEAVING: tuple[Interruption, ...] = (
    cancels,
    sends_the_same_update_twice,
    taps_twice,
    begins_another,
)
