"""Output and questions on a terminal."""

import ssl
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.text import Text

from reader_bridge.app import prompt_texts
from reader_bridge.app.address import MAX_TYPED_LENGTH, AddressError, ServerAddress, parse_address
from reader_bridge.app.check.run import CheckOutcome
from reader_bridge.app.check.server import find_server
from reader_bridge.app.check.texts import finding_with_remedy
from reader_bridge.app.startup_errors import startup_error_text
from reader_bridge.app.terminal.keyboard import KeySource, TerminalKeyboard
from reader_bridge.app.terminal.line_editor import LineEditor, LineEnd
from reader_bridge.app.translation import localise
from reader_bridge.app.typing_buffer import TypingBuffer
from reader_bridge.client.proxies import ProxySettings
from reader_bridge.prompter import ProxyLogin, ProxyLoginRequest

MAX_ANSWER_LENGTH = 8
YES, NO = (b"y", b"yes"), (b"n", b"no")


class TerminalScreen:
    """A terminal, without echo while the `with` block runs."""

    def __init__(self, language: str, console: Console | None = None) -> None:
        self.language = language
        self.console = console or Console(highlight=False)
        self._terminal = TerminalKeyboard()
        self.keys: KeySource = self._terminal

    def __enter__(self) -> Self:
        self._terminal.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._terminal.__exit__(kind, error, traceback)

    def print(self, *lines: RenderableType, style: str = "") -> None:
        """Print lines; text is shown as it is, whatever brackets it holds."""
        for line in lines:
            shown = Text(line) if isinstance(line, str) else line
            self.console.print(shown, style=style)

    async def read_line(self, label: str, typed: TypingBuffer, *, hidden: bool = False) -> bool:
        """Ask for a line; `False` where the person gave up. The caller owns the buffer."""
        self.keys.discard_pending()
        self.console.print(Text(f"{label} ", style="bold"), end="")
        try:
            return (
                await LineEditor(self._write, typed, hidden=hidden).read(self.keys)
                is LineEnd.ENTERED
            )
        except BaseException:
            self._write("\n")
            raise

    async def ask_text(self, label: str, longest: int) -> str | None:
        """Ask for a line that is not secret; asks again where characters were dropped."""
        while True:
            typed = TypingBuffer(longest)
            if not await self.read_line(label, typed):
                return None
            if not typed.has_non_ascii:
                return typed.take().decode("ascii")
            self._print_keyboard_hint()

    async def ask_passphrase(self, label: str) -> str | None:
        """Ask for a passphrase."""
        typed = TypingBuffer(256)
        entered = await self.read_line(label, typed, hidden=True)
        with typed.take() as secret:
            return secret.decode("ascii") if entered else None

    async def ask_yes_no(self, question: str) -> bool:
        """Ask for yes or no until one comes; giving up is a no."""
        while True:
            typed = TypingBuffer(MAX_ANSWER_LENGTH)
            if not await self.read_line(f"{question} [y/n]", typed):
                return False
            if typed.has_non_ascii:
                self._print_keyboard_hint()
                continue
            answer = bytes(typed.take()).strip().lower()
            if answer in (*YES, *NO):
                return answer in YES
            self.print(
                localise(self.language, "Please type y for yes or n for no."), style="yellow"
            )

    async def ask_proxy_login(self, request: ProxyLoginRequest) -> ProxyLogin | None:
        """Ask for name and password at a proxy; `None` where the person gave up."""
        page = prompt_texts.proxy_login_page(request, self.language)
        self.print("", Text(page.title, style="bold"))
        self.print(*filter(None, (page.problem, page.text, page.warning)))
        name = localise(self.language, prompt_texts.USER_NAME_LABEL)
        user = await self.ask_text(name, prompt_texts.MAX_USER_NAME_LENGTH)
        if not user:
            return None
        label = localise(self.language, prompt_texts.PASSWORD_LABEL)
        password = await self.ask_passphrase(label)
        return None if password is None else ProxyLogin(user, password)

    async def ask_address(
        self, trusted: ssl.SSLContext, proxies: ProxySettings
    ) -> ServerAddress | None:
        """Ask for the server's address until a server answers; `None` where the person gave up."""
        self.print(localise(self.language, "The chat shows you the server's address."))
        while True:
            text = await self.ask_text(localise(self.language, "Address:"), MAX_TYPED_LENGTH)
            if text is None:
                return None
            try:
                address = parse_address(text)
            except AddressError as error:
                self.print(startup_error_text(error, self.language), style="yellow")
                continue
            self.print(
                localise(self.language, "Looking for {host}…", host=address.host), style="dim"
            )
            finding = await find_server(address, trusted, proxies, self.ask_proxy_login)
            if finding.outcome is CheckOutcome.OK:
                return address
            self.print(finding_with_remedy(finding, self.language), style="yellow")

    def _print_keyboard_hint(self) -> None:
        self.print(localise(self.language, prompt_texts.SWITCH_KEYBOARD), style="yellow")

    def _write(self, text: str) -> None:
        self.console.file.write(text)
        self.console.file.flush()
