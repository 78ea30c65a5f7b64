"""How a conversation is declared: a table of steps, each with its words and where it leads.

One step is one message. A step without choices is an end. Everything else (Back, Cancel, another
language, questions in between, old buttons, resting too long) comes with the mechanism.
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
    """Who is at a step, when, and what was kept on the way.

    :ivar client_language: what their Telegram client speaks, for messages to come.
    :ivar update_id: the update that is being answered; the same when it comes again.
    :ivar name: what they call themself in Telegram.
    """

    chat_id: int
    user_id: int
    language: str
    client_language: str | None
    now: datetime
    data: Mapping[str, str]
    update_id: int = 0
    name: str = ""

    @property
    def attempt(self) -> str:
        """What a try is counted under, so that one that comes again is counted once."""
        return f"update {self.update_id}"


@dataclass(frozen=True)
class StatusMessage:
    """A line above a step that says what just happened: a message, and what fills it in.

    It is kept with the step, so that it is there in any language and after a restart.
    """

    text: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StepResult:
    """Where something led.

    :ivar to: the step; one that its `Way` names, or the one where the person is.
    :ivar kept: what is kept on the way.
    :ivar forget: what is kept no more.
    :ivar is_one_way: there is no Back from there, since it cannot be undone by going back.
    """

    target: str
    set_data: Mapping[str, str] = field(default_factory=dict)
    message: StatusMessage | None = None
    clear_data: tuple[str, ...] = ()
    clears_history: bool = False


StepText = str | Callable[[StepContext], Markup]
"""A message of the catalogue (HTML), or what gives the words of this moment."""
Effect = Callable[[AsyncSession, StepContext], Awaitable[Mapping[str, str] | StepResult]]
"""What a choice does, in the transaction of the move; gives what is kept, or where it led."""
Action = Callable[[StepContext], Awaitable[StepResult]]
"""What a choice does in transactions of its own, before the move; it may come again."""
AfterCommit = Callable[[Context, StepContext], Awaitable[None]]
"""What follows once the move to `to` is committed and shown; it may come again."""
OnEnter = Callable[[AsyncSession, StepContext], Awaitable[Mapping[str, str]]]
"""What is looked up when somebody comes to a step; gives what is kept."""
Links = tuple[str, ...] | Callable[[StepContext], tuple[str, ...]]
"""Conversations to offer below an end, as ``conversation`` or ``conversation/step``."""
InputReader = Callable[[str, StepContext], Mapping[str, str] | None]
"""Reads what was typed: what is kept, or `None` where it is something else, such as a question.

May raise `NotTakenError`.
"""


class InputRejectedError(Exception):
    """What was typed is meant for the step, but cannot be taken.

    :ivar message: what to tell, a message of the catalogue.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UndeclaredTargetError(Exception):
    """Something led to a step that its declaration does not name."""


class Transition(Protocol):
    """What leads on from a step."""

    @property
    def target(self) -> str:
        """A step of this conversation, or ``conversation/step`` of another."""

    @property
    def also_targets(self) -> tuple[str, ...]:
        """Where else an `Outcome` may lead; staying where one is needs no word."""


@dataclass(frozen=True)
class ButtonTransition:
    """A button that leads on.

    :ivar key: its name in the callback data, unique in its step.
    :ivar label: a message of the catalogue; what was kept fills it in.
    :ivar when: tells whether it is there at this moment; always, where not given.
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
        """Tell whether the button is there."""
        return self.when is None or self.when(context)


@dataclass(frozen=True)
class ExternalTransition:
    """Something that happens elsewhere, such as on the person's PC, and leads on.

    :ivar label: what happens, for the diagrams.
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
class TextInput:
    """What may be typed at a step, and where that leads."""

    read: InputReader
    target: str
    effect: Effect | None = None
    also_targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class SecretInput(Generic[Value]):
    """Something secret that is typed at a step. It is deleted from the chat at once.

    :ivar read: gives the value, or `None` where it is something else, such as a question; may
        raise `NotTakenError`, which costs nothing.
    :ivar act: does something with the value, in transactions of its own; it may come again, with
        the same `Scene.attempt`.
    :ivar effect: does something with the value in the transaction of the move, where there is no
        `act`.
    """

    read: Callable[[str, StepContext], Value | None]
    action: Callable[[Value, StepContext], Awaitable[StepResult]] | None
    target: str
    also_targets: tuple[str, ...] = ()
    effect: Callable[[AsyncSession, Value, StepContext], Awaitable[StepResult]] | None = None


@dataclass(frozen=True)
class Step:
    """One message of a conversation.

    :ivar needs: what must have been kept on the way; a step that needs something is no entrance.
    :ivar heard: what may happen elsewhere and leads on; who hears of it moves the person.
    :ivar shown: hears in which message the step stands, for who edits it later.
    :ivar left: follows once the person has left it by Cancel or for another conversation.
    :ivar title: what a link to it says; its conversation's title, where not given.
    :ivar is_done: what the conversation is for was done, so who begins another loses nothing.
    """

    text: StepText
    buttons: tuple[ButtonTransition, ...] = ()
    info_buttons: tuple[InfoButton, ...] = ()
    text_input: TextInput | None = None
    secret_input: SecretInput[Any] | None = None
    links: Links = ()
    requires: tuple[str, ...] = ()
    on_enter: OnEnter | None = None
    external_transitions: tuple[ExternalTransition, ...] = ()
    on_shown: Callable[[StepContext, int], None] | None = None
    on_leave: AfterCommit | None = None
    title: str | None = None
    is_done: bool = False

    @property
    def is_end(self) -> bool:
        """Whether the conversation is over here."""
        return not self.buttons and self.text_input is None and self.secret_input is None

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """Everything that leads on from here."""
        typed = [way for way in (self.text_input, self.secret_input) if way is not None]
        return (*self.buttons, *typed, *self.external_transitions)

    def links_at(self, ctx: StepContext) -> tuple[str, ...]:
        """Give the conversations to offer at this moment."""
        return self.links if isinstance(self.links, tuple) else self.links(ctx)


@dataclass(frozen=True)
class Conversation:
    """A conversation.

    :ivar begins: the step it begins with.
    :ivar explain: gives what a pasted text means in a language, `None` where it does not know.
    :ivar lasts: how long it waits at one step.
    """

    name: str
    title: str
    initial: str
    steps: Mapping[str, Step]
    explain: Callable[[str, str], Markup | None] = lambda _text, _language: None
    timeout: timedelta = timedelta(days=2)


def resolve_target(target: str, conversation: str) -> tuple[str, str]:
    """Give conversation and step that `target` names, seen from `dialog`."""
    name, _, step = target.rpartition("/")
    return name or conversation, step
