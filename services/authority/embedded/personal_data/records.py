"""Personal data: encrypted field by field, and found by keyed hashes."""

import base64
import binascii
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services.authority.embedded.models import (
    Application,
    CardRecord,
    LinkedChat,
    Subscriber,
)
from services.authority.errors import GrantExpiredError, UnknownPersonError
from services.authority.interface.credentials import SealedInput
from services.formats.card_number import CardNumber
from services.formats.hidden import Hidden
from services.formats.ui_number import UiNumber
from services.ids import new_id
from services.storage.database import insert_or_ignore
from services.storage.keys import KeyRing, SecretPurpose, UnsealError, column_context

_INPUT_TABLE, _INPUT_COLUMN = "dialogs", "data"
SEALED_FIELDS = (
    "ui_number", "name", "birth_date", "mail_address", "postal_address", "person_serial",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class PersonalData:
    """The personal data of an application form."""

    ui_number: UiNumber
    name: str
    birth_date: date
    mail_address: str
    postal_address: str


class PersonalRecords:
    """Reads and writes personal data."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def hash_ui_number(self, ui_number: UiNumber) -> bytes:
        """Return the hash a person is found by."""
        return self._keys.keyed_hash(SecretPurpose.LOOKUP, "ui", ui_number.reveal())

    def hash_birth_date(self, ui_number: UiNumber, born: date) -> bytes:
        """Return the hash a birth date is compared by."""
        number = ui_number.reveal()
        return self._keys.keyed_hash(SecretPurpose.LOOKUP, "birth", number, born.isoformat())

    def hash_card_number(self, number: CardNumber) -> bytes:
        """Return the hash an IC card number is compared by."""
        return self._keys.keyed_hash(SecretPurpose.LOOKUP, "card", number.reveal())

    def hash_subject(self, *parts: str) -> bytes:
        """Return the subject of a rate limit that is not about a UI No."""
        return self._keys.keyed_hash(SecretPurpose.LOOKUP, "subject", *parts)

    def hash_mails(self, birth_hash: bytes, linked_chat: int | None = None) -> bytes:
        """Return the subject of the limits on a person's mails.

        :param linked_chat: a chat that is linked to them, which is counted by itself.
        """
        if linked_chat is None:
            return birth_hash
        return self.hash_subject("mails", str(linked_chat), birth_hash.hex())

    def hash_chat(self, chat_id: int) -> bytes:
        """Return the subject of a chat's rate limits."""
        return self.hash_subject("chat", str(chat_id))

    def hash_verification(self, ui_hash: bytes, chat_id: int) -> bytes:
        """Return the subject of the limits on one chat that verified one person."""
        return self.hash_subject("verification", str(chat_id), ui_hash.hex())

    def seal(self, text: str, table: str, key: str, column: str) -> bytes:
        """Encrypt one value for its place."""
        return self._keys.seal(text.encode(), column_context(table, key, column))

    def unseal(self, sealed: bytes, table: str, key: str, column: str) -> str:
        """Decrypt one value.

        :raises UnsealError: when its key is lost or it was changed.
        """
        return self._keys.unseal(sealed, column_context(table, key, column)).decode()

    async def lock_or_create(
        self, session: AsyncSession, data: PersonalData, now: datetime
    ) -> Subscriber:
        """Return a person, locked, inserting them if they are new."""
        ui_hash = self.hash_ui_number(data.ui_number)
        query = lock_person(select(Subscriber).where(Subscriber.ui_hash == ui_hash))
        while True:
            known: Subscriber | None = (await session.scalars(query)).one_or_none()
            if known is not None:
                return known
            # Another process may do the same at this moment, so a row that is there is left alone.
            new = insert_or_ignore(session, Subscriber).values(self._new_row(data, now))
            await session.execute(new)

    def _new_row(self, data: PersonalData, now: datetime) -> dict[str, Any]:
        serial = "".join(secrets.choice("0123456789") for _ in range(16))
        row = Subscriber(id=new_id(), created_at=now, ui_hash=self.hash_ui_number(data.ui_number))
        self._set(row, "person_serial", serial)
        self.update(row, data)
        return {column.name: getattr(row, column.name) for column in Subscriber.__table__.columns}

    def update(self, subscriber: Subscriber, data: PersonalData) -> None:
        """Update a person from a form."""
        subscriber.birth_hash = self.hash_birth_date(data.ui_number, data.birth_date)
        self._set(subscriber, "ui_number", data.ui_number.reveal())
        self._set(subscriber, "name", data.name)
        self._set(subscriber, "birth_date", data.birth_date.isoformat())
        self._set(subscriber, "mail_address", data.mail_address)
        self.set_address(subscriber, data.postal_address)

    def set_address(self, subscriber: Subscriber, postal_address: str) -> None:
        """Store a new postal address."""
        self._set(subscriber, "postal_address", postal_address)

    def _set(self, subscriber: Subscriber, column: str, text: str) -> None:
        setattr(subscriber, column, self.seal(text, "subscribers", subscriber.id, column))

    def unseal_field(self, subscriber: Subscriber, column: str) -> str:
        """Decrypt one field of a person.

        :raises UnsealError: when its key is lost or it was changed.
        """
        return self.unseal(getattr(subscriber, column), "subscribers", subscriber.id, column)

    def unseal_person(self, subscriber: Subscriber) -> PersonalData:
        """Decrypt a person's data.

        :raises UnsealError: when its key is lost or it was changed.
        """
        return PersonalData(
            ui_number=UiNumber(self.unseal_field(subscriber, "ui_number")),
            name=self.unseal_field(subscriber, "name"),
            birth_date=date.fromisoformat(self.unseal_field(subscriber, "birth_date")),
            mail_address=self.unseal_field(subscriber, "mail_address"),
            postal_address=self.unseal_field(subscriber, "postal_address"),
        )

    def unseal_address(self, subscriber: Subscriber) -> Hidden:
        """Decrypt the postal address, for the person themself."""
        return Hidden(self.unseal_field(subscriber, "postal_address"))

    def unseal_card_number(self, card: CardRecord) -> CardNumber | None:
        """Decrypt the number of a card."""
        if card.number is None:
            return None
        return CardNumber(self.unseal(card.number, "cards", card.application_id, "number"))

    async def find(self, session: AsyncSession, ui_number: UiNumber) -> Subscriber | None:
        """Return the person with this UI No."""
        query = select(Subscriber).where(Subscriber.ui_hash == self.hash_ui_number(ui_number))
        return (await session.scalars(query)).one_or_none()

    async def require(self, session: AsyncSession, ui_number: UiNumber) -> Subscriber:
        """Return the person with this UI No. for the counter.

        :raises UnknownPersonError: where there is none.
        """
        subscriber = await self.find(session, ui_number)
        if subscriber is None:
            raise UnknownPersonError
        return subscriber

    async def require_latest(
        self, session: AsyncSession, ui_number: UiNumber
    ) -> tuple[Subscriber, Application]:
        """Return a person and their last application, locked, for the counter.

        :raises UnknownPersonError: where there is no such person, or no application of theirs.
        """
        subscriber = await self.require(session, ui_number)
        application = await find_latest_application(session, subscriber)
        if application is None:
            raise UnknownPersonError
        return subscriber, application


class EmbeddedSealedInput(SealedInput):
    """Seals what was typed in a chat, for the steps that follow there."""

    def __init__(self, records: PersonalRecords) -> None:
        self._records = records

    @override
    def seal(self, value: Hidden, chat_id: int) -> str:
        sealed = self._records.seal(value.reveal(), _INPUT_TABLE, str(chat_id), _INPUT_COLUMN)
        return base64.urlsafe_b64encode(sealed).decode()

    @override
    def unseal(self, sealed: str, chat_id: int) -> Hidden:
        try:
            raw = base64.urlsafe_b64decode(sealed)
            return Hidden(self._records.unseal(raw, _INPUT_TABLE, str(chat_id), _INPUT_COLUMN))
        except (UnsealError, binascii.Error):
            raise GrantExpiredError from None


def lock_person(query: Select[Any]) -> Select[Any]:
    """Lock a person for the unit of work, while others may still refer to them.

    Rows that refer to a person, such as a link, are written while their application is locked,
    and applications are locked after persons; a full lock would make two wait in a circle.
    """
    return query.with_for_update(key_share=True)


async def find_latest_application(
    session: AsyncSession, subscriber: Subscriber, *, lock: bool = True
) -> Application | None:
    """Return a person's last application, locked unless `lock` is false."""
    await session.flush()
    query = select(Application).where(Application.subscriber_id == subscriber.id)
    query = query.order_by(Application.submitted_at.desc(), Application.id).limit(1)
    query = query.execution_options(populate_existing=True)
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def is_linked(session: AsyncSession, ui_hash: bytes, chat_id: int) -> bool:
    """Whether a chat is linked to the person with this UI No., if there is one."""
    query = select(LinkedChat.chat_id).join(Subscriber, LinkedChat.subscriber_id == Subscriber.id)
    query = query.where(Subscriber.ui_hash == ui_hash, LinkedChat.chat_id == chat_id)
    return await session.scalar(query) is not None


async def find_linked_chats(
    session: AsyncSession, subscriber_id: str | None, acting_chat: int | None = None
) -> tuple[int, ...]:
    """Return the chats linked to a person, except `acting_chat`."""
    query = select(LinkedChat.chat_id).where(LinkedChat.subscriber_id == subscriber_id)
    chats = await session.scalars(query.order_by(LinkedChat.linked_at, LinkedChat.chat_id))
    return tuple(chat for chat in chats if chat != acting_chat)
