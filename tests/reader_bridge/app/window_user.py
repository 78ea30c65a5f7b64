"""A user of the window, who reads what is visible and only uses the keyboard."""

import asyncio
import time
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from reader_bridge.app.window.main_window import MainWindow
from tests.patience import PATIENCE


class WindowUser:
    def __init__(self, window: MainWindow) -> None:
        self.window = window

    @property
    def visible(self) -> str:
        """All visible text."""
        return "\n".join(_text(part) for part in self._visible_parts() if _text(part))

    @property
    def focus(self) -> QWidget:
        """The widget that has the focus."""
        widget = self.window.focusWidget()
        assert widget
        return widget

    async def sees(self, *texts: str) -> None:
        """Wait until all the texts are visible."""
        await self.until(lambda: all(text in self.visible for text in texts), " / ".join(texts))

    async def until(self, true: Callable[[], bool], what: str = "it") -> None:
        """Let both threads work until something is true."""
        deadline = time.monotonic() + PATIENCE
        while not true():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what!r} never came:\n{self.visible}")
            QApplication.processEvents()
            await asyncio.sleep(0.005)

    def types(self, text: str) -> None:
        """Type where the focus is."""
        QTest.keyClicks(self.focus, text)

    def presses(self, *keys: Qt.Key) -> None:
        """Press keys where the focus is."""
        for key in keys:
            QTest.keyClick(self.focus, key)

    async def chooses(self, words: str, key: Qt.Key = Qt.Key.Key_Space) -> None:
        """Go to a button with Tab, once it is enabled, and press it with Space or Enter."""
        await self.until(lambda: self._is_enabled(words), words)
        for _ in range(20):
            widget = self.focus
            if isinstance(widget, QPushButton) and widget.text() == words:
                self.presses(key)
                return
            QTest.keyClick(widget, Qt.Key.Key_Tab)
        raise AssertionError(f"no Tab leads to {words!r}")

    def _is_enabled(self, words: str) -> bool:
        return any(
            isinstance(part, QPushButton) and part.text() == words and part.isEnabled()
            for part in self._visible_parts()
        )

    def _visible_parts(self) -> list[QWidget]:
        return [part for part in self.window.findChildren(QWidget) if part.isVisible()]


def _text(part: QWidget) -> str:
    return part.text() if isinstance(part, QLabel | QPushButton) else ""
