"""The page that is shown while nothing is asked: the latest notice and those before it."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QProgressBar, QVBoxLayout, QWidget

from reader_bridge.app.notice_texts import NoticeTone, StatusNotice
from reader_bridge.app.window import widgets

MARKS = {
    NoticeTone.BUSY: "…",
    NoticeTone.WAITING: "▸",
    NoticeTone.GOOD: "✓",
    NoticeTone.NOTE: "•",
    NoticeTone.BAD: "✗",
}
MAX_EARLIER_NOTICES = 5
"""Notices shown below the latest one."""


class Overview(QWidget):
    """The latest notice, large, and the earlier ones.

    :param notices: in the order in which they came.
    """

    def __init__(self, notices: list[StatusNotice], before: str) -> None:
        super().__init__()
        self.setObjectName("page")
        column = widgets.column(self)
        last = notices[-1]
        self.setAccessibleName(last.text)
        self.setAccessibleDescription(last.advice)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        column.addWidget(widgets.text_label(last.text, "title"))
        if last.advice:
            column.addWidget(widgets.text_label(last.advice, _kind(last.tone)))
        if last.tone in (NoticeTone.BUSY, NoticeTone.WAITING):
            column.addWidget(_busy_bar(last.text))
        if earlier := notices[-MAX_EARLIER_NOTICES - 1 : -1]:
            column.addSpacing(widgets.GAP)
            column.addWidget(widgets.text_label(before, "label"))
            column.addWidget(_earlier_notices(earlier))
        column.addStretch(1)
        self.column: QVBoxLayout = column

    def add_button(self, text: str, on_press: Callable[[], object]) -> None:
        """Add a button below the notices."""
        self.column.addWidget(widgets.push_button(text, on_press))


def _kind(tone: NoticeTone) -> str:
    return {NoticeTone.GOOD: "good", NoticeTone.BAD: "danger", NoticeTone.WAITING: "warning"}.get(
        tone, "quiet"
    )


def _busy_bar(name: str) -> QProgressBar:
    bar = QProgressBar()
    bar.setAccessibleName(name)
    bar.setRange(0, 0)
    bar.setTextVisible(False)
    return bar


def _earlier_notices(notices: list[StatusNotice]) -> QFrame:
    frame = QFrame()
    frame.setObjectName("card")
    grid = QGridLayout(frame)
    grid.setContentsMargins(16, 12, 16, 12)
    grid.setColumnStretch(1, 1)
    for row, notice in enumerate(notices):
        grid.addWidget(widgets.text_label(MARKS[notice.tone], "mark"), row, 0)
        grid.addWidget(widgets.text_label(notice.text), row, 1)
    return frame
