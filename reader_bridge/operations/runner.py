"""A running operation, from the session's side: its deadline, its messages, and its one outcome."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from reader_bridge.card.errors import CardError
from reader_bridge.operations import run_operation
from reader_bridge.operations.context import Errand
from reader_bridge.operations.failures import OperationFailedError, failed, from_card
from reader_bridge.prompter import Waiting
from reader_bridge.protocol.failures import FailureCode
from reader_bridge.protocol.limits import CHALLENGE_SECONDS, PROGRESS_MESSAGES
from reader_bridge.protocol.operation_messages import (
    AdminAnswer,
    AdminChallenge,
    AdminCryptogram,
    AdminVerified,
    Failure,
    Progress,
    Result,
    Start,
)
from reader_bridge.protocol.vocabulary import SessionState, Step

Outcome = Result | Failure
Sent = Progress | AdminChallenge | AdminAnswer
_Reply = TypeVar("_Reply", AdminCryptogram, AdminVerified)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Line:
    """How an operation reaches the session it runs in.

    :ivar send: sends a message, now or when the link is back.
    :ivar enter: says in which state the operation is.
    """

    send: Callable[[Sent], Awaitable[None]]
    enter: Callable[[SessionState], None]


class RunningOperation:
    """One operation. It is the operation's :class:`ServerSide`.

    :ivar start: what the server asked for.
    """

    def __init__(self, start: Start, line: Line, challenge_seconds: float = CHALLENGE_SECONDS):
        self.start = start
        self._line = line
        self._challenge_seconds = challenge_seconds
        self._progress_left = PROGRESS_MESSAGES
        self._last_step: Step | None = None
        self._reply: asyncio.Future[AdminCryptogram | AdminVerified] | None = None
        self._stopped_by: FailureCode | None = None
        self._task: asyncio.Task[Outcome] | None = None
        self._show: Callable[[Waiting], None] = lambda _: None

    async def run(self, errand: Errand) -> Outcome:
        """Carry it out, unless it was stopped already. Gives exactly one outcome, always."""
        if self._stopped_by is not None:
            return self._stopped()
        self._show = errand.prompter.show
        self._task = asyncio.ensure_future(self._outcome(errand))
        try:
            await asyncio.wait((self._task,))
        except asyncio.CancelledError:
            self.stop(FailureCode.CANCELLED)
            await asyncio.wait((self._task,))
        if self._task.cancelled():  # before it began
            return self._stopped()
        return self._task.result()

    def stop(self, code: FailureCode) -> None:
        """End it, where it is not too late for that; it may not even run yet.

        :param code: what it ended for.
        """
        self._stopped_by = self._stopped_by or code
        if self._task is not None:
            self._task.cancel()

    def answer(self, message: AdminCryptogram | AdminVerified) -> None:
        """Hand over what the server says to the operation's question."""
        if self._reply is not None and not self._reply.done():
            self._reply.set_result(message)

    async def progress(self, step: Step, tries_left: int | None = None) -> None:
        """Tell what is waited for; the server hears of the first two only."""
        self._show(Waiting(self.start.operation, step))
        if step is self._last_step or not self._progress_left:
            return
        self._last_step = step
        self._progress_left -= 1
        await self._line.send(Progress(self.start.operation_id, step, tries_left))

    async def cryptogram(self, card_serial: str, host: bytes, card: bytes) -> bytes:
        """Have the card's challenge answered."""
        challenge = AdminChallenge(self.start.operation_id, card_serial, host, card)
        reply = await self._ask(challenge, SessionState.AUTHENTICATING, AdminCryptogram)
        return reply.cryptogram

    async def is_genuine(self, answer: bytes) -> bool:
        """Have the card's own proof checked."""
        proof = AdminAnswer(self.start.operation_id, answer)
        return (await self._ask(proof, SessionState.PROVING, AdminVerified)).ok

    async def _ask(
        self, question: AdminChallenge | AdminAnswer, state: SessionState, kind: type[_Reply]
    ) -> _Reply:
        self._reply = asyncio.get_running_loop().create_future()
        self._line.enter(state)
        try:
            async with asyncio.timeout(self._challenge_seconds):
                await self._line.send(question)
                reply = await self._reply
        except TimeoutError:
            raise failed(FailureCode.SERVER_SILENT) from None
        finally:
            self._reply = None
            self._line.enter(SessionState.WORKING)
        if not isinstance(reply, kind):
            raise failed(FailureCode.INTERNAL_ERROR)
        return reply

    async def _outcome(self, errand: Errand) -> Outcome:
        start = self.start
        try:
            async with asyncio.timeout(start.deadline):
                value = await run_operation(errand)
            return Result(start.operation_id, start.operation, value)
        except OperationFailedError as error:
            return Failure(start.operation_id, error.code, error.values)
        except CardError as error:
            return self._failure(from_card(error))
        except TimeoutError:
            return self._failure(failed(FailureCode.TIMED_OUT))
        except asyncio.CancelledError:
            return self._stopped()
        except Exception as error:
            # only its type: what it says could hold what a card or a person said
            _log.error("operation %s failed: %s", start.operation.value, type(error).__name__)
            return self._failure(failed(FailureCode.INTERNAL_ERROR))

    def _stopped(self) -> Failure:
        return self._failure(failed(self._stopped_by or FailureCode.CANCELLED))

    def _failure(self, error: OperationFailedError) -> Failure:
        return Failure(self.start.operation_id, error.code, error.values)
