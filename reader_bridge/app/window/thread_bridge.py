"""Between the two threads: questions and events go to the window, answers come back."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

from reader_bridge.app.notice_texts import StatusNotice
from reader_bridge.app.window.question import Question
from reader_bridge.card.secret_buffer import SecretBuffer

QuestionFactory = Callable[[str], Question]
"""Makes a question in a language; in the window's thread."""
NoticeFactory = Callable[[str], StatusNotice]


@dataclass(eq=False)
class PendingQuestion:
    """A question on its way: how it is made, and whom its answer is given."""

    make: QuestionFactory
    answer: Callable[[object], None] = field(repr=False)


class ThreadBridge(QObject):
    """Everything that crosses from the link's thread to the window's. Belongs to the window's."""

    asked = Signal(object)
    withdrawn = Signal(object)
    notified = Signal(object)
    ended = Signal()

    async def ask(self, make: QuestionFactory) -> object:
        """Ask, from the link's thread; take the question back where nobody waits any more."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[object] = loop.create_future()

        def answer(value: object) -> None:
            try:
                loop.call_soon_threadsafe(_set_answer, waiting, value)
            except RuntimeError:  # the loop has ended
                _discard_answer(value)

        ticket = PendingQuestion(make, answer)
        self.asked.emit(ticket)
        try:
            return await waiting
        except asyncio.CancelledError:
            self.withdrawn.emit(ticket)
            raise

    def notify(self, tell: NoticeFactory) -> None:
        """Show a notice, from the link's thread."""
        self.notified.emit(tell)


def _set_answer(waiting: asyncio.Future[object], value: object) -> None:
    if waiting.done():
        _discard_answer(value)
    else:
        waiting.set_result(value)


def _discard_answer(value: object) -> None:
    if isinstance(value, SecretBuffer):
        value.wipe()
