"""The port's verbs about what people type: checking what is secret, and keeping it sealed."""

from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.values import Grant, Operation
from services.formats.card_number import CardNumber
from services.formats.hidden import Hidden
from services.formats.one_time_code import OneTimeCode
from services.formats.subscriber_code import SubscriberCode
from services.formats.ui_number import UiNumber


class CodeChecks(Protocol):
    """Checking what is secret. Call these outside any unit of work."""

    async def check_code(
        self,
        ui_number: UiNumber,
        code: SubscriberCode,
        operation: Operation,
        chat_id: int,
        now: datetime,
        attempt: str = "",
    ) -> Grant:
        """Check UI No. and subscriber code, which costs a try when wrong.

        The same `attempt` costs one try however often it comes again.
        A person who does not exist costs the same work and leads to the same errors.

        :raises WrongCodeError: with the tries left.
        :raises CodeLockedError: after the fourth wrong try.
        :raises ChatPausedError: when this chat was wrong too often, whoever it asked for; how long
            it has to rest grows.
        :raises BusyError: when too many checks are waiting; nothing was counted.
        """

    async def answer_one_time_code(
        self,
        challenge_id: str,
        code: OneTimeCode,
        chat_id: int,
        now: datetime,
        attempt: str = "",
    ) -> Grant:
        """Check a one-time code and give the grant it completes or opens.

        The same `attempt` is answered in the same way however often it comes again.

        :raises WrongOneTimeCodeError: with the tries left.
        :raises ChatPausedError: when this chat was wrong too often.
        :raises OneTimeCodeOverError: when it is too old, used or tried too often.
        """

    async def prove_card_number(
        self,
        grant_id: str,
        number: CardNumber,
        chat_id: int,
        now: datetime,
        attempt: str = "",
    ) -> Grant:
        """Check the IC card number of the person's card.

        The same `attempt` costs one try however often it comes again.

        :raises WrongCardNumberError: with the tries left.
        :raises ChatPausedError: when this chat, or anybody for this person, was wrong too often.
        :raises GrantExpiredError: when the code has to be asked for again.
        """


class Keeping(Protocol):
    """What was typed in a chat, kept for the steps that follow: sealed, and for that chat only."""

    def seal(self, value: Hidden, chat_id: int) -> str:
        """Seal something that was typed in a chat; nobody but `unseal` reads it."""

    def unseal(self, sealed: str, chat_id: int) -> Hidden:
        """Open what was sealed for this chat.

        :raises GrantExpiredError: for anything else, or when its key is gone.
        """

    async def number_of(self, session: AsyncSession, subscriber: str, chat_id: int) -> UiNumber:
        """Give the UI No. of a person the chat is linked to.

        :raises UnknownPersonError: for anybody else.
        """
