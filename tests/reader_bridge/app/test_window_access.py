"""The window for people with a keyboard alone, a screen reader, or a small screen."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QWidget

from reader_bridge.app.notice_texts import NoticeTone, StatusNotice
from reader_bridge.app.window import theme, widgets
from reader_bridge.app.window.question import Question
from reader_bridge.app.window.secret_field import SecretField
from tests.reader_bridge.app import small_screen
from tests.reader_bridge.app.contrast import contrast_ratio
from tests.reader_bridge.app.sample_pages import PAGES
from tests.reader_bridge.app.small_screen import run_virtual_screen, tab_through
from tests.reader_bridge.app.terminal_user import clean_environment
from tests.reader_bridge.app.window_harness import WindowHarness

_NAMED = {
    QAccessible.Role.Button,
    QAccessible.Role.CheckBox,
    QAccessible.Role.EditableText,
    QAccessible.Role.ProgressBar,
    QAccessible.Role.StaticText,
}
NOTICES = [
    StatusNotice(tone, f"It is {tone}", "Do this.", offers_other_server=tone is NoticeTone.BAD)
    for tone in NoticeTone
]


def nodes(widget: QWidget) -> Iterator[QAccessibleInterface]:
    """What a screen reader finds in a widget that is shown."""
    return _walk(QAccessible.queryAccessibleInterface(widget))


def _walk(node: QAccessibleInterface) -> Iterator[QAccessibleInterface]:
    if not node.state().invisible:
        yield node
        for index in range(node.childCount()):
            yield from _walk(node.child(index))


def name(node: QAccessibleInterface) -> str:
    return node.text(QAccessible.Text.Name)


@pytest.mark.parametrize("page", [*PAGES, *NOTICES], ids=str)
def test_everything_has_a_name(harness: WindowHarness, page: str | StatusNotice) -> None:
    if isinstance(page, StatusNotice):
        harness.thread_bridge.notified.emit(lambda _: NOTICES[0])
        harness.thread_bridge.notified.emit(lambda _: page)
    else:
        harness.ask(PAGES[page])
    harness.thread_bridge.notified.emit(
        lambda _: StatusNotice(NoticeTone.NOTE, "Beside", is_aside=True)
    )
    QApplication.processEvents()
    found = list(nodes(harness.window))
    assert [node.role() for node in found if node.role() in _NAMED and not name(node).strip()] == []
    assert name(found[0])
    focusable = [node for node in found if node.state().focusable]
    assert all(name(node).strip() for node in focusable)


@pytest.mark.parametrize("page", PAGES)
def test_who_comes_to_a_page_hears_all_of_it(harness: WindowHarness, page: str) -> None:
    """Where the focus is when it appears: its title, or the field, with all that is shown."""
    harness.ask(PAGES[page])
    focus = QAccessible.queryAccessibleInterface(harness.person.focus)
    heard = name(focus) + focus.text(QAccessible.Text.Description)
    if isinstance(harness.person.focus, QLineEdit):
        heard += harness.page.page.title  # of the group that the field is in
    shown = [
        label.text()
        for label in harness.page.findChildren(QLabel)
        if label.isVisible() and label.buddy() is None
    ]
    missing = [
        text
        for text in shown
        if any(part.strip("⚠ ") not in heard for part in text.replace("\u3000", " ").split("   "))
        and not all(word in heard for word in text.split())
    ]
    assert missing == []


def test_a_field_for_a_pin_says_so_and_nothing_of_the_pin(harness: WindowHarness) -> None:
    harness.ask(PAGES["current pin"])
    harness.person.types("first123")
    field = QAccessible.queryAccessibleInterface(harness.person.focus)
    assert isinstance(harness.person.focus, SecretField)
    assert field.state().passwordEdit
    said = [field.text(kind) for kind in QAccessible.Text if kind is not QAccessible.Text.UserText]
    assert not any("first" in text or "123" in text for text in said)
    text = field.textInterface()
    assert "first" not in text.text(0, text.characterCount())


def test_what_appears_elsewhere_than_at_the_focus_is_said(
    harness: WindowHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(widgets, "announce", lambda _, words: said.append(words))
    harness.thread_bridge.notified.emit(lambda _: NOTICES[0])
    assert said == ["It is busy Do this."]
    harness.ask(PAGES["new pin"])
    harness.thread_bridge.notified.emit(
        lambda _: StatusNotice(NoticeTone.NOTE, "Beside", is_aside=True)
    )
    assert said[-1].strip() == "Beside"
    harness.person.types("abc")
    harness.page.confirm()
    assert said[-1] == harness.page.problem.text()


@pytest.mark.parametrize("page", PAGES)
async def test_tab_leads_to_everything_in_the_order_of_the_eye(
    harness: WindowHarness, page: str
) -> None:
    harness.ask(PAGES[page])
    await harness.person.until(lambda: _can_answer(harness.page))
    order = tab_through(harness)
    reachable = {
        part
        for part in harness.window.findChildren(QWidget)
        if part.isVisible() and part.isEnabled() and part.focusPolicy() & Qt.FocusPolicy.TabFocus
    }
    assert set(order) == reachable
    inside = [part for part in order if harness.page.isAncestorOf(part)]
    rows = [part.mapTo(harness.page, part.rect().topLeft()).y() for part in inside]
    assert rows == sorted(rows)


def _can_answer(page: Question) -> bool:
    return page.yes.isEnabled() and all(part.isEnabled() for part in getattr(page, "choices", ()))


@pytest.mark.parametrize("page", PAGES)
async def test_every_page_is_answered_with_tab_and_enter(harness: WindowHarness, page: str) -> None:
    harness.ask(PAGES[page])
    await harness.person.chooses(harness.page.no.text(), Qt.Key.Key_Return)
    assert harness.answers == [None]


@pytest.mark.parametrize("page", ["compare", "consent", "reading", "last try"])
async def test_a_yes_is_given_with_tab_and_enter(harness: WindowHarness, page: str) -> None:
    harness.ask(PAGES[page])
    await harness.person.chooses(harness.page.yes.text(), Qt.Key.Key_Return)
    assert harness.answers == [True]


async def test_the_focus_is_seen_wherever_it_is(harness: WindowHarness) -> None:
    """Every widget that Tab leads to looks different with the focus."""
    harness.thread_bridge.notified.emit(lambda _: NOTICES[-1])
    for page in PAGES:
        harness.ask(PAGES[page])
        await harness.person.until(lambda: _can_answer(harness.page))
        for part in tab_through(harness):
            if part is harness.page:
                continue  # text to read, with nothing to press
            part.setFocus()
            QApplication.processEvents()
            focused = part.grab().toImage()
            harness.page.setFocus()
            QApplication.processEvents()
            assert part.grab().toImage() != focused, part


@pytest.mark.parametrize("pair", theme.FOCUS_CHANGES)
def test_the_colour_of_a_frame_changes_enough(pair: tuple[str, str]) -> None:
    without, focused = (getattr(theme.PALETTE, name) for name in pair)
    assert contrast_ratio(without, focused) >= 3


def test_the_focus_is_not_lost_when_a_page_goes(harness: WindowHarness) -> None:
    ticket = harness.ask(PAGES["consent"])
    harness.thread_bridge.notified.emit(lambda _: NOTICES[0])
    harness.thread_bridge.withdrawn.emit(ticket)
    assert harness.person.focus is harness.window.page
    harness.window.language_button.setFocus()
    harness.thread_bridge.notified.emit(lambda _: NOTICES[1])
    assert harness.person.focus is harness.window.language_button, "a notice takes it from nobody"


def test_a_small_screen_shows_everything_to_the_keyboard(tmp_path: Path) -> None:
    """On an X server of 1366×768 at 150 %, with a process of its own."""
    with run_virtual_screen(1366, 768) as display:
        done = subprocess.run(
            [sys.executable, "-m", small_screen.__name__],
            env={
                **clean_environment(tmp_path),
                "DISPLAY": display,
                "QT_QPA_PLATFORM": "xcb",
                "QT_SCALE_FACTOR": "1.5",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(PAGES)} pages" in done.stdout
