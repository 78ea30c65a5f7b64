"""The whole app in its window: the link in its own thread, the person with a keyboard."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from reader_bridge.app import config, link_inbox
from reader_bridge.app.address import parse_address
from reader_bridge.app.config import load_config
from reader_bridge.app.link_inbox import LinkAnswer
from reader_bridge.app.options import PASSPHRASE, CommandOptions, remember
from reader_bridge.app.running_app import hand_over
from reader_bridge.app.startup_errors import WindowUnavailableError
from reader_bridge.app.window.controller import AppController, CloseOnSignal
from reader_bridge.app.window.main_window import MainWindow
from reader_bridge.app.window.secret_field import SecretField
from reader_bridge.app.window.thread_bridge import ThreadBridge
from reader_bridge.protocol import FailureCode, UnpairReason
from reader_bridge.protocol.operation_messages import (
    Bye,
    CancelOperation,
    OperationFailure,
    OperationResult,
    ProgressReport,
)
from reader_bridge.protocol.operation_payloads import ChangePin, PinChanged
from tests import phrases
from tests.patience import PATIENCE
from tests.reader_bridge.app.conftest import NEW_PIN, PIN
from tests.reader_bridge.app.terminal_user import clean_environment
from tests.reader_bridge.app.window_user import WindowUser
from tests.reader_bridge.card.card_issuer import PASSPHRASE as ISSUED_UNDER
from tests.reader_bridge.scripted_server import CODE, NAME, BridgeLink, CutError, ScriptedServer

Open = Callable[[CommandOptions], tuple[WindowUser, AppController]]


@pytest.fixture
def open_window(
    application: QApplication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Open]:
    """Open the window, as the command does; close it in the end."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with ExitStack() as stack:

        def start(options: CommandOptions) -> tuple[WindowUser, AppController]:
            thread_bridge = ThreadBridge()
            window = MainWindow(thread_bridge, options.language or "en")
            controller = AppController(thread_bridge, options, window.language)
            controller.connect_to(window)
            window.show()
            controller.start()
            stack.callback(controller.join)
            stack.callback(window.close)
            return WindowUser(window), controller

        yield start


async def pair(person: WindowUser, server: ScriptedServer) -> BridgeLink:
    await person.until(lambda: not server._links.empty(), "a link")
    line = await server.accept()
    pairing = asyncio.ensure_future(line.pair())
    await person.sees(phrases.PAIRING_CODE, phrases.ONLY_IF_YOU_STARTED)
    person.types(CODE.lower())
    person.presses(Qt.Key.Key_Return)
    await person.sees(phrases.COMPARE_WITH_TELEGRAM, NAME, phrases.NOT_CHECKED, "127.0.0.1")
    await person.chooses("They match")
    await person.until(pairing.done, "the pairing")
    await person.sees(phrases.PAIRED_WITH, phrases.GO_ON_IN_CHAT)
    return line


async def outcome(person: WindowUser, line: BridgeLink) -> OperationResult | OperationFailure:
    while True:
        coming = asyncio.ensure_future(line.receive_any())
        await person.until(coming.done, "an outcome")
        message = coming.result()
        if not isinstance(message, ProgressReport):
            assert isinstance(message, OperationResult | OperationFailure), message
            return message


async def allow_change(person: WindowUser, line: BridgeLink) -> None:
    await line.start(ChangePin())
    await person.sees(phrases.MAY_CHAT_LOOK)
    await person.chooses("Allow")
    await person.sees(phrases.MAY_PIN_CHANGE, "GP****3456")
    await person.chooses("Allow")
    await person.sees(phrases.TYPE_PIN, "3 of 3")


@pytest.fixture
def options(
    server: ScriptedServer, card_file: Path, monkeypatch: pytest.MonkeyPatch
) -> CommandOptions:
    monkeypatch.setenv(PASSPHRASE, ISSUED_UNDER)
    return CommandOptions(server=server.url, virtual_card=card_file)


async def test_links_that_are_not_used_are_told_and_disturb_no_question(
    server: ScriptedServer,
    open_window: Open,
    options: CommandOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(link_inbox, "FIRST_PAUSE_SECONDS", 0.0)
    person, _ = open_window(options)
    line = await pair(person, server)

    async def open_link(link: str) -> LinkAnswer | None:
        opening = asyncio.ensure_future(asyncio.to_thread(hand_over, link))
        await person.until(opening.done, "an answer to the link")
        return opening.result()

    assert await open_link(f"kaika://pair?code={CODE}") is LinkAnswer.NOT_USED
    await person.sees("already connected to a chat", "/unpair", phrases.PAIRED_WITH)
    await allow_change(person, line)
    assert "already connected to a chat" not in person.visible, "it went with the next answer"
    person.types(PIN[:4])
    assert await open_link("kaika://pair?code=evil&server=evil") is LinkAnswer.NO_CODE
    await person.sees("holds no pairing code", phrases.TYPE_PIN)
    assert isinstance(person.focus, SecretField)
    assert person.focus.count == 4
    person.window.switch_language()
    await person.sees("不含配對碼")
    person.window.switch_language()
    person.types(PIN)
    person.presses(Qt.Key.Key_Return)
    await person.sees(phrases.CHOOSE_NEW_PIN)


async def test_a_window_that_a_broken_link_opened_says_so_and_goes_on(
    server: ScriptedServer, open_window: Open, options: CommandOptions
) -> None:
    person, _ = open_window(replace(options, link="kaika://pair?code=broken"))
    await person.sees("holds no pairing code")
    await pair(person, server)
    assert "holds no pairing code" not in person.visible


async def test_the_whole_way_to_a_new_pin(
    server: ScriptedServer, open_window: Open, options: CommandOptions
) -> None:
    person, controller = open_window(options)
    line = await pair(person, server)
    assert config.load_config() == config.AppConfig(server.url, None)
    assert PASSPHRASE not in os.environ
    await allow_change(person, line)
    person.types(PIN)
    person.presses(Qt.Key.Key_Return)
    await person.sees(phrases.CHOOSE_NEW_PIN, "6 to 8 letters and digits")
    for _ in range(2):
        person.types(NEW_PIN)
        person.presses(Qt.Key.Key_Return)
    result = await outcome(person, line)
    assert isinstance(result, OperationResult)
    assert isinstance(result.value, PinChanged)
    await person.sees("The new PIN is set", phrases.TAKE_CARD_OUT, phrases.PAIRED_WITH)
    person.window.close()
    goodbye = asyncio.ensure_future(line.receive(Bye))
    await person.until(goodbye.done, "good-bye")
    controller.join()
    assert controller.problem is None


async def test_cancel_in_the_chat_takes_the_question_back(
    server: ScriptedServer, open_window: Open, options: CommandOptions
) -> None:
    person, _ = open_window(options)
    line = await pair(person, server)
    await allow_change(person, line)
    person.types("first")
    await line.send(CancelOperation("op1"))
    failure = await outcome(person, line)
    assert isinstance(failure, OperationFailure)
    assert failure.code is FailureCode.CANCELLED
    await person.sees(phrases.OPERATION_CANCELLED, "Your PIN has not changed.")
    await line.unpair(UnpairReason.BY_CHAT)
    await person.sees(phrases.PAIRING_CODE)


async def test_escape_on_the_pairing_code_closes_the_window(
    server: ScriptedServer, open_window: Open, options: CommandOptions
) -> None:
    person, controller = open_window(options)
    await person.until(lambda: not server._links.empty(), "a link")
    await (await server.accept()).welcome()
    await person.sees(phrases.PAIRING_CODE)
    person.presses(Qt.Key.Key_Escape)
    await person.until(lambda: not person.window.isVisible(), "the end")
    controller.join()


async def test_address_and_passphrase_are_asked_for_until_they_are_right(
    server: ScriptedServer, open_window: Open, card_file: Path
) -> None:
    person, _ = open_window(CommandOptions(virtual_card=card_file))
    await person.sees("Virtual card")
    person.types("guess")
    person.presses(Qt.Key.Key_Return)
    await person.sees(phrases.PASSPHRASE_WRONG)
    person.types(ISSUED_UNDER)
    person.presses(Qt.Key.Key_Return)
    await person.sees("Which server?")
    person.types("ws://kaika.example")
    person.presses(Qt.Key.Key_Return)
    await person.sees(phrases.ADDRESS_NOT_ENCRYPTED)
    person.types(server.url)
    person.presses(Qt.Key.Key_Return)
    await person.until(lambda: not server._links.empty(), "a link")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (CommandOptions(server="ws://kaika.example"), phrases.ADDRESS_NOT_ENCRYPTED),
        (
            CommandOptions(server="wss://kaika.example", ca=Path("/nowhere.pem")),
            phrases.CANNOT_BE_READ,
        ),
        (CommandOptions(virtual_card=Path("/nowhere.json")), phrases.NOT_A_VIRTUAL_CARD),
    ],
)
async def test_what_cannot_be_used_is_told_in_the_window(
    open_window: Open, options: CommandOptions, told: str
) -> None:
    person, controller = open_window(options)
    await person.sees(told)
    await person.chooses("Close")
    await person.until(lambda: not person.window.isVisible(), "the end")
    assert controller.problem is not None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_closes_the_window_in_order(
    server: ScriptedServer, card_file: Path, tmp_path: Path, number: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "reader_bridge.app", "window", "--server", server.url),
        *("--virtual-card", str(card_file)),
        env=clean_environment(
            tmp_path, QT_QPA_PLATFORM="offscreen", KAIKA_CARD_PASSPHRASE=ISSUED_UNDER
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        await (await server.accept()).welcome()
        process.send_signal(number)
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, output.decode()
    assert b"Traceback" not in output


def test_a_signal_that_comes_before_qt_runs_closes_the_window_too(
    application: QApplication,
) -> None:
    window = QWidget()
    window.show()
    with CloseOnSignal(window.close):
        signal.raise_signal(signal.SIGTERM)
        QTimer.singleShot(5000, lambda: application.exit(1))
        assert application.exec() == 0
    assert not window.isVisible()


def test_without_a_screen_it_says_how_to_go_on(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reader_bridge.app", "--window"],
        capture_output=True,
        text=True,
        env=clean_environment(tmp_path),
        check=False,
    )
    assert done.returncode == 2
    assert "No window can be opened here" in done.stderr
    assert WindowUnavailableError.__doc__


def test_a_screen_that_cannot_be_reached_is_told_in_our_words(tmp_path: Path) -> None:
    """Qt ends the process by itself there."""
    done = subprocess.run(
        [sys.executable, "-m", "reader_bridge.app", "--window", "--language", "en"],
        env=clean_environment(tmp_path) | {"DISPLAY": ":87", "QT_QPA_PLATFORM": "xcb"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "No window can be opened here" in done.stderr
    assert "sudo apt install" in done.stderr


async def test_a_remembered_server_that_is_gone_can_be_replaced(
    server: ScriptedServer, open_window: Open, card_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSPHRASE, ISSUED_UNDER)
    remember(parse_address("ws://127.0.0.1:9"), "en")
    person, _life = open_window(CommandOptions(None, None, "en", card_file))
    await person.sees("127.0.0.1:9", "Use another server")
    await person.chooses("Use another server")
    await person.sees("Which server?")
    assert person.focus.property("text") == "ws://127.0.0.1:9/bridge/v1", "to be corrected"
    person.types(server.url)
    person.presses(Qt.Key.Key_Return)
    await person.until(lambda: not server._links.empty(), "a look at the server")
    with pytest.raises(CutError):  # a look at the server
        await (await server.accept()).greet()
    await person.until(lambda: not server._links.empty(), "the client")
    await (await server.accept()).welcome()
    await person.sees("Pairing code")
    assert load_config().server == server.url


async def test_an_address_where_no_server_answers_is_asked_for_again(
    server: ScriptedServer, open_window: Open, card_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSPHRASE, ISSUED_UNDER)
    person, _life = open_window(CommandOptions(None, None, "en", card_file))
    await person.sees(phrases.ADDRESS_IN_CHAT)
    person.types("ws://127.0.0.1:9")
    person.presses(Qt.Key.Key_Return)
    await person.sees(phrases.CHECK_CONNECTION, phrases.ADDRESS_IN_CHAT)
    assert person.focus.property("text") == "ws://127.0.0.1:9", "to be corrected"
    person.types(server.url)
    person.presses(Qt.Key.Key_Return)
    await person.until(lambda: not server._links.empty(), "a look at the server")
    looked_at = await server.accept()
    await person.sees("Looking for 127.0.0.1:")
    with pytest.raises(CutError):
        await looked_at.greet()
    await pair(person, server)
    assert config.load_config().server == server.url
