"""The guard in front of all handlers that deletes messages that look like a secret."""

from collections.abc import Mapping

import structlog
from telegram import Message, Update
from telegram.constants import ChatType
from telegram.ext import ApplicationHandlerStop

from handlers import request_guard
from handlers.context import Context
from handlers.engine import message_handler
from handlers.engine.session import open_session
from handlers.faq import answers
from handlers.screen.deletion import delete_incoming_message
from handlers.screen.text import N_, Markup, say
from handlers.screen.view import send, view
from services.secret_detection import SecretShape

_SHAPE_NAMES: Mapping[SecretShape, str] = {
    SecretShape.UI_NUMBER: N_("an identity number (UI No.)"),
    SecretShape.CARD_NUMBER: N_("an IC card number"),
    SecretShape.PAYMENT_CARD: N_("a payment card number"),
    SecretShape.CODE_OR_PIN: N_("a subscriber code or a PIN"),
}

_log = structlog.get_logger()


async def on_any_text(update: Update, context: Context) -> None:
    """Delete a message that looks like a secret, and warn the person.

    :raises ApplicationHandlerStop: so that no other handler sees the message.
    """
    message = update.effective_message
    if not isinstance(message, Message) or message.chat.type == ChatType.CHANNEL:
        return
    shape = context.services.secret_detector.find(message.text or message.caption or "")
    if shape is None:
        return
    context.services.mark_secret(update.update_id)
    if await message_handler.is_expected_input(update, context, shape):
        return
    deleted = await delete_incoming_message(message)
    _log.info("secret_shape_met", shape=str(shape), deleted=deleted)
    if await request_guard.may_be_answered(update, context):
        await _warn(update, context, shape, deleted)
        await message_handler.show_again(update, context)
    raise ApplicationHandlerStop


async def _warn(update: Update, context: Context, shape: SecretShape, deleted: bool) -> None:
    language = context.language(update)
    what = say(language, _SHAPE_NAMES[shape])
    if deleted:
        warning = say(
            language,
            "🔒 I deleted your message because it looked like {what}. It was not saved.",
            what=what,
        )
    else:
        warning = say(
            language,
            "🔒 Your message looks like {what}. I may not delete it here. <b>Please delete it "
            "yourself</b>: press and hold the message, then choose Delete for everyone.",
            what=what,
        )
    advice = _advice(update, context, shape, language)
    await send(update, context, view(Markup(f"{warning}\n\n{advice}"), answers.more_row(language)))


def _advice(update: Update, context: Context, shape: SecretShape, language: str) -> Markup:
    """Return where such a secret may be typed, if anywhere."""
    if context.services.authority is None:
        return say(
            language,
            "I never need it. Type it only on the official page, moica.nat.gov.tw. "
            "You can ask your question again without it.",
        )
    if shape is SecretShape.PAYMENT_CARD:
        return say(
            language,
            "Never type card numbers in a chat. When you pay, Telegram opens the payment "
            "provider's own form.",
        )
    if open_session(update, context) is not None:
        return say(
            language,
            (
                "You don't need it at this step. The question is below. <b>Kaika never asks for "
                "your PIN in a chat.</b>"
            ),
        )
    return say(
        language,
        "You don't need it right now. Kaika asks for the UI No., subscriber code or card "
        "number only in a step you started in our private chat. To start, send /guide. "
        "<b>Kaika never asks for your PIN in a chat.</b>",
    )
