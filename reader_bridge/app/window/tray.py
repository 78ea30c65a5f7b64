"""The icon beside the clock: what the app is doing, and the way back to its window."""

from typing import Final

from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu, QSystemTrayIcon, QWidget

from reader_bridge.app.notice_texts import NoticeTone, StatusNotice
from reader_bridge.app.translation import localise
from reader_bridge.app.window import theme

_COLOURS: Final = {
    NoticeTone.BUSY: theme.PALETTE.quiet,
    NoticeTone.WAITING: theme.PALETTE.warning_ink,
    NoticeTone.GOOD: theme.PALETTE.good_ink,
    NoticeTone.NOTE: theme.PALETTE.quiet,
    NoticeTone.BAD: theme.PALETTE.danger_ink,
}
_SIZE: Final = 64


class TrayIcon(QSystemTrayIcon):
    """The icon, with a dot in the colour of the latest notice and its text as tooltip.

    :param window: raised by a click.
    """

    def __init__(self, window: QWidget, icon: QIcon, language: str) -> None:
        super().__init__(icon, window)
        self._window, self._plain = window, icon
        self._menu = QMenu()
        self.open_action = self._menu.addAction("", self._raise_window)
        self.quit_action = self._menu.addAction("", window.close)
        self.setContextMenu(self._menu)
        self.activated.connect(lambda _: self._raise_window())
        self.set_language(language)

    def set_language(self, language: str) -> None:
        """Show the menu in another language."""
        self.open_action.setText(localise(language, "Open"))
        self.quit_action.setText(localise(language, "Close"))

    def show_notice(self, notice: StatusNotice) -> None:
        """Show a notice."""
        self.setToolTip(f"Kaika 開卡\n{notice.text}")
        self.setIcon(_with_dot(self._plain, _COLOURS[notice.tone]))

    def _raise_window(self) -> None:
        self._window.showNormal()
        self._window.raise_()
        self._window.activateWindow()


def _with_dot(icon: QIcon, colour: str) -> QIcon:
    picture = QPixmap(icon.pixmap(_SIZE, _SIZE))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(theme.PALETTE.sheet))
    painter.setBrush(QColor(colour))
    painter.drawEllipse(QPoint(_SIZE - 14, _SIZE - 14), 12, 12)
    painter.end()
    return QIcon(picture)


def is_available() -> bool:
    """Whether the desktop shows such icons."""
    return QSystemTrayIcon.isSystemTrayAvailable()
