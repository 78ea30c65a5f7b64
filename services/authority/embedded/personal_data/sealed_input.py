"""Sealing what was typed in a chat, for the steps that follow."""

import base64
import binascii

from typing_extensions import override

from services.authority.embedded.personal_data.records import PersonalRecords
from services.authority.errors import GrantExpiredError
from services.authority.interface.credentials import SealedInput
from services.formats.hidden import Hidden
from services.storage.keys import UnsealError

_TABLE, _COLUMN = "dialogs", "data"


class EmbeddedSealedInput(SealedInput):
    """Seals with the key of the database, for one chat's row."""

    def __init__(self, records: PersonalRecords) -> None:
        self._records = records

    @override
    def seal(self, value: Hidden, chat_id: int) -> str:
        sealed = self._records.seal(value.reveal(), _TABLE, str(chat_id), _COLUMN)
        return base64.urlsafe_b64encode(sealed).decode()

    @override
    def unseal(self, sealed: str, chat_id: int) -> Hidden:
        try:
            raw = base64.urlsafe_b64decode(sealed)
            return Hidden(self._records.unseal(raw, _TABLE, str(chat_id), _COLUMN))
        except (UnsealError, binascii.Error):
            raise GrantExpiredError from None
