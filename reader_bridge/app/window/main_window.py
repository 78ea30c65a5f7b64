"""The window itself: a head with the language, a page, and a foot."""

from itertools import groupby

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtGui import QCloseEvent, QFont, QIcon, QPixmap
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

import locales
from reader_bridge.app.translation import say
from reader_bridge.app.window import theme, widgets
from reader_bridge.app.window.overview import MOST_SHOWN, Overview
from reader_bridge.app.window.question import Question
from reader_bridge.app.window.thread_bridge import Desk, Tell, Ticket

ICON = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
    b'<rect x="4" y="12" width="56" height="40" rx="7" fill="#0b6e5f"/>'
    b'<rect x="12" y="22" width="15" height="12" rx="3" fill="#f2c14e"/>'
    b'<path d="M12 43h22" stroke="#fff" stroke-width="4" stroke-linecap="round"/></svg>'
)
NAMES = {"en": "English", "zh_Hant": "中文"}


class MainWindow(QWidget):
    """Shows one question, or else how things stand.

    `left` is sent when the person closes the window, `language_chosen` with their choice.
    """

    left = Signal()
    language_chosen = Signal(str)

    def __init__(self, desk: Desk, language: str) -> None:
        super().__init__()
        self.language = language
        self._told: list[Tell] = []
        self._ticket: Ticket | None = None
        self.setObjectName("window")
        self.setStyleSheet(theme.style_sheet())
        self.setWindowIcon(icon())
        self.setMinimumSize(theme.LEAST_WIDTH, theme.LEAST_HEIGHT)
        self.resize(theme.WIDTH, theme.HEIGHT)
        self._lay_out()
        self._speak()
        desk.asked.connect(self._ask)
        desk.withdrawn.connect(self._withdraw)
        desk.told.connect(self._tell)
        desk.ended.connect(self.close)

    @property
    def page(self) -> QWidget:
        """What is shown."""
        return self._scroll.widget() or self

    def switch_language(self) -> None:
        """Show everything in the other language. What was typed halfway is typed again."""
        self.language = locales.other(self.language)
        self._speak()
        self._show()
        self.language_chosen.emit(self.language)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Forget what was typed, and let the rest end."""
        if isinstance(self.page, Question):
            self.page.put_away()
        self.left.emit()
        event.accept()

    def _lay_out(self) -> None:
        head, foot = QFrame(), QFrame()
        head.setObjectName("head")
        foot.setObjectName("foot")
        row, below = QHBoxLayout(head), QHBoxLayout(foot)
        row.setContentsMargins(24, 12, 24, 12)
        below.setContentsMargins(24, 8, 24, 10)
        name = widgets.text("Kaika 開卡", "name")
        name.setWordWrap(False)
        self.language_button = widgets.button("", self.switch_language, "plain")
        row.addWidget(name, 1)
        row.addWidget(self.language_button)
        self._promise = widgets.text("", "label")
        below.addWidget(self._promise)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(QWidget())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(self._scroll, 1)
        column.addWidget(foot)

    def _speak(self) -> None:
        other = locales.other(self.language)
        self.language_button.setText(NAMES.get(other, other))
        self.setWindowTitle(say(self.language, "Kaika 開卡: card reader"))
        self._promise.setText(
            say(self.language, "Your PIN is typed here and goes to the card only, never to a chat.")
        )
        families = [*theme.CHINESE_FONTS] if self.language != locales.DEFAULT else [*theme.FONTS]
        font = QFont()
        font.setFamilies([*families, *theme.CHINESE_FONTS])
        QApplication.setFont(font)

    def _ask(self, ticket: Ticket) -> None:
        self._ticket = ticket
        self._show()
        self.raise_()
        self.activateWindow()
        QApplication.alert(self)

    def _withdraw(self, ticket: Ticket) -> None:
        if self._ticket is ticket:
            self._ticket = None
            self._show()

    def _tell(self, tell: Tell) -> None:
        self._told = [*self._told, tell][-MOST_SHOWN - 1 :]
        if self._ticket is None:
            self._show()

    def _show(self) -> None:
        before = self.page
        if isinstance(before, Question):
            before.put_away()
        page = self._question(self._ticket) if self._ticket else self._overview()
        if old := self._scroll.takeWidget():
            old.hide()
            old.deleteLater()  # it may be in the middle of the key or click that answered it
        self._scroll.setWidget(page)
        if isinstance(page, Question):
            page.take_focus()

    def _question(self, ticket: Ticket) -> Question:
        question = ticket.make(self.language)
        question.answered.connect(lambda value: self._answered(ticket, value))
        return question

    def _answered(self, ticket: Ticket, value: object) -> None:
        self._ticket = None
        ticket.answer(value)
        self._show()

    def _overview(self) -> QWidget:
        notices = [tell(self.language) for tell in self._told]
        shown = [notice for notice, _ in groupby(notices)]
        return Overview(shown, say(self.language, "Before that")) if shown else QWidget()


def icon() -> QIcon:
    """Give the icon of the window."""
    picture = QPixmap()
    picture.loadFromData(QByteArray(ICON), "SVG")
    return QIcon(picture)
