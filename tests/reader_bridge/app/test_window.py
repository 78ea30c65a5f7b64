"""The window, page by page, with the keyboard alone, in both languages and at its smallest."""

import shlex
import subprocess
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

import locales
from reader_bridge.app.notice_texts import NoticeTone, StatusNotice, describe_event
from reader_bridge.app.prompt_texts import pair_of_words
from reader_bridge.app.window import theme
from reader_bridge.app.window.main_window import load_icon
from reader_bridge.app.window.question import ChoiceQuestion, PinQuestion, Question
from reader_bridge.app.window.tray import TrayIcon
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.prompter import OperationWaiting, PairingStarted, ServerConnected
from reader_bridge.protocol import Operation, ProgressStep
from tests.reader_bridge.app.contrast import contrast_ratio
from tests.reader_bridge.app.sample_pages import CARDS, NEW, PAGES, PEER, WORDS
from tests.reader_bridge.app.window_harness import WindowHarness


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    "size", [(theme.LEAST_WIDTH, theme.LEAST_HEIGHT), (theme.WIDTH, theme.HEIGHT), (1200, 900)]
)
def test_every_page_fits_and_nothing_is_cut(
    harness: WindowHarness, name: str, size: tuple[int, int]
) -> None:
    harness.window.resize(*size)
    harness.ask(PAGES[name])
    QTest.qWait(1)
    page = harness.page
    assert page.width() <= harness.window.width()
    assert page.minimumSizeHint().width() <= harness.window.width()
    for label in page.findChildren(QLabel):
        if label.isVisibleTo(page):
            assert label.height() >= label.heightForWidth(label.width()), label.text()
            assert label.mapTo(page, label.rect().bottomRight()).x() <= page.width()
    for button in page.findChildren(QPushButton):
        assert button.width() >= button.sizeHint().width(), button.text()


@pytest.mark.parametrize("name", PAGES)
async def test_every_page_is_answered_with_tab_and_space(harness: WindowHarness, name: str) -> None:
    harness.ask(PAGES[name])
    await harness.person.chooses(harness.page.no.text())
    assert harness.answers == [None]


@pytest.mark.parametrize("name", PAGES)
def test_escape_is_a_no(harness: WindowHarness, name: str) -> None:
    harness.ask(PAGES[name])
    harness.person.presses(Qt.Key.Key_Escape)
    assert harness.answers == [None]


@pytest.mark.parametrize("name", ["compare", "consent", "reading", "last try"])
def test_enter_on_a_page_that_just_came_up_agrees_to_nothing(
    harness: WindowHarness, name: str
) -> None:
    harness.ask(PAGES[name])
    harness.person.presses(Qt.Key.Key_Return, Qt.Key.Key_Space, Qt.Key.Key_Y)
    QTest.mouseClick(harness.page.yes, Qt.MouseButton.LeftButton)
    assert harness.answers == []


async def test_the_words_are_chosen_with_the_keyboard(harness: WindowHarness) -> None:
    harness.ask(PAGES["words"])
    harness.person.presses(Qt.Key.Key_Return, Qt.Key.Key_Space)
    assert harness.answers == [], "not by a key that was meant for something else"
    await harness.person.chooses(pair_of_words(PEER.words))
    assert harness.answers == [WORDS.pairs.index(PEER.words)]


async def test_a_card_is_chosen_with_the_keyboard(harness: WindowHarness) -> None:
    harness.ask(PAGES["cards"])
    harness.person.presses(Qt.Key.Key_Return, Qt.Key.Key_Space)
    assert harness.answers == [], "not by a key that was meant for something else"
    assert isinstance(harness.page, ChoiceQuestion)
    text = harness.page.choices[1].text()
    assert CARDS.options[1].reader in text.replace("\n", " ")
    await harness.person.chooses(text)
    assert harness.answers == [1]


async def test_the_tab_order_is_field_yes_no_language(harness: WindowHarness) -> None:
    harness.ask(PAGES["new pin"])
    await harness.person.until(harness.page.yes.isEnabled)
    order = [*harness.fields, harness.page.yes, harness.page.no]
    for widget in order:
        assert harness.person.focus is widget
        QTest.keyClick(widget, Qt.Key.Key_Tab)


def test_a_pin_is_dots_everywhere_but_in_its_buffer(harness: WindowHarness) -> None:
    harness.ask(PAGES["new pin"])
    harness.person.types("first12")
    first, second = harness.fields
    assert first.text() == "•" * 7
    harness.person.presses(Qt.Key.Key_Backspace, Qt.Key.Key_Return)
    assert harness.person.focus is second
    harness.person.types("first1")
    harness.person.presses(Qt.Key.Key_Return)
    (secret,) = harness.answers
    assert isinstance(secret, SecretBuffer)
    assert secret == b"first1"
    assert "first" not in harness.person.visible


def test_nothing_is_pasted_selected_or_dropped(harness: WindowHarness) -> None:
    harness.ask(PAGES["current pin"])
    (field,) = harness.fields
    QApplication.clipboard().setText("first123")
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(field, Qt.Key.Key_Insert, Qt.KeyboardModifier.ShiftModifier)
    assert field.count == 0
    assert not field.acceptDrops()
    harness.person.types("abc")
    QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.mouseDClick(field, Qt.MouseButton.LeftButton)
    assert not field.hasSelectedText()
    QTest.keyClick(field, Qt.Key.Key_Backspace, Qt.KeyboardModifier.ControlModifier)
    assert field.count == 0


@pytest.mark.parametrize("typed", ["", "abc", "waytoolong", "dash-es", "with sp"])
def test_what_cannot_be_a_pin_is_told_and_not_handed_over(
    harness: WindowHarness, typed: str
) -> None:
    harness.ask(PAGES["new pin"])
    harness.person.types(typed)
    harness.page.confirm()
    assert harness.answers == []
    assert harness.page.problem.isVisible()
    assert [field.count for field in harness.fields] == [0, 0]
    assert harness.person.focus is harness.fields[0]


def test_two_different_new_pins_are_typed_again(harness: WindowHarness) -> None:
    harness.ask(PAGES["new pin"])
    harness.person.types("second45")
    harness.person.presses(Qt.Key.Key_Return)
    harness.person.types("second46")
    harness.person.presses(Qt.Key.Key_Return)
    assert harness.answers == []
    assert harness.page.problem.isVisible()
    harness.person.types("s")
    assert not harness.page.problem.isVisible(), "the complaint goes when typing begins"


def test_letters_of_another_script_are_told(harness: WindowHarness) -> None:
    harness.ask(PAGES["current pin"])
    for letter in "ㄅ密ä":
        key = QKeyEvent(QEvent.Type.KeyPress, 0, Qt.KeyboardModifier.NoModifier, letter)
        QApplication.sendEvent(harness.fields[0], key)
    harness.page.confirm()
    assert harness.answers == []
    assert "English" in harness.page.problem.text() or "英文" in harness.page.problem.text()


def test_a_question_that_is_taken_back_forgets_what_was_typed(harness: WindowHarness) -> None:
    ticket = harness.ask(lambda language: PinQuestion(NEW, language))
    harness.person.types("first123")
    typed = harness.fields[0].buffer
    harness.thread_bridge.withdrawn.emit(ticket)
    assert len(typed) == 0
    assert harness.answers == []
    assert not isinstance(harness.window.page, Question)


def test_closing_the_window_forgets_what_was_typed(harness: WindowHarness) -> None:
    harness.ask(PAGES["new pin"])
    harness.person.types("first123")
    typed = harness.fields[0].buffer
    harness.window.close()
    assert len(typed) == 0


def test_the_language_can_be_changed_at_any_moment(harness: WindowHarness) -> None:
    chosen: list[str] = []
    harness.window.language_chosen.connect(chosen.append)
    harness.ask(PAGES["new pin"])
    title = harness.page.page.title
    typed = harness.fields[0].buffer
    harness.person.types("abc")
    harness.window.switch_language()
    assert len(typed) == 0
    assert harness.page.page.title != title
    assert chosen == [locales.other(chosen[0])] or chosen == [harness.window.language]
    harness.person.types("first123")
    harness.person.presses(Qt.Key.Key_Return)
    harness.person.types("first123")
    harness.person.presses(Qt.Key.Key_Return)
    assert harness.answers == [b"first123"]


def test_what_happens_is_told_with_what_went_before(harness: WindowHarness) -> None:
    language = harness.window.language
    for event in (
        ServerConnected("kaika.example"),
        PairingStarted(PEER, 43_200),
        OperationWaiting(Operation.SET_PIN, ProgressStep.WAITING_FOR_CARD),
    ):
        harness.thread_bridge.notified.emit(
            lambda spoken, event=event: describe_event(event, spoken, "kaika.example")
        )
    for event in (ServerConnected("kaika.example"), PairingStarted(PEER, 43_200)):
        assert describe_event(event, language, "kaika.example").text in harness.person.visible


def test_it_starts_at_login_only_where_that_was_chosen(
    harness: WindowHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "autostart" / "kaika-bridge.desktop"
    assert not harness.window.login_box.isChecked()
    assert not file.exists()
    harness.window.login_box.setFocus()
    harness.person.presses(Qt.Key.Key_Space)
    entry = file.read_text(encoding="utf-8")
    command = shlex.split(next(row[5:] for row in entry.splitlines() if row.startswith("Exec=")))
    version = subprocess.run(
        [*command[:-1], "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert version.stdout.startswith("kaika-bridge ")
    assert command[-1] == "window"
    harness.person.presses(Qt.Key.Key_Space)
    assert not file.exists()


def test_a_folder_that_cannot_be_written_changes_nothing(
    harness: WindowHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "autostart").write_text("a file where a folder should be")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    harness.window.login_box.click()
    assert not harness.window.login_box.isChecked()


def test_the_icon_beside_the_clock_shows_the_state(harness: WindowHarness) -> None:
    icon = TrayIcon(harness.window, load_icon(), harness.window.language)
    seen = set()
    for tone in (NoticeTone.GOOD, NoticeTone.WAITING, NoticeTone.BAD):
        icon.show_notice(StatusNotice(tone, f"It is {tone}"))
        assert f"It is {tone}" in icon.toolTip()
        picture = icon.icon().pixmap(64, 64).toImage()
        seen.add(picture.pixelColor(50, 50).name())
    assert len(seen) == 3
    harness.window.hide()
    icon.open_action.trigger()
    assert harness.window.isVisible()
    icon.quit_action.trigger()
    assert not harness.window.isVisible()


def test_markup_from_others_is_shown_as_it_is(harness: WindowHarness) -> None:
    harness.thread_bridge.notified.emit(
        lambda _: StatusNotice(NoticeTone.GOOD, "<b>&amp;</b>", "<img src=x>")
    )
    assert "<b>&amp;</b>" in harness.person.visible
    for label in harness.window.findChildren(QLabel):
        assert label.textFormat() is Qt.TextFormat.PlainText


@pytest.mark.parametrize("pair", theme.READABLE_PAIRS)
def test_every_pair_of_colours_is_readable(pair: tuple[str, str]) -> None:
    ink, ground = (getattr(theme.PALETTE, name) for name in pair)
    assert contrast_ratio(ink, ground) >= 4.5


def test_contrast_is_measured_as_the_standard_says() -> None:
    assert contrast_ratio("#000000", "#ffffff") == pytest.approx(21)
    assert contrast_ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
