"""The declaration of a conversation: a table of steps, each with its text and its transitions.

One step is one message. A step without buttons and inputs is final. The engine adds everything
else: Back, Cancel, the other language, questions in between, old buttons, timeouts.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.context import Context
from handlers.screen.text import Markup

Value = TypeVar("Value")


@dataclass(frozen=True)
class StepContext:
    """The person at a step, the moment, and the data of the conversation.

    :ivar client_language: the language of their Telegram client, for messages sent later.
    :ivar update_id: the update that is handled; the same when it comes again.
    :ivar name: their name in Telegram.
    :ivar offers_person: whether a person can be asked in the chat.
    """

    chat_id: int
    user_id: int
    language: str
    client_language: str | None
    now: datetime
    data: Mapping[str, str]
    update_id: int = 0
    name: str = ""
    offers_person: bool = False

    @property
    def attempt(self) -> str:
        """Identifies an attempt, so that an update that comes again spends one only once."""
        return f"update {self.update_id}"


@dataclass(frozen=True)
class StatusMessage:
    """A message above a step that says what just happened, with the values that fill it in.

    It is stored with the step, so that it can be shown in any language and after a restart.

    :ivar is_first: whether the person sees the step for the first time, and in full.
    """

    text: str
    values: Mapping[str, str] = field(default_factory=dict)
    is_first: bool = False


@dataclass(frozen=True)
class StepResult:
    """Where an effect or action leads.

    :ivar target: a step that the `Transition` names, or the present one.
    :ivar set_data: added to the data of the conversation.
    :ivar message: shown above the target.
    :ivar clear_data: keys removed from the data.
    :ivar clears_history: whether there is no Back from the target, since going back undoes
        nothing.
    """

    target: str
    set_data: Mapping[str, str] = field(default_factory=dict)
    message: StatusMessage | None = None
    clear_data: tuple[str, ...] = ()
    clears_history: bool = False


StepText = str | Callable[[StepContext], Markup]
"""A message of the catalogue (HTML), or a function that returns the text as it reads now."""
Effect = Callable[[AsyncSession, StepContext], Awaitable[Mapping[str, str] | StepResult]]
"""Runs in the transaction of a transition; returns the data to set, or where it leads."""
Action = Callable[[StepContext], Awaitable[StepResult]]
"""Runs before a transition in transactions of its own; may run again for the same update."""
AfterCommit = Callable[[Context, StepContext], Awaitable[None]]
"""Runs once a transition is committed and shown; may run again for the same update."""
OnLeave = Callable[[Context, StepContext], Awaitable[Markup | None]]
"""Runs once a transition is committed; may run again for the same update. Returns what to say in
place of that the conversation was stopped, `None` where nothing else is to be said."""
OnEnter = Callable[[AsyncSession, StepContext], Awaitable[Mapping[str, str]]]
"""Runs whenever a step is entered; returns the data to set."""
Links = tuple[str, ...] | Callable[[StepContext], tuple[str, ...]]
"""Conversations to offer below a final step, as ``conversation`` or ``conversation/step``."""
InputReader = Callable[[str, StepContext], Mapping[str, str] | None]
"""Parses a typed text; returns the data to set, or `None` for anything else, such as a question.

May raise `InputRejectedError`.
"""


class InputRejectedError(Exception):
    """A text is meant for the step but is not acceptable.

    :ivar message: the message of the catalogue that says why.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UndeclaredTargetError(Exception):
    """A result led to a step that its transition does not name."""


class Transition(Protocol):
    """An edge of the state machine."""

    @property
    def target(self) -> str:
        """A step of this conversation, or ``conversation/step`` of another."""

    @property
    def also_targets(self) -> tuple[str, ...]:
        """Other steps a `StepResult` may lead to; staying at the step needs no mention."""


@dataclass(frozen=True)
class ButtonTransition:
    """A button that leads to another step.

    :ivar key: its name in the callback data, unique in its step.
    :ivar label: a message of the catalogue, filled in with the data.
    :ivar after_commit: runs where the transition ends at `target`.
    :ivar when: whether the button is shown; always, where not given.
    """

    key: str
    label: str
    target: str
    effect: Effect | None = None
    action: Action | None = None
    after_commit: AfterCommit | None = None
    also_targets: tuple[str, ...] = ()
    when: Callable[[StepContext], bool] | None = None

    def is_shown(self, context: StepContext) -> bool:
        """Return whether the button is shown."""
        return self.when is None or self.when(context)


@dataclass(frozen=True)
class ExternalTransition:
    """A transition triggered by an event elsewhere, such as on the person's PC.

    :ivar label: the event, for the diagrams.
    """

    label: str
    target: str
    also_targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class InfoButton:
    """A button that shows more about a step without leaving it."""

    key: str
    label: str
    text: StepText


@dataclass(frozen=True)
class ClientButton:
    """A button that the person's Telegram handles by itself: it opens an address or copies a text.

    :ivar url: returns the address; `None` where the button is not shown.
    :ivar copied_text: returns the text; `None` where the button is not shown.
    """

    label: str
    url: Callable[[StepContext], str | None] | None = None
    copied_text: Callable[[StepContext], str | None] | None = None


@dataclass(frozen=True)
class TextInput:
    """A text that may be typed at a step."""

    read: InputReader
    target: str
    effect: Effect | None = None
    also_targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class SecretInput(Generic[Value]):
    """A secret that is typed at a step. Its message is deleted before the value is used.

    :ivar read: parses the text; returns `None` for anything else, such as a question; may raise
        `InputRejectedError`, which spends no attempt.
    :ivar action: uses the value in transactions of its own; may run again for the same update,
        with the same `StepContext.attempt`.
    :ivar effect: uses the value in the transaction of the transition, where there is no `action`.
    """

    read: Callable[[str, StepContext], Value | None]
    action: Callable[[Value, StepContext], Awaitable[StepResult]] | None
    target: str
    also_targets: tuple[str, ...] = ()
    effect: Callable[[AsyncSession, Value, StepContext], Awaitable[StepResult]] | None = None


@dataclass(frozen=True)
class Step:
    """One message of a conversation.

    :ivar requires: keys the data must have; a step that requires any is no entry point.
    :ivar client_buttons: shown above the others.
    :ivar next_steps: conversations to offer above everything else.
    :ivar external_transitions: triggered by events that are handled elsewhere.
    :ivar on_shown: called with the id of the message the step is shown in.
    :ivar on_leave: runs after Cancel, or after another conversation was started.
    :ivar title: the label of a link to it; the conversation's title, where not given.
    :ivar picture: the name of a picture of what the step asks for.
    :ivar is_done: whether the conversation has reached its goal, so that leaving loses nothing.
    :ivar reminder: stands in place of the text below a status message, so that both fit a phone.
    :ivar stop_question: asked before a typed *stop* closes the conversation, where the word may
        mean the card.
    """

    text: StepText
    buttons: tuple[ButtonTransition, ...] = ()
    info_buttons: tuple[InfoButton, ...] = ()
    client_buttons: tuple[ClientButton, ...] = ()
    text_input: TextInput | None = None
    secret_input: SecretInput[Any] | None = None
    links: Links = ()
    next_steps: Links = ()
    requires: tuple[str, ...] = ()
    on_enter: OnEnter | None = None
    external_transitions: tuple[ExternalTransition, ...] = ()
    on_shown: Callable[[StepContext, int], None] | None = None
    on_leave: OnLeave | None = None
    title: str | None = None
    picture: str | None = None
    is_done: bool = False
    reminder: StepText | None = None
    stop_question: StepText | None = None

    @property
    def is_end(self) -> bool:
        """Whether the step is final."""
        return not self.buttons and self.text_input is None and self.secret_input is None

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """Every transition from the step."""
        inputs = [each for each in (self.text_input, self.secret_input) if each is not None]
        return (*self.buttons, *inputs, *self.external_transitions)

    def links_at(self, context: StepContext) -> tuple[str, ...]:
        """Return the conversations to offer now, below the buttons."""
        return _links_now(self.links, context)

    def next_steps_at(self, context: StepContext) -> tuple[str, ...]:
        """Return the conversations to offer now, above the buttons."""
        return _links_now(self.next_steps, context)


def _links_now(links: Links, context: StepContext) -> tuple[str, ...]:
    return links if isinstance(links, tuple) else links(context)


@dataclass(frozen=True)
class Explanation:
    """What a pasted text means.

    :ivar is_code_refused: whether it says that a code is wrong or locked, which whoever lost the
        card may have tried in vain.
    """

    text: Markup
    is_code_refused: bool = False


@dataclass(frozen=True)
class Conversation:
    """A conversation.

    :ivar initial: the first step.
    :ivar explain: returns the meaning of a pasted text in a language, `None` where unknown.
    :ivar timeout: how long it waits at one step.
    """

    name: str
    title: str
    initial: str
    steps: Mapping[str, Step]
    explain: Callable[[str, str], Explanation | None] = lambda _text, _language: None
    timeout: timedelta = timedelta(days=2)


def resolve_target(target: str, conversation: str) -> tuple[str, str]:
    """Return the conversation and step that `target` names, seen from `conversation`."""
    name, _, step = target.rpartition("/")
    return name or conversation, step
