"""The tries at a subscriber code: which ones a check consumes, of the chat and of the person.

Wrong codes for one person are counted apart for chats that are known, since they are linked to the
person or verified them, and for all others. Only the former lock the code.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services import rate_limit
from services.authority.embedded.authority_limits import (
    CHAT_CHECKS,
    CHAT_CODE_GUESSES,
    CHAT_GUESSES,
    CODE_GUESSES,
    OWN_CODE_GUESSES,
    VERIFICATIONS,
    VERIFIED_CODE_GUESSES,
)
from services.authority.embedded.personal_data.records import PersonalRecords, is_linked
from services.authority.errors import (
    ChatPausedError,
    CodeLockedError,
    VerificationRequiredError,
)
from services.formats.ui_number import UiNumber
from services.rate_limit import Consumption, RateLimit, RateLimitedError


@dataclass(frozen=True)
class CodeTry:
    """What checking one code consumed of each limit.

    :ivar pause: that the chat has no other try, where this was the last.
    """

    chat_code: Consumption
    chat_guess: Consumption
    person_code: Consumption
    pause: ChatPausedError | None


@dataclass(frozen=True)
class _ChatStanding:
    """What a chat is to the person with a UI No., who may not exist.

    :ivar is_known: whether it is linked to them or verified them, so that their own tries count.
    :ivar code_is_locked: whether those are used up.
    """

    chat: bytes
    ui_hash: bytes
    verification: bytes
    is_verified: bool
    is_known: bool
    code_is_locked: bool

    @property
    def code_limit(self) -> RateLimit:
        """The limit on wrong codes for the person that counts here."""
        return OWN_CODE_GUESSES if self.is_known else CODE_GUESSES


class CodeTries:
    """Consumes tries before a code is checked, and gives them back after a right one."""

    def __init__(self, records: PersonalRecords) -> None:
        self._records = records

    async def consume(
        self,
        session: AsyncSession,
        ui_number: UiNumber,
        chat_id: int,
        now: datetime,
        attempt: str,
    ) -> CodeTry:
        """Consume a try of the chat and of the person, also of one who does not exist.

        The same `attempt` consumes one try however often it is repeated.

        :raises ChatPausedError: when the chat was wrong too often.
        :raises CodeLockedError: when the code is locked, for a chat that is known.
        :raises VerificationRequiredError: when strangers have no try left, or the code is locked.
        """
        standing = await self._find_standing(session, ui_number, chat_id, now)
        if standing.code_is_locked and not standing.is_known:
            raise VerificationRequiredError  # what is locked is locked everywhere
        chat_code, pause = await self._consume_chat_code(session, standing, now, attempt)
        guess = await consume_or_pause(session, CHAT_GUESSES, standing.chat, now, attempt)
        await consume_or_pause(session, CHAT_CHECKS, standing.chat, now, attempt)
        limit, subject = standing.code_limit, standing.ui_hash
        try:
            person_code = await rate_limit.consume(session, limit, subject, now, attempt)
        except RateLimitedError as error:
            refusal = CodeLockedError if standing.is_known else VerificationRequiredError
            raise refusal from error
        return CodeTry(chat_code, guess, person_code, pause)

    async def _find_standing(
        self, session: AsyncSession, ui_number: UiNumber, chat_id: int, now: datetime
    ) -> _ChatStanding:
        ui_hash = self._records.hash_ui_number(ui_number)
        verification = self._records.hash_verification(ui_hash, chat_id)
        count = rate_limit.count_remaining
        is_verified = not await count(session, VERIFICATIONS, verification, now)
        linked = await is_linked(session, ui_hash, chat_id)
        own_left = await count(session, OWN_CODE_GUESSES, ui_hash, now)
        chat = self._records.hash_chat(chat_id)
        return _ChatStanding(
            chat, ui_hash, verification, is_verified, is_verified or linked, not own_left
        )

    async def _consume_chat_code(
        self, session: AsyncSession, standing: _ChatStanding, now: datetime, attempt: str
    ) -> tuple[Consumption, ChatPausedError | None]:
        """Consume one of the chat's own tries, or then of those that verifying gave it.

        :return: with the pause that begins with it, if it was the last.
        """
        extra, subject = VERIFIED_CODE_GUESSES, standing.verification
        try:
            used = await rate_limit.consume(session, CHAT_CODE_GUESSES, standing.chat, now, attempt)
        except RateLimitedError as error:
            if standing.code_is_locked:
                raise CodeLockedError from error
            until = error.until or now
            if not standing.is_verified:
                raise ChatPausedError(until, can_verify=True) from error
            try:
                used = await rate_limit.consume(session, extra, subject, now, attempt)
            except RateLimitedError as last:
                raise ChatPausedError(min(until, last.until or now)) from last
            return used, None if used.remaining else ChatPausedError(min(until, used.until))
        left = used.remaining
        if standing.is_verified:
            left += await rate_limit.count_remaining(session, extra, subject, now)
        return used, None if left else ChatPausedError(used.until, not standing.is_verified)


async def refund_all(session: AsyncSession, code_try: CodeTry) -> None:
    """Refund what a check consumed that was not made."""
    for use in (code_try.chat_code, code_try.chat_guess, code_try.person_code):
        await rate_limit.refund(session, use)


async def forgive_wrong_codes(session: AsyncSession, code_try: CodeTry) -> None:
    """Refund the tries of the chat, and all those of the person, after a right code."""
    await rate_limit.refund(session, code_try.chat_code)
    await rate_limit.refund(session, code_try.chat_guess)
    await rate_limit.reset(session, code_try.person_code.limit, code_try.person_code.subject)


async def consume_or_pause(
    session: AsyncSession, limit: RateLimit, subject: bytes, now: datetime, attempt: str
) -> Consumption:
    """Consume one use of a limit of chat or person.

    :raises ChatPausedError: where none is left.
    """
    try:
        return await rate_limit.consume(session, limit, subject, now, attempt)
    except RateLimitedError as error:
        raise ChatPausedError(error.until or now) from error
