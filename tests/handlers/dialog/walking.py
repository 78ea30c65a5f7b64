"""Getting a person to any step of any conversation, and what they must see there."""

from dataclasses import dataclass, replace
from datetime import timedelta

from handlers.dialog.declaration import Choice, Scene, Step, place
from handlers.dialog.views import words_of
from handlers.guide import CONVERSATIONS
from services.dialogs import DialogState
from tests.chat import Stage, Subscriber, plain

LANGUAGES = ("en", "zh-hant")


@dataclass(frozen=True)
class Spot:
    """A step, and the choice that leads there, where there is one."""

    dialog: str
    name: str
    before: "Spot | None" = None
    choice: Choice | None = None

    @property
    def step(self) -> Step:
        return CONVERSATIONS[self.dialog].steps[self.name]

    @property
    def here(self) -> tuple[str, str]:
        return self.dialog, self.name


def spots(dialog: str) -> list[Spot]:
    """Give every step of a conversation."""
    return [_spot(dialog, name) for name in CONVERSATIONS[dialog].steps]


def open_spots(dialog: str) -> list[Spot]:
    """Give every step of a conversation that is no end."""
    return [spot for spot in spots(dialog) if not spot.step.is_end]


def _spot(dialog: str, name: str) -> Spot:
    for other in CONVERSATIONS.values():
        for before, step in other.steps.items():
            for choice in step.choices:
                if place(choice.to, other.name) == (dialog, name) and not step.needs:
                    return Spot(dialog, name, Spot(other.name, before), choice)
    for before, step in CONVERSATIONS[dialog].steps.items():
        for choice in step.choices:
            if place(choice.to, dialog) == (dialog, name):
                return Spot(dialog, name, _spot(dialog, before), choice)
    return Spot(dialog, name)


async def reach(person: Subscriber, spot: Spot) -> None:
    """Bring a person to a step as they would come there, by a link and taps."""
    if spot.before is None:
        await person.starts(f"do-{spot.dialog}-{spot.name}")
    else:
        if spot.before.step.needs:
            await reach(person, spot.before)
        else:
            await person.starts(f"do-{spot.before.dialog}-{spot.before.name}")
        assert spot.choice is not None
        await press(person, spot.choice.key)
    await expect(person, spot)


async def press(person: Subscriber, key: str) -> None:
    """Press the button of the newest message whose callback data ends with `key`."""
    data = button_data(person, key)
    await person.forges(person.last["message_id"], data)


def button_data(person: Subscriber, key: str) -> str:
    """Give the callback data of a button of the newest message."""
    rows = person.last["reply_markup"]["inline_keyboard"]
    found = [b["callback_data"] for row in rows for b in row if _key(b) == key]
    assert found, f"no button {key} at {person.last['text']!r}"
    return str(found[0])


def keys(person: Subscriber) -> list[str]:
    """Give the keys of the buttons of the newest message."""
    rows = person.last.get("reply_markup", {}).get("inline_keyboard", [])
    return [_key(button) for row in rows for button in row]


def _key(button: dict[str, str]) -> str:
    return button.get("callback_data", "").rpartition(".")[2]


async def state(person: Subscriber) -> DialogState:
    """Give where a person is by the database."""
    kaika = person.stage.kaika
    async with kaika.database.unit_of_work() as session:
        found = await kaika.dialogs.find(session, person.person.id, person.person.id)
    assert found is not None
    return found


def words(stage: Stage, spot: Spot, at: DialogState, language: str) -> str:
    """Give the words of a step as a person reads them."""
    services = stage.kaika.application.bot_data["services"]
    scene = Scene(at.chat_id, at.user_id, language, None, services.now(), at.data)
    return plain(words_of(spot.step.words, scene)).strip()


async def expect(person: Subscriber, spot: Spot, language: str | None = None) -> None:
    """Expect a person to be at a step, in the database and on the screen."""
    at = await state(person)
    assert (at.dialog, at.step) == spot.here
    assert at.is_open is not spot.step.is_end
    spoken = language or person.stage.kaika.people.language(
        person.person.id, person.person.language_code
    )
    assert person.last["text"] == words(person.stage, spot, at, spoken)


def later(stage: Stage, days: int) -> None:
    """Let days pass for the whole bot."""
    data = stage.kaika.application.bot_data
    now = data["services"].now
    data["services"] = replace(data["services"], now=lambda: now() + timedelta(days=days))
