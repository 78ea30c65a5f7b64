"""Chats that are linked to a person, and their answers to "was this you?"."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.data_types import Change, LinkedPerson, ReportResult, Timeline
from services.authority.lifecycle import CertificateState
from services.formats.ui_number import UiNumber


class ChatLinks(Protocol):
    """Links between chats and people."""

    async def link_chat(
        self,
        session: AsyncSession,
        grant_id: str,
        chat_id: int,
        now: datetime,
        client_language: str | None = None,
    ) -> Change:
        """Link the chat to the person, after they agreed; any grant that the code opened will do.

        :param client_language: language of their client, for later notices.
        :raises TooManyChatsError: when three are linked.
        :raises ChatPausedError: when this chat was linked too often today.
        """

    async def unlink_chat(
        self, session: AsyncSession, subscriber: str, chat_id: int, acting_chat: int, now: datetime
    ) -> bool:
        """Remove a link, from this chat or from another that is linked.

        `False` where there was none, or where the acting chat is not linked itself.
        """

    async def list_people(self, session: AsyncSession, chat_id: int) -> Sequence[LinkedPerson]:
        """Return the people a chat is linked to, with the chats linked to each."""

    async def find_timeline(
        self, session: AsyncSession, subscriber: str, chat_id: int
    ) -> Timeline | None:
        """Return the status of a person the chat is linked to; `None` without an application.

        :raises UnknownPersonError: for anybody else.
        """

    async def find_ui_number(
        self, session: AsyncSession, subscriber: str, chat_id: int
    ) -> UiNumber:
        """Return the UI No. of a person the chat is linked to.

        :raises UnknownPersonError: for anybody else.
        """


class SecurityAlerts(Protocol):
    """Answers to the question "was this you?", which linked chats are asked."""

    async def find_certificate_state(
        self, session: AsyncSession, alert_id: str, chat_id: int, now: datetime
    ) -> CertificateState | None:
        """Return where the certificates that the chat was asked about stand now.

        :raises AlertExpiredError: after three days, or when the chat is no longer linked.
        """

    async def report_not_me(
        self, session: AsyncSession, alert_id: str, chat_id: int, now: datetime
    ) -> ReportResult:
        """Suspend the certificates and withdraw every grant: it was not the person.

        Certificates that are not active cannot be suspended, and stay as they are.

        :raises AlertExpiredError: after three days, or when the chat is no longer linked.
        """
