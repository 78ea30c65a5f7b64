"""The questions of the window."""

import textwrap
from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from reader_bridge.app import prompt_texts
from reader_bridge.app.prompt_texts import PromptPage, pin_entry_problem
from reader_bridge.app.translation import localise
from reader_bridge.app.window import widgets
from reader_bridge.app.window.secret_field import SecretField
from reader_bridge.prompter import (
    CardChoice,
    PinKind,
    PinRequest,
    ProxyLogin,
    ProxyLoginRequest,
    WordChoice,
)

SETTLE_MILLISECONDS = 400
"""A question that appears while somebody types or clicks takes no answer yet."""
BUTTON_COLUMNS = 40
"""Letters on a line of a button; Chinese characters are twice as wide."""


class Question(QWidget):
    """A page with a yes and a no. Escape is a no; Enter answers only where the focus is.

    `answered` carries the answer: `True`, a text or a secret, and `None` for a no.
    """

    answered = Signal(object)

    def __init__(self, page: PromptPage, language: str) -> None:
        super().__init__()
        self.page, self.language = page, language
        self.setObjectName("page")
        self.setAccessibleName(page.title)
        self.setAccessibleDescription(prompt_texts.plain_text(page))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._is_answered = False
        self._column = widgets.column(self)
        self._fill()
        self.yes = widgets.push_button(page.yes, self.confirm, "primary")
        self.no = widgets.push_button(page.no, self.decline)
        self._add_buttons()
        self._enable_after_delay()

    def _fill(self) -> None:
        page, column = self.page, self._column
        column.addWidget(widgets.text_label(page.title, "title"))
        self.problem = widgets.text_label(page.problem, "danger")
        self.problem.setVisible(bool(page.problem))
        column.addWidget(self.problem)
        if page.text:
            column.addWidget(widgets.text_label(page.text))
        if page.words:
            column.addWidget(widgets.word_card(page.words))
        if page.facts:
            column.addWidget(widgets.fact_card(page.facts))
        self._add_fields(column)
        if page.warning:
            column.addWidget(widgets.text_label(f"⚠ {page.warning}", "warning"))
        column.addStretch(1)

    def _add_fields(self, column: QVBoxLayout) -> None:
        """Add input fields."""

    def _add_buttons(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.no)
        row.addWidget(self.yes, 1)
        self._column.addLayout(row)
        QWidget.setTabOrder(self.yes, self.no)

    def _enable_after_delay(self) -> None:
        self.yes.setEnabled(False)
        QTimer.singleShot(SETTLE_MILLISECONDS, self.yes, lambda: self.yes.setEnabled(True))

    def take_focus(self) -> None:
        """Focus the page, from which Tab leads to the yes."""
        self.setFocus()

    def confirm(self) -> None:
        """Answer yes."""
        self._answer(True)

    def decline(self) -> None:
        """Answer no."""
        self._answer(None)

    def discard(self) -> None:
        """Overwrite what was typed, and answer nothing more."""
        self._is_answered = True

    def show_problem(self, problem: str) -> None:
        """Show what is wrong with the entry."""
        self.problem.setText(problem)
        self.problem.setVisible(True)
        widgets.announce(self, problem)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Treat Escape as a no."""
        if event.key() == Qt.Key.Key_Escape:
            self.decline()
        else:
            super().keyPressEvent(event)

    def _answer(self, value: object) -> None:
        if not self._is_answered:
            self._is_answered = True
            self.answered.emit(value)


class LineQuestion(Question):
    """Asks for a line that is not secret: a pairing code, an address.

    :param typed: what was typed before, to be corrected.
    """

    def __init__(
        self, page: PromptPage, language: str, name: str, longest: int, typed: str = ""
    ) -> None:
        self._name, self._longest, self._typed = name, longest, typed
        super().__init__(page, language)

    def _add_fields(self, column: QVBoxLayout) -> None:
        self.field = QLineEdit()
        self.field.setMaxLength(self._longest)
        self.field.setText(self._typed)
        self.field.setAccessibleName(self._name)
        self.field.setAccessibleDescription(self.accessibleDescription())
        self.field.returnPressed.connect(self.confirm)
        column.addWidget(_field_label(self._name, self.field))
        column.addWidget(self.field)

    def take_focus(self) -> None:
        """Focus the field, with what was typed before selected."""
        self.field.setFocus()
        self.field.selectAll()

    def confirm(self) -> None:
        """Answer with the line."""
        self._answer(self.field.text().strip())


class ChoiceQuestion(Question):
    """Asks for one of several options; the answer is its index."""

    def __init__(self, page: PromptPage, options: Sequence[str], language: str) -> None:
        self._options = options
        super().__init__(page, language)
        self.yes.setVisible(False)

    def _add_fields(self, column: QVBoxLayout) -> None:
        self.choices = [
            widgets.push_button(option, partial(self._answer, index))
            for index, option in enumerate(self._options)
        ]
        for each in self.choices:
            column.addWidget(each)

    def _enable_after_delay(self) -> None:
        for each in self.choices:
            each.setEnabled(False)
            QTimer.singleShot(SETTLE_MILLISECONDS, each, partial(each.setEnabled, True))


class PassphraseQuestion(Question):
    """Asks for the passphrase of a virtual card."""

    def __init__(self, page: PromptPage, language: str, name: str) -> None:
        self._name = name
        super().__init__(page, language)

    def _add_fields(self, column: QVBoxLayout) -> None:
        self.field = SecretField(self._name)
        self.field.setAccessibleDescription(self.accessibleDescription())
        self.field.entered.connect(self.confirm)
        column.addWidget(_field_label(self._name, self.field))
        column.addWidget(self.field)

    def take_focus(self) -> None:
        """Focus the field."""
        self.field.setFocus()

    def discard(self) -> None:
        """Overwrite what was typed."""
        super().discard()
        self.field.wipe()

    def confirm(self) -> None:
        """Answer with the passphrase."""
        self._answer(self.field.take())


class ProxyLoginQuestion(Question):
    """Asks for name and password at a proxy."""

    def __init__(self, request: ProxyLoginRequest, language: str) -> None:
        super().__init__(prompt_texts.proxy_login_page(request, language), language)

    def _add_fields(self, column: QVBoxLayout) -> None:
        self.user = QLineEdit()
        self.user.setMaxLength(prompt_texts.MAX_USER_NAME_LENGTH)
        self.user.setAccessibleName(localise(self.language, prompt_texts.USER_NAME_LABEL))
        self.user.setAccessibleDescription(self.accessibleDescription())
        self.password = SecretField(localise(self.language, prompt_texts.PASSWORD_LABEL))
        self.user.returnPressed.connect(self.password.setFocus)
        self.password.entered.connect(self.confirm)
        for field in (self.user, self.password):
            column.addWidget(_field_label(field.accessibleName(), field))
            column.addWidget(field)

    def take_focus(self) -> None:
        """Focus the name."""
        self.user.setFocus()

    def discard(self) -> None:
        """Overwrite what was typed."""
        super().discard()
        self.password.wipe()

    def confirm(self) -> None:
        """Answer with name and password, where there is a name."""
        if not self.user.text().strip():
            self.user.setFocus()
            return
        with self.password.take() as secret:
            self._answer(ProxyLogin(self.user.text().strip(), secret.decode("ascii")))


class PinQuestion(Question):
    """Asks for a PIN or PUK, a new one twice. An invalid entry is not handed over."""

    def __init__(self, request: PinRequest, language: str) -> None:
        self._request = request
        super().__init__(prompt_texts.pin_page(request, language), language)

    def _add_fields(self, column: QVBoxLayout) -> None:
        names = [prompt_texts.FIELD_LABELS[self._request.kind]]
        if self._request.kind is PinKind.NEW:
            names.append(prompt_texts.REPEAT_LABEL)
        self.fields = [SecretField(localise(self.language, name)) for name in names]
        self.fields[0].setAccessibleDescription(self.accessibleDescription())
        for field in self.fields:
            field.changed.connect(lambda: self.problem.hide())
            field.entered.connect(self._advance)
            column.addWidget(_field_label(field.accessibleName(), field))
            column.addWidget(field)

    def take_focus(self) -> None:
        """Focus the first field."""
        self.fields[0].setFocus()

    def discard(self) -> None:
        """Overwrite what was typed."""
        super().discard()
        for field in self.fields:
            field.wipe()

    def decline(self) -> None:
        """Overwrite what was typed, and answer no."""
        for field in self.fields:
            field.wipe()
        super().decline()

    def confirm(self) -> None:
        """Answer with the PIN, where it is valid and both entries are equal."""
        problem = pin_entry_problem(self.fields[0].buffer, self._request, self.language)
        if problem is None and not self._entries_match():
            problem = localise(self.language, prompt_texts.PINS_DIFFER)
        if problem is None:
            secret = self.fields[0].take()
            self.fields[-1].wipe()
            self._answer(secret)
            return
        for field in self.fields:
            field.wipe()
        self.show_problem(problem)
        self.fields[0].setFocus()

    def _entries_match(self) -> bool:
        return all(field.buffer.equals(self.fields[0].buffer) for field in self.fields)

    def _advance(self) -> None:
        """Move to the next empty field; from the last one confirm."""
        below = next((field for field in self.fields if not field.count), None)
        if below is None or below is self.fields[0]:
            self.confirm()
        else:
            below.setFocus()


def word_question(choice: WordChoice, language: str) -> ChoiceQuestion:
    """Return the question which pair of words the chat shows."""
    options = [prompt_texts.pair_of_words(pair) for pair in choice.pairs]
    return ChoiceQuestion(prompt_texts.word_choice_page(choice, language), options, language)


def card_question(choice: CardChoice, language: str) -> ChoiceQuestion:
    """Return the question which of several cards is meant."""
    options = [_wrap(prompt_texts.card_option_text(option, language)) for option in choice.options]
    return ChoiceQuestion(prompt_texts.card_choice_page(choice, language), options, language)


def _wrap(text: str) -> str:
    """Break a text that a button at the window's least width would cut."""
    return textwrap.fill(text, BUTTON_COLUMNS if text.isascii() else BUTTON_COLUMNS // 2)


def _field_label(text: str, field: QWidget) -> QLabel:
    made: QLabel = widgets.text_label(text, "label")
    made.setBuddy(field)
    return made


def passphrase_page(problem: str, language: str) -> PromptPage:
    """Return the question for the passphrase of a virtual card."""
    return PromptPage(
        title=localise(language, "Virtual card"),
        text=localise(
            language, "Its file is sealed. Type its passphrase to put it into the reader."
        ),
        yes=localise(language, "Continue"),
        no=localise(language, "Close"),
        problem=problem,
    )


def address_page(problem: str, language: str) -> PromptPage:
    """Return the question for the server's address."""
    return PromptPage(
        title=localise(language, "Which server?"),
        text=localise(language, "The chat shows you the server's address."),
        yes=localise(language, "Connect"),
        no=localise(language, "Close"),
        problem=problem,
    )
