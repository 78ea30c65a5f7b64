"""A prompter that answers from a script, for tests and benchmarks."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.prompter import (
    CardChoice,
    ConsentRequest,
    PairingPeer,
    PairingProblem,
    PinKind,
    PinRequest,
    PrompterEvent,
    ProxyLogin,
    ProxyLoginRequest,
    WordChoice,
)

Question = (
    PairingProblem
    | None
    | PairingPeer
    | WordChoice
    | CardChoice
    | ConsentRequest
    | PinRequest
    | ProxyLoginRequest
)
Answer = bytes | None


class ScriptedPrompter:
    """Answers from a script, and records what it was asked and shown.

    :param codes: in this order; after the last one it never answers.
    :param secrets: by kind, in this order, the last one repeatedly; `None` refuses.
    :param logins: at a proxy, in this order; after the last one it gives up.
    :param agree: the answer to requests for consent and comparison.
    :ivar chosen_reader: whose card is chosen where there are several.
    :ivar asked: every question, in order.
    :ivar shown: every event, in order.
    :ivar handed_out: every buffer that was handed out.
    """

    def __init__(
        self,
        codes: Iterable[str | None] = (),
        secrets: Mapping[PinKind, Iterable[Answer]] | None = None,
        agree: Callable[[PairingPeer | ConsentRequest], bool] = lambda _: True,
        logins: Iterable[ProxyLogin] = (),
    ) -> None:
        self._codes = deque(codes)
        self._secrets = {kind: deque(answers) for kind, answers in (secrets or {}).items()}
        self._agree = agree
        self.chosen_reader: str | None = None
        self._logins = deque(logins)
        self.asked: list[Question] = []
        self.shown: list[PrompterEvent] = []
        self.handed_out: list[SecretBuffer] = []
        self._changed = asyncio.Event()

    def will_type(self, kind: PinKind, *answers: Answer) -> None:
        """Type something else from now on."""
        self._secrets[kind] = deque(answers)

    async def ask_proxy_login(self, request: ProxyLoginRequest) -> ProxyLogin | None:
        """Return the next login."""
        self._note(request)
        return self._logins.popleft() if self._logins else None

    async def ask_pairing_code(self, problem: PairingProblem | None) -> str | None:
        """Return the next code."""
        self._note(problem)
        if not self._codes:
            await asyncio.Event().wait()
        return self._codes.popleft()

    async def confirm_pairing(self, peer: PairingPeer) -> bool:
        """Return the scripted answer."""
        self._note(peer)
        return self._agree(peer)

    async def choose_words(self, choice: WordChoice) -> int | None:
        """Choose the right words where the scripted answer is yes."""
        self._note(choice)
        return choice.pairs.index(choice.peer.words) if self._agree(choice.peer) else None

    async def ask_consent(self, request: ConsentRequest) -> bool:
        """Return the scripted answer."""
        self._note(request)
        return self._agree(request)

    async def choose_card(self, choice: CardChoice) -> int | None:
        """Choose the reader that was named; without one none."""
        self._note(choice)
        readers = [option.reader for option in choice.options]
        return readers.index(self.chosen_reader) if self.chosen_reader in readers else None

    async def ask_pin(self, request: PinRequest) -> SecretBuffer | None:
        """Return the next secret of the kind."""
        self._note(request)
        answers = self._secrets.get(request.kind)
        if not answers:
            await asyncio.Event().wait()
            return None
        answer = answers.popleft() if len(answers) > 1 else answers[0]
        if answer is None:
            return None
        self.handed_out.append(SecretBuffer(answer))
        return self.handed_out[-1]

    def show(self, event: PrompterEvent) -> None:
        """Record an event."""
        self.shown.append(event)
        self._changed.set()

    async def wait_until(self, true: Callable[[], bool]) -> None:
        """Wait until something is true of what was asked and shown."""
        while not true():
            self._changed.clear()
            await self._changed.wait()

    def _note(self, question: Question) -> None:
        self.asked.append(question)
        self._changed.set()
