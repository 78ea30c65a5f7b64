"""The controller of the window: Qt in this thread, the client and the card in another."""

import asyncio
import contextlib
import signal
import ssl
import sys
import threading
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from types import FrameType

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from reader_bridge.app import notice_texts
from reader_bridge.app.address import MAX_TYPED_LENGTH, AddressError, ServerAddress, parse_address
from reader_bridge.app.check.run import CheckOutcome, Finding
from reader_bridge.app.check.server import find_server
from reader_bridge.app.check.texts import finding_with_remedy
from reader_bridge.app.link_inbox import LinkInbox
from reader_bridge.app.notice_texts import NoticeTone, StatusNotice
from reader_bridge.app.options import (
    CommandOptions,
    check_card_file,
    open_virtual_card,
    pairing_links,
    reader_factory,
    remember,
    server_address,
    take_passphrase_from_environment,
)
from reader_bridge.app.pairing_link import PairingLinkError
from reader_bridge.app.prompt_texts import PromptPage
from reader_bridge.app.running_app import accept_links
from reader_bridge.app.startup_errors import STARTUP_ERRORS, startup_error_text
from reader_bridge.app.tls import create_tls_context
from reader_bridge.app.translation import localise
from reader_bridge.app.window.main_window import MainWindow
from reader_bridge.app.window.prompter import WindowPrompter, ask_proxy_login
from reader_bridge.app.window.question import (
    LineQuestion,
    PassphraseQuestion,
    Question,
    address_page,
    passphrase_page,
)
from reader_bridge.app.window.thread_bridge import ThreadBridge
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.client import client
from reader_bridge.client.pairing_flow import PairingLinks
from reader_bridge.client.proxies import ProxySettings
from reader_bridge.prompter import ExitReason, LinkProblem, PairingLinkUnused
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.card_file import WrongPassphraseError

SIGNAL_POLL_MILLISECONDS = 200
"""How often Python checks for signals while Qt waits."""
SHUTDOWN_SECONDS = 5.0


def run_window(options: CommandOptions, language: str) -> Exception | None:
    """Open the window and stay until it is closed; return what kept the app from starting."""
    application = QApplication.instance() or QApplication(sys.argv[:1])
    bridge = ThreadBridge()
    window = MainWindow(bridge, language)
    window.language_chosen.connect(lambda chosen: remember(None, chosen))
    controller = AppController(bridge, options, language)
    controller.connect_to(window)
    window.show()
    with CloseOnSignal(window.close):
        controller.start()
        application.exec()
    controller.join()
    return controller.problem


class AppController:
    """The thread that runs client and card.

    :ivar problem: what kept the app from starting.
    """

    def __init__(self, bridge: ThreadBridge, options: CommandOptions, language: str) -> None:
        self._bridge, self._options, self._language = bridge, options, language
        self._proxies = ProxySettings()
        self._thread = threading.Thread(target=self._run, name="bridge", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._client: asyncio.Task[ExitReason] | None = None
        self._is_server_changing = False
        self._stopped = threading.Event()
        self.problem: Exception | None = None

    def connect_to(self, window: MainWindow) -> None:
        """Do what the window's buttons say."""
        window.closed.connect(self.stop)
        window.other_server_wanted.connect(self.change_server)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the client, which says `bye` to the server."""
        self._stopped.set()
        if self._loop and self._task:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._task.cancel)

    def change_server(self) -> None:
        """Leave the server, and ask for the address of another one."""
        if self._loop and self._client:
            self._is_server_changing = True
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._client.cancel)

    def join(self) -> None:
        """Wait for the thread, but not for ever."""
        self._thread.join(SHUTDOWN_SECONDS)

    def _run(self) -> None:
        try:
            with contextlib.suppress(asyncio.CancelledError, _ClosedError):
                asyncio.run(self._run_app())
        finally:
            self._bridge.ended.emit()

    async def _run_app(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._stopped.is_set():
            return
        card: VirtualCard | None = None
        try:
            card = await self._open_card()
            await self._connect(card)
        except STARTUP_ERRORS as error:
            self.problem = error
            await self._show_final_message(partial(startup_error_text, error))
        finally:
            if card:
                card.close()

    async def _connect(self, card: VirtualCard | None) -> None:
        trusted = create_tls_context(self._options.ca)
        links, problem = self._open_links()
        inbox = LinkInbox(links, self._show_link_problem)
        async with accept_links(inbox.take):
            address = server_address(self._options) or await self._ask_address(trusted)
            prompter = self._create_prompter(address)
            if problem is not None:
                inbox.tell(problem)
            while True:
                self._client = asyncio.ensure_future(
                    client.run_bridge(
                        url=address.url,
                        host=address.host,
                        tls=trusted if address.url.startswith("wss:") else None,
                        readers=reader_factory(card)(),
                        prompter=prompter,
                        language=self._language.replace("_", "-"),
                        app_version=version("kaika"),
                        links=links,
                        proxies=self._proxies,
                    )
                )
                try:
                    ending = await self._client
                except asyncio.CancelledError:
                    if self._stopped.is_set() or not self._is_server_changing:
                        raise
                    self._is_server_changing = False
                    address = await self._ask_address(trusted, address.url)
                    prompter = self._create_prompter(address)
                    continue
                if ending is ExitReason.LEFT:
                    return
                await self._show_final_message(_exit_text(ending), again=True)

    def _open_links(self) -> tuple[PairingLinks, LinkProblem | None]:
        """Return the source of codes, and why the link that the app was opened with is not used.

        A browser opened it, so there is no terminal that could say so.
        """
        try:
            return pairing_links(self._options), None
        except PairingLinkError:
            return PairingLinks(), LinkProblem.NO_CODE

    def _show_link_problem(self, event: PairingLinkUnused) -> None:
        self._bridge.notify(lambda language: notice_texts.describe_event(event, language, ""))

    def _create_prompter(self, address: ServerAddress) -> WindowPrompter:
        chosen = self._language if self._options.language else None
        return WindowPrompter(self._bridge, address.host, lambda: remember(address, chosen))

    async def _ask_address(self, trusted: ssl.SSLContext, typed: str = "") -> ServerAddress:
        """Ask for the server's address until a server answers.

        :param typed: the address to begin with.
        """
        problem: AddressError | Finding | None = None
        while True:

            def make(
                language: str, problem: AddressError | Finding | None = problem, typed: str = typed
            ) -> Question:
                page = address_page(_problem_text(problem, language), language)
                name = localise(language, "Address:")
                return LineQuestion(page, language, name, MAX_TYPED_LENGTH, typed)

            typed = str(await self._ask(make))
            try:
                address = parse_address(typed)
            except AddressError as error:
                problem = error
                continue
            self._bridge.notify(partial(_searching_notice, address.host))
            problem = await find_server(
                address, trusted, self._proxies, partial(ask_proxy_login, self._bridge)
            )
            if problem.outcome is CheckOutcome.OK:
                return address

    async def _open_card(self) -> VirtualCard | None:
        """Open the virtual card, asking for its passphrase unless the environment has it."""
        path = self._options.virtual_card
        if path is None:
            return None
        check_card_file(path)
        passphrase = take_passphrase_from_environment()
        if passphrase is not None:
            return await asyncio.to_thread(open_virtual_card, path, passphrase)
        problem: WrongPassphraseError | None = None
        while True:

            def make(language: str, problem: WrongPassphraseError | None = problem) -> Question:
                page = passphrase_page(
                    startup_error_text(problem, language) if problem else "", language
                )
                return PassphraseQuestion(page, language, localise(language, "Passphrase:"))

            answer = await self._ask(make)
            assert isinstance(answer, SecretBuffer)
            with answer as secret:
                passphrase = secret.decode("ascii")
            try:
                return await asyncio.to_thread(open_virtual_card, path, passphrase)
            except WrongPassphraseError as error:
                problem = error

    async def _ask(self, make: Callable[[str], Question]) -> object:
        answer = await self._bridge.ask(make)
        if answer is None:
            raise _ClosedError
        return answer

    async def _show_final_message(self, text: Callable[[str], str], *, again: bool = False) -> None:
        """Show why it ended, and wait until the person has read it."""
        self._bridge.notify(lambda language: StatusNotice(NoticeTone.BAD, text(language)))

        def make(language: str) -> Question:
            yes = localise(language, "Connect again") if again else localise(language, "OK")
            page = PromptPage(
                localise(language, "Closed"), text(language), yes, localise(language, "Close")
            )
            return Question(page, language)

        await self._ask(make)


class _ClosedError(Exception):
    """The person closed the window or refused a question."""


def _exit_text(ending: ExitReason) -> Callable[[str], str]:
    return lambda language: localise(language, notice_texts.EXIT_TEXTS[ending])


class CloseOnSignal:
    """Close the window on SIGINT and SIGTERM while the `with` block runs."""

    def __init__(self, close: Callable[[], object]) -> None:
        self._close = close
        self._timer = QTimer()
        self._timer.timeout.connect(lambda: None)  # lets Python look
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._on_signal)
            self._timer.start(SIGNAL_POLL_MILLISECONDS)

    def __exit__(self, *_: object) -> None:
        self._timer.stop()
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        QTimer.singleShot(0, self._close)  # Qt forgets a window closed before it runs


def _searching_notice(host: str, language: str) -> StatusNotice:
    return StatusNotice(NoticeTone.BUSY, localise(language, "Looking for {host}…", host=host))


def _problem_text(problem: AddressError | Finding | None, language: str) -> str:
    """Return why another address is asked for."""
    if problem is None:
        return ""
    if isinstance(problem, Finding):
        return finding_with_remedy(problem, language)
    return startup_error_text(problem, language)
