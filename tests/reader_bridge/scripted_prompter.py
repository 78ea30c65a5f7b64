"""A prompter that answers from a script: for tests, measurements and demonstrations.

It never belongs to a bridge that a person relies on.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.prompter import (
    ConsentRequest,
    PairingPeer,
    PairingProblem,
    PinKind,
    PinRequest,
    PrompterEvent,
)

Question = PairingProblem | None | PairingPeer | ConsentRequest | PinRequest
Answer = bytes | None


class ScriptedPrompter:
    """Gives what it was told to give, and remembers what it was asked and shown.

    :param codes: one after the other; after the last it says nothing and waits.
    :param secrets: by kind, one after the other, the last again and again; `None` refuses.
    :param agree: what it says to consents and comparisons.
    :ivar asked: every question, in order.
    :ivar shown: every event, in order.
    :ivar lent: every buffer that was handed out.
    """

    def __init__(
        self,
        codes: Iterable[str | None] = (),
        secrets: Mapping[PinKind, Iterable[Answer]] | None = None,
        agree: Callable[[PairingPeer | ConsentRequest], bool] = lambda _: True,
    ) -> None:
        self._codes = deque(codes)
        self._secrets = {kind: deque(answers) for kind, answers in (secrets or {}).items()}
        self._agree = agree
        self.asked: list[Question] = []
        self.shown: list[PrompterEvent] = []
        self.lent: list[SecretBuffer] = []
        self._news = asyncio.Event()

    def will_type(self, kind: PinKind, *answers: Answer) -> None:
        """Have it type something else from now on."""
        self._secrets[kind] = deque(answers)

    async def ask_pairing_code(self, problem: PairingProblem | None) -> str | None:
        """Give the next code."""
        self._note(problem)
        if not self._codes:
            await asyncio.Event().wait()
        return self._codes.popleft()

    async def confirm_pairing(self, peer: PairingPeer) -> bool:
        """Compare."""
        self._note(peer)
        return self._agree(peer)

    async def ask_consent(self, request: ConsentRequest) -> bool:
        """Consent."""
        self._note(request)
        return self._agree(request)

    async def ask_pin(self, request: PinRequest) -> SecretBuffer | None:
        """Give the next secret of the kind."""
        self._note(request)
        answers = self._secrets.get(request.kind)
        if not answers:
            await asyncio.Event().wait()
            return None
        answer = answers.popleft() if len(answers) > 1 else answers[0]
        if answer is None:
            return None
        self.lent.append(SecretBuffer(answer))
        return self.lent[-1]

    def show(self, event: PrompterEvent) -> None:
        """Remember an event."""
        self.shown.append(event)
        self._news.set()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is true of what was asked and shown."""
        while not true():
            self._news.clear()
            await self._news.wait()

    def _note(self, question: Question) -> None:
        self.asked.append(question)
        self._news.set()
