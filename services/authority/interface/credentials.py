"""Checking secrets, the grants that right answers open, and sealing what was typed."""

from datetime import date, datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.data_types import AuthorityOperation, Challenge, Grant, RevealedCode
from services.formats.card_number import CardNumber
from services.formats.hidden import Hidden
from services.formats.one_time_code import OneTimeCode
from services.formats.subscriber_code import SubscriberCode
from services.formats.ui_number import UiNumber


class Credentials(Protocol):
    """Subscriber codes, one-time codes, card numbers, and the grants they open."""

    async def check_code(
        self,
        ui_number: UiNumber,
        code: SubscriberCode,
        operation: AuthorityOperation,
        chat_id: int,
        now: datetime,
        attempt: str = "",
    ) -> Grant:
        """Check UI No. and subscriber code, which costs a try when wrong.

        The same `attempt` costs one try however often it is repeated.
        An unknown person costs the same work and leads to the same errors.

        :raises WrongCodeError: with the tries left.
        :raises CodeLockedError: after the fourth wrong try in chats that are linked to the person
            or verified them.
        :raises VerificationRequiredError: after the fourth wrong try in other chats, in such a one.
        :raises ChatPausedError: when this chat was wrong too often, for whomever; each pause is
            longer than the one before.
        :raises CheckQueueFullError: when too many checks are waiting; nothing was counted.
        """

    async def request_one_time_code(
        self,
        session: AsyncSession,
        ui_number: UiNumber,
        birth_date: date,
        operation: AuthorityOperation,
        chat_id: int,
        now: datetime,
    ) -> Challenge:
        """Send a one-time code to the person with this UI No. and birth date.

        An unknown person gets the same answer, and no mail. It is counted for UI No. and birth
        date together, and in a linked chat for that chat.

        :raises TooManyMailsError: after three in an hour, or ten in a day.
        """

    async def send_one_time_code(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> Challenge:
        """Send a one-time code that adds a proof to a grant.

        :raises TooManyMailsError: after three in an hour, or ten in a day.
        """

    async def check_one_time_code(
        self,
        challenge_id: str,
        code: OneTimeCode,
        chat_id: int,
        now: datetime,
        attempt: str = "",
    ) -> Grant:
        """Check a one-time code; return the grant it completes or opens.

        One for `AuthorityOperation.VERIFY` gives the chat three more tries at the code of that
        person, once a day.

        The same `attempt` gets the same answer however often it is repeated.

        :raises WrongOneTimeCodeError: with the tries left.
        :raises ChatPausedError: when this chat was wrong too often.
        :raises OneTimeCodeExpiredError: when it is too old, used or tried too often.
        """

    async def check_card_number(
        self,
        grant_id: str,
        number: CardNumber,
        chat_id: int,
        now: datetime,
        attempt: str = "",
    ) -> Grant:
        """Check the IC card number of the person's card.

        The same `attempt` costs one try however often it is repeated.

        :raises WrongCardNumberError: with the tries left.
        :raises ChatPausedError: when this chat, or anybody for this person, was wrong too often.
        :raises GrantExpiredError: when the code has to be asked for again.
        """

    async def check_recoverable(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> None:
        """Check that `reveal_code` would return a code; nothing is revealed.

        :raises CodeUnrecoverableError: after activation.
        """

    async def reveal_code(
        self, session: AsyncSession, grant_id: str, chat_id: int, now: datetime
    ) -> RevealedCode:
        """Return the subscriber code, until the card is activated (取回用戶代碼).

        Under one grant it counts as revealed once, however often it is called.

        :raises CodeUnrecoverableError: after activation.
        """


class SealedInput(Protocol):
    """Typed personal data, encrypted for the later steps of the same chat."""

    def seal(self, value: Hidden, chat_id: int) -> str:
        """Encrypt a value for this chat; only `unseal` reads it."""

    def unseal(self, sealed: str, chat_id: int) -> Hidden:
        """Decrypt a value that was sealed for this chat.

        :raises GrantExpiredError: for anything else, or when its key is gone.
        """
