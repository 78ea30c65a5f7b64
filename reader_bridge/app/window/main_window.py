"""The main window: a header with the language, a page, and a footer."""

from itertools import groupby

from PySide6.QtCore import QByteArray, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QFont, QIcon, QPixmap
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

import locales
from reader_bridge.app import start_at_login
from reader_bridge.app.translation import localise
from reader_bridge.app.window import theme, tray, widgets
from reader_bridge.app.window.overview import MAX_EARLIER_NOTICES, Overview
from reader_bridge.app.window.question import Question
from reader_bridge.app.window.thread_bridge import NoticeFactory, PendingQuestion, ThreadBridge
from reader_bridge.app.window.tray import TrayIcon

ICON = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
    b'<rect x="4" y="12" width="56" height="40" rx="7" fill="#0b6e5f"/>'
    b'<rect x="12" y="22" width="15" height="12" rx="3" fill="#f2c14e"/>'
    b'<path d="M12 43h22" stroke="#fff" stroke-width="4" stroke-linecap="round"/></svg>'
)
_TITLE_BAR = 48
"""Height that the window manager needs above a window, in pixels, at most."""
ASIDE_MILLISECONDS = 60_000
"""How long a notice is shown beside what goes on."""


class MainWindow(QWidget):
    """Shows the open question, or else the latest notices.

    `closed` is emitted when the person closes the window, `language_chosen` with their choice,
    `other_server_wanted` when they want to connect to another server.
    """

    closed = Signal()
    language_chosen = Signal(str)
    other_server_wanted = Signal()

    def __init__(self, bridge: ThreadBridge, language: str) -> None:
        super().__init__()
        self.language = language
        self._notices: list[NoticeFactory] = []
        self._aside: NoticeFactory | None = None
        self._aside_timer = QTimer(self)
        self._aside_timer.setSingleShot(True)
        self._aside_timer.timeout.connect(lambda: self._set_aside(None))
        self._tray = TrayIcon(self, load_icon(), language) if tray.is_available() else None
        self._pending: PendingQuestion | None = None
        self.setObjectName("window")
        self.setStyleSheet(theme.style_sheet())
        self.setWindowIcon(load_icon())
        self.setMinimumSize(theme.LEAST_WIDTH, theme.LEAST_HEIGHT)
        room = self.screen().availableSize()
        self.resize(min(theme.WIDTH, room.width()), min(theme.HEIGHT, room.height() - _TITLE_BAR))
        self._lay_out()
        self._apply_language()
        bridge.asked.connect(self._on_asked)
        bridge.withdrawn.connect(self._on_withdrawn)
        bridge.notified.connect(self._on_notified)
        bridge.ended.connect(self.close)
        if self._tray is not None:
            self._tray.show()

    @property
    def page(self) -> QWidget:
        """The page that is shown."""
        return self._scroll.widget() or self

    def switch_language(self) -> None:
        """Show everything in the other language. A half-typed entry has to be typed again."""
        self.language = locales.other(self.language)
        self._apply_language()
        self._set_aside(self._aside)
        self._refresh()
        self.language_chosen.emit(self.language)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Overwrite what was typed, and report that the window is closed."""
        if isinstance(self.page, Question):
            self.page.discard()
        self.closed.emit()
        event.accept()

    def _lay_out(self) -> None:
        head, foot = QFrame(), QFrame()
        head.setObjectName("head")
        foot.setObjectName("foot")
        row, below = QHBoxLayout(head), QHBoxLayout(foot)
        row.setContentsMargins(24, 12, 24, 12)
        below.setContentsMargins(24, 8, 24, 10)
        name = widgets.text_label("Kaika 開卡", "name")
        name.setWordWrap(False)
        self.language_button = widgets.push_button("", self.switch_language, "plain")
        row.addWidget(name, 1)
        row.addWidget(self.language_button)
        self._promise = widgets.text_label("", "label")
        below.addWidget(self._promise, 1)
        self.login_box = QCheckBox()
        self.login_box.setChecked(start_at_login.is_enabled())
        self.login_box.toggled.connect(self._set_start_at_login)
        below.addWidget(self.login_box)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(QWidget())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._banner = widgets.text_label("", "banner")
        self._banner.hide()
        column.addWidget(head)
        column.addWidget(self._banner)
        column.addWidget(self._scroll, 1)
        column.addWidget(foot)

    def _apply_language(self) -> None:
        other = locales.other(self.language)
        self.language_button.setText(localise(other, "English"))
        self.login_box.setText(localise(self.language, "Start when I log in"))
        if self._tray is not None:
            self._tray.set_language(self.language)
        self.setWindowTitle(localise(self.language, "Kaika 開卡: card reader"))
        self._promise.setText(
            localise(
                self.language, "Your PIN is typed here and goes to the card only, never to a chat."
            )
        )
        families = [*(theme.CHINESE_FONTS if locales.is_chinese(self.language) else theme.FONTS)]
        font = QFont()
        font.setFamilies([*families, *theme.CHINESE_FONTS])
        QApplication.setFont(font)

    def _set_start_at_login(self, wanted: bool) -> None:
        try:
            if wanted:
                start_at_login.enable()
            else:
                start_at_login.disable()
        except OSError:
            with QSignalBlocker(self.login_box):
                self.login_box.setChecked(start_at_login.is_enabled())

    def _on_asked(self, ticket: PendingQuestion) -> None:
        self._pending = ticket
        self._refresh()
        self.raise_()
        self.activateWindow()
        QApplication.alert(self)

    def _on_withdrawn(self, ticket: PendingQuestion) -> None:
        if self._pending is ticket:
            self._pending = None
            self._refresh()

    def _set_aside(self, tell: NoticeFactory | None) -> None:
        """Show a notice above the page, until something is answered or its time is over."""
        self._aside = tell
        self._banner.setVisible(tell is not None)
        if tell is not None:
            notice = tell(self.language)
            self._banner.setText(f"{notice.text} {notice.advice}")
            self._aside_timer.start(ASIDE_MILLISECONDS)
            widgets.announce(self, self._banner.text())

    def _on_notified(self, tell: NoticeFactory) -> None:
        if tell(self.language).is_aside:
            self._set_aside(tell)
            return
        self._notices = [*self._notices, tell][-MAX_EARLIER_NOTICES - 1 :]
        notice = tell(self.language)
        if self._tray is not None:
            self._tray.show_notice(notice)
        if self._pending is None:
            self._refresh()
            widgets.announce(self, f"{notice.text} {notice.advice}")

    def _refresh(self) -> None:
        before, focus = self.page, self.focusWidget()
        is_focus_lost = focus is None or focus is before or before.isAncestorOf(focus)
        if isinstance(before, Question):
            before.discard()
        page = self._create_question(self._pending) if self._pending else self._create_overview()
        if old := self._scroll.takeWidget():
            old.hide()
            old.deleteLater()  # it may be in the middle of the key or click that answered it
        self._scroll.setWidget(page)
        if isinstance(page, Question):
            page.take_focus()
        elif is_focus_lost:
            page.setFocus()

    def _create_question(self, ticket: PendingQuestion) -> Question:
        question = ticket.make(self.language)
        question.answered.connect(lambda value: self._on_answered(ticket, value))
        return question

    def _on_answered(self, ticket: PendingQuestion, value: object) -> None:
        self._pending = None
        self._set_aside(None)
        ticket.answer(value)
        self._refresh()

    def _create_overview(self) -> QWidget:
        notices = [tell(self.language) for tell in self._notices]
        shown = [notice for notice, _ in groupby(notices)]
        if not shown:
            return QWidget()
        page = Overview(shown, localise(self.language, "Before that"))
        if shown[-1].offers_other_server:
            another = localise(self.language, "Use another server")
            page.add_button(another, self.other_server_wanted.emit)
        return page


def load_icon() -> QIcon:
    """Return the icon of the window."""
    picture = QPixmap()
    picture.loadFromData(QByteArray(ICON), "SVG")
    return QIcon(picture)
