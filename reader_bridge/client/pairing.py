"""The bridge's half of pairing: asking for the code, and for the comparison of the words."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from reader_bridge.client.sending import Sending
from reader_bridge.client.tasks import Tasks
from reader_bridge.prompter import Ending, PairingProblem, Peer, Prompter
from reader_bridge.protocol.errors import ProtocolError
from reader_bridge.protocol.pairing import normalise_code, pairing_words
from reader_bridge.protocol.pairing_messages import Pair, PairAnswer, PairRefused
from reader_bridge.protocol.vocabulary import PairRefusal, SessionState


class PairingTalk:
    """What is said with the person until the bridge is paired. One question at a time.

    :param enter: says in which state it is.
    :param leave: ends the bridge, where the person does not want to pair.
    """

    def __init__(
        self,
        host: str,
        prompter: Prompter,
        sending: Sending,
        tasks: Tasks,
        enter: Callable[[SessionState], None],
        leave: Callable[[Ending], None],
    ) -> None:
        self._host, self._prompter = host, prompter
        self._sending, self._tasks = sending, tasks
        self._enter, self._leave = enter, leave
        self._session, self._nonces = "", (b"", b"")
        self._code: str | None = None
        self._question: asyncio.Task[None] | None = None
        self._peer: Peer | None = None

    def begin(self, session: str, server_nonce: bytes, bridge_nonce: bytes) -> None:
        """Pair in a new session. A code that is being typed is not interrupted.

        One that was sent already was for the session before; the chat has to give another.
        """
        self._session, self._nonces = session, (server_nonce, bridge_nonce)
        self._peer = None
        if self._code is not None:
            self._code = None
            self.ask(PairingProblem(PairRefusal.EXPIRED))
        elif self._question is None or self._question.done():
            self.ask()

    def ask(self, problem: PairingProblem | None = None) -> None:
        """Ask for the code."""
        self._enter(SessionState.UNPAIRED)
        self._code = None
        self._put(self._ask(problem))

    def refused(self, message: PairRefused) -> None:
        """Ask again, telling why."""
        self.ask(PairingProblem(message.reason, message.tries_left, message.wait_seconds))

    def compare(self, telegram_name: str) -> None:
        """Ask whether host, name and words are right."""
        words = pairing_words(self._code or "", self._session, *self._nonces)
        self._enter(SessionState.CONFIRMING)
        self._put(self._confirm(Peer(self._host, telegram_name, words)))

    def paired(self) -> Peer:
        """Give whom the person said yes to; the talk is over."""
        if self._peer is None:
            raise ProtocolError(where="paired")
        peer = self._peer
        self._code = self._peer = None
        return peer

    def cancel(self) -> None:
        """Take the question back."""
        self._code = self._peer = None
        if self._question is not None:
            self._question.cancel()
            self._question = None

    async def _ask(self, problem: PairingProblem | None) -> None:
        while True:
            text = await self._prompter.ask_pairing_code(problem)
            if text is None:
                self._leave(Ending.LEFT)
                return
            try:
                code = normalise_code(text)
                break
            except ProtocolError:
                problem = PairingProblem(None)
                await asyncio.sleep(0)  # a prompter that never waits must not stop everything
        await self._sending.linked()
        self._code = code
        self._enter(SessionState.OFFERED)
        await self._sending.send(Pair(code))

    async def _confirm(self, peer: Peer) -> None:
        if await self._prompter.confirm_pairing(peer):
            self._peer = peer
            self._enter(SessionState.ANSWERED)
            await self._sending.send(PairAnswer(True))
        else:
            self._enter(SessionState.UNPAIRED)
            await self._sending.send(PairAnswer(False))
            self._code = None
            self._put(self._ask(None))

    def _put(self, question: Coroutine[Any, Any, None]) -> None:
        if self._question is not None and self._question is not asyncio.current_task():
            self._question.cancel()
        self._question = self._tasks.spawn(question)
