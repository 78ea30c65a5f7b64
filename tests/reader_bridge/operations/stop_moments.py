"""Stops an operation at its n-th moment: a question, a message, a command, or a command under way.

A moment is counted wherever the operation hands something to the person, to the server or to the
card. What comes after the stop is recorded.
"""

import asyncio
import threading
from dataclasses import dataclass, field

import pytest

from reader_bridge.card.connection import CardConnection
from reader_bridge.operations.card_thread import StoppableConnection
from reader_bridge.operations.running_operation import OperationEnd
from reader_bridge.prompter import PinKind
from reader_bridge.protocol.failure_codes import FailureCode
from reader_bridge.protocol.operation_payloads import Parameters
from reader_bridge.virtual_card.reader import InsertableCard, VirtualReader
from tests.reader_bridge.operations.operation_harness import OperationHarness
from tests.reader_bridge.scripted_prompter import Answer, Question, ScriptedPrompter


class ObservedPrompter(ScriptedPrompter):
    """A person who counts as a moment of the operation whenever they are asked."""

    def observe(self, moments: "StopMoments") -> None:
        self._moments = moments

    def _note(self, question: Question) -> None:
        super()._note(question)
        self._moments.pass_in_loop(f"question {type(question).__name__}")


@dataclass
class StopMoments:
    """The moments of one run, and the stop at one of them.

    :ivar stop_at: the moment to stop at; 0 for none.
    :ivar where: what the operation was doing then.
    :ivar before: the instructions that were on their way to the card before the stop.
    :ivar after: what came after the stop.
    """

    card: InsertableCard
    parameters: Parameters
    secrets: dict[PinKind, list[Answer]]
    stop_at: int
    count: int = 0
    where: str = ""
    after: list[str] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)

    async def run(self, monkeypatch: pytest.MonkeyPatch) -> OperationEnd:
        """Run the operation and stop it."""
        self._loop = asyncio.get_running_loop()
        harness = OperationHarness(VirtualReader(self))
        harness.person = ObservedPrompter((), self.secrets)
        harness.person.observe(self)
        self._harness, send = harness, harness._send

        async def observed_send(message: object) -> None:
            self.pass_in_loop(f"message {type(message).__name__}")
            await send(message)

        harness._send = observed_send  # type: ignore[method-assign]
        with monkeypatch.context() as patched:
            patched.setattr(StoppableConnection, "send_and_receive", self._observed_command())
            return await harness.run(self.parameters)

    def _observed_command(self) -> object:
        original = StoppableConnection.send_and_receive

        def send_and_receive(connection: CardConnection, apdu: bytearray) -> tuple[bytes, int]:
            self._pass_on_card_thread(f"command {apdu[1]:02x}")
            return original(connection, apdu)  # type: ignore[arg-type]

        return send_and_receive

    # ---- the card in the reader

    @property
    def atr(self) -> bytes:
        return self.card.atr

    def power_on(self) -> None:
        self.card.power_on()

    def power_off(self) -> None:
        self.card.power_off()

    def reset(self) -> None:
        self.card.reset()

    def transmit(self, apdu: bytes | bytearray) -> bytes:
        if self._stopped.is_set():
            self.after.append(f"sent {apdu[1]:02x}")
        else:
            self.before.append(apdu[1])
        self._pass_on_card_thread(f"execution {apdu[1]:02x}")
        return self.card.transmit(apdu)

    # ---- moments

    def pass_in_loop(self, what: str) -> None:
        if self._stopped.is_set():
            self.after.append(what)
        elif self._is_reached(what):
            self._stop()

    def _pass_on_card_thread(self, what: str) -> None:
        if not self._stopped.is_set() and self._is_reached(what):
            self._loop.call_soon_threadsafe(self._stop)
            self._stopped.wait(10)

    def _is_reached(self, what: str) -> bool:
        self.count += 1
        if self.count != self.stop_at:
            return False
        self.where = what
        return True

    def _stop(self) -> None:
        assert self._harness.running is not None
        self._harness.running.stop(FailureCode.CANCELLED)
        self._stopped.set()
