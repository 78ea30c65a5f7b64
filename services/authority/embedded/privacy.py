"""Exporting what is held about a person, and erasing it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services import rate_limit
from services.authority.data_types import Change
from services.authority.embedded import authority_limits
from services.authority.embedded.audit import Actor, Audit, AuditAct
from services.authority.embedded.credentials.subscriber_codes import SubscriberCodes
from services.authority.embedded.models import (
    Application,
    AuditEntry,
    CardRecord,
    Certificate,
    CertificateSet,
    Payment,
    Subscriber,
)
from services.authority.embedded.payments.applications import Applications, delete_leftovers
from services.authority.embedded.payments.payments import list_payments
from services.authority.embedded.personal_data.records import (
    PersonalRecords,
    find_linked_chats,
    lock_person,
)
from services.authority.errors import (
    ForgetRefusedError,
    UnknownPersonError,
)
from services.authority.lifecycle import CERTIFICATE_IN_USE, ApplicationState, CertificateState
from services.formats.ui_number import UiNumber

_EXPORTED_COLUMNS = (
    "state", "submitted_at", "deadline", "paid_at", "issued_at", "posted_at", "activated_at",
)  # fmt: skip


class DataSubjectRequests:
    """Export and erasure of a person's data."""

    def __init__(
        self,
        records: PersonalRecords,
        codes: SubscriberCodes,
        audit: Audit,
        applications: Applications,
    ) -> None:
        self._records = records
        self._codes = codes
        self._audit = audit
        self._applications = applications

    async def export(
        self, session: AsyncSession, ui_number: UiNumber, actor: Actor, now: datetime
    ) -> dict[str, Any]:
        """Return everything that is held about a person, except what cannot be disclosed.

        :raises UnknownPersonError: where nobody is known under the number.
        """
        subscriber = await self._records.require(session, ui_number)
        data = self._records.unseal_person(subscriber)
        held = [
            await self._application(session, row)
            for row in await _lock_applications(session, subscriber)
        ]
        self._audit.record(session, AuditAct.EXPORTED, subscriber.id, actor.name, now)
        return {
            "person": {
                **vars(data),
                "ui_number": data.ui_number.reveal(),
                "person_serial": self._records.unseal_field(subscriber, "person_serial"),
            },
            "linked_chats": list(await find_linked_chats(session, subscriber.id)),
            "applications": held,
        }

    async def list_linked_chats(self, session: AsyncSession, ui_number: UiNumber) -> Sequence[int]:
        """Return the private chats that are linked to a person.

        :raises UnknownPersonError: where nobody is known under the number.
        """
        subscriber = await self._records.require(session, ui_number)
        return list(await find_linked_chats(session, subscriber.id))

    async def _application(self, session: AsyncSession, row: Application) -> dict[str, Any]:
        card = await session.get(CardRecord, row.id)
        number = self._records.unseal_card_number(card) if card else None
        certificates = await session.get(CertificateSet, row.id)
        serials = select(Certificate.kind, Certificate.serial)
        serials = serials.where(Certificate.application_id == row.id)
        entries = select(AuditEntry.at, AuditEntry.act, AuditEntry.actor)
        entries = entries.where(AuditEntry.subject == row.id).order_by(AuditEntry.number)
        return {
            **{name: getattr(row, name) for name in _EXPORTED_COLUMNS},
            "card_number": number.reveal() if number else None,
            "certificates": {
                "state": certificates.state if certificates else None,
                "valid_until": certificates.not_after if certificates else None,
                "serials": dict((await session.execute(serials)).all()),
            },
            "payments": [vars(payment) for payment in await list_payments(session, row.id)],
            "history": [dict(entry._mapping) for entry in await session.execute(entries)],
        }

    async def forget(
        self, session: AsyncSession, ui_number: UiNumber, actor: Actor, now: datetime
    ) -> Change:
        """Erase what identifies a person, where nothing in use needs it.

        What stays is the bare record: states, amounts, certificate serials and the audit. An
        unpaid application is withdrawn.

        :raises UnknownPersonError: where nobody is known under the number.
        :raises ForgetRefusedError: while an application is under way or certificates are in use.
        """
        subscriber = await self._records.require(session, ui_number)
        person = select(Subscriber.id).where(Subscriber.id == subscriber.id)
        await session.execute(lock_person(person))
        rows = await _lock_applications(session, subscriber)
        for row in rows:
            await _refuse_while_in_use(session, row)
        self._audit.record(session, AuditAct.FORGOTTEN, subscriber.id, actor.name, now)
        await self._delete_limits(session, subscriber)  # while the links are known
        for row in rows:
            await self._erase(session, row, actor, now)
        await session.execute(delete(Subscriber).where(Subscriber.id == subscriber.id))
        return Change(True, rows[-1].id if rows else "")

    async def _delete_limits(self, session: AsyncSession, subscriber: Subscriber) -> None:
        for limit in authority_limits.PERSON_LIMITS:
            await rate_limit.reset(session, limit, subscriber.ui_hash)
        for chat in (None, *await find_linked_chats(session, subscriber.id)):
            subject = self._records.hash_mails(subscriber.birth_hash, chat)
            for limit in authority_limits.MAIL_LIMITS:
                await rate_limit.reset(session, limit, subject)

    async def _erase(
        self, session: AsyncSession, row: Application, actor: Actor, now: datetime
    ) -> None:
        if row.state == ApplicationState.SUBMITTED:
            await self._applications.withdraw(session, row, actor, now)
        self._codes.destroy(session, row)
        await delete_leftovers(session, row)
        documents = update(Certificate).where(Certificate.application_id == row.id)
        await session.execute(documents.values(document=None))
        await session.execute(delete(CardRecord).where(CardRecord.application_id == row.id))
        payer = update(Payment).where(Payment.application_id == row.id)
        await session.execute(payer.values(user_id=0))


async def _lock_applications(
    session: AsyncSession, subscriber: Subscriber
) -> Sequence[Application]:
    query = select(Application).where(Application.subscriber_id == subscriber.id)
    query = query.order_by(Application.submitted_at, Application.id)
    rows = (await session.scalars(query.with_for_update())).all()
    if not rows:
        raise UnknownPersonError
    return rows


async def _refuse_while_in_use(session: AsyncSession, row: Application) -> None:
    if row.state in (ApplicationState.SUBMITTED, ApplicationState.EXPIRED):
        return
    certificates = await session.get(CertificateSet, row.id)
    state = CertificateState(certificates.state) if certificates else None
    if state is None:
        raise ForgetRefusedError(row.state)
    if state in CERTIFICATE_IN_USE:
        raise ForgetRefusedError(state)
