"""Errors of handlers: logged without what was typed, and answered with an apology."""

import structlog
from telegram import Message, Update
from telegram.error import TelegramError
from telegram.ext import ApplicationHandlerStop

from bot.telegram.rate_limiter import ChatRefusedError
from bot.updates.intake import Intake, is_connection_failure, is_temporary
from handlers.context import Context
from handlers.screen.closed_chats import is_chat_closed
from handlers.screen.text import say
from handlers.screen.view import View, send, send_to, view
from services.people.chats import close_chat

_log = structlog.get_logger()


class ErrorHandler:
    """PTB error handler that notes the failure with the intake and answers the person.

    No other handler sees an update after an error: those that come first, such as the guard of
    secrets, decide what the others may see.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def __call__(self, update: object, context: Context) -> None:
        """Handle one error.

        :raises ApplicationHandlerStop: for an update, so that it is not processed any further.
        """
        error = context.error
        if isinstance(update, Update) and error is not None:
            try:
                await self._handle_update_error(update, error, context)
            except Exception as failed:
                _log.error("error_handler_failed", error=type(failed).__name__, exc_info=failed)
                self._intake.fail(update.update_id, failed)
            raise ApplicationHandlerStop
        await self._handle_event_error(update, error, context)

    async def _handle_update_error(
        self, update: Update, error: Exception, context: Context
    ) -> None:
        if isinstance(error, TelegramError) and is_chat_closed(error):
            chat = update.effective_chat
            await self._close_chat(chat.id if chat else 0, context)
            return
        self._intake.fail(update.update_id, error)
        if is_connection_failure(error):
            if not isinstance(error, ChatRefusedError):
                _log.warning("line_failed", error=type(error).__name__)
            return
        if is_temporary(error):
            _log.error("database_failed", error=type(error).__name__, exc_info=error)
            return
        _log.error("handler_failed", error=type(error).__name__, exc_info=error)
        if not _has_payment(update):  # who paid must not try again
            await self._apologise(update, context)

    async def _close_chat(self, chat_id: int, context: Context) -> None:
        """Note that the bot was blocked by the person or removed from the group."""
        _log.info("chat_closed_to_us")
        if chat_id:
            services = context.services
            async with services.database.unit_of_work() as session:
                await close_chat(session, chat_id, services.now())

    async def _apologise(self, update: Update, context: Context) -> None:
        if update.effective_chat is None:
            return
        try:
            await send(update, context, _apology(context.language(update)))
        except TelegramError as error:
            _log.warning("apology_not_sent", error=type(error).__name__)

    async def _handle_event_error(
        self, event: object, error: Exception | None, context: Context
    ) -> None:
        """Handle an error of an event, whose outcome a private chat may wait for."""
        chat_id = getattr(event, "chat_id", 0)
        if isinstance(error, TelegramError) and is_chat_closed(error):
            await self._close_chat(chat_id, context)
        elif error is not None and is_connection_failure(error):
            _log.warning("line_failed", error=type(error).__name__)
        elif error is not None and is_temporary(error):  # the bot stops, and its start goes on
            _log.error("database_failed", error=type(error).__name__, exc_info=error)
        else:
            _log.error("error_outside_an_update", exc_info=error)
            if error is not None and chat_id > 0:
                await self._apologise_for_event(chat_id, context)

    async def _apologise_for_event(self, chat_id: int, context: Context) -> None:
        language = context.services.languages.resolve(chat_id, None)
        try:
            await send_to(context.bot, chat_id, _apology(language))
        except TelegramError as failed:
            _log.warning("apology_not_sent", error=type(failed).__name__)


def _has_payment(update: Update) -> bool:
    message = update.effective_message
    return isinstance(message, Message) and message.successful_payment is not None


def _apology(language: str) -> View:
    return view(
        say(
            language,
            "Sorry, something went wrong on our side. Your data is safe. Please try again in a "
            "minute, or send /faq.",
        )
    )
