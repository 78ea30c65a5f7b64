"""Takes the pictures of the bridge in `docs/screenshots`: window and terminal, in both languages.

Run by `make screenshots`. Nothing is connected: the pages are those of :mod:`pages`, and the person
at the terminal follows a script.
"""

import asyncio
import io
import os
from collections import deque
from pathlib import Path

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from rich.console import Console
from rich.segment import Segment
from rich.terminal_theme import TerminalTheme

import locales
from reader_bridge.app import notice_texts
from reader_bridge.app.terminal.keyboard import TerminalKeyboard
from reader_bridge.app.terminal.prompter import TerminalPrompter
from reader_bridge.app.terminal.screen import TerminalScreen
from reader_bridge.app.window.main_window import MainWindow
from reader_bridge.app.window.question import PinQuestion
from reader_bridge.app.window.thread_bridge import PendingQuestion, ThreadBridge
from reader_bridge.prompter import (
    OperationDone,
    OperationWaiting,
    PairingStarted,
    PrompterEvent,
    ServerConnected,
)
from reader_bridge.protocol import Operation, PinPurpose, ProgressStep, SignatureAlgorithm
from reader_bridge.protocol.operation_payloads import Receipt
from tests.browser import chromium
from tests.reader_bridge.app.sample_pages import NEW, PAGES, PEER, UNLOCK

PICTURES = Path(__file__).parents[3] / "docs" / "screenshots"
COLUMNS = 84
PAIRED: tuple[PrompterEvent, ...] = (ServerConnected(PEER.host), PairingStarted(PEER, 43_200))
WAITING = OperationWaiting(Operation.SET_PIN, ProgressStep.WAITING_FOR_CARD)
RECEIPT = Receipt("a0" * 16, bytes(32), SignatureAlgorithm.RS256, b"", b"")
DONE = OperationDone(Operation.SET_PIN, RECEIPT, PinPurpose.UNLOCK)
THEME = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [
        *((72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34)),
        *((88, 166, 255), (188, 140, 255), (57, 197, 207), (177, 186, 196)),
    ],
)
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #161b22; padding: 18px 22px; display: inline-block; }}
pre {{ margin: 0; font: 15px/20px 'Noto Sans Mono CJK TC', monospace; color: #e6edf3; }}
{stylesheet}</style><pre>{code}</pre>"""


class ScriptedKeys:
    """Keys that were typed long ago."""

    def __init__(self, *lines: str) -> None:
        self._keys = deque("".join(f"{line}\r" for line in lines).encode())

    async def next_byte(self) -> int:
        return self._keys.popleft()

    def discard_pending(self) -> None:
        pass


class RecordingOutput(io.StringIO):
    """Takes what is written past the console, into its record."""

    console: Console

    def write(self, text: str) -> int:
        if text and not text.startswith("\x1b") and len(text) <= 2:
            self.console._record_buffer.append(Segment(text))
        return super().write(text)


def take_windows(language: str) -> None:
    """Take the pictures of the window."""
    thread_bridge = ThreadBridge()
    window = MainWindow(thread_bridge, language)
    window.show()
    for name in ("code", "compare", "words", "consent", "new pin"):
        thread_bridge.asked.emit(ticket := PendingQuestion(PAGES[name], lambda _: None))
        QTest.qWait(500)
        if isinstance(window.page, PinQuestion):
            QTest.keyClicks(window.page.fields[0], "abc123")
        _grab(window, name.split()[-1])
        thread_bridge.withdrawn.emit(ticket)
    for event in (*PAIRED, WAITING):
        thread_bridge.notified.emit(
            lambda spoken, event=event: notice_texts.describe_event(event, spoken, PEER.host)
        )
    QTest.qWait(100)
    _grab(window, "waiting")
    thread_bridge.notified.emit(lambda spoken: notice_texts.describe_event(DONE, spoken, PEER.host))
    QTest.qWait(100)
    _grab(window, "done")
    window.close()


def _grab(window: MainWindow, what: str) -> None:
    name = f"bridge-window-{locales.primary(window.language)}-{what}.png"
    window.grab().save(str(PICTURES / name))


async def terminal_page(language: str) -> str:
    """Let somebody pair and unlock their card in a terminal; return what it looks like, as HTML."""
    paper = RecordingOutput()
    console = Console(file=paper, record=True, width=COLUMNS, force_terminal=True, highlight=False)
    paper.console = console
    screen = TerminalScreen(language, console)
    screen.keys = ScriptedKeys("y", "abc123xy", "abc123xy")
    assert isinstance(screen._terminal, TerminalKeyboard)
    prompter = TerminalPrompter(screen, PEER.host, lambda: None)
    for event in PAIRED:
        prompter.show(event)
    await prompter.ask_consent(UNLOCK)
    if secret := await prompter.ask_pin(NEW):
        secret.wipe()
    prompter.show(DONE)
    return console.export_html(theme=THEME, code_format=PAGE)


async def take_terminals() -> None:
    """Take the pictures of the terminal."""
    async with chromium() as browser:
        for language in locales.LANGUAGES:
            page = await browser.new_page(device_scale_factor=1.5)
            await page.set_content(await terminal_page(language))
            name = f"bridge-terminal-{locales.primary(language)}.png"
            await page.locator("body").screenshot(path=PICTURES / name)
            await page.close()


def main() -> None:
    """Take all pictures."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    PICTURES.mkdir(parents=True, exist_ok=True)
    application = QApplication([])
    for language in locales.LANGUAGES:
        take_windows(language)
    application.quit()
    asyncio.run(take_terminals())


if __name__ == "__main__":
    main()
