"""What may interrupt a person at a step, in either mode, with what has to happen then.

After those in `STAYING` the person is at their step as before; those in `LEAVING` lead elsewhere.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from handlers.engine.rendering import SHOW
from handlers.engine.transitions import CANCELLED
from services.conversations import EXPIRED, ConversationState
from tests import phrases
from tests.bot_harness import ChatUser
from tests.faq_titles import title
from tests.handlers.captured_updates import deliver_update
from tests.handlers.engine.navigation import (
    StepLocation,
    button_data,
    callback_data,
    declared_conversations,
    expect_current_step,
    expect_step,
    press,
    state,
    step_keys,
    step_message,
)

UNEXPECTED_SECRETS = ("A800000014", "GP12345678901234", "aB3dE9xZ")
"""A UI No., a card number, and what may be a code or a PIN."""
CANCELLED_TEXTS = {"en": phrases.STOPPED, "zh-hant": phrases.STOPPED.chinese}
EXPIRED_TEXTS = {"en": "timed out", "zh-hant": "太久沒有操作"}
EARLIER_STEP_TEXTS = {"en": phrases.EARLIER_STEP, "zh-hant": phrases.EARLIER_STEP.chinese}


@dataclass(frozen=True)
class StepVisit:
    """A person who was brought to a step.

    :ivar previous: where Back leads; `None` if there is no Back.
    :ivar return_from_previous: repeats what led from there to the step.
    :ivar answer: returns what the step asks for as text; `None` if it asks for nothing.
    :ivar unexpected_secrets: secrets that the step does not ask for.
    :ivar wait_until_idle: waits until a PC sends nothing more by itself.
    """

    anna: ChatUser
    location: StepLocation
    previous: StepLocation | None = None
    return_from_previous: Callable[[], Awaitable[None]] | None = None
    answer: Callable[[], Awaitable[str]] | None = None
    unexpected_secrets: tuple[str, ...] = UNEXPECTED_SECRETS
    wait_until_idle: Callable[[], Awaitable[None]] | None = None


Interruption = Callable[[StepVisit], Awaitable[None]]


@contextmanager
def describe_failure(interruption: Interruption, visit: StepVisit) -> Iterator[None]:
    """Add the interruption and the step to the notes of a failure."""
    try:
        yield
    except BaseException as error:
        where = "/".join(visit.location.step_id)
        error.add_note(f"{interruption.__name__} at {where}, {client_language(visit.anna)}")
        raise


def client_language(anna: ChatUser) -> str:
    """Return the language of a person's Telegram client."""
    assert anna.person.account.language_code is not None
    return anna.person.account.language_code


async def goes_back(visit: StepVisit) -> None:
    """Back leads to the step before, and the same action from there back here."""
    anna, location = visit.anna, visit.location
    assert ("back" in step_keys(anna)) is (visit.previous is not None)
    if visit.previous is None:
        assert (await state(anna)).history == ()
        return
    await press(anna, "back")
    await expect_step(anna, visit.previous)
    assert visit.return_from_previous is not None
    await visit.return_from_previous()
    await expect_step(anna, location)


async def changes_language(visit: StepVisit) -> None:
    anna, location = visit.anna, visit.location
    before = await state(anna)
    other, name = (
        ("zh_Hant", phrases.LANGUAGE_NAME.chinese)
        if client_language(anna) == "en"
        else ("en", "English")
    )
    await anna.says("/language")
    await anna.presses(name)
    await expect_step(anna, location, other)
    back = {"zh_Hant": "en", "en": "zh_Hant"}[other]
    await press(anna, f"lang-{back}")
    await expect_step(anna, location, back)
    assert await state(anna) == before


async def asks_a_question(visit: StepVisit) -> None:
    anna = visit.anna
    before = await state(anna)
    await anna.says("how much does the card cost")
    answer = _answer_text(visit)
    assert "278" in answer
    assert title("fee") in answer
    await expect_step(anna, visit.location)
    assert await state(anna) == before


def _answer_text(visit: StepVisit) -> str:
    """Return the answer to what came between: above the step, unless that is a finished result."""
    place = -1 if visit.location.step.is_done else -2
    return str(visit.anna.bot_messages[place]["text"])


async def asks_for_help(visit: StepVisit) -> None:
    anna = visit.anna
    before = await state(anna)
    for command in ("/help", "/faq", "/start", "/nonsense"):
        await anna.says(command)
        await expect_step(anna, visit.location)
    assert await state(anna) == before


async def sends_a_sticker(visit: StepVisit) -> None:
    anna = visit.anna
    before = await state(anna)
    await anna.sends("sticker")
    assert anna.bot_messages[-2]["text"] != anna.last["text"]
    await expect_step(anna, visit.location)
    assert await state(anna) == before


async def pastes_an_error_code(visit: StepVisit) -> None:
    anna = visit.anna
    before = await state(anna)
    await anna.says("0x76000006")
    assert "0x76000006" in _answer_text(visit)
    await expect_step(anna, visit.location)
    assert await state(anna) == before


async def types_a_secret(visit: StepVisit) -> None:
    """A secret that the step does not ask for is deleted, costs no try, and changes nothing."""
    anna = visit.anna
    before = await state(anna)
    for secret in visit.unexpected_secrets:
        sent = await anna.says(secret)
        assert sent not in [message["message_id"] for message in anna.messages]
        assert "🔒" in _answer_text(visit), secret
        await expect_step(anna, visit.location)
    assert await state(anna) == before


async def presses_an_old_button(visit: StepVisit) -> None:
    anna, location = visit.anna, visit.location
    before = await state(anna)
    for old in (before.version - 1, before.version + 7, 0):
        message = step_message(anna)["message_id"]
        await anna.forges(message, f"v1:dlg:{location.conversation}.{location.name}.{old}.cancel")
        assert EARLIER_STEP_TEXTS[client_language(anna)] in (anna.toast or "")
        await expect_step(anna, location)
    assert await state(anna) == before


async def presses_a_button_of_another_conversation(visit: StepVisit) -> None:
    anna = visit.anna
    before = await state(anna)
    await anna.forges(step_message(anna)["message_id"], f"v1:dlg:nosuch.step.{before.version}.back")
    await expect_step(anna, visit.location)
    assert await state(anna) == before


async def looks_at_every_info_button(visit: StepVisit) -> None:
    anna = visit.anna
    before = await state(anna)
    for button in visit.location.step.info_buttons:
        await press(anna, button.key)
        assert step_keys(anna) == [SHOW]
        await press(anna, SHOW)
        await expect_step(anna, visit.location)
    assert await state(anna) == before


_WAYS_ON = re.compile(r"v1:(?:do|go|faq|related):")
_PERSON = re.compile("0800-080-117|service station|at (?:the|a) counter|服務站|臨櫃")
_DEADLINE = re.compile(r"\d{4}[-年]|\d working day|個工作天|\d minutes|分鐘")


async def finds_a_way_on(visit: StepVisit) -> None:
    """In either language there is something to tap or to type; an end names what comes next.

    That is another conversation, a person, or until when something happens.
    """
    anna, step = visit.anna, visit.location.step
    before = await state(anna)
    language = "zh_Hant" if client_language(anna) == "zh-hant" else "en"
    for shown_in in ("en", "zh_Hant", language):
        if f"lang-{shown_in}" in step_keys(anna):
            await press(anna, f"lang-{shown_in}")
        message = step_message(anna)
        ways = [each for each in callback_data(message) if _WAYS_ON.match(each)]
        ways += [each.key for each in step.buttons if each.key in step_keys(anna)]
        if step.is_end or step.is_done:
            is_named = _PERSON.search(message["text"]) or _DEADLINE.search(message["text"])
            assert ways or is_named, message["text"]
        else:
            asks = step.text_input is not None or step.secret_input is not None
            assert ways or asks or step.external_transitions, message["text"]
    assert await state(anna) == before


STAYING: tuple[Interruption, ...] = (
    finds_a_way_on,
    goes_back,
    changes_language,
    asks_a_question,
    asks_for_help,
    sends_a_sticker,
    pastes_an_error_code,
    types_a_secret,
    presses_an_old_button,
    presses_a_button_of_another_conversation,
    looks_at_every_info_button,
)


async def stays_at_the_step(visit: StepVisit) -> None:
    """Interrupt a person with everything in `STAYING`."""
    for interruption in STAYING:
        with describe_failure(interruption, visit):
            await interruption(visit)


async def looks_at_an_end(visit: StepVisit) -> None:
    """After an end the conversation is over: questions are questions, its buttons old."""
    anna, location = visit.anna, visit.location
    await finds_a_way_on(visit)
    await looks_at_every_info_button(visit)
    end = step_message(anna)["message_id"]
    await anna.says("how much does the card cost")
    anna.sees("278", title("fee"))
    at = await state(anna)
    await anna.forges(end, f"v1:dlg:{location.conversation}.{location.name}.{at.version - 3}.done")
    assert anna.toast
    assert await state(anna) == at


def expect_recent_text(anna: ChatUser, texts: Mapping[str, str]) -> None:
    """Expect a text in one of the newest messages; an invoice or a code may be below it."""
    newest = [message.get("text", "") for message in anna.bot_messages[-3:]]
    assert any(texts[client_language(anna)] in text for text in newest), newest


def _newest_buttons(anna: ChatUser) -> list[str]:
    """Return the callback data of the newest messages; an invoice or a code may be below."""
    return [data for message in anna.bot_messages[-3:] for data in callback_data(message)]


def _pick_button(visit: StepVisit, last: bool = False) -> str | None:
    """Return the key of a shown button that leads on; `None` if there is none."""
    offered = step_keys(visit.anna)
    own = [button.key for button in visit.location.step.buttons if button.key in offered]
    return own[-1 if last else 0] if own else None


async def cancels(visit: StepVisit) -> None:
    anna = visit.anna
    message_count = len(anna.bot_messages)
    await press(anna, "cancel")
    at = await state(anna)
    assert (at.step, at.is_open, dict(at.data), at.history) == (CANCELLED, False, {}, ())
    if visit.wait_until_idle is not None:
        await visit.wait_until_idle()  # until the PC has confirmed it
    expect_recent_text(anna, CANCELLED_TEXTS)
    assert len(anna.bot_messages) == message_count, "edited in place"
    assert f"v1:do:{at.conversation}" in _newest_buttons(anna), "it can be started again"
    await anna.says("how much does the card cost")
    anna.sees("278", title("fee"))


async def sends_the_same_update_twice(visit: StepVisit) -> None:
    """As after a crash between the commit and the reply: the inbox hands it out again."""
    anna, key = visit.anna, _pick_button(visit)
    before, message_count = await state(anna), len(anna.bot_messages)
    if key is None and visit.answer is not None:
        anna.person.send(await visit.answer())
    else:
        anna.person.press(step_message(anna)["message_id"], button_data(anna, key or "cancel"))
    raw = await anna.harness.updates()
    await anna.harness.kaika.intake.accept(raw + raw)
    await anna.harness.kaika.application.update_queue.join()
    if visit.wait_until_idle is not None:
        await visit.wait_until_idle()
    at, seen = await state(anna), step_message(anna)["text"]
    assert at.version == before.version + 1
    count_after_first = len(anna.bot_messages)
    await deliver_update(anna.harness, raw[0])
    assert await state(anna) == at
    assert step_message(anna)["text"] == seen
    if _sends_nothing_new(visit, key):
        counts = (count_after_first, len(anna.bot_messages))
        assert counts == (message_count, message_count), "edited in place"


def _sends_nothing_new(visit: StepVisit, key: str | None) -> bool:
    """Whether a button only edits its message, and sends no other."""
    found = [button for button in visit.location.step.buttons if button.key == key]
    return bool(found) and found[0].after_commit is None


async def taps_twice(visit: StepVisit) -> None:
    """Of two taps on one button only one counts; a text typed twice is taken once."""
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


def _expect_deleted_if_secret(anna: ChatUser, sent: int, text: str) -> None:
    """Expect a text that looks like a secret to be deleted."""
    services = anna.harness.kaika.application.bot_data["services"]
    if services.secret_detector.find(text) is not None:
        assert sent not in [message["message_id"] for message in anna.messages]


async def begins_another(visit: StepVisit) -> None:
    """Who has something to lose is asked before another conversation begins."""
    anna, location = visit.anna, visit.location
    conversations = declared_conversations(anna.harness)
    other = "status" if location.conversation != "status" else "pay"
    before = await state(anna)
    await anna.starts(f"do-{other}")
    if not has_something_to_lose(location, before):
        assert (await state(anna)).conversation == other
        return
    assert await state(anna) == before, "asked first"
    await press(anna, SHOW)
    await expect_step(anna, location)
    await anna.starts(f"do-{other}")
    await anna.forges(
        step_message(anna)["message_id"],
        f"v1:anew:{other}.{conversations[other].initial}.{before.version}",
    )
    at = await state(anna)
    assert (at.conversation, at.step, at.history) == (other, conversations[other].initial, ())


def has_something_to_lose(location: StepLocation, at: ConversationState) -> bool:
    """Whether a person came to a step by more than a link."""
    return bool(
        at.history
        or (location.step.requires and not location.step.is_done)
        or location.step.on_leave
    )


async def times_out(visit: StepVisit) -> None:
    """After the timeout, whatever comes next is answered with that the conversation is over."""
    anna = visit.anna
    key, number = _pick_button(visit), anna.person.id % 2
    if key is not None and number:
        await press(anna, key)
    elif visit.answer is not None:
        answer = await visit.answer()
        _expect_deleted_if_secret(anna, await anna.says(answer), answer)
    else:
        await anna.says("how much does the card cost")
        assert "278" in anna.bot_messages[-2]["text"]
    expect_recent_text(anna, EXPIRED_TEXTS)
    at = await state(anna)
    assert (at.step, at.is_open, dict(at.data)) == (EXPIRED, False, {})
    assert f"v1:do:{at.conversation}" in _newest_buttons(anna), "it can be started again"
    await anna.says("how much does the card cost")
    anna.sees("278", title("fee"))


LEAVING: tuple[Interruption, ...] = (
    cancels,
    sends_the_same_update_twice,
    taps_twice,
    begins_another,
)
