"""A window on its own, the person at it, and what they answered."""

from PySide6.QtWidgets import QApplication

from reader_bridge.app.window.main_window import MainWindow
from reader_bridge.app.window.question import PinQuestion, Question
from reader_bridge.app.window.secret_field import SecretField
from reader_bridge.app.window.thread_bridge import PendingQuestion, QuestionFactory, ThreadBridge
from tests.reader_bridge.app.window_user import WindowUser


class WindowHarness:
    """A window, the person at it, and what they answered."""

    def __init__(self, language: str) -> None:
        self.thread_bridge = ThreadBridge()
        self.window = MainWindow(self.thread_bridge, language)
        self.person = WindowUser(self.window)
        self.answers: list[object] = []
        self.window.show()

    def ask(self, make: QuestionFactory) -> PendingQuestion:
        ticket = PendingQuestion(make, self.answers.append)
        self.thread_bridge.asked.emit(ticket)
        QApplication.processEvents()
        return ticket

    @property
    def page(self) -> Question:
        page = self.window.page
        assert isinstance(page, Question)
        return page

    @property
    def fields(self) -> list[SecretField]:
        assert isinstance(self.page, PinQuestion)
        return self.page.fields
