"""Asks and shows in the window, for whoever runs in the link's thread."""

from collections.abc import Callable

from reader_bridge.app import notice_texts, prompt_texts
from reader_bridge.app.notice_texts import Notice, Tone
from reader_bridge.app.translation import say
from reader_bridge.app.window.question import LineQuestion, PinQuestion, Question
from reader_bridge.app.window.thread_bridge import Desk
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.prompter import (
    ConsentRequest,
    OperationWaiting,
    PairingPeer,
    PairingProblem,
    PinRequest,
    PrompterEvent,
    ServerConnected,
)

LONGEST_CODE = 32


class WindowPrompter:
    """A prompter whose questions are pages of the window.

    :param host: the server that is dialled.
    :param connected: called when it was reached.
    """

    def __init__(self, desk: Desk, host: str, connected: Callable[[], None]) -> None:
        self._desk, self._host, self._connected = desk, host, connected

    async def ask_pairing_code(self, problem: PairingProblem | None) -> str | None:
        """Ask for the code the chat shows."""

        def make(language: str) -> Question:
            page = prompt_texts.pairing_code(problem, language)
            return LineQuestion(page, language, say(language, "Code:"), LONGEST_CODE)

        answer = await self._desk.ask(make)
        return answer if isinstance(answer, str) else None

    async def confirm_pairing(self, peer: PairingPeer) -> bool:
        """Ask whether host, name and words are right."""
        same = await self._yes(lambda language: prompt_texts.comparison(peer, language))
        if same:
            self._desk.tell(
                lambda language: Notice(Tone.WAITING, say(language, "Now say yes in the chat too."))
            )
        return same

    async def ask_consent(self, request: ConsentRequest) -> bool:
        """Ask whether this is wanted."""
        return await self._yes(lambda language: prompt_texts.consent(request, language))

    async def ask_pin(self, request: PinRequest) -> SecretBuffer | None:
        """Ask for a PIN or PUK, a new one twice; never the last try without a yes to it."""
        if request.last_try and not await self._yes(
            lambda language: prompt_texts.last_try(request, language)
        ):
            return None
        answer = await self._desk.ask(lambda language: PinQuestion(request, language))
        return answer if isinstance(answer, SecretBuffer) else None

    def show(self, event: PrompterEvent) -> None:
        """Show what happens."""
        if isinstance(event, ServerConnected):
            self._connected()
        if isinstance(event, OperationWaiting) and event.step in notice_texts.SAID_BY_QUESTIONS:
            return
        self._desk.tell(lambda language: notice_texts.notice(event, language, self._host))

    async def _yes(self, page: Callable[[str], prompt_texts.Page]) -> bool:
        return bool(await self._desk.ask(lambda language: Question(page(language), language)))
