"""The bridge between the client's thread and the window's."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

from reader_bridge.app.notice_texts import StatusNotice
from reader_bridge.app.window.question import Question
from reader_bridge.card.secret_buffer import SecretBuffer

QuestionFactory = Callable[[str], Question]
"""Creates a question in a language, in the window's thread."""
NoticeFactory = Callable[[str], StatusNotice]


@dataclass(eq=False)
class PendingQuestion:
    """A question that waits for its answer.

    :ivar make: creates the question.
    :ivar answer: takes the answer.
    """

    make: QuestionFactory
    answer: Callable[[object], None] = field(repr=False)


class ThreadBridge(QObject):
    """Passes questions and notices to the window's thread, to which it belongs."""

    asked = Signal(object)
    withdrawn = Signal(object)
    notified = Signal(object)
    ended = Signal()

    async def ask(self, make: QuestionFactory) -> object:
        """Ask a question, from the client's thread. Cancelling withdraws it."""
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
        """Show a notice, from the client's thread."""
        self.notified.emit(tell)


def _set_answer(waiting: asyncio.Future[object], value: object) -> None:
    if waiting.done():
        _discard_answer(value)
    else:
        waiting.set_result(value)


def _discard_answer(value: object) -> None:
    if isinstance(value, SecretBuffer):
        value.wipe()
