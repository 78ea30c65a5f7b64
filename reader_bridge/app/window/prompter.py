"""The prompter of the window, called from the client's thread."""

from collections.abc import Callable
from functools import partial

from reader_bridge.app import notice_texts, prompt_texts
from reader_bridge.app.notice_texts import NoticeTone, StatusNotice
from reader_bridge.app.translation import localise
from reader_bridge.app.window.question import (
    LineQuestion,
    PinQuestion,
    ProxyLoginQuestion,
    Question,
    card_question,
    word_question,
)
from reader_bridge.app.window.thread_bridge import ThreadBridge
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.prompter import (
    CardChoice,
    ConsentRequest,
    OperationWaiting,
    PairingPeer,
    PairingProblem,
    PinRequest,
    PrompterEvent,
    ProxyLogin,
    ProxyLoginRequest,
    ServerConnected,
    WordChoice,
)


class WindowPrompter:
    """A prompter whose questions are pages of the window.

    :param host: the server that is dialled.
    :param on_connected: called when it was reached.
    """

    def __init__(self, bridge: ThreadBridge, host: str, on_connected: Callable[[], None]) -> None:
        self._bridge, self._host, self._on_connected = bridge, host, on_connected

    async def ask_proxy_login(self, request: ProxyLoginRequest) -> ProxyLogin | None:
        """Ask for name and password at a proxy."""
        return await ask_proxy_login(self._bridge, request)

    async def ask_pairing_code(self, problem: PairingProblem | None) -> str | None:
        """Ask for the code that the chat shows."""

        def make(language: str) -> Question:
            page = prompt_texts.pairing_code_page(problem, language)
            return LineQuestion(
                page, language, localise(language, "Code:"), prompt_texts.MAX_CODE_LENGTH
            )

        answer = await self._bridge.ask(make)
        return answer if isinstance(answer, str) else None

    async def confirm_pairing(self, peer: PairingPeer) -> bool:
        """Ask whether host, name and words are right."""
        same = await self._ask_yes_no(lambda language: prompt_texts.comparison_page(peer, language))
        if same:
            self._notify_yes_in_chat()
        return same

    async def choose_words(self, choice: WordChoice) -> int | None:
        """Ask which pair of words the chat shows."""
        answer = await self._bridge.ask(partial(word_question, choice))
        if not isinstance(answer, int):
            return None
        if choice.pairs[answer] == choice.peer.words:
            self._notify_yes_in_chat()
        return answer

    async def choose_card(self, choice: CardChoice) -> int | None:
        """Ask which card is meant."""
        answer = await self._bridge.ask(partial(card_question, choice))
        return answer if isinstance(answer, int) else None

    async def ask_consent(self, request: ConsentRequest) -> bool:
        """Ask whether the operation is wanted."""
        return await self._ask_yes_no(lambda language: prompt_texts.consent_page(request, language))

    async def ask_pin(self, request: PinRequest) -> SecretBuffer | None:
        """Ask for a PIN or PUK, a new one twice. The last try is confirmed first."""
        if request.last_try and not await self._ask_yes_no(
            lambda language: prompt_texts.last_try_page(request, language)
        ):
            return None
        answer = await self._bridge.ask(lambda language: PinQuestion(request, language))
        return answer if isinstance(answer, SecretBuffer) else None

    def show(self, event: PrompterEvent) -> None:
        """Show an event."""
        if isinstance(event, ServerConnected):
            self._on_connected()
        if isinstance(event, OperationWaiting) and event.step in notice_texts.STEPS_WITH_QUESTION:
            return
        self._bridge.notify(
            lambda language: notice_texts.describe_event(event, language, self._host)
        )

    def _notify_yes_in_chat(self) -> None:
        self._bridge.notify(
            lambda language: StatusNotice(
                NoticeTone.WAITING, localise(language, "Now say yes in the chat too.")
            )
        )

    async def _ask_yes_no(self, page: Callable[[str], prompt_texts.PromptPage]) -> bool:
        return bool(await self._bridge.ask(lambda language: Question(page(language), language)))


async def ask_proxy_login(bridge: ThreadBridge, request: ProxyLoginRequest) -> ProxyLogin | None:
    """Ask for name and password at a proxy, also before there is a server."""
    answer = await bridge.ask(lambda language: ProxyLoginQuestion(request, language))
    return answer if isinstance(answer, ProxyLogin) else None
