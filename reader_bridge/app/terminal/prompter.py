"""The prompter of the terminal.

It draws no frames: Chinese terminals give line characters two columns.
"""

from collections.abc import Callable, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

from reader_bridge.app import notice_texts, prompt_texts
from reader_bridge.app.notice_texts import NoticeTone, StatusNotice
from reader_bridge.app.prompt_texts import PromptPage, pin_entry_problem
from reader_bridge.app.terminal.screen import TerminalScreen
from reader_bridge.app.translation import localise
from reader_bridge.app.typing_buffer import TypingBuffer
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.prompter import (
    CardChoice,
    ConsentRequest,
    OperationWaiting,
    PairingPeer,
    PairingProblem,
    PinKind,
    PinRequest,
    PrompterEvent,
    ProxyLogin,
    ProxyLoginRequest,
    ServerConnected,
    WordChoice,
)

MARKS = {
    NoticeTone.BUSY: ("…", "cyan"),
    NoticeTone.WAITING: ("▸", "bold yellow"),
    NoticeTone.GOOD: ("✓", "green"),
    NoticeTone.NOTE: ("•", "yellow"),
    NoticeTone.BAD: ("✗", "red"),
}


class TerminalPrompter:
    """A prompter that prints and reads keys.

    :param host: the server that is dialled.
    :param on_connected: called when it was reached.
    """

    def __init__(self, screen: TerminalScreen, host: str, on_connected: Callable[[], None]) -> None:
        self._screen, self._host, self._on_connected = screen, host, on_connected
        self._language = screen.language
        self._status: Status | None = None
        self._last: StatusNotice | None = None

    async def ask_proxy_login(self, request: ProxyLoginRequest) -> ProxyLogin | None:
        """Ask for name and password at a proxy."""
        self.stop_status()
        self._last = None
        return await self._screen.ask_proxy_login(request)

    async def ask_pairing_code(self, problem: PairingProblem | None) -> str | None:
        """Ask for the code that the chat shows."""
        page = prompt_texts.pairing_code_page(problem, self._language)
        self._print_page(page)
        return await self._screen.ask_text(
            localise(self._language, "Code:"), prompt_texts.MAX_CODE_LENGTH
        )

    async def confirm_pairing(self, peer: PairingPeer) -> bool:
        """Ask whether host, name and words are right."""
        page = prompt_texts.comparison_page(peer, self._language)
        self._print_page(page)
        same = await self._screen.ask_yes_no(localise(self._language, "Is all of it the same?"))
        if same:
            self._start_status(localise(self._language, "Now say yes in the chat too."))
        return same

    async def choose_words(self, choice: WordChoice) -> int | None:
        """Ask which pair of words the chat shows, by its number."""
        chosen = await self._choose(
            prompt_texts.word_choice_page(choice, self._language),
            [prompt_texts.pair_of_words(pair) for pair in choice.pairs],
        )
        if chosen is not None and choice.pairs[chosen] == choice.peer.words:
            self._start_status(localise(self._language, "Now say yes in the chat too."))
        return chosen

    async def choose_card(self, choice: CardChoice) -> int | None:
        """Ask which card is meant, by its number."""
        return await self._choose(
            prompt_texts.card_choice_page(choice, self._language),
            [prompt_texts.card_option_text(each, self._language) for each in choice.options],
        )

    async def _choose(self, page: PromptPage, options: Sequence[str]) -> int | None:
        """Ask for one of the options by its number; `None` for none of them."""
        self._print_page(page)
        for number, option in enumerate(options, 1):
            self._screen.print(f"  {number}  {option}", style="bold")
        self._screen.print(f"  0  {page.no}")
        chosen = await self._ask_number(len(options))
        return chosen - 1 if chosen else None

    async def _ask_number(self, largest: int) -> int:
        """Ask for a number from 0 until one comes; giving up is 0."""
        numbers = {str(number): number for number in range(largest + 1)}
        while True:
            text = await self._screen.ask_text(localise(self._language, "Number:"), 4)
            number = 0 if text is None else numbers.get(text.strip())
            if number is not None:
                return number

    async def ask_consent(self, request: ConsentRequest) -> bool:
        """Ask whether the operation is wanted."""
        self._print_page(prompt_texts.consent_page(request, self._language))
        return await self._screen.ask_yes_no(localise(self._language, "Allow it?"))

    async def ask_pin(self, request: PinRequest) -> SecretBuffer | None:
        """Ask for a PIN or PUK, a new one twice. The last try is confirmed first."""
        if request.last_try:
            self._print_page(prompt_texts.last_try_page(request, self._language))
            if not await self._screen.ask_yes_no(localise(self._language, "Are you sure of it?")):
                return None
        self._print_page(prompt_texts.pin_page(request, self._language))
        self._screen.print(
            localise(self._language, "What you type is not shown. Leave with Esc."), style="dim"
        )
        if request.kind is PinKind.NEW:
            return await self._ask_new_pin(request)
        return await self._ask_secret(request, prompt_texts.FIELD_LABELS[request.kind])

    def show(self, event: PrompterEvent) -> None:
        """Print an event. What goes on by itself is a status line."""
        if isinstance(event, ServerConnected):
            self._on_connected()
        if isinstance(event, OperationWaiting) and event.step in notice_texts.STEPS_WITH_QUESTION:
            return
        notice = notice_texts.describe_event(event, self._language, self._host)
        if notice.is_aside:
            self._print_notice(notice)
            return
        if notice == self._last:
            return
        self._last = notice
        if notice.tone in (NoticeTone.BUSY, NoticeTone.WAITING):
            self._start_status(notice.text, notice.advice)
        else:
            self.stop_status()
            self._print_notice(notice)

    def stop_status(self) -> None:
        """Remove the status line."""
        if self._status:
            self._status.stop()
            self._status = None

    async def _ask_secret(self, request: PinRequest, label: str) -> SecretBuffer | None:
        """Ask until the entry has a valid form; `None` where the person gives up."""
        while True:
            typed = TypingBuffer()
            try:
                if not await self._screen.read_line(
                    localise(self._language, label), typed, hidden=True
                ):
                    return None
                problem = pin_entry_problem(typed, request, self._language)
                if problem is None:
                    return typed.take()
                self._screen.print(problem, style="yellow")
            finally:
                typed.clear()

    async def _ask_new_pin(self, request: PinRequest) -> SecretBuffer | None:
        """Ask for a new PIN until both entries are equal."""
        while True:
            first = await self._ask_secret(request, prompt_texts.FIELD_LABELS[PinKind.NEW])
            if first is None:
                return None
            second: SecretBuffer | None = None
            same = False
            try:
                second = await self._ask_secret(request, prompt_texts.REPEAT_LABEL)
                same = second == first
            finally:
                if not same:
                    first.wipe()
                if second is not None:
                    second.wipe()
            if same or second is None:
                return first if same else None
            self._screen.print(localise(self._language, prompt_texts.PINS_DIFFER), style="yellow")

    def _print_page(self, page: PromptPage) -> None:
        self.stop_status()
        self._last = None
        self._screen.print("", Text(f" {page.title} ", style="bold reverse"))
        self._screen.print(Padding(_page_content(page), (1, 2)))

    def _start_status(self, text: str, advice: str = "") -> None:
        self.stop_status()
        line = Text.assemble((text, "bold"), f" {advice}" if advice else "")
        self._screen.print(Text.assemble((" … ", "cyan"), line))
        waiting = Text(localise(self._language, "Ctrl-C closes this."), style="dim")
        self._status = self._screen.console.status(waiting)
        self._status.start()

    def _print_notice(self, notice: StatusNotice) -> None:
        mark, style = MARKS[notice.tone]
        line = Text.assemble((f" {mark} ", style), (notice.text, "bold"))
        self._screen.print(line)
        if notice.advice:
            self._screen.print(Text(f"   {notice.advice}"))
        if notice.offers_other_server:
            hint = localise(
                self._language,
                "Another server? Close this with Ctrl-C and start: kaika-bridge --server ADDRESS",
            )
            self._screen.print(Text(f"   {hint}"), style="dim")


def _page_content(page: PromptPage) -> RenderableType:
    parts: list[RenderableType] = []
    if page.problem:
        parts += [Text(page.problem, style="bold red"), Text()]
    parts.append(Text(page.text))
    if page.words:
        parts += [Text(), *_word_lines(page)]
    if page.facts:
        table = Table.grid(padding=(0, 2))
        for fact in page.facts:
            table.add_row(Text(fact.label, style="dim"), Text(fact.value, style="bold"))
            if fact.note:
                table.add_row("", Text(f"⚠ {fact.note}", style="yellow"))
        parts += [Text(), table]
    if page.warning:
        parts += [Text(), Text(f"⚠ {page.warning}", style="yellow")]
    return Group(*parts)


def _word_lines(page: PromptPage) -> list[Text]:
    assert page.words
    first, second = page.words
    english = Text(f"    {first.english}   {second.english}", style="bold cyan")
    return [english, Text(f"    {first.chinese}   {second.chinese}", style="bold cyan")]
