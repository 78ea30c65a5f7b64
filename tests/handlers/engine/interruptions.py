"""Everything that may come between somebody and the step they are at, in either mode.

Each is given a `Visit` and says what is right. After each the person is at their step as before;
what leads elsewhere is in `departures`.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from handlers.engine.rendering import SHOW
from tests.chat import Subscriber
from tests.handlers.engine.walking import Spot, expect, keys, press, shown, state

MISPLACED = ("A800000014", "GP12345678901234", "aB3dE9xZ")
"""A UI No., a card number, and what may be a code or a PIN."""
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
    assert anna.person.account.language_code is not None
    return anna.person.account.language_code


async def goes_back(visit: Visit) -> None:
    """Back leads to the step before, and the same act from there back here."""
    anna, spot = visit.anna, visit.spot
    assert ("back" in keys(anna)) is (visit.before is not None)
    if visit.before is None:
        assert (await state(anna)).history == ()
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
    for aside in visit.spot.step.info_buttons:
        await press(anna, aside.key)
        assert keys(anna) == [SHOW]
        await press(anna, SHOW)
        await expect(anna, visit.spot)
    assert await state(anna) == before


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
