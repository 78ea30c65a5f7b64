"""Checking what is secret: subscriber code, one-time code, card number.

Each check spends a try in a transaction of its own. Whether a UI No. exists cannot be told from
the answers, from the count, or from the time: the same rows are written and the same hash is
computed for who does not exist.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services import rate_limit
from services.authority.embedded.audit.actors import Actor
from services.authority.embedded.audit.audit import Act, Audit
from services.authority.embedded.credentials import grants
from services.authority.embedded.credentials.one_time_codes import OneTimeCodes
from services.authority.embedded.credentials.subscriber_codes import Codes
from services.authority.embedded.models import Application, Card, Permission, Subscriber
from services.authority.embedded.notifications.notices import notify
from services.authority.embedded.personal_data.records import Records
from services.authority.errors import (
    BusyError,
    ChatPausedError,
    CodeLockedError,
    CodeNotKeptError,
    GrantExpiredError,
    WrongCardNumberError,
    WrongCodeError,
    WrongStateError,
)
from services.authority.interface.credentials import Credentials
from services.authority.lifecycle import CODE_IS_KEPT, ApplicationState
from services.authority.notices import Notice
from services.authority.values import (
    Challenge,
    Change,
    Grant,
    Operation,
    Proof,
    RevealedCode,
)
from services.formats.card_number import CardNumber
from services.formats.one_time_code import OneTimeCode
from services.formats.subscriber_code import SubscriberCode
from services.formats.ui_number import UiNumber
from services.rate_limit import (
    CARD_NUMBERS,
    CHAT_CHECKS,
    CHAT_CODES,
    CHAT_GUESSES,
    CODE,
    PERSON_NUMBERS,
    Limit,
    Spent,
    UsedUpError,
)
from services.storage.database import Database


@dataclass(frozen=True)
class _Tried:
    """What checking one code spent."""

    of_chat: Spent
    guess: Spent
    of_person: Spent


class EmbeddedCredentials(Credentials):
    """Checks secrets against the records, and counts every wrong try."""

    def __init__(
        self,
        database: Database,
        records: Records,
        codes: Codes,
        one_time: OneTimeCodes,
        audit: Audit,
    ) -> None:
        self._database = database
        self._records = records
        self._codes = codes
        self._one_time = one_time
        self._audit = audit

    @override
    async def check_code(
        self,
        ui_number: UiNumber,
        code: SubscriberCode,
        operation: Operation,
        chat_id: int,
        now: datetime,
        attempt: str = "",
    ) -> Grant:
        async with self._database.unit_of_work() as session:
            spent = await self._spend(session, ui_number, chat_id, now, attempt)
            application = await self._current(session, ui_number)
        verifier = application.code_verifier if application else None
        try:
            right = await self._codes.check(code, verifier)
        except BusyError:
            await self._give_back(spent)
            raise
        if right and application:
            return await self._let_in(application, spent, operation, chat_id, now)
        raise await self._turn_away(application, spent, chat_id, now)

    async def _spend(
        self,
        session: AsyncSession,
        ui_number: UiNumber,
        chat_id: int,
        now: datetime,
        attempt: str,
    ) -> _Tried:
        chat, ui_hash = self._records.chat_hash(chat_id), self._records.ui_hash(ui_number)
        try:
            of_chat = await rate_limit.spend(session, CHAT_CODES, chat, now, attempt)
            guess = await rate_limit.spend(session, CHAT_GUESSES, chat, now, attempt)
            await rate_limit.spend(session, CHAT_CHECKS, chat, now, attempt)
            return _Tried(
                of_chat, guess, await rate_limit.spend(session, CODE, ui_hash, now, attempt)
            )
        except UsedUpError as error:
            if error.limit is CODE:
                raise CodeLockedError from error
            raise ChatPausedError(error.until or now) from error

    async def _current(self, session: AsyncSession, ui_number: UiNumber) -> Application | None:
        query = select(Application).join(Subscriber, Application.subscriber_id == Subscriber.id)
        query = query.where(Subscriber.ui_hash == self._records.ui_hash(ui_number))
        query = query.order_by(Application.submitted_at.desc(), Application.id).limit(1)
        return (await session.scalars(query)).one_or_none()

    async def _give_back(self, spent: _Tried) -> None:
        async with self._database.unit_of_work() as session:
            for use in (spent.of_chat, spent.guess, spent.of_person):
                await rate_limit.refund(session, use)

    async def _let_in(
        self,
        application: Application,
        spent: _Tried,
        operation: Operation,
        chat_id: int,
        now: datetime,
    ) -> Grant:
        async with self._database.unit_of_work() as session:
            await rate_limit.refund(session, spent.of_chat)
            await rate_limit.refund(session, spent.guess)
            await rate_limit.clear(session, CODE, spent.of_person.subject)
            proofs = frozenset({Proof.CODE})
            return grants.open_grant(session, application.id, operation, proofs, chat_id, now)

    async def _turn_away(
        self,
        application: Application | None,
        spent: _Tried,
        chat_id: int,
        now: datetime,
    ) -> WrongCodeError | CodeLockedError:
        chat, person = spent.of_chat, spent.of_person
        subject, actor = person.subject.hex(), Actor.in_chat(chat_id).name
        subscriber = application.subscriber_id if application else None
        async with self._database.unit_of_work() as session:
            left = person.left or await rate_limit.left(session, CODE, person.subject, now)
            is_new = await rate_limit.settle(session, person)
            if is_new:
                self._audit.record(session, Act.CODE_WRONG, subject, actor, now, {"left": left})
            if left:
                return WrongCodeError(left, None if chat.left else chat.until)
            told: tuple[int, ...] = ()
            if is_new:
                self._audit.record(session, Act.CODE_LOCKED, subject, actor, now)
                told = await notify(session, Notice.CODE_LOCKED, subscriber, {}, now, chat_id)
            return CodeLockedError(told)

    @override
    async def request_one_time_code(
        self,
        session: AsyncSession,
        ui_number: UiNumber,
        birth_date: date,
        operation: Operation,
        chat_id: int,
        now: datetime,
    ) -> Challenge:
        ui_hash = self._records.ui_hash(ui_number)
        if operation is Operation.SUSPEND and await rate_limit.left(session, CODE, ui_hash, now):
            raise WrongStateError("code_not_locked", operation)
        subscriber = await self._records.find(session, ui_number)
        birth_hash = self._records.birth_hash(ui_number, birth_date)
        application = await self._current(session, ui_number)
        if subscriber is None or subscriber.birth_hash != birth_hash:
            application = None
        subjects = (ui_hash, self._records.chat_hash(chat_id))
        return await self._one_time.send(
            session, subjects, application, None, operation, chat_id, now
        )

    @override
    async def send_one_time_code(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Challenge:
        grant = await grants.look_at(session, grant_id, chat_id, now)
        application = await grants.application_of(session, grant)
        subscriber = await session.get(Subscriber, application.subscriber_id)
        if subscriber is None:
            raise GrantExpiredError
        subjects = (subscriber.ui_hash, self._records.chat_hash(chat_id))
        operation = Operation(grant.operation)
        return await self._one_time.send(
            session, subjects, application, grant, operation, chat_id, now
        )

    @override
    async def check_one_time_code(
        self,
        challenge_id: str,
        code: OneTimeCode,
        chat_id: int,
        now: datetime,
        attempt: str = "",
    ) -> Grant:
        async with self._database.unit_of_work() as session:
            row = await self._one_time.spend_try(session, challenge_id, chat_id, now, attempt)
            guess = await self._spend_guess(session, chat_id, now, attempt)
            if self._one_time.is_right(row, code):
                await rate_limit.refund(session, guess)
                row.done_at = row.done_at or now
                if row.grant_id:
                    grant = await grants.look_at(session, row.grant_id, chat_id, now)
                    return grants.add_proof(grant, Proof.MAIL)
                assert row.application_id is not None
                operation = Operation(row.operation)
                proofs = frozenset({Proof.BIRTH_DATE, Proof.MAIL})
                return grants.open_grant(
                    session, row.application_id, operation, proofs, chat_id, now
                )
        raise self._one_time.wrong(row)

    @override
    async def check_card_number(
        self,
        grant_id: str,
        number: CardNumber,
        chat_id: int,
        now: datetime,
        attempt: str = "",
    ) -> Grant:
        async with self._database.unit_of_work() as session:
            grant = await grants.look_at(session, grant_id, chat_id, now)
            spent = await self._spend_number(session, grant, now, attempt)
            guess = await self._spend_guess(session, chat_id, now, attempt)
            of_person = await self._spend_for_person(session, grant, now, attempt)
            card = await session.get(Card, grant.application_id)
            if card and card.number_hash == self._records.number_hash(number):
                for use in (spent, guess, of_person):
                    await rate_limit.refund(session, use)
                return grants.add_proof(grant, Proof.CARD_NUMBER)
        raise WrongCardNumberError(spent.left)

    async def _spend_number(
        self, session: AsyncSession, grant: Permission, now: datetime, attempt: str
    ) -> Spent:
        subject = self._records.subject_hash("grant", grant.id)
        try:
            return await rate_limit.spend(session, CARD_NUMBERS, subject, now, attempt)
        except UsedUpError as error:
            raise GrantExpiredError from error

    async def _spend_guess(
        self, session: AsyncSession, chat_id: int, now: datetime, attempt: str
    ) -> Spent:
        chat = self._records.chat_hash(chat_id)
        return await _spend_or_pause(session, CHAT_GUESSES, chat, now, attempt)

    async def _spend_for_person(
        self, session: AsyncSession, grant: Permission, now: datetime, attempt: str
    ) -> Spent:
        application = await grants.application_of(session, grant)
        person = await session.get(Subscriber, application.subscriber_id)
        if person is None:
            raise GrantExpiredError
        return await _spend_or_pause(session, PERSON_NUMBERS, person.ui_hash, now, attempt)

    @override
    async def find_grant(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Grant:
        return grants.view(await grants.look_at(session, grant_id, chat_id, now))

    @override
    async def reveal_code(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> RevealedCode:
        grant, application = await grants.use(session, grant_id, Operation.RETRIEVE, chat_id, now)
        if ApplicationState(application.state) not in CODE_IS_KEPT:
            raise CodeNotKeptError
        code = self._codes.give_back(application)
        if grant.revealed_at is not None:
            return RevealedCode(code, Change(False, application.id))
        grant.revealed_at = now
        actor = Actor.in_chat(chat_id).name
        self._audit.record(session, Act.CODE_REVEALED, application.id, actor, now)
        subscriber = application.subscriber_id
        told = await notify(session, Notice.CODE_REVEALED, subscriber, {}, now, chat_id)
        return RevealedCode(code, Change(True, application.id, told))


async def _spend_or_pause(
    session: AsyncSession, limit: Limit, subject: bytes, now: datetime, attempt: str
) -> Spent:
    try:
        return await rate_limit.spend(session, limit, subject, now, attempt)
    except UsedUpError as error:
        raise ChatPausedError(error.until or now) from error
