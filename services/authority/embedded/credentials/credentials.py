"""Checking subscriber codes, one-time codes and card numbers.

Each check consumes a try in a transaction of its own. Neither answers, counts nor timing disclose
whether a UI No. exists: the same rows are written and the same hash is computed for an unknown one.
"""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from services import rate_limit
from services.authority.data_types import (
    AuthorityOperation,
    Challenge,
    Change,
    Grant,
    Proof,
    RevealedCode,
)
from services.authority.embedded.audit import Actor, Audit, AuditAct
from services.authority.embedded.authority_limits import (
    CHAT_GUESSES,
    GRANT_CARD_NUMBERS,
    OWN_CODE_GUESSES,
    PERSON_CARD_NUMBERS,
    VERIFICATIONS,
    VERIFIED_CODE_GUESSES,
)
from services.authority.embedded.credentials import grants
from services.authority.embedded.credentials.code_tries import (
    CodeTries,
    CodeTry,
    consume_or_pause,
    forgive_wrong_codes,
    refund_all,
)
from services.authority.embedded.credentials.one_time_codes import OneTimeCodes
from services.authority.embedded.credentials.subscriber_codes import SubscriberCodes
from services.authority.embedded.models import (
    Application,
    CardRecord,
    GrantRecord,
    OneTimeChallenge,
    Subscriber,
)
from services.authority.embedded.notice_outbox import notify
from services.authority.embedded.personal_data.records import PersonalRecords, is_linked
from services.authority.errors import (
    CheckQueueFullError,
    CodeLockedError,
    CodeUnrecoverableError,
    GrantExpiredError,
    OneTimeCodeExpiredError,
    VerificationRequiredError,
    WrongCardNumberError,
    WrongCodeError,
)
from services.authority.interface.credentials import Credentials
from services.authority.lifecycle import CODE_RECOVERABLE, ApplicationState
from services.authority.notice_kinds import NoticeKind
from services.formats.card_number import CardNumber
from services.formats.one_time_code import OneTimeCode
from services.formats.subscriber_code import SubscriberCode
from services.formats.ui_number import UiNumber
from services.rate_limit import Consumption, RateLimitedError
from services.storage.database import Database

_LOCKED = (AuditAct.CODE_LOCKED, NoticeKind.CODE_LOCKED)
_GUARDED = (AuditAct.CODE_GUARDED, NoticeKind.CODE_GUARDED)


class EmbeddedCredentials(Credentials):
    """Checks secrets against the records and counts wrong tries."""

    def __init__(
        self,
        database: Database,
        records: PersonalRecords,
        codes: SubscriberCodes,
        one_time: OneTimeCodes,
        audit: Audit,
    ) -> None:
        self._database = database
        self._records = records
        self._tries = CodeTries(records)
        self._codes = codes
        self._one_time = one_time
        self._audit = audit

    @override
    async def check_code(
        self,
        ui_number: UiNumber,
        code: SubscriberCode,
        operation: AuthorityOperation,
        chat_id: int,
        now: datetime,
        attempt: str = "",
    ) -> Grant:
        async with self._database.unit_of_work() as session:
            code_try = await self._tries.consume(session, ui_number, chat_id, now, attempt)
            application = await self._find_application(session, ui_number)
        verifier = application.code_verifier if application else None
        try:
            right = await self._codes.check(code, verifier)
        except CheckQueueFullError:
            async with self._database.unit_of_work() as session:
                await refund_all(session, code_try)
            raise
        if right and application:
            return await self._accept(application, code_try, operation, chat_id, now)
        raise await self._reject(application, code_try, chat_id, now)

    async def _find_application(
        self, session: AsyncSession, ui_number: UiNumber
    ) -> Application | None:
        query = select(Application).join(Subscriber, Application.subscriber_id == Subscriber.id)
        query = query.where(Subscriber.ui_hash == self._records.hash_ui_number(ui_number))
        query = query.order_by(Application.submitted_at.desc(), Application.id).limit(1)
        return (await session.scalars(query)).one_or_none()

    async def _accept(
        self,
        application: Application,
        code_try: CodeTry,
        operation: AuthorityOperation,
        chat_id: int,
        now: datetime,
    ) -> Grant:
        async with self._database.unit_of_work() as session:
            await forgive_wrong_codes(session, code_try)
            proofs = frozenset({Proof.CODE})
            return grants.open_grant(session, application.id, operation, proofs, chat_id, now)

    async def _reject(
        self,
        application: Application | None,
        code_try: CodeTry,
        chat_id: int,
        now: datetime,
    ) -> WrongCodeError | CodeLockedError | VerificationRequiredError:
        person, pause = code_try.person_code, code_try.pause
        subject, actor = person.subject.hex(), Actor.in_chat(chat_id).name
        subscriber = application.subscriber_id if application else None
        async with self._database.unit_of_work() as session:
            left = person.remaining or await rate_limit.count_remaining(
                session, person.limit, person.subject, now
            )
            is_new = await rate_limit.settle(session, person)
            if is_new:
                self._audit.record(
                    session, AuditAct.CODE_WRONG, subject, actor, now, {"left": left}
                )
            if left:
                until = pause.until if pause else None
                return WrongCodeError(left, until, pause is not None and pause.can_verify)
            is_own = person.limit is OWN_CODE_GUESSES
            notified: tuple[int, ...] = ()
            if is_new:
                act, kind = _LOCKED if is_own else _GUARDED
                self._audit.record(session, act, subject, actor, now)
                notified = await notify(session, kind, subscriber, {}, now, chat_id)
            return CodeLockedError(notified) if is_own else VerificationRequiredError(notified)

    @override
    async def request_one_time_code(
        self,
        session: AsyncSession,
        ui_number: UiNumber,
        birth_date: date,
        operation: AuthorityOperation,
        chat_id: int,
        now: datetime,
    ) -> Challenge:
        ui_hash = self._records.hash_ui_number(ui_number)
        subscriber = await self._records.find(session, ui_number)
        birth_hash = self._records.hash_birth_date(ui_number, birth_date)
        application = await self._find_application(session, ui_number)
        if subscriber is None or subscriber.birth_hash != birth_hash:
            application = None
        subjects = await self._mail_subjects(session, ui_hash, birth_hash, chat_id)
        return await self._one_time.send(
            session, subjects, application, None, operation, chat_id, now
        )

    async def _mail_subjects(
        self, session: AsyncSession, ui_hash: bytes, birth_hash: bytes, chat_id: int
    ) -> tuple[bytes, bytes]:
        """Return what a mail is counted under: for UI No. and birth date, and for the chat."""
        linked_chat = chat_id if await is_linked(session, ui_hash, chat_id) else None
        person = self._records.hash_mails(birth_hash, linked_chat)
        return person, self._records.hash_chat(chat_id)

    @override
    async def send_one_time_code(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Challenge:
        grant = await grants.find_grant(session, grant_id, chat_id, now)
        application = await grants.lock_granted_application(session, grant)
        subscriber = await session.get(Subscriber, application.subscriber_id)
        if subscriber is None:
            raise GrantExpiredError
        ui_hash, birth_hash = subscriber.ui_hash, subscriber.birth_hash
        subjects = await self._mail_subjects(session, ui_hash, birth_hash, chat_id)
        operation = AuthorityOperation(grant.operation)
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
            row = await self._one_time.consume_try(session, challenge_id, chat_id, now, attempt)
            guess = await self._consume_guess(session, chat_id, now, attempt)
            if self._one_time.is_correct(row, code):
                await rate_limit.refund(session, guess)
                await self._one_time.accept(session, row, self._records.hash_chat(chat_id), now)
                if row.grant_id:
                    grant = await grants.find_grant(session, row.grant_id, chat_id, now)
                    return grants.add_proof(grant, Proof.MAIL)
                assert row.application_id is not None
                operation = AuthorityOperation(row.operation)
                if operation is AuthorityOperation.VERIFY:
                    await self._give_code_tries(session, row, now)
                proofs = frozenset({Proof.BIRTH_DATE, Proof.MAIL})
                return grants.open_grant(
                    session, row.application_id, operation, proofs, chat_id, now
                )
        raise self._one_time.wrong_code_error(row)

    async def _give_code_tries(
        self, session: AsyncSession, row: OneTimeChallenge, now: datetime
    ) -> None:
        """Add three tries at the code of the person whom a chat verified, once a day."""
        query = select(Application.id, Subscriber.id, Subscriber.ui_hash)
        query = query.join(Subscriber, Application.subscriber_id == Subscriber.id)
        found = (await session.execute(query.where(Application.id == row.application_id))).first()
        if found is None:
            raise OneTimeCodeExpiredError  # the person was forgotten a moment ago
        application, subscriber, ui_hash = found
        subject = self._records.hash_verification(ui_hash, row.chat_id)
        try:
            given = await rate_limit.consume(session, VERIFICATIONS, subject, now, row.id)
        except RateLimitedError:
            return
        if not await rate_limit.settle(session, given):
            return  # the same answer came again
        await rate_limit.reset(session, VERIFIED_CODE_GUESSES, subject)
        actor = Actor.in_chat(row.chat_id).name
        self._audit.record(session, AuditAct.CHAT_VERIFIED, application, actor, now)
        await notify(session, NoticeKind.CHAT_VERIFIED, subscriber, {}, now, row.chat_id)

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
            grant = await grants.find_grant(session, grant_id, chat_id, now)
            spent = await self._consume_card_number(session, grant, now, attempt)
            guess = await self._consume_guess(session, chat_id, now, attempt)
            of_person = await self._consume_person_card_number(session, grant, now, attempt)
            card = await session.get(CardRecord, grant.application_id)
            if card and card.number_hash == self._records.hash_card_number(number):
                for use in (spent, guess, of_person):
                    await rate_limit.refund(session, use)
                return grants.add_proof(grant, Proof.CARD_NUMBER)
        raise WrongCardNumberError(spent.remaining)

    async def _consume_card_number(
        self, session: AsyncSession, grant: GrantRecord, now: datetime, attempt: str
    ) -> Consumption:
        subject = self._records.hash_subject("grant", grant.id)
        try:
            return await rate_limit.consume(session, GRANT_CARD_NUMBERS, subject, now, attempt)
        except RateLimitedError as error:
            raise GrantExpiredError from error

    async def _consume_guess(
        self, session: AsyncSession, chat_id: int, now: datetime, attempt: str
    ) -> Consumption:
        chat = self._records.hash_chat(chat_id)
        return await consume_or_pause(session, CHAT_GUESSES, chat, now, attempt)

    async def _consume_person_card_number(
        self, session: AsyncSession, grant: GrantRecord, now: datetime, attempt: str
    ) -> Consumption:
        application = await grants.lock_granted_application(session, grant)
        person = await session.get(Subscriber, application.subscriber_id)
        if person is None:
            raise GrantExpiredError
        return await consume_or_pause(session, PERSON_CARD_NUMBERS, person.ui_hash, now, attempt)

    @override
    async def check_recoverable(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> None:
        grant = await grants.find_grant(session, grant_id, chat_id, now)
        application = await session.get(Application, grant.application_id)
        if application is None:
            raise GrantExpiredError
        _require_recoverable(application)

    @override
    async def reveal_code(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> RevealedCode:
        grant, application = await grants.require_grant(
            session, grant_id, AuthorityOperation.RETRIEVE, chat_id, now
        )
        _require_recoverable(application)
        code = self._codes.recover(application)
        if grant.revealed_at is not None:
            return RevealedCode(code, Change(False, application.id))
        grant.revealed_at = now
        actor = Actor.in_chat(chat_id).name
        self._audit.record(session, AuditAct.CODE_REVEALED, application.id, actor, now)
        subscriber = application.subscriber_id
        notified = await notify(session, NoticeKind.CODE_REVEALED, subscriber, {}, now, chat_id)
        return RevealedCode(code, Change(True, application.id, notified))


def _require_recoverable(application: Application) -> None:
    """Check that the code is still kept.

    :raises CodeUnrecoverableError: after activation.
    """
    if ApplicationState(application.state) not in CODE_RECOVERABLE:
        raise CodeUnrecoverableError
