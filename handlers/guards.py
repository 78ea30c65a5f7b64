"""The guards in front of all handlers: secrets are deleted, and requests limited.

Secrets come first, so that one is deleted also from a person who asks for too much. A limited
person still reaches the lost card, payments and Cancel.
"""

from collections.abc import Mapping
from contextlib import suppress
from time import monotonic

import structlog
from telegram import CallbackQuery, Message, Update
from telegram.constants import ChatType
from telegram.error import TelegramError
from telegram.ext import ApplicationHandlerStop

import locales
from handlers import lost_card
from handlers.context import Context
from handlers.conversations.registry import is_guide
from handlers.desk import subscriber_messages
from handlers.engine import message_handler, start_handler
from handlers.engine.session import conversations_of, open_session
from handlers.engine.transitions import CANCEL
from handlers.faq import answers, questions
from handlers.screen.deletion import delete_incoming_message
from handlers.screen.text import N_, Markup, label, say
from handlers.screen.view import PressedButton, View, button, send, view
from services.request_limits import RequestLimiter
from services.secret_detection import SecretShape

_VITAL_CONVERSATIONS = (lost_card.CONVERSATION, "pay")
_STARTING_ROUTES = ("do", "go", "anew", "dlg")
_STOPPING_ROUTE = "doubt"
"""Stops what somebody else may be doing; see `handlers.notifications`."""
_TOO_MANY_TEXTS = N_(
    "⏳ <b>That's a lot of messages.</b> I'll answer again in {seconds} seconds. Until then I "
    "don't read your questions, so please ask again afterwards.\n"
    "\n"
    "Reporting a lost card, paying and Cancel always work."
)
_TOO_MANY_TAPS = N_("⏳ Too many taps. Buttons work again in {seconds} seconds.")
_TOO_MANY_QUERIES = N_("⏳ Again in {seconds} s")

_log = structlog.get_logger()


async def on_any_message(update: Update, context: Context) -> None:
    """Stop a message of somebody who has to pause.

    :raises ApplicationHandlerStop: so that no other handler sees the message.
    """
    message = update.effective_message
    if not isinstance(message, Message) or message.successful_payment is not None:
        return
    if questions.addressed_question(message, context.bot.username) is None:
        return
    if not await may_be_answered(update, context):
        raise ApplicationHandlerStop


async def may_be_answered(update: Update, context: Context) -> bool:
    """Count a message; tell the person once when they have to pause."""
    message, user = update.effective_message, update.effective_user
    if not isinstance(message, Message) or user is None:
        return True
    limits, number = context.services.request_limits, update.update_id
    if context.services.is_repeated(number) and not limits.texts.is_told(user.id, by=number):
        return True  # it was counted when it came first
    moment = (message.edit_date or message.date).timestamp()
    if limits.texts.grants(user.id, moment):
        return True
    is_vital = not limits.vital.is_paused(user.id, moment) and await _is_vital(
        message, update, context
    )
    if is_vital and limits.vital.grants(user.id, moment):
        return True
    if limits.texts.mark_told(user.id, by=number):
        _log.info("person_has_to_pause", kind="texts")
        await send(update, context, _pause_view(context.language(update), limits.texts))
    return False


async def _is_vital(message: Message, update: Update, context: Context) -> bool:
    """Whether a message is answered also during a pause."""
    text = message.text or ""
    if text.startswith("/"):
        return _is_vital_command(text, context.may_be_in_conversation(update))
    if not context.may_be_in_conversation(update):
        return False
    if message_handler.button_for(text) is not None:
        return True
    session = open_session(update, context)
    state = await session.load() if session else None
    return state is not None and state.is_open and state.conversation in _VITAL_CONVERSATIONS


def _is_vital_command(text: str, is_in_conversation: bool) -> bool:
    command, _, payload = text[1:].strip().partition(" ")
    name = command.partition("@")[0]
    if name == "cancel":
        return is_in_conversation
    links = tuple(start_handler.DEEP_LINK + each for each in _VITAL_CONVERSATIONS)
    return name == lost_card.COMMAND or (name == "start" and payload.startswith(links))


async def may_be_pressed(
    query: CallbackQuery, pressed: PressedButton | None, update_id: int, context: Context
) -> bool:
    """Count a pressed button; tell the person once when they have to pause."""
    limits, person, now = context.services.request_limits, query.from_user.id, monotonic()
    if context.services.is_repeated(update_id) or limits.buttons.grants(person, now):
        return True
    if pressed is not None and _is_vital_button(pressed) and limits.vital.grants(person, now):
        return True
    if limits.buttons.mark_told(person, by=update_id):
        _log.info("person_has_to_pause", kind="buttons")
        texts = [_fill(each, _TOO_MANY_TAPS, limits.buttons) for each in locales.LANGUAGES]
        with suppress(TelegramError):
            await query.answer("\n".join(texts), show_alert=True)
    return False


def _is_vital_button(pressed: PressedButton) -> bool:
    parts = pressed.parts
    if pressed.route == _STOPPING_ROUTE or parts[-1] == CANCEL:
        return True
    return pressed.route in _STARTING_ROUTES and parts[0] in _VITAL_CONVERSATIONS


def pause_label(limiter: RequestLimiter) -> str:
    """Return the label of the button above no inline results, in every language."""
    return " · ".join(_fill(each, _TOO_MANY_QUERIES, limiter) for each in locales.LANGUAGES)


def _pause_view(language: str, limiter: RequestLimiter) -> View:
    """Return what somebody is told when their pause begins, in every language, their own first."""
    seconds = _seconds(limiter)
    languages = (language, *(each for each in locales.LANGUAGES if each != language))
    texts = [say(each, _TOO_MANY_TEXTS, seconds=seconds) for each in languages]
    return view(Markup("\n\n———\n\n".join(texts)), [lost_card.lost_card_button(language)])


def _fill(language: str, text: str, limiter: RequestLimiter) -> str:
    return label(language, text, seconds=_seconds(limiter))


def _seconds(limiter: RequestLimiter) -> int:
    assert limiter.limit is not None
    return int(limiter.limit.pause)


_SHAPE_NAMES: Mapping[SecretShape, str] = {
    SecretShape.UI_NUMBER: N_("an identity number (UI No.)"),
    SecretShape.CARD_NUMBER: N_("an IC card number"),
    SecretShape.PAYMENT_CARD: N_("a payment card number"),
    SecretShape.CODE_OR_PIN: N_("a subscriber code or a PIN"),
}


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
    is_with_staff = context.is_with_staff
    if not is_with_staff and await message_handler.is_expected_input(update, context, shape):
        return
    if context.ticket is not None:
        if is_with_staff:
            await subscriber_messages.withhold(update, context, _SHAPE_NAMES[shape])
            raise ApplicationHandlerStop
        await subscriber_messages.note_withheld(update, context, _SHAPE_NAMES[shape])
    deleted = await delete_incoming_message(message)
    _log.info("secret_shape_met", shape=str(shape), deleted=deleted)
    if await may_be_answered(update, context):
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
            "🔒 Your message looks like {what}, and I can't delete it here. <b>Please delete it "
            "yourself</b>: press and hold the message, then choose Delete for everyone.",
            what=what,
        )
    is_asked = await message_handler.awaits_an_answer(update, context)
    advice = _advice(context, shape, language, is_asked)
    rows = [answers.more_row(language)]
    if not is_asked:
        guides = button(label(language, "🧭 See all guides"), "guides", language)
        rows = [[lost_card.lost_card_button(language)], [guides], *rows]
    await send(update, context, view(Markup(f"{warning}\n\n{advice}"), *rows))


def _advice(context: Context, shape: SecretShape, language: str, is_asked: bool) -> Markup:
    """Return where such a secret may be typed, if anywhere.

    :param is_asked: whether a step is open, which is shown again below.
    """
    is_payment_card = shape is SecretShape.PAYMENT_CARD
    is_paid_elsewhere = is_payment_card and is_guide(conversations_of(context)["pay"])
    if context.services.authority is None or is_paid_elsewhere:
        return say(
            language,
            "I never need it. Type it only on the official page, {site}. You can ask "
            "your question again without it.",
        )
    if is_payment_card:
        return say(
            language,
            "Never type card numbers in a chat. When you pay, Telegram opens the payment "
            "provider's own form.",
        )
    if is_asked:
        return say(
            language,
            "You don't need it at this step. The question is below. <b>Kaika never asks for "
            "your PIN in a chat.</b>",
        )
    return say(
        language,
        "You don't need it right now. Kaika asks for the UI No., subscriber code or card "
        "number only in a step you started in our private chat. To start, send /guide. "
        "<b>Kaika never asks for your PIN in a chat.</b>",
    )
