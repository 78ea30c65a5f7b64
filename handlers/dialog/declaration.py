"""How a conversation is declared: a table of steps, each with its words and where it leads.

One step is one message. A step without choices is an end. Everything else (Back, Cancel, another
language, questions in between, old buttons, resting too long) comes with the mechanism.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.words import Markup


@dataclass(frozen=True)
class Scene:
    """Who is at a step, when, and what was kept on the way.

    :ivar client_language: what their Telegram client speaks, for messages to come.
    """

    chat_id: int
    user_id: int
    language: str
    client_language: str | None
    now: datetime
    data: Mapping[str, str]


Words = str | Callable[[Scene], Markup]
"""A message of the catalogue (HTML), or what gives the words of this moment."""
Effect = Callable[[AsyncSession, Scene], Awaitable[Mapping[str, str]]]
"""What a choice does, in the transaction of the move; gives what is kept on the way."""
Reader = Callable[[str, Scene], Mapping[str, str] | None]
"""Reads what was typed: what is kept, or `None` where it is something else, such as a question.

May raise `NotTakenError`.
"""


class NotTakenError(Exception):
    """What was typed is meant for the step, but cannot be taken.

    :ivar message: what to tell, a message of the catalogue.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Choice:
    """A button that leads on.

    :ivar key: its name in the callback data, unique in its step.
    :ivar to: a step of this conversation, or ``conversation/step`` of another.
    """

    key: str
    label: str
    to: str
    effect: Effect | None = None


@dataclass(frozen=True)
class Aside:
    """A button that shows more about a step without leaving it."""

    key: str
    label: str
    words: Words


@dataclass(frozen=True)
class Typed:
    """What may be typed at a step, and where that leads."""

    read: Reader
    to: str
    effect: Effect | None = None


@dataclass(frozen=True)
class Step:
    """One message of a conversation.

    :ivar links: conversations to offer below an end, as ``conversation`` or ``conversation/step``.
    :ivar needs: what must have been kept on the way; a step that needs something is no entrance.
    """

    words: Words
    choices: tuple[Choice, ...] = ()
    asides: tuple[Aside, ...] = ()
    typed: Typed | None = None
    links: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def is_end(self) -> bool:
        """Whether the conversation is over here."""
        return not self.choices and self.typed is None


@dataclass(frozen=True)
class Dialog:
    """A conversation.

    :ivar begins: the step it begins with.
    :ivar explain: gives what a pasted text means in a language, `None` where it does not know.
    :ivar lasts: how long it waits at one step.
    """

    name: str
    title: str
    begins: str
    steps: Mapping[str, Step]
    explain: Callable[[str, str], Markup | None] = lambda _text, _language: None
    lasts: timedelta = timedelta(days=2)


def place(target: str, dialog: str) -> tuple[str, str]:
    """Give conversation and step that `target` names, seen from `dialog`."""
    name, _, step = target.rpartition("/")
    return name or dialog, step
