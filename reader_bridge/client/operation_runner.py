"""Runs the operations of a session, one at a time, and reports the end of each exactly once."""

import asyncio
from collections.abc import Callable
from typing import Any

from reader_bridge.card.connection import CardReaders
from reader_bridge.client.background_tasks import BackgroundTasks
from reader_bridge.client.message_channel import MessageChannel
from reader_bridge.operations.card_thread import CardCalls, CardThread
from reader_bridge.operations.context import OperationContext, SessionContext
from reader_bridge.operations.running_operation import (
    OperationChannel,
    OperationEnd,
    RunningOperation,
)
from reader_bridge.prompter import (
    ExitReason,
    OperationDone,
    OperationNotDone,
    PairingPeer,
    Prompter,
)
from reader_bridge.protocol.enums import ByeReason, Operation, SessionState
from reader_bridge.protocol.errors import ProtocolError
from reader_bridge.protocol.failure_codes import FailureCode
from reader_bridge.protocol.operation_messages import (
    AdminCryptogram,
    AdminVerified,
    Bye,
    OperationFailure,
    OperationResult,
    StartOperation,
)

PIN_SETTING_OPERATIONS = frozenset({Operation.SET_PIN, Operation.CHANGE_PIN})
MAX_REFUSALS = 3
"""Operations that the person refuses in a row before the client exits."""


class OperationRunner:
    """The running operation, and the end of the last one.

    :param challenge_seconds: how long the server may take to answer a card's challenge.
    :param set_state: sets the state of the session.
    :param exit_client: ends the client.
    """

    def __init__(
        self,
        origin: str,
        prompter: Prompter,
        readers: CardReaders,
        channel: MessageChannel,
        tasks: BackgroundTasks,
        challenge_seconds: float,
        set_state: Callable[[SessionState], None],
        exit_client: Callable[[ExitReason], None],
    ) -> None:
        self._origin, self._prompter, self._readers = origin, prompter, readers
        self._channel, self._tasks, self._challenge_seconds = channel, tasks, challenge_seconds
        self._set_state, self._exit_client = set_state, exit_client
        self._card_thread = CardThread()
        self._session = SessionContext()
        self._running: RunningOperation | None = None
        self._unpaired: RunningOperation | None = None
        self._last_end: OperationEnd | None = None
        self._refusals = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether an operation is running."""
        return self._running is not None

    async def start(self, message: StartOperation, peer: PairingPeer) -> None:
        """Start an operation. One that has ended already only gets its end sent again."""
        if self._last_end is not None and self._last_end.operation_id == message.operation_id:
            await self._channel.send(self._last_end)
            return
        operation_channel = OperationChannel(
            lambda sent: self._send_if_current(message, sent),
            lambda state: self._set_state_if_current(message, state),
        )
        running = RunningOperation(message, operation_channel, self._challenge_seconds)
        context = OperationContext(
            message.parameters,
            self._readers,
            CardCalls(self._card_thread),
            self._prompter,
            peer,
            self._origin,
            running,
            self._session,
        )
        self._running = running
        self._set_state(SessionState.WORKING)
        self._task = self._tasks.spawn(self._run(running, context))

    async def refuse_as_busy(self, message: StartOperation) -> None:
        """Refuse another operation while one is running."""
        if not self._is_current(message.operation_id):
            await self._channel.send(OperationFailure(message.operation_id, FailureCode.BUSY))

    def deliver(self, message: AdminCryptogram | AdminVerified) -> None:
        """Pass the server's answer to the running operation."""
        if self._running is not None and self._is_current(message.operation_id):
            self._running.deliver(message)

    def stop(self, code: FailureCode, operation_id: str | None = None) -> None:
        """Stop the running operation, unless it is past the point where it can be stopped."""
        if self._running is not None and (operation_id is None or self._is_current(operation_id)):
            self._running.stop(code)

    def end_pairing(self, *, reports_end: bool) -> None:
        """Stop the running operation, and forget what the pairing allowed.

        :param reports_end: the server still hears how an operation ended that could have set a PIN.
        """
        self.stop(FailureCode.CANCELLED)
        self._unpaired = self._running if reports_end else None
        self._running = self._last_end = None
        self._refusals = 0
        self._session.reading_allowed, self._session.last_card = False, None

    async def on_server_restart(self) -> None:
        """Stop what runs, or report the last end again: the server lost the session's messages."""
        if self._running is not None:
            self._running.stop(FailureCode.LINK_LOST)
        elif self._last_end is not None:
            await self._channel.send(self._last_end)

    async def wait_until_ended(self) -> None:
        """Wait for the end of the newest operation, which may be stopped, and its report."""
        if self._task is not None:
            await asyncio.wait((self._task,))

    def close(self) -> None:
        """Close the card thread. Nothing may be running."""
        self._card_thread.close()

    def _is_current(self, operation_id: str) -> bool:
        return self._running is not None and self._running.start.operation_id == operation_id

    async def _send_if_current(self, start: StartOperation, message: Any) -> None:
        if self._running is not None and self._running.start is start:
            await self._channel.send(message)

    def _set_state_if_current(self, start: StartOperation, state: SessionState) -> None:
        if self._running is not None and self._running.start is start:
            self._set_state(state)

    async def _run(self, running: RunningOperation, context: OperationContext) -> None:
        end = await running.run(context)
        try:
            self._show_end(running.start, end)
        finally:  # the server hears the truth even where the screen fails
            await self._report_end(running, end)

    async def _report_end(self, running: RunningOperation, end: OperationEnd) -> None:
        if self._running is not running:
            if self._unpaired is running and running.start.operation in PIN_SETTING_OPERATIONS:
                await self._channel.send(end)
            return
        self._running = None
        self._last_end = end
        self._set_state(SessionState.PAIRED)
        try:
            await self._channel.send(end)
        except ProtocolError:  # the card said more than fits into a message
            self._last_end = OperationFailure(end.operation_id, FailureCode.CARD_RESPONSE_INVALID)
            await self._channel.send(self._last_end)
        await self._count_refusals(end)

    async def _count_refusals(self, end: OperationEnd) -> None:
        if isinstance(end, OperationResult):
            self._refusals = 0
        elif end.code is FailureCode.CONSENT_REFUSED:
            self._refusals += 1
        if self._refusals >= MAX_REFUSALS:
            await self._channel.send(Bye(ByeReason.REFUSED))
            self._exit_client(ExitReason.REFUSED)

    def _show_end(self, start: StartOperation, end: OperationEnd) -> None:
        if isinstance(end, OperationResult):
            purpose = getattr(start.parameters, "purpose", None)
            self._prompter.show(OperationDone(start.operation, end.value, purpose))
        else:
            self._prompter.show(OperationNotDone(start.operation, end.code, end.values))
