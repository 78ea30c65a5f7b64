"""One-time codes by e-mail (一次性驗證碼): six digits, ten minutes, five tries.

A code is derived from its challenge's random id under a key outside the database, so that it is
stored nowhere: not in the challenge, not in the outbox. An unknown person gets a challenge too,
which no answer satisfies, and a mail that is dropped before it is sent.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services import rate_limit
from services.authority.data_types import AuthorityOperation, Challenge
from services.authority.embedded.authority_limits import (
    CHAT_MAILS,
    CHAT_MAILS_PER_DAY,
    PERSON_MAILS,
    PERSON_MAILS_PER_DAY,
)
from services.authority.embedded.models import Application, GrantRecord, OneTimeChallenge
from services.authority.errors import (
    OneTimeCodeExpiredError,
    TooManyMailsError,
    WrongOneTimeCodeError,
)
from services.clock import steady_time
from services.formats.one_time_code import LENGTH, OneTimeCode
from services.ids import new_id
from services.messaging import outbox
from services.rate_limit import RateLimitedError
from services.storage.keys import KeyRing, SecretPurpose

LIFETIME = timedelta(minutes=10)
MAX_TRIES = 5
MESSAGE_KIND = "one_time_code"


class OneTimeCodes:
    """Sends and checks one-time codes."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def derive(self, challenge_id: str) -> OneTimeCode:
        """Derive the code of a challenge, to be mailed or compared."""
        digest = self._keys.keyed_hash(SecretPurpose.ONE_TIME, challenge_id)
        number = int.from_bytes(digest, "big") % 10**LENGTH  # 2**256 makes the bias nil
        return OneTimeCode(f"{number:0{LENGTH}d}")

    async def send(
        self,
        session: AsyncSession,
        subjects: tuple[bytes, bytes],
        application: Application | None,
        grant: GrantRecord | None,
        operation: AuthorityOperation,
        chat_id: int,
        now: datetime,
    ) -> Challenge:
        """Create a challenge and put its mail into the outbox.

        :param subjects: what the mails are counted under, for the person and for the chat.
        :raises TooManyMailsError: after three mails in an hour or ten in a day.
        """
        row = OneTimeChallenge(
            id=new_id(),
            application_id=application.id if application else None,
            grant_id=grant.id if grant else None,
            operation=operation,
            subject=subjects[0],
            chat_id=chat_id,
            expires_at=steady_time(now) + LIFETIME,
        )
        try:
            await self._consume_mails(session, subjects, row.id, now)
        except RateLimitedError as error:
            usable = await self._find_usable(session, row, now)
            raise TooManyMailsError(error.until or now, usable) from error
        session.add(row)
        person = application.subscriber_id if application else None
        references = {"challenge": row.id}
        to = person or new_id()
        await outbox.enqueue(session, outbox.Channel.MAIL, to, MESSAGE_KIND, references, now)
        return Challenge(row.id, row.expires_at, MAX_TRIES)

    async def _consume_mails(
        self, session: AsyncSession, subjects: tuple[bytes, bytes], challenge: str, now: datetime
    ) -> None:
        person, chat = subjects
        for limit in (CHAT_MAILS, CHAT_MAILS_PER_DAY):
            await rate_limit.consume(session, limit, chat, now, challenge)
        for limit in (PERSON_MAILS, PERSON_MAILS_PER_DAY):
            await rate_limit.consume(session, limit, person, now, challenge)

    async def _find_usable(
        self, session: AsyncSession, like: OneTimeChallenge, now: datetime
    ) -> str | None:
        """Return the id of the newest code that this chat asked for in the same way, if it works.

        It is found by what was typed and never by the application, so that a person who does not
        exist looks the same.
        """
        query = select(OneTimeChallenge).where(
            OneTimeChallenge.subject == like.subject,
            OneTimeChallenge.chat_id == like.chat_id,
            OneTimeChallenge.operation == like.operation,
            OneTimeChallenge.grant_id == like.grant_id,
        )
        newest = query.order_by(OneTimeChallenge.expires_at.desc()).limit(1)
        found = (await session.scalars(newest)).one_or_none()
        if found is None or found.done_at or found.tries >= MAX_TRIES:
            return None
        return found.id if found.expires_at > steady_time(now) else None

    async def accept(
        self, session: AsyncSession, row: OneTimeChallenge, chat: bytes, now: datetime
    ) -> None:
        """Mark a code as used, and give its hourly uses back; a repetition gives none."""
        row.done_at = row.done_at or now
        await rate_limit.refund_attempt(session, CHAT_MAILS, chat, row.id)
        if row.subject is not None:
            await rate_limit.refund_attempt(session, PERSON_MAILS, row.subject, row.id)

    async def consume_try(
        self, session: AsyncSession, challenge_id: str, chat_id: int, now: datetime, attempt: str
    ) -> OneTimeChallenge:
        """Count one answer to a challenge; a repetition of the last one is not counted.

        :raises OneTimeCodeExpiredError: when it is too old, used or tried too often.
        """
        row = await session.get(OneTimeChallenge, challenge_id, with_for_update=True)
        if row is None or row.chat_id != chat_id or row.expires_at <= steady_time(now):
            raise OneTimeCodeExpiredError
        if attempt and row.last_attempt == attempt:
            return row
        if row.done_at or row.tries >= MAX_TRIES:
            raise OneTimeCodeExpiredError
        row.tries += 1
        row.last_attempt = attempt
        return row

    def is_correct(self, row: OneTimeChallenge, answer: OneTimeCode) -> bool:
        """Whether an answer is correct; no answer is for an unknown person's challenge."""
        return self.derive(row.id) == answer and row.application_id is not None

    def wrong_code_error(self, row: OneTimeChallenge) -> WrongOneTimeCodeError:
        """Return the error for a wrong answer."""
        return WrongOneTimeCodeError(MAX_TRIES - row.tries)
