"""A session with a server: who is paired with whom, and what comes of each message.

It outlives links: a link that comes back goes on where the last one broke off. What is done with a
message in which state says :mod:`reader_bridge.client.session_table`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from reader_bridge.card.connection import CardReaders
from reader_bridge.client.operation_runner import Desk
from reader_bridge.client.pairing import PairingTalk
from reader_bridge.client.sending import Sending
from reader_bridge.client.session_table import Reaction, reaction
from reader_bridge.client.tasks import Tasks
from reader_bridge.client.websocket import Wire
from reader_bridge.prompter import Ending, Failed, NowPaired, NowUnpaired, Peer, Prompter
from reader_bridge.protocol.errors import ProtocolError
from reader_bridge.protocol.failures import FailureCode, FailureValues
from reader_bridge.protocol.limits import CHALLENGE_SECONDS, WITHOUT_LINK_SECONDS
from reader_bridge.protocol.messages import FromServer
from reader_bridge.protocol.operation_messages import (
    AdminCryptogram,
    AdminVerified,
    Bye,
    Cancel,
    ErrorMessage,
    Failure,
    Start,
)
from reader_bridge.protocol.pairing import resume_proof
from reader_bridge.protocol.pairing_messages import (
    Paired,
    PairOffer,
    PairRefused,
    Resume,
    Unpaired,
    Welcome,
)
from reader_bridge.protocol.statement import origin_of
from reader_bridge.protocol.vocabulary import ByeReason, ErrorCode, SessionState, UnpairReason

GOOD_BYE_SECONDS = 1.0
_EXPIRY, _LINK = "expiry", "link"


@dataclass(frozen=True)
class Patience:
    """How long is waited, in seconds.

    :ivar challenge: for the server's answer to a card's challenge.
    :ivar without_link: for a link, while an operation runs.
    """

    challenge: float = CHALLENGE_SECONDS
    without_link: float = WITHOUT_LINK_SECONDS


class Session:
    """One session after the other, with the same server.

    :ivar state: where it stands; see the table.
    :ivar ending: set when the bridge is to end by itself.
    """

    def __init__(
        self,
        url: str,
        host: str,
        prompter: Prompter,
        readers: CardReaders,
        patience: Patience | None = None,
    ) -> None:
        patience = patience or Patience()
        self._prompter = prompter
        self._without_link = patience.without_link
        self.state = SessionState.UNPAIRED
        self.ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.sending = Sending()
        self._tasks = Tasks(self._crashed)
        self._talk = PairingTalk(
            host, prompter, self.sending, self._tasks, self._enter, self._leave
        )
        self._desk = Desk(
            origin_of(url),
            prompter,
            readers,
            self.sending,
            self._tasks,
            patience.challenge,
            self._enter,
            self._leave,
        )
        self._id = ""
        self._peer: Peer | None = None
        self._resume_secret: bytes | None = None
        self._reactions: dict[Reaction, Callable[[Any], Awaitable[None]]] = {
            Reaction.IGNORE: self._ignore,
            Reaction.NOT_NOW: self._refuse,
            Reaction.ASK_CODE_AGAIN: self._ask_code_again,
            Reaction.COMPARE: self._compare,
            Reaction.BECOME_PAIRED: self._become_paired,
            Reaction.BECOME_UNPAIRED: self._become_unpaired,
            Reaction.START: self._start,
            Reaction.REFUSE_START: self._refuse_start,
            Reaction.BUSY: self._desk.say_busy,
            Reaction.DELIVER: self._deliver,
            Reaction.STOP: self._stop,
        }

    def resume(self, server_nonce: bytes) -> Resume | None:
        """Ask for the session to be taken up again, where there is a pairing."""
        if self._resume_secret is None:
            return None
        proof = resume_proof(self._resume_secret, self._id, server_nonce)
        return Resume(self._id, proof, self.sending.incoming.last)

    async def welcomed(
        self, welcome: Welcome, wire: Wire, server_nonce: bytes, bridge_nonce: bytes
    ) -> None:
        """Take the session the server gives, the old one or a new one.

        :raises ProtocolError: where it gives what was not asked for; the pairing is over then.
        """
        self._tasks.cancel_timer(_LINK)
        if not (welcome.resumed or welcome.paired):
            await self._begin(welcome.session, wire, server_nonce, bridge_nonce)
            return
        if self._resume_secret is None or welcome.session != self._id or not welcome.paired:
            raise self._contradiction("welcome")
        if not welcome.resumed:
            await self.sending.begin(wire)
            await self._desk.after_restart()
        elif not await self.sending.go_on(wire, welcome.last_seq):
            raise self._contradiction("last_seq")
        self._tasks.set_timer(_EXPIRY, welcome.seconds_left, self._expire)

    async def handle(self, message: FromServer) -> None:
        """Do what the table says."""
        await self._reactions[reaction(self.state, message)](message)

    async def unknown_operation(self, operation_id: str) -> None:
        """Refuse an operation that does not exist here."""
        code = FailureCode.UNKNOWN_OPERATION
        self._prompter.show(Failed(None, code, FailureValues()))
        await self.sending.send(Failure(operation_id, code))

    def unlinked(self) -> None:
        """Note that there is no link. An operation bears that for a while."""
        self.sending.detach()
        if self._desk.working and not self._tasks.has_timer(_LINK):
            self._tasks.set_timer(_LINK, self._without_link, self._too_long_without_link)

    async def close(self) -> None:
        """End everything: questions are taken back, the card is reset, the server is told."""
        self._talk.cancel()
        self._desk.stop(FailureCode.CANCELLED)
        await self._tasks.finish()
        self._desk.close()  # not before: what was stopped gives its card back on that thread
        try:
            async with asyncio.timeout(GOOD_BYE_SECONDS):
                await self.sending.send(Bye(ByeReason.CLOSED))
        except TimeoutError:
            pass  # a server that does not listen learns it from the link
        self._resume_secret = None

    async def _begin(self, session: str, wire: Wire, server: bytes, bridge: bytes) -> None:
        if self._resume_secret is not None:
            self._forget(UnpairReason.SERVER_FORGOT)
        self._id = session
        await self.sending.begin(wire)
        self._talk.begin(session, server, bridge)

    def _forget(self, reason: UnpairReason) -> None:
        """Be paired no more."""
        self._resume_secret = self._peer = None
        self._tasks.cancel_timer(_EXPIRY)
        self._desk.forget()
        self._enter(SessionState.UNPAIRED)
        self._prompter.show(NowUnpaired(reason))

    def _contradiction(self, where: str) -> ProtocolError:
        if self._resume_secret is not None:
            self._forget(UnpairReason.SERVER_FORGOT)
        return ProtocolError(where=where)

    def _enter(self, state: SessionState) -> None:
        self.state = state

    def _leave(self, ending: Ending) -> None:
        if not self.ending.done():
            self.ending.set_result(ending)

    def _crashed(self, error: BaseException) -> None:
        if not self.ending.done():
            self.ending.set_exception(error)

    def _too_long_without_link(self) -> None:
        self._tasks.cancel_timer(_LINK)
        self._desk.stop(FailureCode.LINK_LOST)

    async def _ignore(self, _: FromServer) -> None:
        """Do nothing."""

    async def _refuse(self, _: FromServer) -> None:
        await self.sending.send(ErrorMessage(ErrorCode.BAD_STATE))

    async def _ask_code_again(self, message: PairRefused) -> None:
        self._talk.refused(message)

    async def _compare(self, message: PairOffer) -> None:
        self._talk.compare(message.telegram_name)

    async def _become_paired(self, message: Paired) -> None:
        peer = self._talk.paired()
        self._peer, self._resume_secret = peer, message.resume_secret
        self._enter(SessionState.PAIRED)
        self._tasks.set_timer(_EXPIRY, message.seconds_left, self._expire)
        self._prompter.show(NowPaired(peer, message.seconds_left))

    async def _become_unpaired(self, message: Unpaired) -> None:
        self._talk.cancel()
        self._forget(message.reason)
        self._talk.ask()

    async def _start(self, message: Start) -> None:
        if self._peer is not None:
            await self._desk.start(message, self._peer)

    async def _refuse_start(self, message: Start) -> None:
        await self.sending.send(Failure(message.operation_id, FailureCode.BAD_STATE))

    async def _deliver(self, message: AdminCryptogram | AdminVerified) -> None:
        self._desk.deliver(message)

    async def _stop(self, message: Cancel) -> None:
        self._desk.stop(FailureCode.CANCELLED, message.operation_id)

    def _expire(self) -> None:
        self._tasks.spawn(self._end_of_pairing())

    async def _end_of_pairing(self) -> None:
        """Leave the session when its time is over, and begin a new one on a new link."""
        await self.sending.send(Bye(ByeReason.EXPIRED))
        self._talk.cancel()
        self._forget(UnpairReason.EXPIRED)
        self._talk.ask()
        await self.sending.hang_up()
