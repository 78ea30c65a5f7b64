"""What leads away from the step somebody is at, in either mode: to an end or to another step."""

from collections.abc import Mapping

from telegram import Update

from handlers.engine.rendering import SHOW
from handlers.engine.transitions import CANCELLED
from services.conversations import EXPIRED, ConversationState
from tests.chat import Json, Subscriber
from tests.handlers.engine.interruptions import Interruption, Visit, tongue
from tests.handlers.engine.navigation import (
    Spot,
    button_data,
    declared,
    expect,
    expect_where_they_are,
    keys,
    press,
    shown,
    state,
)

STOPPED = {"en": "I stopped", "zh-hant": "已停止"}


RESTED = {"en": "rested for a long time", "zh-hant": "放了很久"}


def is_told(anna: Subscriber, words: Mapping[str, str]) -> None:
    """Expect words in one of the newest messages; an invoice or a code may stand below them."""
    newest = [message.get("text", "") for message in anna.heard[-3:]]
    assert any(words[tongue(anna)] in text for text in newest), newest


def _tap(visit: Visit, last: bool = False) -> str | None:
    """Give a button of the step that leads on, where one is shown."""
    offered = keys(visit.anna)
    own = [choice.key for choice in visit.spot.step.buttons if choice.key in offered]
    return own[-1 if last else 0] if own else None


async def cancels(visit: Visit) -> None:
    anna = visit.anna
    heard = len(anna.heard)
    await press(anna, "cancel")
    at = await state(anna)
    assert (at.step, at.is_open, dict(at.data), at.history) == (CANCELLED, False, {}, ())
    is_told(anna, STOPPED)
    assert len(anna.heard) == heard, "edited in place"
    await anna.says("how much does the card cost")
    anna.sees("278", "Source:")


async def sends_the_same_update_twice(visit: Visit) -> None:
    """As after a crash between the commit and the reply: the inbox hands it out again."""
    anna, key = visit.anna, _tap(visit)
    before, heard = await state(anna), len(anna.heard)
    if key is None and visit.answer is not None:
        anna.person.send(await visit.answer())
    else:
        anna.person.press(shown(anna)["message_id"], button_data(anna, key or "cancel"))
    raw = await anna.stage.updates()
    await anna.stage.kaika.intake.accept(raw + raw)
    await anna.stage.kaika.application.update_queue.join()
    if visit.rests is not None:
        await visit.rests()
    at, seen = await state(anna), shown(anna)["text"]
    assert at.version == before.version + 1
    told = len(anna.heard)
    await works_again(anna, raw[0])
    assert await state(anna) == at
    assert shown(anna)["text"] == seen
    if _is_shown_once(visit, key):
        assert (told, len(anna.heard)) == (heard, heard), "edited in place"


def _is_shown_once(visit: Visit, key: str | None) -> bool:
    """Tell whether a tap sends nothing, neither below its message nor of another kind."""
    found = [c for c in visit.spot.step.buttons if c.key == key]
    return bool(found) and found[0].after_commit is None


async def works_again(anna: Subscriber, raw: Json) -> None:
    """Hand an update out again that was worked on already."""
    application = anna.stage.kaika.application
    await application.process_update(Update.de_json(raw, application.bot))


async def taps_twice(visit: Visit) -> None:
    """Of two taps on one button only one counts; what is typed twice is taken once."""
    anna, key = visit.anna, _tap(visit, last=True)
    if key is None and visit.answer is not None:
        await _types_twice(visit, await visit.answer())
        return
    before, data = await state(anna), button_data(anna, key or "cancel")
    message = shown(anna)["message_id"]
    for _ in range(2):
        await anna.forges(message, data)
    if visit.rests is not None:
        await visit.rests()
    at = await state(anna)
    assert at.version == before.version + 1
    if at.step == CANCELLED:
        is_told(anna, STOPPED)
    else:
        await expect_where_they_are(anna)


async def _types_twice(visit: Visit, answer: str) -> None:
    anna, before = visit.anna, await state(visit.anna)
    await anna.says(answer)
    first = await expect_where_they_are(anna)
    assert first.version == before.version + 1
    sent = await anna.says(answer)
    _is_deleted(anna, sent, answer)
    second = await state(anna)
    assert (second.conversation, second.step) == (first.conversation, first.step)


def _is_deleted(anna: Subscriber, sent: int, text: str) -> None:
    """Expect what was typed where nothing asks for it to be gone, where it looks like a secret."""
    services = anna.stage.kaika.application.bot_data["services"]
    if services.secret_shapes.find(text) is not None:
        assert sent not in [message["message_id"] for message in anna.messages]


async def begins_another(visit: Visit) -> None:
    """Who has something to lose is asked first."""
    anna, spot = visit.anna, visit.spot
    known = declared(anna.stage)
    other = "status" if spot.dialog != "status" else "pay"
    before = await state(anna)
    await anna.starts(f"do-{other}")
    if not loses_something(spot, before):
        assert (await state(anna)).conversation == other
        return
    assert await state(anna) == before, "asked first"
    await press(anna, SHOW)
    await expect(anna, spot)
    await anna.starts(f"do-{other}")
    await anna.forges(shown(anna)["message_id"], f"v1:anew:{other}.{known[other].initial}")
    at = await state(anna)
    assert (at.conversation, at.step, at.history) == (other, known[other].initial, ())


def loses_something(spot: Spot, at: ConversationState) -> bool:
    """Tell whether somebody came to a step by more than a link."""
    return bool(at.history or (spot.step.requires and not spot.step.is_done) or spot.step.on_leave)


async def rested_too_long(visit: Visit) -> None:
    """After the time has passed, whatever comes next says that it is over."""
    anna = visit.anna
    key, number = _tap(visit), anna.person.id % 2
    if key is not None and number:
        await press(anna, key)
    elif visit.answer is not None:
        answer = await visit.answer()
        _is_deleted(anna, await anna.says(answer), answer)
    else:
        await anna.says("how much does the card cost")
        assert "278" in anna.heard[-2]["text"]
    is_told(anna, RESTED)
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
