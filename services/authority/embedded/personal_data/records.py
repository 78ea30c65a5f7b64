"""A person's data: sealing it, opening it, and finding it by keyed hash."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.embedded.models import Application, Card, LinkedChat, Subscriber, place
from services.authority.embedded.personal_data.ids import new_id
from services.authority.errors import UnknownPersonError
from services.formats.card_number import CardNumber
from services.formats.hidden import Hidden
from services.formats.ui_number import UiNumber
from services.storage.keys import KeyRing, SecretPurpose
from services.storage.upsert import insert_or_ignore

SEALED_FIELDS = (
    "ui_number", "name", "birth_date", "mail_address", "postal_address", "person_serial",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class PersonalData:
    """What an application form says of a person."""

    ui_number: UiNumber
    name: str
    birth_date: date
    mail_address: str
    postal_address: str


class Records:
    """Reads and writes what names a person."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def ui_hash(self, ui_number: UiNumber) -> bytes:
        """Give what a UI No. is found by."""
        return self._keys.keyed_hash(SecretPurpose.LOOKUP, "ui", ui_number.reveal())

    def birth_hash(self, ui_number: UiNumber, born: date) -> bytes:
        """Give what a birth date is compared by."""
        number = ui_number.reveal()
        return self._keys.keyed_hash(SecretPurpose.LOOKUP, "birth", number, born.isoformat())

    def number_hash(self, number: CardNumber) -> bytes:
        """Give what an IC card number is compared by."""
        return self._keys.keyed_hash(SecretPurpose.LOOKUP, "card", number.reveal())

    def subject_hash(self, *parts: str) -> bytes:
        """Give what an allowance is kept under that is not about a UI No."""
        return self._keys.keyed_hash(SecretPurpose.LOOKUP, "subject", *parts)

    def chat_hash(self, chat_id: int) -> bytes:
        """Give what a chat's allowances are kept under."""
        return self.subject_hash("chat", str(chat_id))

    def seal(self, text: str, table: str, key: str, column: str) -> bytes:
        """Seal one value for its place."""
        return self._keys.seal(text.encode(), place(table, key, column))

    def unseal(self, sealed: bytes, table: str, key: str, column: str) -> str:
        """Open one value of its place.

        :raises UnsealError: when its key is lost or it was changed.
        """
        return self._keys.unseal(sealed, place(table, key, column)).decode()

    async def locked(self, session: AsyncSession, data: PersonalData, now: datetime) -> Subscriber:
        """Give a person, written down where they were not known, locked for the unit of work."""
        ui_hash = self.ui_hash(data.ui_number)
        query = lock_person(select(Subscriber).where(Subscriber.ui_hash == ui_hash))
        while True:
            known: Subscriber | None = (await session.scalars(query)).one_or_none()
            if known is not None:
                return known
            # Another process may do the same at this moment, so a row that is there is left alone.
            new = insert_or_ignore(session, Subscriber).values(self._written_down(data, now))
            await session.execute(new)

    def _written_down(self, data: PersonalData, now: datetime) -> dict[str, Any]:
        serial = "".join(secrets.choice("0123456789") for _ in range(16))
        row = Subscriber(id=new_id(), created_at=now, ui_hash=self.ui_hash(data.ui_number))
        self._set(row, "person_serial", serial)
        self.correct(row, data)
        return {column.name: getattr(row, column.name) for column in Subscriber.__table__.columns}

    def correct(self, subscriber: Subscriber, data: PersonalData) -> None:
        """Write down what a form says of a person who is known."""
        subscriber.birth_hash = self.birth_hash(data.ui_number, data.birth_date)
        self._set(subscriber, "ui_number", data.ui_number.reveal())
        self._set(subscriber, "name", data.name)
        self._set(subscriber, "birth_date", data.birth_date.isoformat())
        self._set(subscriber, "mail_address", data.mail_address)
        self.move(subscriber, data.postal_address)

    def move(self, subscriber: Subscriber, postal_address: str) -> None:
        """Write down a new address."""
        self._set(subscriber, "postal_address", postal_address)

    def _set(self, subscriber: Subscriber, column: str, text: str) -> None:
        setattr(subscriber, column, self.seal(text, "subscribers", subscriber.id, column))

    def field(self, subscriber: Subscriber, column: str) -> str:
        """Open one field of a person.

        :raises UnsealError: when its key is lost or it was changed.
        """
        return self.unseal(getattr(subscriber, column), "subscribers", subscriber.id, column)

    def open(self, subscriber: Subscriber) -> PersonalData:
        """Open what is known of a person.

        :raises UnsealError: when its key is lost or it was changed.
        """
        return PersonalData(
            ui_number=UiNumber(self.field(subscriber, "ui_number")),
            name=self.field(subscriber, "name"),
            birth_date=date.fromisoformat(self.field(subscriber, "birth_date")),
            mail_address=self.field(subscriber, "mail_address"),
            postal_address=self.field(subscriber, "postal_address"),
        )

    def address(self, subscriber: Subscriber) -> Hidden:
        """Give the postal address, for the person themself."""
        return Hidden(self.field(subscriber, "postal_address"))

    def card_number(self, card: Card) -> CardNumber | None:
        """Open the number of a card."""
        if card.number is None:
            return None
        return CardNumber(self.unseal(card.number, "cards", card.application_id, "number"))

    async def find(self, session: AsyncSession, ui_number: UiNumber) -> Subscriber | None:
        """Find a person by UI No."""
        query = select(Subscriber).where(Subscriber.ui_hash == self.ui_hash(ui_number))
        return (await session.scalars(query)).one_or_none()

    async def known(self, session: AsyncSession, ui_number: UiNumber) -> Subscriber:
        """Find a person by UI No. for the counter.

        :raises UnknownPersonError: where there is none.
        """
        subscriber = await self.find(session, ui_number)
        if subscriber is None:
            raise UnknownPersonError
        return subscriber

    async def latest(
        self, session: AsyncSession, ui_number: UiNumber
    ) -> tuple[Subscriber, Application]:
        """Find a person and their last application, locked, for the counter.

        :raises UnknownPersonError: where there is no such person, or no application of theirs.
        """
        subscriber = await self.known(session, ui_number)
        application = await latest_application(session, subscriber)
        if application is None:
            raise UnknownPersonError
        return subscriber, application


def lock_person(query: Select[Any]) -> Select[Any]:
    """Lock a person for the unit of work, and let others still refer to them.

    Rows that refer to a person, such as a link, are written while their application is locked,
    and applications are locked after persons; a full lock would make two wait in a circle.
    """
    return query.with_for_update(key_share=True)


async def latest_application(
    session: AsyncSession, subscriber: Subscriber, *, lock: bool = True
) -> Application | None:
    """Give a person's last application, locked for the rest of the unit of work."""
    await session.flush()
    query = select(Application).where(Application.subscriber_id == subscriber.id)
    query = query.order_by(Application.submitted_at.desc(), Application.id).limit(1)
    query = query.execution_options(populate_existing=True)
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def locked_application(session: AsyncSession, application_id: str) -> Application | None:
    """Give an application, locked for the rest of the unit of work."""
    await session.flush()
    return await session.get(
        Application, application_id, populate_existing=True, with_for_update=True
    )


async def linked_chats(
    session: AsyncSession, subscriber_id: str | None, without: int | None = None
) -> tuple[int, ...]:
    """Give the chats linked to a person, but one."""
    query = select(LinkedChat.chat_id).where(LinkedChat.subscriber_id == subscriber_id)
    chats = await session.scalars(query.order_by(LinkedChat.linked_at, LinkedChat.chat_id))
    return tuple(chat for chat in chats if chat != without)
