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
from tests.reader_bridge.app.sample_pages import CARDS, NEW, PAGES, PEER, WORDS
from tests.reader_bridge.app.window_scene import WindowScene


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    "size", [(theme.LEAST_WIDTH, theme.LEAST_HEIGHT), (theme.WIDTH, theme.HEIGHT), (1200, 900)]
)
def test_every_page_fits_and_nothing_is_cut(
    scene: WindowScene, name: str, size: tuple[int, int]
) -> None:
    scene.window.resize(*size)
    scene.ask(PAGES[name])
    QTest.qWait(1)
    page = scene.page
    assert page.width() <= scene.window.width()
    assert page.minimumSizeHint().width() <= scene.window.width()
    for label in page.findChildren(QLabel):
        if label.isVisibleTo(page):
            assert label.height() >= label.heightForWidth(label.width()), label.text()
            assert label.mapTo(page, label.rect().bottomRight()).x() <= page.width()
    for button in page.findChildren(QPushButton):
        assert button.width() >= button.sizeHint().width(), button.text()


@pytest.mark.parametrize("name", PAGES)
async def test_every_page_is_answered_with_tab_and_space(scene: WindowScene, name: str) -> None:
    scene.ask(PAGES[name])
    await scene.person.chooses(scene.page.no.text())
    assert scene.answers == [None]


@pytest.mark.parametrize("name", PAGES)
def test_escape_is_a_no(scene: WindowScene, name: str) -> None:
    scene.ask(PAGES[name])
    scene.person.presses(Qt.Key.Key_Escape)
    assert scene.answers == [None]


@pytest.mark.parametrize("name", ["compare", "consent", "reading", "last try"])
def test_enter_on_a_page_that_just_came_up_agrees_to_nothing(scene: WindowScene, name: str) -> None:
    scene.ask(PAGES[name])
    scene.person.presses(Qt.Key.Key_Return, Qt.Key.Key_Space, Qt.Key.Key_Y)
    QTest.mouseClick(scene.page.yes, Qt.MouseButton.LeftButton)
    assert scene.answers == []


async def test_the_words_are_chosen_with_the_keyboard(scene: WindowScene) -> None:
    scene.ask(PAGES["words"])
    scene.person.presses(Qt.Key.Key_Return, Qt.Key.Key_Space)
    assert scene.answers == [], "not by a key that was meant for something else"
    await scene.person.chooses(pair_of_words(PEER.words))
    assert scene.answers == [WORDS.pairs.index(PEER.words)]


async def test_a_card_is_chosen_with_the_keyboard(scene: WindowScene) -> None:
    scene.ask(PAGES["cards"])
    scene.person.presses(Qt.Key.Key_Return, Qt.Key.Key_Space)
    assert scene.answers == [], "not by a key that was meant for something else"
    assert isinstance(scene.page, ChoiceQuestion)
    text = scene.page.choices[1].text()
    assert CARDS.options[1].reader in text.replace("\n", " ")
    await scene.person.chooses(text)
    assert scene.answers == [1]


async def test_the_tab_order_is_field_yes_no_language(scene: WindowScene) -> None:
    scene.ask(PAGES["new pin"])
    await scene.person.until(scene.page.yes.isEnabled)
    order = [*scene.fields, scene.page.yes, scene.page.no]
    for widget in order:
        assert scene.person.focus is widget
        QTest.keyClick(widget, Qt.Key.Key_Tab)


def test_a_pin_is_dots_everywhere_but_in_its_buffer(scene: WindowScene) -> None:
    scene.ask(PAGES["new pin"])
    scene.person.types("first12")
    first, second = scene.fields
    assert first.text() == "•" * 7
    scene.person.presses(Qt.Key.Key_Backspace, Qt.Key.Key_Return)
    assert scene.person.focus is second
    scene.person.types("first1")
    scene.person.presses(Qt.Key.Key_Return)
    (secret,) = scene.answers
    assert isinstance(secret, SecretBuffer)
    assert secret == b"first1"
    assert "first" not in scene.person.visible


def test_nothing_is_pasted_selected_or_dropped(scene: WindowScene) -> None:
    scene.ask(PAGES["current pin"])
    (field,) = scene.fields
    QApplication.clipboard().setText("first123")
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(field, Qt.Key.Key_Insert, Qt.KeyboardModifier.ShiftModifier)
    assert field.count == 0
    assert not field.acceptDrops()
    scene.person.types("abc")
    QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.mouseDClick(field, Qt.MouseButton.LeftButton)
    assert not field.hasSelectedText()
    QTest.keyClick(field, Qt.Key.Key_Backspace, Qt.KeyboardModifier.ControlModifier)
    assert field.count == 0


@pytest.mark.parametrize("typed", ["", "abc", "waytoolong", "dash-es", "with sp"])
def test_what_cannot_be_a_pin_is_told_and_not_handed_over(scene: WindowScene, typed: str) -> None:
    scene.ask(PAGES["new pin"])
    scene.person.types(typed)
    scene.page.confirm()
    assert scene.answers == []
    assert scene.page.problem.isVisible()
    assert [field.count for field in scene.fields] == [0, 0]
    assert scene.person.focus is scene.fields[0]


def test_two_different_new_pins_are_typed_again(scene: WindowScene) -> None:
    scene.ask(PAGES["new pin"])
    scene.person.types("second45")
    scene.person.presses(Qt.Key.Key_Return)
    scene.person.types("second46")
    scene.person.presses(Qt.Key.Key_Return)
    assert scene.answers == []
    assert scene.page.problem.isVisible()
    scene.person.types("s")
    assert not scene.page.problem.isVisible(), "the complaint goes when typing begins"


def test_letters_of_another_script_are_told(scene: WindowScene) -> None:
    scene.ask(PAGES["current pin"])
    for letter in "ㄅ密ä":
        key = QKeyEvent(QEvent.Type.KeyPress, 0, Qt.KeyboardModifier.NoModifier, letter)
        QApplication.sendEvent(scene.fields[0], key)
    scene.page.confirm()
    assert scene.answers == []
    assert "English" in scene.page.problem.text() or "英文" in scene.page.problem.text()


def test_a_question_that_is_taken_back_forgets_what_was_typed(scene: WindowScene) -> None:
    ticket = scene.ask(lambda language: PinQuestion(NEW, language))
    scene.person.types("first123")
    typed = scene.fields[0].buffer
    scene.desk.withdrawn.emit(ticket)
    assert len(typed) == 0
    assert scene.answers == []
    assert not isinstance(scene.window.page, Question)


def test_closing_the_window_forgets_what_was_typed(scene: WindowScene) -> None:
    scene.ask(PAGES["new pin"])
    scene.person.types("first123")
    typed = scene.fields[0].buffer
    scene.window.close()
    assert len(typed) == 0


def test_the_language_can_be_changed_at_any_moment(scene: WindowScene) -> None:
    chosen: list[str] = []
    scene.window.language_chosen.connect(chosen.append)
    scene.ask(PAGES["new pin"])
    title = scene.page.page.title
    typed = scene.fields[0].buffer
    scene.person.types("abc")
    scene.window.switch_language()
    assert len(typed) == 0
    assert scene.page.page.title != title
    assert chosen == [locales.other(chosen[0])] or chosen == [scene.window.language]
    scene.person.types("first123")
    scene.person.presses(Qt.Key.Key_Return)
    scene.person.types("first123")
    scene.person.presses(Qt.Key.Key_Return)
    assert scene.answers == [b"first123"]


def test_what_happens_is_told_with_what_went_before(scene: WindowScene) -> None:
    language = scene.window.language
    for event in (
        ServerConnected("kaika.example"),
        PairingStarted(PEER, 43_200),
        OperationWaiting(Operation.SET_PIN, ProgressStep.WAITING_FOR_CARD),
    ):
        scene.desk.notified.emit(
            lambda spoken, event=event: describe_event(event, spoken, "kaika.example")
        )
    for event in (ServerConnected("kaika.example"), PairingStarted(PEER, 43_200)):
        assert describe_event(event, language, "kaika.example").text in scene.person.visible


def test_it_starts_at_login_only_where_that_was_chosen(
    scene: WindowScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "autostart" / "kaika-bridge.desktop"
    assert not scene.window.login_box.isChecked()
    assert not file.exists()
    scene.window.login_box.setFocus()
    scene.person.presses(Qt.Key.Key_Space)
    entry = file.read_text(encoding="utf-8")
    command = shlex.split(next(row[5:] for row in entry.splitlines() if row.startswith("Exec=")))
    version = subprocess.run(
        [*command[:-1], "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert version.stdout.startswith("kaika-bridge ")
    assert command[-1] == "window"
    scene.person.presses(Qt.Key.Key_Space)
    assert not file.exists()


def test_a_folder_that_cannot_be_written_changes_nothing(
    scene: WindowScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "autostart").write_text("a file where a folder should be")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    scene.window.login_box.click()
    assert not scene.window.login_box.isChecked()


def test_the_icon_beside_the_clock_shows_the_state(scene: WindowScene) -> None:
    icon = TrayIcon(scene.window, load_icon(), scene.window.language)
    seen = set()
    for tone in (NoticeTone.GOOD, NoticeTone.WAITING, NoticeTone.BAD):
        icon.show_notice(StatusNotice(tone, f"It is {tone}"))
        assert f"It is {tone}" in icon.toolTip()
        picture = icon.icon().pixmap(64, 64).toImage()
        seen.add(picture.pixelColor(50, 50).name())
    assert len(seen) == 3
    scene.window.hide()
    icon.open_action.trigger()
    assert scene.window.isVisible()
    icon.quit_action.trigger()
    assert not scene.window.isVisible()


def test_markup_from_others_is_shown_as_it_is(scene: WindowScene) -> None:
    scene.desk.notified.emit(lambda _: StatusNotice(NoticeTone.GOOD, "<b>&amp;</b>", "<img src=x>"))
    assert "<b>&amp;</b>" in scene.person.visible
    for label in scene.window.findChildren(QLabel):
        assert label.textFormat() is Qt.TextFormat.PlainText


@pytest.mark.parametrize("pair", theme.READABLE_PAIRS)
def test_every_pair_of_colours_is_readable(pair: tuple[str, str]) -> None:
    ink, ground = (getattr(theme.PALETTE, name) for name in pair)
    assert theme.contrast_ratio(ink, ground) >= 4.5


def test_contrast_is_measured_as_the_standard_says() -> None:
    assert theme.contrast_ratio("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast_ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
