"""A terminal to talk with: prints for people, and asks for a line."""

import ssl
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.text import Text

from reader_bridge.app import prompt_texts
from reader_bridge.app.address import Address, AddressError, parse
from reader_bridge.app.check.run import Outcome
from reader_bridge.app.check.server import check_server
from reader_bridge.app.check.texts import in_words
from reader_bridge.app.startup_errors import explain
from reader_bridge.app.terminal.keyboard import Keys, TerminalKeys
from reader_bridge.app.terminal.line_editor import Ended, Line
from reader_bridge.app.translation import say
from reader_bridge.app.typing_buffer import Typed

LONGEST_ANSWER, LONGEST_ADDRESS = 8, 512
YES, NO = (b"y", b"yes"), (b"n", b"no")


class Screen:
    """The terminal, held without echo while the block runs."""

    def __init__(self, language: str, console: Console | None = None) -> None:
        self.language = language
        self.console = console or Console(highlight=False)
        self._terminal = TerminalKeys()
        self.keys: Keys = self._terminal

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

    async def line(self, label: str, typed: Typed, *, hidden: bool = False) -> bool:
        """Ask for a line; `False` where the person gave up. What was typed is the caller's."""
        self.keys.drop_typed()
        self.console.print(Text(f"{label} ", style="bold"), end="")
        try:
            return await Line(self._write, typed, hidden=hidden).read(self.keys) is Ended.ENTERED
        except BaseException:
            self._write("\n")
            raise

    async def text(self, label: str, longest: int) -> str | None:
        """Ask for a line that is no secret; one with letters left out of it is none."""
        while True:
            typed = Typed(longest)
            if not await self.line(label, typed):
                return None
            if not typed.foreign:
                return typed.take().decode("ascii")
            self._say_foreign()

    async def secret_text(self, label: str) -> str | None:
        """Ask for a passphrase, which is needed as text."""
        typed = Typed(256)
        entered = await self.line(label, typed, hidden=True)
        with typed.take() as secret:
            return secret.decode("ascii") if entered else None

    async def yes(self, question: str) -> bool:
        """Ask for a yes or a no until one comes; giving up is a no."""
        while True:
            typed = Typed(LONGEST_ANSWER)
            if not await self.line(f"{question} [y/n]", typed):
                return False
            if typed.foreign:
                self._say_foreign()
                continue
            answer = bytes(typed.take()).strip().lower()
            if answer in (*YES, *NO):
                return answer in YES
            self.print(say(self.language, "Please type y for yes or n for no."), style="yellow")

    async def address(self, trusted: ssl.SSLContext) -> Address | None:
        """Ask for the server's address until one answers; `None` where the person gave up."""
        self.print(say(self.language, "The chat shows you the server's address."))
        while True:
            text = await self.text(say(self.language, "Address:"), LONGEST_ADDRESS)
            if text is None:
                return None
            try:
                address = parse(text)
            except AddressError as error:
                self.print(explain(error, self.language), style="yellow")
                continue
            self.print(say(self.language, "Looking for {host}…", host=address.host), style="dim")
            finding = await check_server(address, trusted)
            if finding.outcome is Outcome.OK:
                return address
            self.print(in_words(finding, self.language), style="yellow")

    def _say_foreign(self) -> None:
        self.print(say(self.language, prompt_texts.FOREIGN), style="yellow")

    def _write(self, text: str) -> None:
        self.console.file.write(text)
        self.console.file.flush()
