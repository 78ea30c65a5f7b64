"""Where a session has its operations done: one at a time, each with one outcome."""

from collections.abc import Callable
from typing import Any

from reader_bridge.card.connection import CardReaders
from reader_bridge.client.sending import Sending
from reader_bridge.client.tasks import Tasks
from reader_bridge.operations.card_thread import CardCalls, CardThread
from reader_bridge.operations.context import Allowances, Errand
from reader_bridge.operations.runner import Line, Outcome, RunningOperation
from reader_bridge.prompter import Done, Ending, Failed, Peer, Prompter
from reader_bridge.protocol.errors import ProtocolError
from reader_bridge.protocol.failures import FailureCode
from reader_bridge.protocol.operation_messages import (
    AdminCryptogram,
    AdminVerified,
    Bye,
    Failure,
    Result,
    Start,
)
from reader_bridge.protocol.vocabulary import ByeReason, SessionState

MOST_REFUSALS = 3
"""Operations the person refuses in a row, before the bridge leaves."""


class Desk:
    """The operation that runs, and the outcome of the last one.

    :param challenge_seconds: how long the server's answer to a challenge is waited for.
    :param enter: says in which state the session is.
    :param leave: ends the bridge.
    """

    def __init__(
        self,
        origin: str,
        prompter: Prompter,
        readers: CardReaders,
        sending: Sending,
        tasks: Tasks,
        challenge_seconds: float,
        enter: Callable[[SessionState], None],
        leave: Callable[[Ending], None],
    ) -> None:
        self._origin, self._prompter, self._readers = origin, prompter, readers
        self._sending, self._tasks, self._challenge_seconds = sending, tasks, challenge_seconds
        self._enter, self._leave = enter, leave
        self._thread = CardThread()
        self._allowances = Allowances()
        self._running: RunningOperation | None = None
        self._last: Outcome | None = None
        self._refusals = 0

    @property
    def working(self) -> bool:
        """Whether an operation runs."""
        return self._running is not None

    async def start(self, message: Start, peer: Peer) -> None:
        """Begin an operation; one that is over already gets its outcome again."""
        if self._last is not None and self._last.operation_id == message.operation_id:
            await self._sending.send(self._last)
            return
        line = Line(
            lambda sent: self._send_for(message, sent),
            lambda state: self._enter_for(message, state),
        )
        running = RunningOperation(message, line, self._challenge_seconds)
        errand = Errand(
            message.parameters,
            self._readers,
            CardCalls(self._thread),
            self._prompter,
            peer,
            self._origin,
            running,
            self._allowances,
        )
        self._running = running
        self._enter(SessionState.WORKING)
        self._tasks.spawn(self._operate(running, errand))

    async def say_busy(self, message: Start) -> None:
        """Refuse another operation while one runs."""
        if not self._is_running(message.operation_id):
            await self._sending.send(Failure(message.operation_id, FailureCode.BUSY))

    def deliver(self, message: AdminCryptogram | AdminVerified) -> None:
        """Hand the running operation what it waits for."""
        if self._running is not None and self._is_running(message.operation_id):
            self._running.answer(message)

    def stop(self, code: FailureCode, operation_id: str | None = None) -> None:
        """End the running operation, where it is not too late for that."""
        if self._running is not None and (operation_id is None or self._is_running(operation_id)):
            self._running.stop(code)

    def forget(self) -> None:
        """Be there for another pairing: what ran is ended, and nobody is told its outcome."""
        self.stop(FailureCode.CANCELLED)
        self._running = self._last = None
        self._refusals = 0
        self._allowances.reading_allowed, self._allowances.card = False, None

    async def after_restart(self) -> None:
        """Tell a server that was started anew how the last operation ended."""
        if self._running is not None:
            self._running.stop(FailureCode.LINK_LOST)
        elif self._last is not None:
            await self._sending.send(self._last)

    def close(self) -> None:
        """Do nothing more, now that nothing runs."""
        self._thread.close()

    def _is_running(self, operation_id: str) -> bool:
        return self._running is not None and self._running.start.operation_id == operation_id

    async def _send_for(self, start: Start, message: Any) -> None:
        if self._running is not None and self._running.start is start:
            await self._sending.send(message)

    def _enter_for(self, start: Start, state: SessionState) -> None:
        if self._running is not None and self._running.start is start:
            self._enter(state)

    async def _operate(self, running: RunningOperation, errand: Errand) -> None:
        outcome = await running.run(errand)
        self._show(running.start, outcome)
        if self._running is not running:
            return
        self._running = None
        self._last = outcome
        self._enter(SessionState.PAIRED)
        try:
            await self._sending.send(outcome)
        except ProtocolError:  # a card that said more than a message holds
            self._last = Failure(outcome.operation_id, FailureCode.CARD_RESPONSE_INVALID)
            await self._sending.send(self._last)
        await self._count_refusals(outcome)

    async def _count_refusals(self, outcome: Outcome) -> None:
        if isinstance(outcome, Result):
            self._refusals = 0
        elif outcome.code is FailureCode.CONSENT_REFUSED:
            self._refusals += 1
        if self._refusals >= MOST_REFUSALS:
            await self._sending.send(Bye(ByeReason.REFUSED))
            self._leave(Ending.REFUSED)

    def _show(self, start: Start, outcome: Outcome) -> None:
        if isinstance(outcome, Result):
            purpose = getattr(start.parameters, "purpose", None)
            self._prompter.show(Done(start.operation, outcome.value, purpose))
        else:
            self._prompter.show(Failed(start.operation, outcome.code, outcome.values))
