"""Between the two threads: questions and events go to the window, answers come back."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

from reader_bridge.app.notice_texts import Notice
from reader_bridge.app.window.question import Question
from reader_bridge.card.secret_buffer import SecretBuffer

Make = Callable[[str], Question]
"""Makes a question in a language; in the window's thread."""
Tell = Callable[[str], Notice]


@dataclass(eq=False)
class Ticket:
    """A question on its way: how it is made, and whom its answer is given."""

    make: Make
    answer: Callable[[object], None] = field(repr=False)


class Desk(QObject):
    """Everything that crosses from the link's thread to the window's. Belongs to the window's."""

    asked = Signal(object)
    withdrawn = Signal(object)
    told = Signal(object)
    ended = Signal()

    async def ask(self, make: Make) -> object:
        """Ask, from the link's thread; take the question back where nobody waits any more."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[object] = loop.create_future()

        def answer(value: object) -> None:
            try:
                loop.call_soon_threadsafe(_settle, waiting, value)
            except RuntimeError:  # the loop has ended
                _forget(value)

        ticket = Ticket(make, answer)
        self.asked.emit(ticket)
        try:
            return await waiting
        except asyncio.CancelledError:
            self.withdrawn.emit(ticket)
            raise

    def tell(self, tell: Tell) -> None:
        """Show a notice, from the link's thread."""
        self.told.emit(tell)


def _settle(waiting: asyncio.Future[object], value: object) -> None:
    if waiting.done():
        _forget(value)
    else:
        waiting.set_result(value)


def _forget(value: object) -> None:
    if isinstance(value, SecretBuffer):
        value.wipe()
