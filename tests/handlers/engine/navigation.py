"""Getting a person to any step of any conversation, and what they have to see there."""

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.engine.model import ButtonTransition, Conversation, Step, StepContext, resolve_target
from handlers.engine.rendering import render_step_text
from handlers.engine.transitions import without_status_message
from services.conversations import ConversationState
from tests.bot_harness import BotHarness, ChatUser, Json, plain

LANGUAGES = ("en", "zh-hant")
"""The languages of Telegram clients that tests alternate between."""
Conversations = Mapping[str, Conversation]


@dataclass(frozen=True)
class StepLocation:
    """A step, and a button that leads there, where there is one."""

    conversation: str
    name: str
    step: Step
    previous: "StepLocation | None" = None
    button: ButtonTransition | None = None

    @property
    def step_id(self) -> tuple[str, str]:
        return self.conversation, self.name


def declared_conversations(harness: BotHarness) -> Conversations:
    """Return the conversations of a bot."""
    conversations: Conversations = harness.kaika.application.bot_data["conversations"]
    return conversations


def locate_steps(conversations: Conversations, conversation: str) -> list[StepLocation]:
    """Return every step of a conversation, with a button that leads there."""
    steps = conversations[conversation].steps
    return [_locate_step(conversations, conversation, name) for name in steps]


def locate_open_steps(conversations: Conversations, conversation: str) -> list[StepLocation]:
    """Return every step of a conversation that is no end."""
    return [each for each in locate_steps(conversations, conversation) if not each.step.is_end]


def _locate_step(conversations: Conversations, conversation: str, name: str) -> StepLocation:
    found = conversations[conversation].steps[name]
    for other in conversations.values():
        for previous, step in other.steps.items():
            for button in step.buttons:
                if (
                    resolve_target(button.target, other.name) == (conversation, name)
                    and not step.requires
                ):
                    return StepLocation(
                        conversation, name, found, StepLocation(other.name, previous, step), button
                    )
    for previous, step in conversations[conversation].steps.items():
        for button in step.buttons:
            if resolve_target(button.target, conversation) == (conversation, name):
                return StepLocation(
                    conversation,
                    name,
                    found,
                    _locate_step(conversations, conversation, previous),
                    button,
                )
    return StepLocation(conversation, name, found)


async def go_to_step(person: ChatUser, location: StepLocation) -> None:
    """Bring a person to a step, by a link and buttons."""
    if location.previous is None:
        await person.starts(f"do-{location.conversation}-{location.name}")
    else:
        if location.previous.step.requires:
            await go_to_step(person, location.previous)
        else:
            await person.starts(f"do-{location.previous.conversation}-{location.previous.name}")
        assert location.button is not None
        await press(person, location.button.key)
    await expect_step(person, location)


async def press(person: ChatUser, key: str) -> None:
    """Press the button of the step's message whose callback data ends with `key`."""
    data = button_data(person, key)
    await person.forges(step_message(person)["message_id"], data)


def step_message(person: ChatUser) -> Json:
    """Return the newest message with a step; an invoice or a code may be below it."""
    newest = reversed(person.bot_messages)
    steps = (m for m in newest if any(data.startswith("v1:dlg:") for data in callback_data(m)))
    return next(steps, None) or person.last


def button_data(person: ChatUser, key: str) -> str:
    """Return the callback data of a button of the step's message."""
    message = step_message(person)
    found = [data for data in callback_data(message) if data.rpartition(".")[2] == key]
    assert found, f"no button {key} at {message['text']!r}"
    return found[0]


def step_keys(person: ChatUser) -> list[str]:
    """Return the keys of the buttons of the step's message."""
    return [data.rpartition(".")[2] for data in callback_data(step_message(person))]


def callback_data(message: Json) -> list[str]:
    """Return the callback data of a message's buttons."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button.get("callback_data", "") for row in rows for button in row]


async def state(person: ChatUser) -> ConversationState:
    """Return the stored conversation of a person."""
    kaika = person.harness.kaika
    async with kaika.database.unit_of_work() as session:
        found = await kaika.conversations.find(session, person.person.id, person.person.id)
    assert found is not None
    return found


def step_text(harness: BotHarness, step: Step, at: ConversationState, language: str) -> str:
    """Return the text of a step as a person reads it."""
    services = harness.kaika.application.bot_data["services"]
    ctx = StepContext(at.chat_id, at.user_id, language, None, services.now(), at.data)
    return plain(render_step_text(at, step, ctx)).strip()


async def expect_step(
    person: ChatUser, location: StepLocation, language: str | None = None
) -> None:
    """Expect a person to be at a step, in the database and on the screen."""
    at = await state(person)
    assert (at.conversation, at.step) == location.step_id
    assert at.is_open is not location.step.is_end
    expect_step_text(person, location.step, at, language)


async def expect_current_step(person: ChatUser) -> ConversationState:
    """Expect a person to see the step at which the database has them."""
    at = await state(person)
    expect_step_text(
        person, declared_conversations(person.harness)[at.conversation].steps[at.step], at
    )
    return at


def expect_step_text(
    person: ChatUser, step: Step, at: ConversationState, language: str | None = None
) -> None:
    """Expect the text of a step on the screen; its status message need not be there again."""
    spoken = language or person.harness.kaika.languages.resolve(
        person.person.id, person.person.account.language_code
    )
    text = step_message(person)["text"]
    assert text in [
        step_text(person.harness, step, each, spoken) for each in (at, without_status_message(at))
    ]
