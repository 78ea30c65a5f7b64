"""A session with a server: its state, and the reaction to each message.

A session outlives connections: after a lost connection it continues where it was interrupted.
:data:`REACTIONS` is the state machine.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from reader_bridge.card.connection import CardReaders
from reader_bridge.client.background_tasks import BackgroundTasks
from reader_bridge.client.message_channel import MessageChannel
from reader_bridge.client.operation_runner import OperationRunner
from reader_bridge.client.pairing_flow import PairingFlow, PairingLinks
from reader_bridge.client.websocket import ServerConnection
from reader_bridge.prompter import (
    ExitReason,
    OperationNotDone,
    PairingClosed,
    PairingPeer,
    PairingStarted,
    Prompter,
)
from reader_bridge.protocol.enums import ByeReason, ProtocolErrorCode, SessionState, UnpairReason
from reader_bridge.protocol.errors import ProtocolError
from reader_bridge.protocol.failure_codes import FailureCode, FailureValues
from reader_bridge.protocol.limits import CHALLENGE_SECONDS, WITHOUT_LINK_SECONDS
from reader_bridge.protocol.messages import ServerMessage
from reader_bridge.protocol.operation_messages import (
    AdminCryptogram,
    AdminVerified,
    Bye,
    CancelOperation,
    ErrorMessage,
    OperationFailure,
    StartOperation,
)
from reader_bridge.protocol.pairing_messages import (
    Paired,
    PairOffer,
    PairRefused,
    Resume,
    Unpaired,
    Welcome,
)
from reader_bridge.protocol.pairing_proofs import compute_resume_proof
from reader_bridge.protocol.possession_statement import origin_of

GOODBYE_SECONDS = 1.0
_EXPIRY_TIMER, _DISCONNECTED_TIMER = "expiry", "disconnected"


class Reaction(Enum):
    """How the client reacts to a message."""

    IGNORE = "ignore"
    """The message came too late, which is nobody's mistake."""
    REFUSE = "refuse"
    """Answer with the error `bad_state`."""
    ASK_CODE_AGAIN = "ask_code_again"
    ASK_COMPARISON = "ask_comparison"
    """Ask the person whether host, name and words are right."""
    BECOME_PAIRED = "become_paired"
    BECOME_UNPAIRED = "become_unpaired"
    ACCEPT_COMMITMENT = "accept_commitment"
    """Keep the server's commitment for the next code; the person knows that they are unpaired."""
    START = "start"
    REFUSE_START = "refuse_start"
    """Answer that the operation failed with `bad_state`."""
    REFUSE_AS_BUSY = "refuse_as_busy"
    """Answer that the operation failed with `busy`."""
    DELIVER = "deliver"
    """Pass the message to the running operation, which waits for it."""
    STOP = "stop"


_S, _R = SessionState, Reaction
_UNPAIRED_REACTIONS: dict[type[ServerMessage], Reaction] = {
    StartOperation: _R.REFUSE_START,
    CancelOperation: _R.IGNORE,
    AdminCryptogram: _R.IGNORE,
    AdminVerified: _R.IGNORE,
    ErrorMessage: _R.IGNORE,
}
_PAIRED_REACTIONS: dict[type[ServerMessage], Reaction] = {
    Unpaired: _R.BECOME_UNPAIRED,
    CancelOperation: _R.STOP,
    AdminCryptogram: _R.IGNORE,
    AdminVerified: _R.IGNORE,
    ErrorMessage: _R.IGNORE,
}
REACTIONS: dict[SessionState, dict[type[ServerMessage], Reaction]] = {
    _S.UNPAIRED: {**_UNPAIRED_REACTIONS, Unpaired: _R.ACCEPT_COMMITMENT},
    _S.OFFERED: {
        **_UNPAIRED_REACTIONS,
        PairRefused: _R.ASK_CODE_AGAIN,
        PairOffer: _R.ASK_COMPARISON,
        Unpaired: _R.BECOME_UNPAIRED,
    },
    _S.CONFIRMING: {**_UNPAIRED_REACTIONS, Unpaired: _R.BECOME_UNPAIRED},
    _S.ANSWERED: {**_UNPAIRED_REACTIONS, Paired: _R.BECOME_PAIRED, Unpaired: _R.BECOME_UNPAIRED},
    _S.PAIRED: {**_PAIRED_REACTIONS, StartOperation: _R.START},
    _S.WORKING: {**_PAIRED_REACTIONS, StartOperation: _R.REFUSE_AS_BUSY},
    _S.AUTHENTICATING: {
        **_PAIRED_REACTIONS,
        StartOperation: _R.REFUSE_AS_BUSY,
        AdminCryptogram: _R.DELIVER,
    },
    _S.PROVING: {**_PAIRED_REACTIONS, StartOperation: _R.REFUSE_AS_BUSY, AdminVerified: _R.DELIVER},
}
"""Messages that a state does not list get :attr:`Reaction.REFUSE`."""


def find_reaction(state: SessionState, message: ServerMessage) -> Reaction:
    """Return the reaction to a message in a state."""
    return REACTIONS[state].get(type(message), Reaction.REFUSE)


@dataclass(frozen=True)
class SessionTimeouts:
    """How long is waited, in seconds.

    :ivar challenge: for the server's answer to a card's challenge.
    :ivar disconnected: for a connection, while an operation runs.
    """

    challenge: float = CHALLENGE_SECONDS
    disconnected: float = WITHOUT_LINK_SECONDS


class ServerSession:
    """The session with one server; a new one takes the place of one that ended.

    :ivar origin: of the server that is dialled.
    :ivar state: the state of the session, a row of :data:`REACTIONS`.
    :ivar exit_reason: set when the client is to exit by itself.
    """

    def __init__(
        self,
        url: str,
        host: str,
        prompter: Prompter,
        readers: CardReaders,
        timeouts: SessionTimeouts | None = None,
        links: PairingLinks | None = None,
    ) -> None:
        timeouts = timeouts or SessionTimeouts()
        self._prompter = prompter
        self._links = links or PairingLinks()
        self.origin = origin_of(url)
        self._disconnected_timeout = timeouts.disconnected
        self._set_state(SessionState.UNPAIRED)
        self.exit_reason: asyncio.Future[ExitReason] = asyncio.get_running_loop().create_future()
        self.channel = MessageChannel()
        self._tasks = BackgroundTasks(self._on_task_failure)
        self._pairing = PairingFlow(
            host,
            self.origin,
            prompter,
            self.channel,
            self._tasks,
            self._set_state,
            self._exit,
            self._links,
        )
        self._operations = OperationRunner(
            self.origin,
            prompter,
            readers,
            self.channel,
            self._tasks,
            timeouts.challenge,
            self._set_state,
            self._exit,
        )
        self._session_id = ""
        self._peer: PairingPeer | None = None
        self._resume_secret: bytes | None = None
        self._reactions: dict[Reaction, Callable[[Any], Awaitable[None]]] = {
            Reaction.IGNORE: self._ignore,
            Reaction.REFUSE: self._refuse,
            Reaction.ASK_CODE_AGAIN: self._ask_code_again,
            Reaction.ASK_COMPARISON: self._ask_comparison,
            Reaction.BECOME_PAIRED: self._become_paired,
            Reaction.BECOME_UNPAIRED: self._become_unpaired,
            Reaction.ACCEPT_COMMITMENT: self._accept_commitment,
            Reaction.START: self._start,
            Reaction.REFUSE_START: self._refuse_start,
            Reaction.REFUSE_AS_BUSY: self._operations.refuse_as_busy,
            Reaction.DELIVER: self._deliver,
            Reaction.STOP: self._stop,
        }

    def request_resumption(self, server_nonce: bytes) -> Resume | None:
        """Return the request to resume the session; `None` where there is no pairing."""
        if self._resume_secret is None:
            return None
        proof = compute_resume_proof(self._resume_secret, self._session_id, server_nonce)
        return Resume(self._session_id, proof, self.channel.incoming.last)

    async def accept_welcome(self, welcome: Welcome, connection: ServerConnection) -> None:
        """Enter the session that the server names, the resumed one or a new one.

        :raises ProtocolError: the server named a session that was not asked for, and the pairing is
            ended; or it did not commit itself to its part of the words.
        """
        self._tasks.cancel_timer(_DISCONNECTED_TIMER)
        if not (welcome.resumed or welcome.paired):
            if welcome.commitment is None:
                raise ProtocolError(field="commitment")
            await self._start_new_session(welcome.session, connection, welcome.commitment)
            return
        if self._resume_secret is None or welcome.session != self._session_id or not welcome.paired:
            raise self._end_pairing_in_error("welcome")
        if not welcome.resumed:
            await self.channel.start(connection)
            await self._operations.on_server_restart()
        elif not await self.channel.resume(connection, welcome.last_seq):
            raise self._end_pairing_in_error("last_seq")
        self._tasks.set_timer(_EXPIRY_TIMER, welcome.seconds_left, self._on_pairing_expired)

    async def handle(self, message: ServerMessage) -> None:
        """React to a message as :data:`REACTIONS` says."""
        await self._reactions[find_reaction(self.state, message)](message)

    async def refuse_unknown_operation(self, operation_id: str) -> None:
        """Report an operation that this client does not have."""
        code = FailureCode.UNKNOWN_OPERATION
        self._prompter.show(OperationNotDone(None, code, FailureValues()))
        await self.channel.send(OperationFailure(operation_id, code))

    def on_disconnect(self) -> None:
        """Keep messages back; an operation may go on without a connection for a while."""
        self.channel.detach()
        self._pairing.discard_commitment()
        if self._operations.is_running and not self._tasks.has_timer(_DISCONNECTED_TIMER):
            self._tasks.set_timer(
                _DISCONNECTED_TIMER, self._disconnected_timeout, self._on_disconnected_too_long
            )

    async def close(self) -> None:
        """Withdraw questions, stop the operation, reset the card and say `bye`."""
        self._pairing.cancel()
        self._operations.stop(FailureCode.CANCELLED)
        await self._tasks.finish()
        self._operations.close()  # not before: what was stopped releases its card on that thread
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self.channel.send(Bye(ByeReason.CLOSED))
        except TimeoutError:
            pass  # the server notices that the connection is closed
        self._resume_secret = None

    async def _start_new_session(
        self, session: str, connection: ServerConnection, commitment: bytes
    ) -> None:
        if self._resume_secret is not None:
            self._unpair(UnpairReason.SERVER_FORGOT)
        self._session_id = session
        await self.channel.start(connection)
        self._pairing.start(session, commitment)

    def _unpair(self, reason: UnpairReason, *, reports_end: bool = False) -> None:
        self._resume_secret = self._peer = None
        self._tasks.cancel_timer(_EXPIRY_TIMER)
        self._operations.end_pairing(reports_end=reports_end)
        self._set_state(SessionState.UNPAIRED)
        self._prompter.show(PairingClosed(reason))

    def _end_pairing_in_error(self, field: str) -> ProtocolError:
        if self._resume_secret is not None:
            self._unpair(UnpairReason.SERVER_FORGOT)
        return ProtocolError(field=field)

    def _set_state(self, state: SessionState) -> None:
        self.state = self._links.session_state = state

    def _exit(self, reason: ExitReason) -> None:
        if not self.exit_reason.done():
            self.exit_reason.set_result(reason)

    def _on_task_failure(self, error: BaseException) -> None:
        if not self.exit_reason.done():
            self.exit_reason.set_exception(error)

    def _on_disconnected_too_long(self) -> None:
        self._tasks.cancel_timer(_DISCONNECTED_TIMER)
        self._operations.stop(FailureCode.LINK_LOST)

    async def _ignore(self, _: ServerMessage) -> None:
        """Do nothing."""

    async def _refuse(self, _: ServerMessage) -> None:
        await self.channel.send(ErrorMessage(ProtocolErrorCode.BAD_STATE))

    async def _ask_code_again(self, message: PairRefused) -> None:
        self._pairing.ask_code_again(message)

    async def _ask_comparison(self, message: PairOffer) -> None:
        self._pairing.ask_comparison(message)

    async def _become_paired(self, message: Paired) -> None:
        peer = self._pairing.complete()
        self._peer, self._resume_secret = peer, message.resume_secret
        self._set_state(SessionState.PAIRED)
        self._tasks.set_timer(_EXPIRY_TIMER, message.seconds_left, self._on_pairing_expired)
        self._prompter.show(PairingStarted(peer, message.seconds_left))

    async def _become_unpaired(self, message: Unpaired) -> None:
        self._pairing.cancel()
        self._pairing.accept_commitment(message.commitment)
        self._unpair(message.reason, reports_end=True)
        self._pairing.ask_code()

    async def _accept_commitment(self, message: Unpaired) -> None:
        self._pairing.accept_commitment(message.commitment)

    async def _start(self, message: StartOperation) -> None:
        if self._peer is not None:
            await self._operations.start(message, self._peer)

    async def _refuse_start(self, message: StartOperation) -> None:
        await self.channel.send(OperationFailure(message.operation_id, FailureCode.BAD_STATE))

    async def _deliver(self, message: AdminCryptogram | AdminVerified) -> None:
        self._operations.deliver(message)

    async def _stop(self, message: CancelOperation) -> None:
        self._operations.stop(FailureCode.CANCELLED, message.operation_id)

    def _on_pairing_expired(self) -> None:
        self._tasks.spawn(self._end_expired_pairing())

    async def _end_expired_pairing(self) -> None:
        """End the session and close the connection, so that a new one starts a new session.

        How a running operation ended is sent before the `bye`, after which the server listens to
        nothing more.
        """
        self._pairing.cancel()
        self._unpair(UnpairReason.EXPIRED, reports_end=True)
        await self._operations.wait_until_ended()
        await self.channel.send(Bye(ByeReason.EXPIRED))
        self._pairing.ask_code()
        await self.channel.close_connection()
