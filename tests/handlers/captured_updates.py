"""Updates taken out of the sandbox, to be delivered late or more than once."""

from telegram import Update

from tests.bot_harness import BotHarness, ChatUser, Json
from tests.handlers.engine.navigation import button_data


async def take_text_update(person: ChatUser, text: str) -> Json:
    """Type a text, and return its update without giving it to the bot."""
    person.person.send(text)
    (raw,) = await person.harness.updates()
    return raw


async def take_button_update(person: ChatUser, key: str) -> Json:
    """Press a button, and return its update without giving it to the bot."""
    person.person.press(person.last["message_id"], button_data(person, key))
    (raw,) = await person.harness.updates()
    return raw


async def deliver_update(harness: BotHarness, raw: Json) -> None:
    """Deliver an update as the inbox does after a crash, even if it was done already."""
    application = harness.kaika.application
    await application.process_update(Update.de_json(raw, application.bot))


async def deliver_update_in_turn(harness: BotHarness, raw: Json) -> None:
    """Deliver an update in the turn of its chat, so that events wait for its end."""
    application = harness.kaika.application
    update = Update.de_json(raw, application.bot)
    await application.update_processor.process_update(update, application.process_update(update))
