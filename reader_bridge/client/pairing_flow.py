"""The client's side of pairing: asks for the code, and for the comparison of the two words."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from reader_bridge.client.background_tasks import BackgroundTasks
from reader_bridge.client.message_channel import MessageChannel
from reader_bridge.prompter import ExitReason, PairingPeer, PairingProblem, Prompter
from reader_bridge.protocol.enums import PairRefusal, SessionState
from reader_bridge.protocol.errors import ProtocolError
from reader_bridge.protocol.pairing_messages import Pair, PairAnswer, PairRefused
from reader_bridge.protocol.pairing_proofs import derive_pairing_words, normalise_code


class PairingFlow:
    """The questions to the person until the client is paired, one at a time.

    :param set_state: sets the state of the session.
    :param exit_client: ends the client, where the person does not want to pair.
    """

    def __init__(
        self,
        host: str,
        prompter: Prompter,
        channel: MessageChannel,
        tasks: BackgroundTasks,
        set_state: Callable[[SessionState], None],
        exit_client: Callable[[ExitReason], None],
    ) -> None:
        self._host, self._prompter = host, prompter
        self._channel, self._tasks = channel, tasks
        self._set_state, self._exit_client = set_state, exit_client
        self._session, self._nonces = "", (b"", b"")
        self._code: str | None = None
        self._question: asyncio.Task[None] | None = None
        self._accepted_peer: PairingPeer | None = None

    def start(self, session: str, server_nonce: bytes, bridge_nonce: bytes) -> None:
        """Pair in a new session. A code that is being typed is not interrupted.

        A code that was sent already belonged to the session before; the chat has to show another
        one.
        """
        self._session, self._nonces = session, (server_nonce, bridge_nonce)
        self._accepted_peer = None
        if self._code is not None:
            self._code = None
            self.ask_code(PairingProblem(PairRefusal.EXPIRED))
        elif self._question is None or self._question.done():
            self.ask_code()

    def ask_code(self, problem: PairingProblem | None = None) -> None:
        """Ask for the pairing code."""
        self._set_state(SessionState.UNPAIRED)
        self._code = None
        self._replace_question(self._run_code_question(problem))

    def ask_code_again(self, message: PairRefused) -> None:
        """Ask for the code again, with the server's reason."""
        self.ask_code(PairingProblem(message.reason, message.tries_left, message.wait_seconds))

    def ask_comparison(self, telegram_name: str) -> None:
        """Ask whether host, name and words are right."""
        words = derive_pairing_words(self._code or "", self._session, *self._nonces)
        self._set_state(SessionState.CONFIRMING)
        self._replace_question(self._run_comparison(PairingPeer(self._host, telegram_name, words)))

    def complete(self) -> PairingPeer:
        """End the flow and return the peer that the person accepted.

        :raises ProtocolError: the person has accepted none.
        """
        if self._accepted_peer is None:
            raise ProtocolError(field="paired")
        peer = self._accepted_peer
        self._code = self._accepted_peer = None
        return peer

    def cancel(self) -> None:
        """Withdraw the open question."""
        self._code = self._accepted_peer = None
        if self._question is not None:
            self._question.cancel()
            self._question = None

    async def _run_code_question(self, problem: PairingProblem | None) -> None:
        while True:
            text = await self._prompter.ask_pairing_code(problem)
            if text is None:
                self._exit_client(ExitReason.LEFT)
                return
            try:
                code = normalise_code(text)
                break
            except ProtocolError:
                problem = PairingProblem(None)
                await asyncio.sleep(0)  # lets other tasks run even if the prompter never waits
        await self._channel.wait_connected()
        self._code = code
        self._set_state(SessionState.OFFERED)
        await self._channel.send(Pair(code))

    async def _run_comparison(self, peer: PairingPeer) -> None:
        if await self._prompter.confirm_pairing(peer):
            self._accepted_peer = peer
            self._set_state(SessionState.ANSWERED)
            await self._channel.send(PairAnswer(True))
        else:
            self._set_state(SessionState.UNPAIRED)
            await self._channel.send(PairAnswer(False))
            self._code = None
            self._replace_question(self._run_code_question(None))

    def _replace_question(self, question: Coroutine[Any, Any, None]) -> None:
        if self._question is not None and self._question is not asyncio.current_task():
            self._question.cancel()
        self._question = self._tasks.spawn(question)
