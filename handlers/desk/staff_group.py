"""The staff group: nothing of the public bot happens there."""

from telegram import Update
from telegram.ext import ApplicationHandlerStop, BaseHandler

from handlers.context import Context
from services.desk.desk import SupportDesk


class StaffGroupHandler(BaseHandler[Update, Context, None]):
    """Takes every update of the staff group, before the handlers of the public bot."""

    def __init__(self, desk: SupportDesk) -> None:
        super().__init__(on_any_update)
        self._desk = desk

    def check_update(self, update: object) -> bool:
        """Whether an update is of that group; costs no query."""
        if not isinstance(update, Update) or self._desk.group_id is None:
            return False
        chat = update.effective_chat
        return chat is not None and chat.id == self._desk.group_id


async def on_any_update(update: Update, context: Context) -> None:
    """Keep the public bot out of the staff group.

    :raises ApplicationHandlerStop: so that no other handler sees the update.
    """
    raise ApplicationHandlerStop
