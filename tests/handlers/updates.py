"""Updates taken out of the sandbox, to be delivered late or more than once."""

from telegram import Update

from tests.chat import Json, Stage, Subscriber
from tests.handlers.engine.navigation import button_data


async def take_text_update(person: Subscriber, text: str) -> Json:
    """Type a text, and return its update without giving it to the bot."""
    person.person.send(text)
    (raw,) = await person.stage.updates()
    return raw


async def take_button_update(person: Subscriber, key: str) -> Json:
    """Press a button, and return its update without giving it to the bot."""
    person.person.press(person.last["message_id"], button_data(person, key))
    (raw,) = await person.stage.updates()
    return raw


async def deliver_update(stage: Stage, raw: Json) -> None:
    """Deliver an update as the inbox does after a crash, even if it was done already."""
    application = stage.kaika.application
    await application.process_update(Update.de_json(raw, application.bot))
