"""The client's side of pairing: asks for the code, and for the comparison of the two words."""

import asyncio
import hmac
import os
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from reader_bridge.client.background_tasks import BackgroundTasks
from reader_bridge.client.message_channel import MessageChannel
from reader_bridge.prompter import (
    ExitReason,
    PairingPeer,
    PairingProblem,
    Prompter,
    WordChoice,
    WrongWordsChosen,
)
from reader_bridge.protocol.enums import PairRefusal, SessionState
from reader_bridge.protocol.errors import ProtocolError
from reader_bridge.protocol.limits import NONCE_BYTES
from reader_bridge.protocol.pairing_messages import Pair, PairAnswer, PairOffer, PairRefused
from reader_bridge.protocol.pairing_proofs import (
    compute_commitment,
    derive_pairing_words,
    normalise_code,
)
from reader_bridge.protocol.word_list import PAIRING_WORDS

WORD_CHOICES = 6
"""Pairs of words that the person chooses from where a link brought the code."""


class PairingLinks:
    """Codes that links bring. One is taken only while the code is being asked for.

    :param first: of the link that the app was started with.
    :ivar session_state: of the session that takes the codes.
    """

    def __init__(self, first: str | None = None) -> None:
        self._first = first
        self.session_state = SessionState.UNPAIRED
        self._waiting: asyncio.Future[str] | None = None

    def offer(self, code: str) -> bool:
        """Answer the question for the code; `False` where none stands open."""
        if self._waiting is None or self._waiting.done():
            return False
        self._waiting.set_result(code)
        return True

    def take_first(self) -> str | None:
        """Return the code of the link that the app was started with, once."""
        code, self._first = self._first, None
        return code

    async def wait(self) -> str:
        """Return the code of the next link."""
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            return await self._waiting
        finally:
            self._waiting = None


@dataclass(frozen=True, repr=False)
class _SentCode:
    """A code that was sent.

    :ivar is_from_link: it was not typed.
    :ivar nonce: the client's, drawn for it.
    :ivar commitment: the server's, made before it.
    """

    code: str
    is_from_link: bool
    nonce: bytes
    commitment: bytes


class PairingFlow:
    """The questions to the person until the client is paired, one at a time.

    :param origin: of the server that was dialled.
    :param set_state: sets the state of the session.
    :param exit_client: ends the client, where the person does not want to pair.
    :param links: other sources of the code.
    """

    def __init__(
        self,
        host: str,
        origin: str,
        prompter: Prompter,
        channel: MessageChannel,
        tasks: BackgroundTasks,
        set_state: Callable[[SessionState], None],
        exit_client: Callable[[ExitReason], None],
        links: PairingLinks,
    ) -> None:
        self._links = links
        self._host, self._origin, self._prompter = host, origin, prompter
        self._channel, self._tasks = channel, tasks
        self._set_state, self._exit_client = set_state, exit_client
        self._session = ""
        self._commitment: bytes | None = None
        self._has_commitment = asyncio.Event()
        self._sent: _SentCode | None = None
        self._question: asyncio.Task[None] | None = None
        self._accepted_peer: PairingPeer | None = None

    def start(self, session: str, commitment: bytes) -> None:
        """Pair in a new session. A code that is being typed is not interrupted.

        A code that was sent in the session before is never sent again: whoever was there may know
        it, and a second time would be a second chance for them. The chat has to show another one.
        """
        self._session = session
        self.accept_commitment(commitment)
        self._accepted_peer = None
        if self._sent is not None:
            self.ask_code(PairingProblem(PairRefusal.EXPIRED))
        elif self._question is None or self._question.done():
            self.ask_code()

    def accept_commitment(self, commitment: bytes) -> None:
        """Take the server's commitment for the next code."""
        self._commitment = commitment
        self._has_commitment.set()

    def discard_commitment(self) -> None:
        """Forget the commitment of a connection that is lost."""
        self._commitment = None
        self._has_commitment.clear()

    def ask_code(self, problem: PairingProblem | None = None) -> None:
        """Ask for the pairing code."""
        self._set_state(SessionState.UNPAIRED)
        self._sent = None
        self._replace_question(self._run_code_question(problem))

    def ask_code_again(self, message: PairRefused) -> None:
        """Ask for the code again, with the server's reason."""
        self.accept_commitment(message.commitment)
        self.ask_code(PairingProblem(message.reason, message.tries_left, message.wait_seconds))

    def ask_comparison(self, offer: PairOffer) -> None:
        """Ask whether host, name and words are right.

        Leaves without a question where the server reveals another nonce than it committed itself
        to: then it has tried to choose the words.
        """
        sent = self._sent
        if sent is None:
            raise ProtocolError(field="pair_offer")
        revealed = compute_commitment(self._session, offer.nonce)
        if not hmac.compare_digest(revealed, sent.commitment):
            self._sent = None
            self._exit_client(ExitReason.COMMITMENT_BROKEN)
            return
        words = derive_pairing_words(
            sent.code,
            origin=self._origin,
            session=self._session,
            server_nonce=offer.nonce,
            bridge_nonce=sent.nonce,
        )
        self._set_state(SessionState.CONFIRMING)
        peer = PairingPeer(self._host, offer.telegram_name, words)
        self._replace_question(self._run_comparison(peer, is_from_link=sent.is_from_link))

    def complete(self) -> PairingPeer:
        """End the flow and return the peer that the person accepted.

        :raises ProtocolError: the person has accepted none.
        """
        if self._accepted_peer is None:
            raise ProtocolError(field="paired")
        peer = self._accepted_peer
        self._sent = self._accepted_peer = None
        return peer

    def cancel(self) -> None:
        """Withdraw the open question."""
        self._sent = self._accepted_peer = None
        if self._question is not None:
            self._question.cancel()
            self._question = None

    async def _run_code_question(self, problem: PairingProblem | None) -> None:
        while True:
            text, is_from_link = await self._wait_for_code(problem)
            if text is None:
                self._exit_client(ExitReason.LEFT)
                return
            try:
                code = normalise_code(text)
                break
            except ProtocolError:
                problem = PairingProblem(None)
                await asyncio.sleep(0)  # lets other tasks run even if the prompter never waits
        while self._commitment is None:
            await self._has_commitment.wait()
        sent = self._sent = _SentCode(code, is_from_link, os.urandom(NONCE_BYTES), self._commitment)
        self.discard_commitment()
        self._set_state(SessionState.OFFERED)
        await self._channel.send(Pair(code, sent.nonce))

    async def _wait_for_code(self, problem: PairingProblem | None) -> tuple[str | None, bool]:
        """Return the code that is typed, or that a link brings, and whether a link did."""
        if first := self._links.take_first():
            return first, True
        link = asyncio.ensure_future(self._links.wait())
        typed = asyncio.ensure_future(self._prompter.ask_pairing_code(problem))
        try:
            await asyncio.wait((typed, link), return_when=asyncio.FIRST_COMPLETED)
            return (typed.result(), False) if typed.done() else (link.result(), True)
        finally:
            for each in (typed, link):
                each.cancel()
            await asyncio.gather(typed, link, return_exceptions=True)

    async def _is_accepted(self, peer: PairingPeer, *, is_from_link: bool) -> bool:
        if not is_from_link:
            return await self._prompter.confirm_pairing(peer)
        choice = _word_choice(peer)
        chosen = await self._prompter.choose_words(choice)
        if chosen is None:
            return False
        if choice.pairs[chosen] != peer.words:
            self._prompter.show(WrongWordsChosen())
            return False
        return True

    async def _run_comparison(self, peer: PairingPeer, *, is_from_link: bool) -> None:
        if await self._is_accepted(peer, is_from_link=is_from_link):
            self._accepted_peer = peer
            self._set_state(SessionState.ANSWERED)
            await self._channel.send(PairAnswer(True))
        else:
            self._set_state(SessionState.UNPAIRED)
            await self._channel.send(PairAnswer(False))
            self._sent = None
            self._replace_question(self._run_code_question(None))

    def _replace_question(self, question: Coroutine[Any, Any, None]) -> None:
        if self._question is not None and self._question is not asyncio.current_task():
            self._question.cancel()
        self._question = self._tasks.spawn(question)


def _word_choice(peer: PairingPeer) -> WordChoice:
    """Return the peer's words among others, drawn and mixed at random."""
    draw = secrets.SystemRandom()
    pairs = [peer.words]
    while len(pairs) < WORD_CHOICES:
        first, second = draw.sample(PAIRING_WORDS, 2)
        if (first, second) not in pairs:
            pairs.append((first, second))
    draw.shuffle(pairs)
    return WordChoice(peer, tuple(pairs))
