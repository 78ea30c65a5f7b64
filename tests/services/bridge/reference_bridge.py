"""A reference bridge, written from the protocol's description; imports nothing of the real one.

It is a person at a PC who says yes to everything and knows their PIN, and a program that does as
the protocol says. Tests can take the pen from it, and write frames of their own.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.services.bridge.reference_card import ReferenceCard
from tests.services.bridge.wire_format import (
    ORIGIN,
    Message,
    card_report,
    commitment_to,
    decode_bytes,
    encode_bytes,
    possession_statement,
    word_numbers,
)

if TYPE_CHECKING:
    from tests.services.bridge.hub_harness import HubHarness


class FakeTransport:
    """The websocket as the server sees it (`services.bridge.interface.FrameTransport`)."""

    def __init__(self, pc: "ReferenceBridge") -> None:
        self._pc = pc
        self.closed = False

    def send(self, frame: str) -> None:
        if not self.closed:
            self._pc.hears(self, frame)

    def close(self) -> None:
        self.closed = True


class ReferenceBridge:
    """A bridge and its person."""

    def __init__(
        self, harness: "HubHarness", card: ReferenceCard | None, address: str = "192.0.2.7"
    ) -> None:
        self.harness, self.card, self.address = harness, card, address
        self.wire: FakeTransport | None = None
        self.received: list[Message] = []
        self.session = ""
        self.secret: bytes | None = None
        self.telegram_name = ""
        self.words: tuple[int, int] | None = None
        self.running: Message | None = None
        self.last: Message | None = None
        self.origin = ORIGIN
        self.before: Callable[[Message], bool] = lambda _: True
        self._code = ""
        self.commitment = b""
        self.nonce = b""
        self._inbox: list[Message] = []
        self._out: list[str] = []
        self._seen = 0

    # ---- the link

    async def dials(self) -> Message:
        """Connect, say hello, and return the welcome."""
        self.wire = FakeTransport(self)
        self._inbox.clear()
        self._connection = self.harness.hub.connect(self.wire, self.address, self.harness.now)
        greeting = self._inbox.pop(0)
        assert greeting["type"] == "greeting"
        assert greeting["seq"] == 0
        hello: Message = {"api_level": 2, "app_version": "test", "language": "en"}
        if self.secret is not None:
            said = (
                b"kaika-bridge resume v1" + self.session.encode() + decode_bytes(greeting["nonce"])
            )
            proof = hmac.digest(self.secret, said, hashlib.sha256)
            resume = {"session": self.session, "proof": encode_bytes(proof), "last_seq": self._seen}
            hello["resume"] = resume
        await self.writes({"type": "hello", "seq": 0, **hello})
        welcome = self._inbox.pop(0)
        assert welcome["type"] == "welcome", welcome
        await self._welcomed(welcome)
        return welcome

    async def _welcomed(self, welcome: Message) -> None:
        if welcome.get("resumed"):
            for frame in self._out[welcome["last_seq"] :]:
                await self.harness.carries(self, frame)
            return
        self._out, self._seen = [], 0
        if welcome.get("paired"):
            await self._after_restart()
        else:
            self.secret = self.running = self.last = None
            self.session = welcome["session"]
            self.commitment = decode_bytes(welcome["commitment"])

    async def _after_restart(self) -> None:
        if self.running is not None:
            await self._ends("failure", code="link_lost", values={})
        elif self.last is not None:
            await self.says(**self.last)

    async def loses_link(self) -> None:
        self.wire = None
        await self._connection.handle_disconnect(self.harness.now)

    async def writes(self, message: Message | str) -> None:
        """Send a frame as it is."""
        frame = message if isinstance(message, str) else json.dumps(message)
        await self._connection.receive(frame, self.harness.now)

    async def says(self, type: str, **fields: Any) -> None:  # noqa: A002
        """Send a message with the next number, and keep it for a resumption."""
        frame = json.dumps({"type": type, "seq": len(self._out) + 1, **fields})
        self._out.append(frame)
        if self.wire is not None:
            await self.harness.carries(self, frame)

    async def arrives(self, frame: str) -> None:
        """Deliver a frame to the server."""
        await self._connection.receive(frame, self.harness.now)

    def hears(self, wire: FakeTransport, frame: str) -> None:
        if wire is not self.wire:
            return
        message: Message = json.loads(frame)
        self.harness.carried(self, message)
        if self.wire is None:
            return
        self.received.append(message)
        self._inbox.append(message)

    @property
    def is_linked(self) -> bool:
        return self.wire is not None and not self.wire.closed

    def heard_of(self, kind: str) -> list[Message]:
        return [message for message in self.received if message["type"] == kind]

    # ---- the program

    async def works(self) -> None:
        """Do what the server asks, until nothing is left to do."""
        while self._inbox and self.wire is not None:
            message = self._inbox.pop(0)
            if message["seq"]:
                if message["seq"] <= self._seen:
                    continue
                assert message["seq"] == self._seen + 1, "a message is missing"
                self._seen = message["seq"]
            if self.before(message):
                await getattr(self, f"_on_{message['type']}")(message)

    async def types(self, code: str) -> None:
        """Type a pairing code."""
        self._code = code
        self.nonce = os.urandom(32)
        await self.says("pair", code=code, nonce=encode_bytes(self.nonce))
        await self.works()

    async def _on_pair_refused(self, message: Message) -> None:
        self.commitment = decode_bytes(message["commitment"])

    async def _on_pair_offer(self, message: Message) -> None:
        self.telegram_name = message["telegram_name"]
        nonce = decode_bytes(message["nonce"])
        assert commitment_to(self.session, nonce) == self.commitment, "the server keeps its word"
        self.words = word_numbers(self._code, self.origin, self.session, nonce, self.nonce)
        await self.says("pair_answer", accepted=True)

    async def _on_paired(self, message: Message) -> None:
        self.secret = decode_bytes(message["resume_secret"])

    async def _on_unpaired(self, message: Message) -> None:
        self.secret = self.running = self.last = None
        self.commitment = decode_bytes(message["commitment"])

    async def _on_error(self, message: Message) -> None:
        """Do nothing; tests read it from `received`."""

    async def _on_cancel(self, message: Message) -> None:
        if self.running is not None and self.running["operation_id"] == message["operation_id"]:
            await self._ends("failure", code="cancelled", values={})

    async def _on_start(self, message: Message) -> None:
        if self.last is not None and self.last["operation_id"] == message["operation_id"]:
            await self.says(**self.last)
            return
        assert self.running is None, "the server asks for two things at once"
        self.running = message
        await getattr(self, f"_do_{message['operation']}")(message["parameters"])

    async def _ends(self, kind: str, **fields: Any) -> None:
        assert self.running is not None
        about = {"operation_id": self.running["operation_id"]}
        if kind == "result":
            about["operation"] = self.running["operation"]
        if self.card is not None:
            self.card.reset()
        self.running = None
        self.last = {"type": kind, **about, **fields}
        await self.says(**self.last)

    # ---- the operations

    async def _do_list_readers(self, _: Message) -> None:
        readers = [{"name": "Reader", "card_present": True, "in_use": False, "mute": False}]
        await self._ends("result", value={"readers": readers})

    async def _do_card_status(self, _: Message) -> None:
        if self.card is None:
            await self._asks("waiting_for_card")
            return
        await self._ends("result", value=card_report(self.card))

    async def _do_read_certificate(self, _: Message) -> None:
        assert self.card is not None
        value = {"role": "authentication", "certificate": encode_bytes(self.card.certificate)}
        await self._ends("result", value=value)

    async def _do_change_pin(self, _: Message) -> None:
        assert self.card is not None
        await self._asks("waiting_for_person")
        await self._ends("result", value={"card_serial": self.card.serial})

    async def _do_prove_possession(self, wanted: Message) -> None:
        assert self.card is not None
        await self._asks("waiting_for_person")
        if wanted.get("card_serial") not in (None, self.card.serial):
            await self._ends("failure", code="wrong_card", values={})
        elif not self.card.pin_is_set:
            await self._ends("failure", code="pin_blocked", values={"tries_left": 0})
        else:
            await self._ends("result", value=self.receipt("prove_possession", wanted))

    async def _do_set_pin(self, wanted: Message) -> None:
        assert self.card is not None
        if wanted["card_serial"] != self.card.serial:
            await self._ends("failure", code="wrong_card", values={})
            return
        await self._asks("waiting_for_person")
        host, card = self.card.challenge()
        challenge = {"host_challenge": encode_bytes(host), "card_challenge": encode_bytes(card)}
        await self._asks_server("admin_challenge", card_serial=self.card.serial, **challenge)

    async def _on_admin_cryptogram(self, message: Message) -> None:
        if not self._is_about_running(message):
            return
        assert self.card is not None
        answer = self.card.complete(decode_bytes(message["cryptogram"]))
        if answer is None:
            await self._ends("failure", code="admin_key_rejected", values={"tries_left": 4})
        else:
            await self._asks_server("admin_answer", answer=encode_bytes(answer))

    async def _on_admin_verified(self, message: Message) -> None:
        if not self._is_about_running(message):
            return
        assert self.card is not None
        assert self.running is not None
        if not message["ok"]:
            await self._ends("failure", code="card_not_genuine", values={})
            return
        self.card.set_pin()
        await self._ends("result", value=self.receipt("set_pin", self.running["parameters"]))

    def receipt(
        self, operation: str, wanted: Message, card: ReferenceCard | None = None
    ) -> Message:
        """Return the card's signed statement of possession."""
        card = card or self.card
        assert card is not None
        nonce = os.urandom(32)
        said = possession_statement(
            self.origin, decode_bytes(wanted["server_nonce"]), nonce, operation, card.serial
        )
        algorithm, signature = card.sign(said)
        return {
            "card_serial": card.serial,
            "bridge_nonce": encode_bytes(nonce),
            "algorithm": algorithm,
            "signature": encode_bytes(signature),
            "certificate": encode_bytes(card.certificate),
        }

    def _is_about_running(self, message: Message) -> bool:
        running = self.running
        return running is not None and running["operation_id"] == message["operation_id"]

    async def _asks(self, step: str) -> None:
        await self._asks_server("progress", step=step)

    async def _asks_server(self, kind: str, **fields: Any) -> None:
        assert self.running is not None
        await self.says(kind, operation_id=self.running["operation_id"], **fields)
