"""What was typed in a chat, kept sealed for the steps that follow."""

import base64
import binascii

from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.embedded.models import LinkedChat, Subscriber
from services.authority.embedded.personal_data.records import Records
from services.authority.errors import GrantExpiredError, UnknownPersonError
from services.formats.hidden import Hidden
from services.formats.ui_number import UiNumber
from services.storage.keys import UnsealError

_TABLE, _COLUMN = "dialogs", "data"


class Keeping:
    """Carries out `services.authority.interface.checks.Keeping`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def seal(self, value: Hidden, chat_id: int) -> str:
        """Carry out `Keeping.seal`."""
        sealed = self._records.seal(value.reveal(), _TABLE, str(chat_id), _COLUMN)
        return base64.urlsafe_b64encode(sealed).decode()

    def unseal(self, sealed: str, chat_id: int) -> Hidden:
        """Carry out `Keeping.unseal`."""
        try:
            raw = base64.urlsafe_b64decode(sealed)
            return Hidden(self._records.unseal(raw, _TABLE, str(chat_id), _COLUMN))
        except (UnsealError, binascii.Error):
            raise GrantExpiredError from None

    async def number_of(self, session: AsyncSession, subscriber: str, chat_id: int) -> UiNumber:
        """Carry out `Keeping.number_of`."""
        found = await session.get(Subscriber, subscriber)
        if found is None or await session.get(LinkedChat, (subscriber, chat_id)) is None:
            raise UnknownPersonError
        return UiNumber(self._records.field(found, "ui_number"))
