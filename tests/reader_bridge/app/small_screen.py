"""Walks through every page of the window on the screen that it is given; run as a program."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

import locales
from tests.reader_bridge.app.sample_pages import PAGES
from tests.reader_bridge.app.window_harness import WindowHarness

TITLE_BAR = 48
_MOST_TABS, _MOST_PAGES = 30, 5


@contextmanager
def run_virtual_screen(width: int, height: int) -> Iterator[str]:
    """Run an X server for the duration of a `with` block; its name."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-nolisten", "tcp", "-ac"]
    command += ["-screen", "0", f"{width}x{height}x24"]
    with subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        try:
            with os.fdopen(reading) as lines:
                yield f":{lines.readline().strip()}"
        finally:
            server.terminate()


def tab_through(harness: WindowHarness) -> list[QWidget]:
    """Return every widget that Tab leads to from the page, in order, and come round."""
    harness.page.setFocus()
    order: list[QWidget] = []
    while harness.person.focus not in order:
        order.append(harness.person.focus)
        assert len(order) < _MOST_TABS
        QTest.keyClick(harness.person.focus, Qt.Key.Key_Tab)
    return order


async def check_page(harness: WindowHarness, name: str) -> None:
    """Check that a page fits, and that keys show all of it."""
    ticket = harness.ask(PAGES[name])
    window, room = harness.window, harness.window.screen().availableGeometry()
    assert window.width() <= room.width(), name
    assert window.height() + TITLE_BAR <= room.height(), name
    await harness.person.until(
        lambda: harness.page.yes.isEnabled() or hasattr(harness.page, "choices")
    )
    for part in tab_through(harness):
        if part is not harness.page and harness.page.isAncestorOf(part):
            part.setFocus(Qt.FocusReason.TabFocusReason)
            QTest.keyClick(part, Qt.Key.Key_Tab)
            QTest.keyClick(harness.person.focus, Qt.Key.Key_Backtab)
            assert part.visibleRegion().boundingRect() == part.rect(), (name, part)
    unseen = {label for label in harness.page.findChildren(QLabel) if label.isVisible()}
    harness.page.setFocus()
    for key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
        for _ in range(_MOST_PAGES):
            unseen -= {label for label in unseen if not label.visibleRegion().isEmpty()}
            QTest.keyClick(harness.page, key)
    assert not unseen, (name, [label.text() for label in unseen])
    harness.thread_bridge.withdrawn.emit(ticket)


async def main() -> None:
    """Check every page in every language."""
    application = QApplication(sys.argv[:1])
    for language in locales.LANGUAGES:
        harness = WindowHarness(language)
        for name in PAGES:
            await check_page(harness, name)
        harness.window.close()
    size = application.primaryScreen().size()
    sys.stdout.write(f"{len(PAGES)} pages on {size.width()}x{size.height()}\n")


if __name__ == "__main__":
    asyncio.run(main())
