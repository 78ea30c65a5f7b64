"""A running operation as the session sees it: its deadline, its messages, and its one end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from reader_bridge.card.errors import CardError
from reader_bridge.operations import run_operation
from reader_bridge.operations.card_thread import CardCalls
from reader_bridge.operations.context import OperationContext
from reader_bridge.operations.failures import (
    OperationFailedError,
    failure_from_card,
    operation_failure,
)
from reader_bridge.prompter import OperationWaiting
from reader_bridge.protocol.enums import ProgressStep, SessionState
from reader_bridge.protocol.failure_codes import FailureCode
from reader_bridge.protocol.limits import CHALLENGE_SECONDS
from reader_bridge.protocol.operation_messages import (
    AdminAnswer,
    AdminChallenge,
    AdminCryptogram,
    AdminVerified,
    OperationFailure,
    OperationResult,
    ProgressReport,
    StartOperation,
)
from reader_bridge.protocol.progress_throttle import ProgressThrottle

OperationEnd = OperationResult | OperationFailure
OperationMessage = ProgressReport | AdminChallenge | AdminAnswer
_Reply = TypeVar("_Reply", AdminCryptogram, AdminVerified)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OperationChannel:
    """How a running operation reaches its session.

    :ivar send: sends a message now, or when the connection is back.
    :ivar set_state: sets the state of the session.
    """

    send: Callable[[OperationMessage], Awaitable[None]]
    set_state: Callable[[SessionState], None]


class RunningOperation:
    """One operation; implements :class:`OperationServer` for it.

    :ivar start: the server's message that started it.
    """

    def __init__(
        self,
        start: StartOperation,
        channel: OperationChannel,
        challenge_seconds: float = CHALLENGE_SECONDS,
    ):
        self.start = start
        self._channel = channel
        self._challenge_seconds = challenge_seconds
        self._progress: ProgressReport | None = None
        self._progress_throttle = ProgressThrottle()
        self._progress_timer: asyncio.Task[None] | None = None
        self._reply: asyncio.Future[AdminCryptogram | AdminVerified] | None = None
        self._stopped_by: FailureCode | None = None
        self._task: asyncio.Task[OperationEnd] | None = None
        self._card_calls: CardCalls | None = None
        self._show: Callable[[OperationWaiting], None] = lambda _: None

    async def run(self, context: OperationContext) -> OperationEnd:
        """Run the operation, unless it was stopped already. Returns exactly one end, always."""
        if self._stopped_by is not None:
            return self._stop_failure()
        self._show, self._card_calls = context.prompter.show, context.card_calls
        self._task = asyncio.ensure_future(self._run_to_end(context))
        try:
            await asyncio.wait((self._task,))
        except asyncio.CancelledError:
            self.stop(FailureCode.CANCELLED)
            await asyncio.wait((self._task,))
        finally:
            if self._progress_timer is not None:
                self._progress_timer.cancel()
        if self._task.cancelled():  # before it began
            return self._stop_failure()
        return self._task.result()

    def stop(self, code: FailureCode) -> None:
        """Stop the operation, which may not even run yet.

        When this returns, no question appears and no command is sent. One that was on its
        way to the card has its true outcome, which is then the operation's end.

        :param code: the failure to report otherwise.
        """
        if self._stopped_by is not None:
            return  # a second time would end the wait for the card's release
        self._stopped_by = code
        if self._card_calls is not None:
            self._card_calls.stop()
        if self._task is not None:
            self._task.cancel()

    def deliver(self, message: AdminCryptogram | AdminVerified) -> None:
        """Pass on the server's answer to the operation's request."""
        if self._reply is not None and not self._reply.done():
            self._reply.set_result(message)

    async def report_progress(self, step: ProgressStep, tries_left: int | None = None) -> None:
        """Show what the operation waits for, and tell the server.

        Where it changes too often for that, the server hears the newest state a little later.
        """
        self._show(OperationWaiting(self.start.operation, step))
        progress = ProgressReport(self.start.operation_id, step, tries_left)
        if progress == self._progress:
            return
        self._progress = progress
        if self._progress_timer is not None:
            return  # it sends the newest
        if delay := self._next_progress_delay():
            self._progress_timer = asyncio.ensure_future(self._send_progress_later(delay))
        else:
            await self._channel.send(progress)

    async def _send_progress_later(self, delay: float) -> None:
        while delay:
            await asyncio.sleep(delay)
            delay = self._next_progress_delay()
        self._progress_timer = None
        assert self._progress is not None
        await self._channel.send(self._progress)

    def _next_progress_delay(self) -> float:
        return self._progress_throttle.next_delay(asyncio.get_running_loop().time())

    async def request_cryptogram(self, card_serial: str, host: bytes, card: bytes) -> bytes:
        """Have the server answer the card's challenge."""
        challenge = AdminChallenge(self.start.operation_id, card_serial, host, card)
        reply = await self._ask(challenge, SessionState.AUTHENTICATING, AdminCryptogram)
        return reply.cryptogram

    async def verify_card_answer(self, answer: bytes) -> bool:
        """Have the server check the card's own proof."""
        proof = AdminAnswer(self.start.operation_id, answer)
        return (await self._ask(proof, SessionState.PROVING, AdminVerified)).ok

    async def _ask(
        self, question: AdminChallenge | AdminAnswer, state: SessionState, kind: type[_Reply]
    ) -> _Reply:
        self._reply = asyncio.get_running_loop().create_future()
        self._channel.set_state(state)
        try:
            async with asyncio.timeout(self._challenge_seconds):
                await self._channel.send(question)
                reply = await self._reply
        except TimeoutError:
            raise operation_failure(FailureCode.SERVER_SILENT) from None
        finally:
            self._reply = None
            self._channel.set_state(SessionState.WORKING)
        if not isinstance(reply, kind):
            raise operation_failure(FailureCode.INTERNAL_ERROR)
        return reply

    async def _run_to_end(self, context: OperationContext) -> OperationEnd:
        start = self.start
        try:
            async with asyncio.timeout(start.deadline):
                value = await run_operation(context)
            return OperationResult(start.operation_id, start.operation, value)
        except OperationFailedError as error:
            return OperationFailure(start.operation_id, error.code, error.values)
        except CardError as error:
            return self._failure_message(failure_from_card(error))
        except TimeoutError:
            return self._failure_message(operation_failure(FailureCode.TIMED_OUT))
        except asyncio.CancelledError:
            return self._stop_failure()
        except Exception as error:
            # only its type: its text could hold what a card or a person sent
            _log.error("operation %s failed: %s", start.operation.value, type(error).__name__)
            return self._failure_message(operation_failure(FailureCode.INTERNAL_ERROR))

    def _stop_failure(self) -> OperationFailure:
        return self._failure_message(operation_failure(self._stopped_by or FailureCode.CANCELLED))

    def _failure_message(self, error: OperationFailedError) -> OperationFailure:
        return OperationFailure(self.start.operation_id, error.code, error.values)
