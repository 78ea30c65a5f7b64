"""The input field for a PIN. Qt's own text field only ever holds dots."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from reader_bridge.app.typing_buffer import TypingBuffer
from reader_bridge.card.secret_buffer import SecretBuffer

DOT = "•"
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_PASSED_ON = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Escape)


class SecretField(QLineEdit):
    """A field that puts keys into a :class:`TypingBuffer`.

    Nothing can be pasted, dropped, selected, undone or composed by an input method; on macOS the
    password mode also keeps other programs from listening to the keys.

    :ivar buffer: what was typed.
    """

    entered = Signal()
    changed = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buffer = TypingBuffer()
        self.setAccessibleName(name)
        self.setEchoMode(QLineEdit.EchoMode.Password)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setAcceptDrops(False)
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)

    @property
    def count(self) -> int:
        """How many characters were typed."""
        return len(self.buffer)

    def take(self) -> SecretBuffer:
        """Return what was typed; the field is empty afterwards."""
        taken = self.buffer.take()
        self._update_dots()
        return taken

    def wipe(self) -> None:
        """Overwrite what was typed."""
        self.buffer.clear()
        self._update_dots()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Edit the buffer. Keys that do not edit are left to the window."""
        if event.key() in _ENTER:
            self.entered.emit()
        elif event.key() in _PASSED_ON or not self._edit(event):
            event.ignore()
            return
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take the focus; there is nothing to select."""
        event.accept()
        self.setFocus(Qt.FocusReason.MouseFocusReason)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Select nothing."""
        event.accept()

    def _edit(self, event: QKeyEvent) -> bool:
        modifiers = event.modifiers()
        control = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        if event.key() == Qt.Key.Key_Backspace:
            if control:
                self.buffer.clear()
            self.buffer.delete_last()
        elif control or len(event.text()) != 1:
            return False
        else:
            self.buffer.append(min(ord(event.text()), 0xFF))
        self._update_dots()
        return True

    def _update_dots(self) -> None:
        self.setText(DOT * len(self.buffer))
        self.changed.emit()
