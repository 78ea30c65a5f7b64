"""Deletion of messages that a person sent."""

from telegram import Message, Update
from telegram.error import BadRequest, Forbidden

from handlers.context import Context
from handlers.screen.text import say
from handlers.screen.view import send, view

_GONE = "not found"


async def delete_incoming_message(message: Message) -> bool:
    """Delete a message; `False` where the bot may not, or where it is too old."""
    try:
        return await message.delete()
    except Forbidden:
        return False
    except BadRequest as error:
        return _GONE in error.message  # deleted before, which is as good


async def ask_to_delete(update: Update, context: Context) -> None:
    """Ask the person to delete their message themselves."""
    text = say(
        context.language(update),
        "🔒 I could not delete your message. <b>Please delete it yourself</b>: press and hold "
        "it, then choose Delete, for both sides.",
    )
    await send(update, context, view(text))
