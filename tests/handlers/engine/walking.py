"""Getting a person to any step of any conversation, and what they must see there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from handlers.engine.model import ButtonTransition, Conversation, Step, StepContext, resolve_target
from handlers.engine.rendering import render_text
from handlers.engine.transitions import status_message_of, without_status_message
from handlers.screen.text import say
from services.conversations import ConversationState
from tests.chat import Json, Stage, Subscriber, plain

LANGUAGES = ("en", "zh-hant")
Declared = Mapping[str, Conversation]


@dataclass(frozen=True)
class Spot:
    """A step, and the choice that leads there, where there is one."""

    dialog: str
    name: str
    step: Step
    before: "Spot | None" = None
    choice: ButtonTransition | None = None

    @property
    def here(self) -> tuple[str, str]:
        return self.dialog, self.name


def declared(stage: Stage) -> Declared:
    """Give the conversations of a stage."""
    found: Declared = stage.kaika.application.bot_data["conversations"]
    return found


def spots(known: Declared, dialog: str) -> list[Spot]:
    """Give every step of a conversation, with a tap that leads there."""
    return [_spot(known, dialog, name) for name in known[dialog].steps]


def open_spots(known: Declared, dialog: str) -> list[Spot]:
    """Give every step of a conversation that is no end."""
    return [spot for spot in spots(known, dialog) if not spot.step.is_end]


def _spot(known: Declared, dialog: str, name: str) -> Spot:
    here = known[dialog].steps[name]
    for other in known.values():
        for before, step in other.steps.items():
            for choice in step.buttons:
                if (
                    resolve_target(choice.target, other.name) == (dialog, name)
                    and not step.requires
                ):
                    return Spot(dialog, name, here, Spot(other.name, before, step), choice)
    for before, step in known[dialog].steps.items():
        for choice in step.buttons:
            if resolve_target(choice.target, dialog) == (dialog, name):
                return Spot(dialog, name, here, _spot(known, dialog, before), choice)
    return Spot(dialog, name, here)


async def reach(person: Subscriber, spot: Spot) -> None:
    """Bring a person to a step as they would come there, by a link and taps."""
    if spot.before is None:
        await person.starts(f"do-{spot.dialog}-{spot.name}")
    else:
        if spot.before.step.requires:
            await reach(person, spot.before)
        else:
            await person.starts(f"do-{spot.before.dialog}-{spot.before.name}")
        assert spot.choice is not None
        await press(person, spot.choice.key)
    await expect(person, spot)


async def press(person: Subscriber, key: str) -> None:
    """Press the button of the step's message whose callback data ends with `key`."""
    data = button_data(person, key)
    await person.forges(shown(person)["message_id"], data)


def shown(person: Subscriber) -> Json:
    """Give the newest message of a conversation; an invoice or a code may stand below it."""
    newest = reversed(person.heard)
    steps = (m for m in newest if any(data.startswith("v1:dlg:") for data in data_of(m)))
    return next(steps, None) or person.last


def button_data(person: Subscriber, key: str) -> str:
    """Give the callback data of a button of the step's message."""
    message = shown(person)
    found = [data for data in data_of(message) if data.rpartition(".")[2] == key]
    assert found, f"no button {key} at {message['text']!r}"
    return found[0]


def keys(person: Subscriber) -> list[str]:
    """Give the keys of the buttons of the step's message."""
    return [data.rpartition(".")[2] for data in data_of(shown(person))]


def data_of(message: Json) -> list[str]:
    """Give the callback data of a message's buttons."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button.get("callback_data", "") for row in rows for button in row]


async def state(person: Subscriber) -> ConversationState:
    """Give where a person is by the database."""
    kaika = person.stage.kaika
    async with kaika.database.unit_of_work() as session:
        found = await kaika.conversations.find(session, person.person.id, person.person.id)
    assert found is not None
    return found


def words(stage: Stage, step: Step, at: ConversationState, language: str) -> str:
    """Give the words of a step as a person reads them."""
    services = stage.kaika.application.bot_data["services"]
    ctx = StepContext(at.chat_id, at.user_id, language, None, services.now(), at.data)
    text, told = render_text(step.text, ctx), status_message_of(at)
    if told is not None:
        return plain(f"{say(language, told.text, **told.values)}\n\n{text}").strip()
    return plain(text).strip()


async def expect(person: Subscriber, spot: Spot, language: str | None = None) -> None:
    """Expect a person to be at a step, in the database and on the screen."""
    at = await state(person)
    assert (at.conversation, at.step) == spot.here
    assert at.is_open is not spot.step.is_end
    sees_step(person, spot.step, at, language)


async def expect_where_they_are(person: Subscriber) -> ConversationState:
    """Expect a person to see the step at which the database has them."""
    at = await state(person)
    sees_step(person, declared(person.stage)[at.conversation].steps[at.step], at)
    return at


def sees_step(
    person: Subscriber, step: Step, at: ConversationState, language: str | None = None
) -> None:
    """Expect the words of a step on the screen; what was told once need not stand there again."""
    spoken = language or person.stage.kaika.languages.resolve(
        person.person.id, person.person.account.language_code
    )
    text = shown(person)["text"]
    assert text in [
        words(person.stage, step, each, spoken) for each in (at, without_status_message(at))
    ]


def later(stage: Stage, **time: Any) -> None:
    """Let time pass for the whole bot, such as ``days=3``."""
    data = stage.kaika.application.bot_data
    now = data["services"].now
    data["services"] = replace(data["services"], now=lambda: now() + timedelta(**time))
