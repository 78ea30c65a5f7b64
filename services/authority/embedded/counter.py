"""The counter: what staff do. Each act opens its own unit of work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from services import rate_limit
from services.authority.embedded.audit.actors import Actor
from services.authority.embedded.audit.audit import Act
from services.authority.embedded.authority import EmbeddedAuthority
from services.authority.embedded.certificates.certificates import build_timeline, certificates_of
from services.authority.embedded.models import Application, Card, CertificateSet, Subscriber
from services.authority.embedded.payments.applications import Applied
from services.authority.embedded.payments.payments import PaymentView, payments_of
from services.authority.embedded.personal_data.ids import new_id
from services.authority.embedded.personal_data.records import PersonalData
from services.authority.interface.certificates import IssuedCertificate
from services.authority.lifecycle import (
    ApplicationState,
    CertificateAct,
    CertificateState,
    RevocationReason,
)
from services.authority.values import CURRENCY, Change, Charge, ChargeResult, Checkout, Timeline
from services.formats.card_number import CardNumber
from services.formats.subscriber_code import SubscriberCode
from services.formats.ui_number import UiNumber


@dataclass(frozen=True)
class Line:
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
    """Everything the counter needs of one person."""

    person: PersonalData
    application: str
    timeline: Timeline
    card_number: CardNumber | None
    card_serial: str | None
    code_is_locked: bool
    revocation_reason: str | None
    payments: tuple[PaymentView, ...]


class Counter:
    """The acts of staff, done in the name of `actor`."""

    def __init__(self, authority: EmbeddedAuthority, actor: Actor) -> None:
        self._authority = authority
        self._database = authority.database
        self._records = authority.records
        self._actor = actor

    async def apply(
        self, data: PersonalData, now: datetime, code: SubscriberCode | None = None
    ) -> Applied:
        """Take an application, with a code for its form.

        :raises UnderageError: for who is not of age.
        :raises AlreadyAppliedError: when there is one in use with another birth date.
        """
        prepared = await self._authority.codes.prepare(new_id(), now, code)
        applications = self._authority.applications
        async with self._database.unit_of_work() as session:
            return await applications.apply(session, data, prepared, self._actor, now)

    async def post(self, ui_number: UiNumber, now: datetime) -> Change:
        """Note that a card was posted.

        :raises UnknownPersonError: where nobody is known under the number.
        :raises WrongStateError: when it is not made yet.
        """
        async with self._database.unit_of_work() as session:
            _, application = await self._records.latest(session, ui_number)
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
            payment, _ = await payments.take(session, charge, now)
            _, application = await self._records.latest(session, ui_number)
            return await payments.settle(session, payment, application, self._actor, now)

    async def activate(self, ui_number: UiNumber, now: datetime) -> Change:
        """Activate a card that was handed over and given its PIN at the counter.

        :raises UnknownPersonError: where nobody is known under the number.
        :raises WrongStateError: when the card is not on its way, or revoked.
        """
        async with self._database.unit_of_work() as session:
            _, application = await self._records.latest(session, ui_number)
            certificates = self._authority.certificates
            return await certificates.hand_over(session, application, self._actor, now)

    async def suspend(self, ui_number: UiNumber, now: datetime) -> Change:
        """Suspend certificates on a request on paper (緊急停用申請書, docs/facts.md §1.6).

        :raises UnknownPersonError: where nobody is known under the number.
        :raises WrongStateError: when they are not active.
        """
        return await self._act(ui_number, CertificateAct.SUSPEND, now)

    async def resume(self, ui_number: UiNumber, now: datetime) -> Change:
        """Take a suspension off for a person who showed who they are.

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
            _, application = await self._records.latest(session, ui_number)
            certificates = self._authority.certificates
            return await certificates.act(session, application, act, self._actor, now, reason)

    async def revoke(
        self, ui_number: UiNumber, reason: RevocationReason | None, now: datetime
    ) -> Change:
        """Revoke a person's certificates, for good; the reason goes on record where it is given.

        :raises UnknownPersonError: where nobody is known under the number.
        :raises WrongStateError: when there are none, or they expired.
        """
        return await self._act(ui_number, CertificateAct.REVOKE, now, reason)

    async def release_code(self, ui_number: UiNumber, now: datetime) -> Change:
        """Release a locked code, after the person showed who they are.

        :raises UnknownPersonError: where nobody is known under the number.
        """
        async with self._database.unit_of_work() as session:
            subscriber, application = await self._records.latest(session, ui_number)
            wrong = await rate_limit.clear(session, rate_limit.CODE, subscriber.ui_hash)
            if wrong:
                details = {"wrong_tries": wrong}
                act, who = Act.CODE_RELEASED, self._actor.name
                self._authority.audit.record(session, act, application.id, who, now, details)
            return Change(wrong > 0, application.id)

    async def refund(self, charge_id: str, now: datetime) -> ChargeResult:
        """Record that a charge goes back at the provider.

        :raises UnknownChargeError: when there is no such charge.
        :raises WrongStateError: when the card it paid for is made.
        """
        async with self._database.unit_of_work() as session:
            payments = self._authority.payments
            return await payments.refund(session, charge_id, self._actor, now)

    async def list(self, state: ApplicationState | None = None) -> Sequence[Line]:
        """Give the applications, newest first."""
        query = select(Application, CertificateSet, Subscriber)
        query = query.outerjoin(CertificateSet, CertificateSet.application_id == Application.id)
        query = query.outerjoin(Subscriber, Subscriber.id == Application.subscriber_id)
        if state is not None:
            query = query.where(Application.state == state)
        query = query.order_by(Application.submitted_at.desc(), Application.id)
        async with self._database.unit_of_work() as session:
            rows = (await session.execute(query)).all()
        return [self._line(*row) for row in rows]

    def _line(
        self,
        application: Application,
        certificates: CertificateSet | None,
        subscriber: Subscriber | None,
    ) -> Line:
        number = UiNumber(self._records.field(subscriber, "ui_number")) if subscriber else None
        return Line(
            application=application.id,
            ui_number_masked=number.masked() if number else "",
            state=ApplicationState(application.state),
            certificate=CertificateState(certificates.state) if certificates else None,
            submitted_at=application.submitted_at,
            deadline=application.deadline,
        )

    async def unmatched(self) -> Sequence[PaymentView]:
        """Give the charges that fit nothing, for somebody to look at."""
        async with self._database.unit_of_work() as session:
            return await payments_of(session, None)

    async def show(self, ui_number: UiNumber, now: datetime) -> PersonFile:
        """Give a person's file.

        :raises UnknownPersonError: where nobody is known under the number.
        """
        async with self._database.unit_of_work() as session:
            subscriber, application = await self._records.latest(session, ui_number)
            certificates = await session.get(CertificateSet, application.id)
            card = await session.get(Card, application.id)
            left = await rate_limit.left(session, rate_limit.CODE, subscriber.ui_hash, now)
            payments = tuple(await payments_of(session, application.id))
        return PersonFile(
            person=self._records.open(subscriber),
            application=application.id,
            timeline=build_timeline(application, certificates),
            card_number=self._records.card_number(card) if card else None,
            card_serial=card.serial if card else None,
            code_is_locked=left == 0,
            revocation_reason=certificates.revocation_reason if certificates else None,
            payments=payments,
        )

    async def certificates(self, ui_number: UiNumber) -> Sequence[IssuedCertificate]:
        """Give the certificates of a person's card.

        :raises UnknownPersonError: where nobody is known under the number.
        """
        async with self._database.unit_of_work() as session:
            _, application = await self._records.latest(session, ui_number)
            return await certificates_of(session, self._authority.keys, application.id)
