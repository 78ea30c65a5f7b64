"""The stored conversation of one update: loaded once, and handed on.

Conversations run in private chats only.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession
from telegram import Message, Update
from telegram.constants import ChatType

from handlers.context import Context, Services
from handlers.engine.model import Action, Conversation, StepContext, Transition
from handlers.engine.rendering import render_step
from handlers.engine.transitions import ConversationMachine, find_step, without_status_message
from handlers.screen.text import Markup
from handlers.screen.view import View
from services.conversations import EXPIRED, ConversationChangedError, ConversationState


class ConversationSession:
    """The conversation of one person in one chat while one update or event is handled.

    The row is read at most once, and once more where another process changed it meanwhile.

    :ivar context: the person and the moment; without the data of the step.
    :ivar state: the step the person is at; `None` before `load`, and where they never began one.
    :ivar is_overtaken: whether the last transaction was rolled back because another process had
        changed the conversation; `state` is what that process left.
    """

    def __init__(
        self, services: Services, conversations: Mapping[str, Conversation], context: StepContext
    ) -> None:
        self.conversations = conversations
        self.context = context
        self.state: ConversationState | None = None
        self.is_overtaken = False
        self._services = services
        self._is_loaded = False

    @property
    def is_replay(self) -> bool:
        """Whether the update that is handled led to the present step, so that it comes again."""
        return self.state is not None and self.state.last_update_id == self.context.update_id

    @property
    def is_superseded(self) -> bool:
        """Whether a later update led to the present open step.

        The update had its turn then, and comes again since Telegram did not take its messages. Ids
        of updates rise, unless the bot hears nothing for a week; no step stays open for so long.
        """
        state, number = self.state, self.context.update_id
        return state is not None and state.is_open and 0 < number < state.last_update_id

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[ConversationMachine]:
        """Open the transaction of one transition; the block sets `state` to where it led.

        Where another process changed the conversation first, everything is rolled back, the state
        is read again, and `is_overtaken` says so.
        """
        self.is_overtaken = False
        before = self.state
        try:
            async with self._services.database.unit_of_work() as database_session:
                if not self._is_loaded:
                    before = self.state = await self._find(database_session)
                yield ConversationMachine(
                    self.conversations, self._services.conversations, database_session, self.context
                )
        except ConversationChangedError:
            self.is_overtaken, self._is_loaded = True, False
            await self.load()
        except BaseException:
            self.state = before
            raise
        if self.state is not None:
            self._services.conversations.remember(self.state)

    async def _find(self, database_session: AsyncSession) -> ConversationState | None:
        store, ctx = self._services.conversations, self.context
        found = await store.find(database_session, ctx.chat_id, ctx.user_id)
        self._is_loaded = True
        return found

    async def load(self) -> ConversationState | None:
        """Return the present or last step of the person."""
        if not self._is_loaded:
            async with self._services.database.reading() as database_session:
                self.state = await self._find(database_session)
        return self.state

    async def load_and_expire(self) -> ConversationState | None:
        """Return the present or last step, and close a conversation that timed out."""
        state = await self.load()
        if state is not None and self.is_over(state):
            async with self.transaction() as machine:
                self.state = await machine.expire(state)
        return self.state

    def is_over(self, state: ConversationState) -> bool:
        """Whether an open conversation has to be closed: timed out, or no longer declared.

        A step may be gone when a new version of the bot is started.
        """
        is_declared = find_step(self.conversations, state) is not None
        return state.is_open and (state.is_expired(self.context.now) or not is_declared)

    async def run_action(self, transition: Transition, action: Action) -> None:
        """Run `action`, which uses transactions of its own, and go where it leads.

        Two processes may run it for the same update; only one of them changes the conversation.
        """
        seen = self.state
        assert seen is not None
        result = await action(self.step_context())
        async with self.transaction() as machine:
            self.state = await machine.follow(seen, transition, result)

    def step_context(self) -> StepContext:
        """Return the context with the data of the present step."""
        return self.context if self.state is None else replace(self.context, data=self.state.data)

    def render(self, closing_text: Markup | None = None) -> View:
        """Return the present step as it reads now.

        :param closing_text: what to say of a closed conversation; `None` for the usual text.
        """
        assert self.state is not None
        return render_step(self.conversations, self.state, self.step_context(), closing_text)


def conversations_of(context: Context) -> Mapping[str, Conversation]:
    """Return every conversation of this deployment by its name."""
    conversations: Mapping[str, Conversation] = context.bot_data["conversations"]
    return conversations


def conversation_session(update: Update, context: Context) -> ConversationSession | None:
    """Return the session of an update, the same one each time; `None` outside private chats."""
    session = context.conversation_session
    if isinstance(session, ConversationSession):
        return session
    ctx = _step_context(update, context)
    if ctx is None:
        return None
    session = ConversationSession(context.services, conversations_of(context), ctx)
    context.conversation_session = session
    return session


def open_session(update: Update, context: Context) -> ConversationSession | None:
    """Return the session where a conversation may be open; `None`, without a query, elsewhere."""
    if not context.may_be_in_conversation(update):
        return None
    return conversation_session(update, context)


def _step_context(update: Update, context: Context) -> StepContext | None:
    user, chat = update.effective_user, update.effective_chat
    if user is None or chat is None or chat.type != ChatType.PRIVATE:
        return None
    return StepContext(
        chat_id=chat.id,
        user_id=user.id,
        language=context.language(update),
        client_language=user.language_code,
        now=context.services.now(),
        data={},
        update_id=update.update_id,
        name=user.full_name,
        offers_person=context.offers_person(update),
    )


async def open_view(update: Update, context: Context) -> View | None:
    """Return the open step, or that it timed out; `None` where no conversation is open.

    It may have been housekeeping that closed it, of which nobody was told yet. A status message
    that an earlier update left is not shown again.
    """
    session = open_session(update, context)
    state = await session.load_and_expire() if session else None
    if session is None or state is None:
        return None
    if not session.is_replay:
        session.state = without_status_message(state)
    context.services.conversations.remember(state)
    return session.render() if state.is_open or state.step == EXPIRED else None


async def is_goal_reached(update: Update, context: Context) -> bool:
    """Return whether the open step has done what its conversation was for."""
    session = open_session(update, context)
    state = await session.load() if session else None
    step = None if session is None or state is None else find_step(session.conversations, state)
    return step is not None and step.is_done


def text_of_message(update: Update) -> str:
    """Return what was typed, also under a picture."""
    message = update.effective_message
    return (message.text or message.caption or "") if isinstance(message, Message) else ""
