"""The counter: operations of staff. Each opens its own unit of work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from services import rate_limit
from services.authority.data_types import CURRENCY, Change, Charge, ChargeResult, Checkout, Timeline
from services.authority.embedded import authority_limits
from services.authority.embedded.audit import Actor, AuditAct
from services.authority.embedded.authority import EmbeddedAuthority
from services.authority.embedded.certificates.certificates import build_timeline, list_certificates
from services.authority.embedded.models import Application, CardRecord, CertificateSet, Subscriber
from services.authority.embedded.payments.applications import ApplicationReceipt
from services.authority.embedded.payments.payments import PaymentView, list_payments
from services.authority.embedded.personal_data.records import PersonalData
from services.authority.interface.certificates import IssuedCertificate
from services.authority.lifecycle import (
    ApplicationState,
    CertificateAct,
    CertificateState,
    RevocationReason,
)
from services.formats.card_number import CardNumber
from services.formats.subscriber_code import SubscriberCode
from services.formats.ui_number import UiNumber
from services.ids import new_id


@dataclass(frozen=True)
class ApplicationRow:
    """One application in the list."""

    application: str
    ui_number_masked: str
    """Empty where the person was erased."""
    state: ApplicationState
    certificate: CertificateState | None
    submitted_at: datetime
    deadline: datetime


@dataclass(frozen=True, repr=False)
class PersonFile:
    """What the counter shows of one person."""

    person: PersonalData
    application: str
    timeline: Timeline
    card_number: CardNumber | None
    card_serial: str | None
    code_is_guarded: bool
    """Whether a chat that nobody knows has to verify the person before it may try the code."""
    code_is_locked: bool
    revocation_reason: str | None
    payments: tuple[PaymentView, ...]


class Counter:
    """The operations of staff, recorded under the name of `actor`."""

    def __init__(self, authority: EmbeddedAuthority, actor: Actor) -> None:
        self._authority = authority
        self._database = authority.database
        self._records = authority.records
        self._actor = actor

    async def apply(
        self, data: PersonalData, now: datetime, code: SubscriberCode | None = None
    ) -> ApplicationReceipt:
        """Submit an application and create the code for its form.

        :raises UnderageError: for an applicant who is not of age.
        :raises AlreadyAppliedError: when there is one in use with another birth date.
        """
        prepared = await self._authority.codes.prepare(new_id(), now, code)
        applications = self._authority.applications
        async with self._database.unit_of_work() as session:
            return await applications.apply(session, data, prepared, self._actor, now)

    async def post(self, ui_number: UiNumber, now: datetime) -> Change:
        """Record that a card was posted.

        :raises UnknownPersonError: where nobody is known under the number.
        :raises WrongStateError: when it is not made yet.
        """
        async with self._database.unit_of_work() as session:
            _, application = await self._records.require_latest(session, ui_number)
            applications = self._authority.applications
            return await applications.post(session, application, self._actor, now)

    async def pay(
        self, ui_number: UiNumber, charge_id: str, amount: int, now: datetime
    ) -> ChargeResult:
        """Record that a charge pays for a person's application.

        :raises UnknownPersonError: where nobody is known under the number.
        :raises CheckoutRefusedError: for a charge of another amount, or of another application.
        :raises WrongStateError: when it is paid by another charge.
        """
        charge = Charge(charge_id, "", Checkout("counter", 0, amount, CURRENCY))
        payments = self._authority.payments
        async with self._database.unit_of_work() as session:
            payment, _ = await payments.record_once(session, charge, now)
            _, application = await self._records.require_latest(session, ui_number)
            return await payments.settle(session, payment, application, self._actor, now)

    async def activate(self, ui_number: UiNumber, now: datetime) -> Change:
        """Activate a card that was handed over and given its PIN at the counter.

        :raises UnknownPersonError: where nobody is known under the number.
        :raises WrongStateError: when the card is not on its way, or revoked.
        """
        async with self._database.unit_of_work() as session:
            _, application = await self._records.require_latest(session, ui_number)
            certificates = self._authority.certificates
            return await certificates.activate(session, application, self._actor, now)

    async def suspend(self, ui_number: UiNumber, now: datetime) -> Change:
        """Suspend certificates on a paper request (緊急停用申請書, docs/facts.md §1.6).

        :raises UnknownPersonError: where nobody is known under the number.
        :raises WrongStateError: when they are not active.
        """
        return await self._act(ui_number, CertificateAct.SUSPEND, now)

    async def resume(self, ui_number: UiNumber, now: datetime) -> Change:
        """Lift a suspension for a person who proved their identity.

        :raises UnknownPersonError: where nobody is known under the number.
        :raises WrongStateError: when they are not suspended.
        """
        return await self._act(ui_number, CertificateAct.RESUME, now)

    async def _act(
        self,
        ui_number: UiNumber,
        act: CertificateAct,
        now: datetime,
        reason: RevocationReason | None = None,
    ) -> Change:
        async with self._database.unit_of_work() as session:
            _, application = await self._records.require_latest(session, ui_number)
            certificates = self._authority.certificates
            return await certificates.change_state(
                session, application, act, self._actor, now, reason
            )

    async def revoke(
        self, ui_number: UiNumber, reason: RevocationReason | None, now: datetime
    ) -> Change:
        """Revoke a person's certificates for good; a reason is recorded and published.

        :raises UnknownPersonError: where nobody is known under the number.
        :raises WrongStateError: when there are none, or they expired.
        """
        return await self._act(ui_number, CertificateAct.REVOKE, now, reason)

    async def release_code(self, ui_number: UiNumber, now: datetime) -> Change:
        """Release a code, with all its tries, after the person proved their identity.

        :raises UnknownPersonError: where nobody is known under the number.
        """
        async with self._database.unit_of_work() as session:
            subscriber, application = await self._records.require_latest(session, ui_number)
            wrong = 0
            for limit in authority_limits.CODE_LIMITS:
                wrong += await rate_limit.reset(session, limit, subscriber.ui_hash)
            if wrong:
                details = {"wrong_tries": wrong}
                act, who = AuditAct.CODE_RELEASED, self._actor.name
                self._authority.audit.record(session, act, application.id, who, now, details)
            return Change(wrong > 0, application.id)

    async def refund(self, charge_id: str, now: datetime) -> ChargeResult:
        """Record that a charge is refunded at the provider.

        :raises UnknownChargeError: when there is no such charge.
        :raises WrongStateError: when the card it paid for is made.
        """
        async with self._database.unit_of_work() as session:
            payments = self._authority.payments
            return await payments.refund(session, charge_id, self._actor, now)

    async def list(self, state: ApplicationState | None = None) -> Sequence[ApplicationRow]:
        """Return the applications, newest first."""
        query = select(Application, CertificateSet, Subscriber)
        query = query.outerjoin(CertificateSet, CertificateSet.application_id == Application.id)
        query = query.outerjoin(Subscriber, Subscriber.id == Application.subscriber_id)
        if state is not None:
            query = query.where(Application.state == state)
        query = query.order_by(Application.submitted_at.desc(), Application.id)
        async with self._database.unit_of_work() as session:
            rows = (await session.execute(query)).all()
        return [self._to_row(*row) for row in rows]

    def _to_row(
        self,
        application: Application,
        certificates: CertificateSet | None,
        subscriber: Subscriber | None,
    ) -> ApplicationRow:
        number = (
            UiNumber(self._records.unseal_field(subscriber, "ui_number")) if subscriber else None
        )
        return ApplicationRow(
            application=application.id,
            ui_number_masked=number.mask() if number else "",
            state=ApplicationState(application.state),
            certificate=CertificateState(certificates.state) if certificates else None,
            submitted_at=application.submitted_at,
            deadline=application.deadline,
        )

    async def list_unmatched(self) -> Sequence[PaymentView]:
        """Return the charges that match no application."""
        async with self._database.unit_of_work() as session:
            return await list_payments(session, None)

    async def show(self, ui_number: UiNumber, now: datetime) -> PersonFile:
        """Return a person's file.

        :raises UnknownPersonError: where nobody is known under the number.
        """
        async with self._database.unit_of_work() as session:
            subscriber, application = await self._records.require_latest(session, ui_number)
            certificates = await session.get(CertificateSet, application.id)
            card = await session.get(CardRecord, application.id)
            others_left, own_left = [
                await rate_limit.count_remaining(session, limit, subscriber.ui_hash, now)
                for limit in authority_limits.CODE_LIMITS
            ]
            payments = tuple(await list_payments(session, application.id))
        return PersonFile(
            person=self._records.unseal_person(subscriber),
            application=application.id,
            timeline=build_timeline(application, certificates),
            card_number=self._records.unseal_card_number(card) if card else None,
            card_serial=card.serial if card else None,
            code_is_guarded=others_left == 0,
            code_is_locked=own_left == 0,
            revocation_reason=certificates.revocation_reason if certificates else None,
            payments=payments,
        )

    async def list_certificates(self, ui_number: UiNumber) -> Sequence[IssuedCertificate]:
        """Return the certificates of a person's card.

        :raises UnknownPersonError: where nobody is known under the number.
        """
        async with self._database.unit_of_work() as session:
            _, application = await self._records.require_latest(session, ui_number)
            return await list_certificates(session, self._authority.keys, application.id)
