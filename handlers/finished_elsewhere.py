"""Closing an open conversation whose goal was reached elsewhere, and of which the person was told.

Somebody who activated a card, or paid at the counter, is no longer asked whether to continue.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.context import Services
from handlers.identity.step_data import MASKED, UNLINKED
from services.authority.data_types import LinkedPerson
from services.authority.notice_kinds import NoticeKind
from services.conversations import ConversationChangedError, ConversationState
from services.storage.database import after_commit

FINISHED_BY: Mapping[NoticeKind, frozenset[str]] = MappingProxyType(
    {
        NoticeKind.PAID: frozenset({"pay"}),
        NoticeKind.ACTIVATED: frozenset({"activate"}),
        NoticeKind.SUSPENDED: frozenset({"suspend"}),
        NoticeKind.RESUMED: frozenset({"resume"}),
        NoticeKind.REVOKED: frozenset({"suspend", "resume"}),
    }
)
"""The conversations that have nothing left to do after a notice."""


async def finish_conversation(
    session: AsyncSession,
    services: Services,
    chat_id: int,
    is_finished: Callable[[ConversationState], bool],
) -> None:
    """Close what is open in a private chat, where it is finished.

    Where the person does something at the same moment, theirs goes first: it finds out by itself.
    """
    state = await services.conversations.find(session, chat_id, chat_id)
    if state is None or not state.is_open or not is_finished(state):
        return
    try:
        closed = await services.conversations.save(session, state.finish())
    except ConversationChangedError:
        return
    after_commit(session, lambda: services.conversations.remember(closed))


def is_about(state: ConversationState, person: LinkedPerson, chat_has_others: bool) -> bool:
    """Return whether a conversation in a linked chat is about a person, as far as it shows.

    :param chat_has_others: whether the chat is linked to more people.
    """
    if UNLINKED in state.data:
        return False
    masked = state.data.get(MASKED)
    return not chat_has_others if masked is None else masked == person.ui_number_masked
