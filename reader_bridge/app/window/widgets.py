"""The small widgets of the window."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from reader_bridge.app.prompt_texts import PromptFact
from reader_bridge.protocol import PairingWord

GAP = 14


def text_label(words: str, kind: str = "", *, selectable: bool = False) -> QLabel:
    """Return a label that wraps and shows text as it is."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(words)
    made.setWordWrap(True)
    made.setProperty("kind", kind)
    if selectable:
        made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def push_button(words: str, on_press: Callable[[], object], kind: str = "") -> QPushButton:
    """Return a button that mouse, Space and Enter press."""
    made = QPushButton(words.replace("&", "&&"))
    made.setProperty("kind", kind)
    made.setAutoDefault(True)
    made.clicked.connect(lambda: on_press())
    return made


def fact_card(facts: tuple[PromptFact, ...]) -> QFrame:
    """Return a frame with the facts that the person compares."""
    frame = QFrame()
    frame.setObjectName("card")
    grid = QGridLayout(frame)
    grid.setContentsMargins(16, 12, 16, 14)
    grid.setVerticalSpacing(2)
    for fact in facts:
        row = grid.rowCount()
        grid.addWidget(text_label(fact.label, "label"), row, 0)
        grid.addWidget(text_label(fact.value, "value", selectable=True), row + 1, 0)
        if fact.note:
            grid.addWidget(text_label(f"⚠ {fact.note}", "label"), row + 2, 0)
        if fact is not facts[-1]:
            grid.setRowMinimumHeight(row + 3, 8)
    return frame


def word_card(words: tuple[PairingWord, PairingWord]) -> QFrame:
    """Return a frame with the two words of a pairing, large, in both languages."""
    frame = QFrame()
    frame.setObjectName("card")
    frame.setAccessibleName(", ".join(word.english for word in words))
    column = QVBoxLayout(frame)
    column.setContentsMargins(16, 14, 16, 14)
    column.setSpacing(2)
    for said, kind in (
        ("   ".join(word.english for word in words), "words"),
        ("　".join(word.chinese for word in words), "words2"),
    ):
        shown = text_label(said, kind)
        shown.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(shown)
    return frame


def announce(source: QWidget, words: str) -> None:
    """Have a screen reader say something that appears where the focus is not."""
    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(source, words))


def column(parent: QWidget) -> QVBoxLayout:
    """Return the column layout of a page."""
    made = QVBoxLayout(parent)
    made.setContentsMargins(24, 22, 24, 22)
    made.setSpacing(GAP)
    return made
