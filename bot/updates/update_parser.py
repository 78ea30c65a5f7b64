"""Updates as PTB's objects, with the fields that the Bot API promises.

PTB takes for granted that fields are there and of the right type: an update without them would
fail somewhere in a handler. Here it fails immediately, and is set aside.
"""

from collections.abc import Mapping
from datetime import datetime
from types import NoneType
from typing import Any

from telegram import (
    Bot,
    CallbackQuery,
    Chat,
    ChatMember,
    ChatMemberUpdated,
    ChatShared,
    InlineQuery,
    Message,
    MessageEntity,
    PreCheckoutQuery,
    SuccessfulPayment,
    TelegramObject,
    Update,
    User,
)

from services.messaging.update_json import Json

_Types = tuple[type, ...]
_TEXT: _Types = (str, NoneType)
_NUMBER: _Types = (int, NoneType)
_FLAG: _Types = (bool, NoneType)
_FIELDS: Mapping[type, Mapping[str, _Types]] = {
    User: {
        "id": (int,),
        "is_bot": (bool,),
        "first_name": (str,),
        "last_name": _TEXT,
        "language_code": _TEXT,
    },
    Chat: {
        "id": (int,),
        "type": (str,),
        "title": _TEXT,
        "username": _TEXT,
        "first_name": _TEXT,
        "is_forum": _FLAG,
    },
    Message: {
        "message_id": (int,),
        "chat": (Chat,),
        "date": (datetime,),
        "text": _TEXT,
        "caption": _TEXT,
        "entities": (tuple,),
        "caption_entities": (tuple,),
        "from_user": (User, NoneType),
        "sender_chat": (Chat, NoneType),
        "via_bot": (User, NoneType),
        "left_chat_member": (User, NoneType),
        "reply_to_message": (Message, NoneType),
        "message_thread_id": _NUMBER,
        "is_topic_message": _FLAG,
        "migrate_to_chat_id": _NUMBER,
        "migrate_from_chat_id": _NUMBER,
        "chat_shared": (ChatShared, NoneType),
        "successful_payment": (SuccessfulPayment, NoneType),
    },
    MessageEntity: {"type": (str,), "offset": (int,), "length": (int,)},
    ChatShared: {"request_id": (int,), "chat_id": (int,)},
    CallbackQuery: {"id": (str,), "from_user": (User,), "data": _TEXT},
    InlineQuery: {"id": (str,), "from_user": (User,), "query": (str,), "offset": (str,)},
    ChatMember: {"status": (str,)},
    ChatMemberUpdated: {
        "chat": (Chat,),
        "from_user": (User,),
        "old_chat_member": (ChatMember,),
        "new_chat_member": (ChatMember,),
    },
    PreCheckoutQuery: {
        "id": (str,),
        "from_user": (User,),
        "currency": (str,),
        "total_amount": (int,),
        "invoice_payload": (str,),
    },
    SuccessfulPayment: {
        "currency": (str,),
        "total_amount": (int,),
        "invoice_payload": (str,),
        "telegram_payment_charge_id": (str,),
        "provider_payment_charge_id": (str,),
    },
}
"""The fields that handlers read, and their types."""


class MissingFieldError(Exception):
    """A field of an update is missing or of another type.

    :ivar field: such as ``Message.chat``.
    """

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def parse_update(item: Json, bot: Bot) -> Update:
    """Parse an update.

    :raises Exception: for one that cannot be parsed.
    """
    update = Update.de_json(item, bot)
    for part in (
        update.message,
        update.edited_message,
        update.callback_query,
        update.callback_query and update.callback_query.message,
        update.inline_query,
        update.my_chat_member,
        update.chat_member,
        update.pre_checkout_query,
    ):
        if part is not None:
            _check_fields(part)
    return update


def _check_fields(part: Any) -> None:
    """Check what is known of an object, and of the objects in it.

    :raises MissingFieldError: for the first field that is not as it has to be.
    """
    for kind, fields in _FIELDS.items():
        if not isinstance(part, kind):
            continue
        for name, types in fields.items():
            value = getattr(part, name)
            if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
                raise MissingFieldError(f"{kind.__name__}.{name}")
            for inner in value if isinstance(value, tuple) else (value,):
                if isinstance(inner, TelegramObject):
                    _check_fields(inner)
