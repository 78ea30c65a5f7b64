"""What the window shows while nothing is asked: how things stand, and what happened last."""

from PySide6.QtWidgets import QFrame, QGridLayout, QProgressBar, QVBoxLayout, QWidget

from reader_bridge.app.notice_texts import Notice, Tone
from reader_bridge.app.window import widgets

MARKS = {Tone.BUSY: "…", Tone.WAITING: "▸", Tone.GOOD: "✓", Tone.NOTE: "•", Tone.BAD: "✗"}
MOST_SHOWN = 5
"""How many of the notices before the last one stay in view."""


class Overview(QWidget):
    """The last notice, large, with what to do; and the ones before it.

    :param notices: the last one last.
    """

    def __init__(self, notices: list[Notice], before: str) -> None:
        super().__init__()
        self.setObjectName("page")
        column = widgets.column(self)
        last = notices[-1]
        self.setAccessibleName(last.text)
        column.addWidget(widgets.text(last.text, "title"))
        if last.advice:
            column.addWidget(widgets.text(last.advice, _kind(last.tone)))
        if last.tone in (Tone.BUSY, Tone.WAITING):
            column.addWidget(_busy())
        if earlier := notices[-MOST_SHOWN - 1 : -1]:
            column.addSpacing(widgets.GAP)
            column.addWidget(widgets.text(before, "label"))
            column.addWidget(_history(earlier))
        column.addStretch(1)
        self.column: QVBoxLayout = column


def _kind(tone: Tone) -> str:
    return {Tone.GOOD: "good", Tone.BAD: "danger", Tone.WAITING: "warning"}.get(tone, "quiet")


def _busy() -> QProgressBar:
    bar = QProgressBar()
    bar.setRange(0, 0)
    bar.setTextVisible(False)
    return bar


def _history(notices: list[Notice]) -> QFrame:
    frame = QFrame()
    frame.setObjectName("card")
    grid = QGridLayout(frame)
    grid.setContentsMargins(16, 12, 16, 12)
    grid.setColumnStretch(1, 1)
    for row, notice in enumerate(notices):
        grid.addWidget(widgets.text(MARKS[notice.tone], "mark"), row, 0)
        grid.addWidget(widgets.text(notice.text), row, 1)
    return frame
