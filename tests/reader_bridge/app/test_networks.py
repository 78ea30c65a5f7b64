"""The app behind the proxy of an office: the check, the first start and the connection alike."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from reader_bridge.app.check import texts
from reader_bridge.app.check.run import CheckOutcome, CheckStep, Finding
from reader_bridge.app.check.server import PROBLEM_CODES
from reader_bridge.app.notice_texts import describe_event
from reader_bridge.app.window.main_window import MainWindow
from reader_bridge.app.window.prompter import ask_proxy_login
from reader_bridge.app.window.thread_bridge import ThreadBridge
from reader_bridge.prompter import (
    ConnectionProblem,
    ProxyLogin,
    ProxyLoginRequest,
    ServerDisconnected,
)
from tests.reader_bridge.app.conftest import StartTerminalUser
from tests.reader_bridge.app.terminal_steps import ends, pair, sees
from tests.reader_bridge.app.window_user import WindowUser
from tests.reader_bridge.connect_proxy import ConnectProxy
from tests.reader_bridge.scripted_server import CutError, ScriptedServer, run_scripted_server
from tests.reader_bridge.server_certificate import make_self_signed_certificate, serving_context

HOST = "kaika.example"
USER, PASSWORD = "anna", "Office-1"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return make_self_signed_certificate(tmp_path, HOST)


@pytest.fixture
async def server(certificate: tuple[Path, Path]) -> AsyncIterator[ScriptedServer]:
    """A Kaika server that only the proxy reaches."""
    async with run_scripted_server(tls=serving_context(certificate)) as running:
        running.origin = f"wss://{HOST}"
        yield running


@pytest.fixture
async def proxy(server: ScriptedServer) -> AsyncIterator[ConnectProxy]:
    """A proxy that wants to know who somebody is."""
    async with ConnectProxy.running(server.port) as running:
        running.login = f"{USER}:{PASSWORD}"
        yield running


async def leave_the_check(server: ScriptedServer) -> None:
    """Greet a bridge that only looks whether somebody is there."""
    line = await server.accept()
    with pytest.raises(CutError):
        await line.greet()


@pytest.mark.parametrize(
    ("login", "code"), [("", "proxy_login"), (f"{USER}:{PASSWORD}@", "server_answers")]
)
async def test_the_check_goes_through_the_proxy(
    proxy: ConnectProxy,
    server: ScriptedServer,
    start_user: StartTerminalUser,
    certificate: tuple[Path, Path],
    login: str,
    code: str,
) -> None:
    settings = proxy.url.replace("//", f"//{login}")
    arguments = ("check", "--json", "--server", HOST, "--ca", certificate[0])
    user = start_user(*arguments, https_proxy=settings)
    if login:
        await leave_the_check(server)
    await ends(user)
    finding = json.loads("".join(user.everything.split("\r\n")))["findings"][-1]
    assert finding["code"] == code
    assert PASSWORD not in user.everything
    assert (proxy.name in finding["text"]) == (not login)


async def test_the_first_start_asks_for_the_login_of_the_proxy(
    proxy: ConnectProxy,
    server: ScriptedServer,
    start_user: StartTerminalUser,
    certificate: tuple[Path, Path],
    card_file: Path,
    tmp_path: Path,
) -> None:
    arguments = ("--ca", certificate[0], "--virtual-card", card_file)
    user = start_user(*arguments, HTTPS_PROXY=proxy.url)
    await sees(user, "Address:")
    user.types(HOST)
    await sees(user, proxy.name, "not of Kaika", "User name:")
    user.types(USER)
    await sees(user, "Password:")
    user.types("wrong")
    await sees(user, "did not accept", "User name:")
    user.types(USER)
    await sees(user, "Password:")
    user.types(PASSWORD)
    await leave_the_check(server)
    await pair(user, server)
    assert PASSWORD not in user.everything
    kept = (tmp_path / ".config" / "kaika-bridge" / "settings.json").read_text()
    assert PASSWORD not in kept


async def test_who_does_not_sign_in_at_the_proxy_leaves(
    proxy: ConnectProxy, start_user: StartTerminalUser, card_file: Path
) -> None:
    user = start_user("--server", HOST, "--virtual-card", card_file, HTTPS_PROXY=proxy.url)
    await sees(user, "User name:")
    user.presses("\x04")
    await sees(user, "Closed.")
    assert await ends(user) == 0


async def test_the_window_asks_for_the_login_of_the_proxy(application: QApplication) -> None:
    thread_bridge = ThreadBridge()
    window = MainWindow(thread_bridge, "en")
    person = WindowUser(window)
    window.show()
    request = ProxyLoginRequest("proxy.example:3128", is_refused=True)
    asking = asyncio.ensure_future(ask_proxy_login(thread_bridge, request))
    await person.sees("proxy.example:3128", "did not accept", "Never type a PIN here.")
    person.types(USER)
    person.presses(Qt.Key.Key_Return)
    person.types(PASSWORD)
    person.presses(Qt.Key.Key_Return)
    await person.until(asking.done, "the answer")
    assert asking.result() == ProxyLogin(USER, PASSWORD)
    window.close()


@pytest.mark.parametrize("language", ["en", "zh_Hant"])
@pytest.mark.parametrize("problem", ConnectionProblem)
def test_every_problem_is_said_with_what_to_do(problem: ConnectionProblem, language: str) -> None:
    proxy = "proxy.example:3128"
    notice = describe_event(ServerDisconnected(problem, 4.2, proxy), language, HOST)
    assert "4" in notice.advice, "it tries again, and says when"
    if problem.name.startswith("PROXY") and problem is not ConnectionProblem.PROXY_INVALID:
        assert proxy in notice.text
    else:
        assert HOST in notice.text or problem is ConnectionProblem.PROXY_INVALID
    if problem in PROBLEM_CODES:
        values = {"host": HOST, "proxy": proxy}
        found = Finding(CheckStep.SERVER, CheckOutcome.FAILED, PROBLEM_CODES[problem], values)
        assert texts.finding_text(found, language) == notice.text
        assert (texts.remedy_text(found, language) or "") in notice.advice
