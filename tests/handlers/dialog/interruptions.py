"""Everything that may come between somebody and the step they are at, in either mode.

Each is given a `Visit` and says what is right. After those in `KEEPING` the person is at their
step as before; those in `LEAVING` end elsewhere.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from telegram import Update

from handlers.dialog.moves import CANCELLED
from handlers.dialog.views import SHOW
from services.dialogs import EXPIRED, DialogState
from tests.chat import Json, Subscriber
from tests.handlers.dialog.walking import (
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

MISPLACED = ("A800000014", "GP12345678901234", "aB3dE9xZ")
"""A UI No., a card number, and what may be a code or a PIN."""
STOPPED = {"en": "I stopped", "zh-hant": "已停止"}
RESTED = {"en": "rested for a long time", "zh-hant": "放了很久"}
EARLIER = {"en": "earlier step", "zh-hant": "前面的步驟"}


@dataclass(frozen=True)
class Visit:
    """Somebody who was brought to a step.

    :ivar before: where Back leads; `None` where there is none.
    :ivar again: does once more what led from there to the step.
    :ivar answer: gives what the step asks to be typed; `None` where it asks for nothing.
    :ivar misplaced: secrets that the step does not ask for.
    :ivar rests: waits until nothing comes from elsewhere by itself.
    """

    anna: Subscriber
    spot: Spot
    before: Spot | None = None
    again: Callable[[], Awaitable[None]] | None = None
    answer: Callable[[], Awaitable[str]] | None = None
    misplaced: tuple[str, ...] = MISPLACED
    rests: Callable[[], Awaitable[None]] | None = None


Interruption = Callable[[Visit], Awaitable[None]]


@contextmanager
def noted(interruption: Interruption, visit: Visit) -> Iterator[None]:
    """Have a failure say what came between at which step."""
    try:
        yield
    except BaseException as error:
        where = "/".join(visit.spot.here)
        error.add_note(f"{interruption.__name__} at {where}, {tongue(visit.anna)}")
        raise


def tongue(anna: Subscriber) -> str:
    """Give the language of somebody's Telegram client."""
    assert anna.person.language_code is not None
    return anna.person.language_code


def is_told(anna: Subscriber, words: Mapping[str, str]) -> None:
    """Expect words in one of the newest messages; an invoice or a code may stand below them."""
    newest = [message.get("text", "") for message in anna.heard[-3:]]
    assert any(words[tongue(anna)] in text for text in newest), newest


def _tap(visit: Visit, last: bool = False) -> str | None:
    """Give a button of the step that leads on, where one is shown."""
    offered = keys(visit.anna)
    own = [choice.key for choice in visit.spot.step.choices if choice.key in offered]
    return own[-1 if last else 0] if own else None


async def goes_back(visit: Visit) -> None:
    """Back leads to the step before, and the same act from there back here."""
    anna, spot = visit.anna, visit.spot
    assert ("back" in keys(anna)) is (visit.before is not None)
    if visit.before is None:
        assert (await state(anna)).trail == ()
        return
    await press(anna, "back")
    await expect(anna, visit.before)
    assert visit.again is not None
    await visit.again()
    await expect(anna, spot)


async def changes_language(visit: Visit) -> None:
    anna, spot = visit.anna, visit.spot
    before = await state(anna)
    other, name = ("zh_Hant", "繁體中文") if tongue(anna) == "en" else ("en", "English")
    await anna.says("/language")
    await anna.presses(name)
    await expect(anna, spot, other)
    back = {"zh_Hant": "en", "en": "zh_Hant"}[other]
    await press(anna, f"lang-{back}")
    await expect(anna, spot, back)
    assert await state(anna) == before


async def asks_a_question(visit: Visit) -> None:
    anna = visit.anna
    before = await state(anna)
    await anna.says("how much does the card cost")
    answer = anna.heard[-2]["text"]
    assert "278" in answer
    assert "Source:" in answer
    await expect(anna, visit.spot)
    assert await state(anna) == before


async def asks_for_help(visit: Visit) -> None:
    anna = visit.anna
    before = await state(anna)
    for command in ("/help", "/faq", "/start", "/nonsense"):
        await anna.says(command)
        await expect(anna, visit.spot)
    assert await state(anna) == before


async def sends_a_sticker(visit: Visit) -> None:
    anna = visit.anna
    before = await state(anna)
    await anna.sends("sticker")
    assert anna.heard[-2]["text"] != anna.last["text"]
    await expect(anna, visit.spot)
    assert await state(anna) == before


async def pastes_an_error_code(visit: Visit) -> None:
    anna = visit.anna
    before = await state(anna)
    await anna.says("0x76000006")
    assert "0x76000006" in anna.heard[-2]["text"]
    await expect(anna, visit.spot)
    assert await state(anna) == before


async def types_a_secret(visit: Visit) -> None:
    """One that the step does not ask for is deleted, costs no try, and moves nobody."""
    anna = visit.anna
    before = await state(anna)
    for secret in visit.misplaced:
        sent = await anna.says(secret)
        assert sent not in [message["message_id"] for message in anna.messages]
        assert "🔒" in anna.heard[-2]["text"], secret
        await expect(anna, visit.spot)
    assert await state(anna) == before


async def presses_an_old_button(visit: Visit) -> None:
    anna, spot = visit.anna, visit.spot
    before = await state(anna)
    for old in (before.version - 1, before.version + 7, 0):
        message = shown(anna)["message_id"]
        await anna.forges(message, f"v1:dlg:{spot.dialog}.{spot.name}.{old}.cancel")
        assert EARLIER[tongue(anna)] in (anna.toast or "")
        await expect(anna, spot)
    assert await state(anna) == before


async def presses_a_button_of_another_conversation(visit: Visit) -> None:
    anna = visit.anna
    before = await state(anna)
    await anna.forges(shown(anna)["message_id"], f"v1:dlg:nosuch.step.{before.version}.back")
    await expect(anna, visit.spot)
    assert await state(anna) == before


async def looks_at_every_aside(visit: Visit) -> None:
    anna = visit.anna
    before = await state(anna)
    for aside in visit.spot.step.asides:
        await press(anna, aside.key)
        assert keys(anna) == [SHOW]
        await press(anna, SHOW)
        await expect(anna, visit.spot)
    assert await state(anna) == before


async def cancels(visit: Visit) -> None:
    anna = visit.anna
    heard = len(anna.heard)
    await press(anna, "cancel")
    at = await state(anna)
    assert (at.step, at.is_open, dict(at.data), at.trail) == (CANCELLED, False, {}, ())
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
    found = [c for c in visit.spot.step.choices if c.key == key]
    return bool(found) and found[0].after is None


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
    assert (second.dialog, second.step) == (first.dialog, first.step)


def _is_deleted(anna: Subscriber, sent: int, text: str) -> None:
    """Expect what was typed where nothing asks for it to be gone, where it looks like a secret."""
    services = anna.stage.kaika.application.bot_data["services"]
    if services.shapes.find(text) is not None:
        assert sent not in [message["message_id"] for message in anna.messages]


async def begins_another(visit: Visit) -> None:
    """Who has something to lose is asked first."""
    anna, spot = visit.anna, visit.spot
    known = declared(anna.stage)
    other = "status" if spot.dialog != "status" else "pay"
    before = await state(anna)
    await anna.starts(f"do-{other}")
    if not loses_something(spot, before):
        assert (await state(anna)).dialog == other
        return
    assert await state(anna) == before, "asked first"
    await press(anna, SHOW)
    await expect(anna, spot)
    await anna.starts(f"do-{other}")
    await anna.forges(shown(anna)["message_id"], f"v1:anew:{other}.{known[other].begins}")
    at = await state(anna)
    assert (at.dialog, at.step, at.trail) == (other, known[other].begins, ())


def loses_something(spot: Spot, at: DialogState) -> bool:
    """Tell whether somebody came to a step by more than a link."""
    return bool(at.trail or (spot.step.needs and not spot.step.is_done) or spot.step.left)


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


KEEPING: tuple[Interruption, ...] = (
    goes_back,
    changes_language,
    asks_a_question,
    asks_for_help,
    sends_a_sticker,
    pastes_an_error_code,
    types_a_secret,
    presses_an_old_button,
    presses_a_button_of_another_conversation,
    looks_at_every_aside,
)
LEAVING: tuple[Interruption, ...] = (
    cancels,
    sends_the_same_update_twice,
    taps_twice,
    begins_another,
)


async def keeps_the_thread(visit: Visit) -> None:
    """Let everything come between that must leave the person where they are."""
    for interruption in KEEPING:
        with noted(interruption, visit):
            await interruption(visit)


async def looks_at_an_end(visit: Visit) -> None:
    """After an end the conversation is over: questions are questions, its buttons old."""
    anna, spot = visit.anna, visit.spot
    await looks_at_every_aside(visit)
    end = shown(anna)["message_id"]
    await anna.says("how much does the card cost")
    anna.sees("278", "Source:")
    at = await state(anna)
    await anna.forges(end, f"v1:dlg:{spot.dialog}.{spot.name}.{at.version - 3}.done")
    assert anna.toast
    assert await state(anna) == at
