"""The bot with its bridge server, PCs that connect over a loopback websocket, and virtual cards."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from bot.web import listeners
from bot.wiring.bridge import BridgeRuntime
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.prompter import (
    CardChoice,
    ConsentRequest,
    ExitReason,
    PairingPeer,
    PairingProblem,
    PinKind,
    PinRequest,
    PrompterEvent,
    ProxyLogin,
    ProxyLoginRequest,
    WordChoice,
)
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.issuing import issue_card
from reader_bridge.virtual_card.reader import VirtualReader
from services.authority.interface.cards import CardOrder
from tests import phrases
from tests.bot_harness import BotHarness, ChatUser, Json
from tests.handlers.clock import current_time
from tests.handlers.conversations.online.cardholders import Cardholder, Office
from tests.handlers.engine.navigation import press
from tests.patience import PATIENCE
from tests.reader_bridge.bridge_runner import run_test_bridge
from tests.strict_supervisor import strict_supervisor

PASSPHRASE, PIN, NEW_PIN, WRONG_PIN = (
    "passphrase of the card",
    b"first123",
    b"second45",
    b"wrong999",
)
CODE = re.compile(r"\b([2-9A-Z]{4}) ([2-9A-Z]{4})\b")


@cache
def _keys() -> "cycle[rsa.RSAPrivateKey]":
    """Keys as on real cards; a few serve all tests, since generating one takes time."""
    return cycle([rsa.generate_private_key(65537, 2048) for _ in range(6)])


class CheapCardMaker:
    """Writes virtual cards, cheaply; with a PIN where the person is to have one already."""

    def __init__(self, pin: bytes | None = None) -> None:
        self.pin = pin
        self.orders: list[CardOrder] = []

    def make(self, order: CardOrder, path: Path) -> None:
        self.orders.append(order)
        issue_card(
            path,
            order.passphrase.reveal(),
            card_number=order.card_number.reveal(),
            serial=bytes.fromhex(order.card_serial),
            admin_key=order.admin_key,
            private_keys={kind.value: key for kind, key in order.private_keys.items()},
            certificates={kind.value: der for kind, der in order.certificates.items()},
            pin=SecretBuffer(self.pin) if self.pin else None,
            cost=2,
        )


class PcUser:
    """A prompter that answers like a person at their PC, with yes unless told otherwise.

    :ivar agrees: the answer to a question.
    :ivar may_type_pin: cleared to leave PIN prompts waiting.
    """

    def __init__(self) -> None:
        self.codes: asyncio.Queue[str] = asyncio.Queue()
        self.pins: dict[PinKind, list[bytes | None]] = {
            PinKind.CURRENT: [PIN], PinKind.NEW: [NEW_PIN],
        }  # fmt: skip
        self.agrees: Callable[[PairingPeer | ConsentRequest], bool] = lambda _: True
        self.may_type_pin = asyncio.Event()
        self.may_type_pin.set()
        self.peers: list[PairingPeer] = []
        self.consents: list[ConsentRequest] = []
        self.pin_requests: list[PinRequest] = []
        self.problems: list[PairingProblem] = []
        self.notices: list[PrompterEvent] = []

    async def ask_proxy_login(self, request: ProxyLoginRequest) -> ProxyLogin | None:
        """Return no login."""
        return None

    async def ask_pairing_code(self, problem: PairingProblem | None) -> str | None:
        if problem:
            self.problems.append(problem)
        return await self.codes.get()

    async def confirm_pairing(self, peer: PairingPeer) -> bool:
        self.peers.append(peer)
        return self.agrees(peer)

    async def choose_words(self, choice: WordChoice) -> int | None:
        return choice.pairs.index(choice.peer.words) if self.agrees(choice.peer) else None

    async def choose_card(self, choice: CardChoice) -> int | None:
        raise AssertionError(choice)

    async def ask_consent(self, request: ConsentRequest) -> bool:
        self.consents.append(request)
        return self.agrees(request)

    async def ask_pin(self, request: PinRequest) -> SecretBuffer | None:
        self.pin_requests.append(request)
        await self.may_type_pin.wait()
        answers = self.pins[request.kind]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return None if answer is None else SecretBuffer(answer)

    def show(self, event: PrompterEvent) -> None:
        self.notices.append(event)


class BridgeHarness:
    """The bot with its bridge server, and PCs that connect to it."""

    def __init__(
        self, harness: BotHarness, bridge: BridgeRuntime, office: Office, origin: str
    ) -> None:
        self.harness, self.bridge, self.office = harness, bridge, office
        self.origin, self.url = origin, f"{origin}/bridge/v1"
        self.activity = asyncio.Event()
        self._observe_calls(harness)

    def _observe_calls(self, harness: BotHarness) -> None:
        """Set `activity` at every call the bot makes."""
        call = harness.engine.call

        async def observed_call(*args: Any, **more: Any) -> Json:
            try:
                return await call(*args, **more)
            finally:
                self.activity.set()

        harness.engine.call = observed_call  # type: ignore[method-assign]

    @property
    def now(self) -> datetime:
        """The time of the bot."""
        return current_time(self.harness)

    async def cardholder(self, state: str, pin: bytes | None = None, seed: int = 1) -> Cardholder:
        """Create a person with a virtual card."""
        self.office.maker = CheapCardMaker(pin)  # type: ignore[assignment]
        self.harness.authority.card_issuer._generate_key = lambda: next(_keys())
        return await self.office.cardholder(state, seed)

    @asynccontextmanager
    async def open_pc(self, holder: Cardholder | None = None) -> AsyncIterator["VirtualPc"]:
        """Run the bridge on a PC with a reader, and a holder's card in it."""
        card = VirtualCard.insert(holder.card_file, PASSPHRASE) if holder else None
        reader, person = VirtualReader(card), PcUser()
        try:
            async with run_test_bridge(self.url, person, reader) as bridge:
                yield VirtualPc(person, reader, card, bridge.task)
        finally:
            if card is not None:
                card.close()

    @asynccontextmanager
    async def open_pc_session(self, language: str = "en") -> AsyncIterator["PcSession"]:
        """Somebody at their PC, with a card in its reader that was posted and not activated."""
        holder = await self.cardholder("posted")
        person = self.harness.add_user("Mai", language)
        async with self.open_pc(holder) as pc:
            yield PcSession(self, person, pc, holder)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds, then until the bot has handled every update."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    self.activity.clear()
                    await self.activity.wait()
                await self.harness.settle()
        except TimeoutError:
            raise AssertionError("the condition never held") from None

    async def deliver(self, *events: object) -> None:
        """Deliver events of the bridge, and wait until the bot has handled them."""
        queue = self.harness.kaika.application.update_queue
        for event in events:
            queue.put_nowait(event)
        await queue.join()

    async def wait_for_text(self, person: ChatUser, *fragments: str) -> None:
        """Wait until the bot's newest message holds every fragment."""
        try:
            await self.wait_until(lambda: all(f in person.last["text"] for f in fragments))
        except AssertionError:
            person.sees(*fragments)
            raise

    async def pair(self, person: ChatUser, pc: "VirtualPc") -> None:
        """Pair a PC with the chat: type the code, compare the words, say yes."""
        await self.enter_pairing_code(person, pc)
        await press(person, "same")
        await self.wait_until(lambda: "other" not in button_keys(person))

    async def enter_pairing_code(self, person: ChatUser, pc: "VirtualPc") -> None:
        """Type the code from the chat at the PC; both ends show the same words then."""
        pc.person.codes.put_nowait(read_pairing_code(person))
        await self.wait_until(lambda: "same" in button_keys(person))
        words, text = pc.person.peers[-1].words, person.last["text"]
        english = f"{words[0].english} · {words[1].english}"
        assert english in text or f"{words[0].chinese} · {words[1].chinese}" in text

    async def prepare_operation(
        self, person: ChatUser, pc: "VirtualPc", holder: Cardholder, conversation: str
    ) -> None:
        """Go to the step where the operation can start: PC paired, person identified."""
        await person.starts(f"do-{conversation}")
        await press(person, "go")
        if "new" in button_keys(person):
            await self.pair(person, pc)
        await person.says(holder.number_and_code)
        assert "start" in button_keys(person), person.last["text"]


class VirtualPc:
    """One PC."""

    def __init__(
        self,
        person: PcUser,
        reader: VirtualReader,
        card: VirtualCard | None,
        task: asyncio.Task[ExitReason],
    ) -> None:
        self.person, self.reader, self.card, self.task = person, reader, card, task

    @property
    def tries(self) -> int:
        """The tries left for the PIN."""
        assert self.card is not None
        return self.card.file.state.pin_tries


@dataclass(frozen=True)
class PcSession:
    """Somebody at their PC, with their card."""

    bridge_harness: BridgeHarness
    person: ChatUser
    pc: VirtualPc
    holder: Cardholder

    async def begins(self, what: str) -> None:
        """Start an operation that needs the subscriber code."""
        await self.bridge_harness.prepare_operation(self.person, self.pc, self.holder, what)
        await press(self.person, "start")

    async def begins_and_is_asked_for_pin(self, what: str = "activate") -> None:
        """Start an operation, and leave the PIN prompt on the PC waiting."""
        self.pc.person.may_type_pin.clear()
        await self.begins(what)
        chinese = self.person.person.account.language_code != "en"
        await self.bridge_harness.wait_for_text(
            self.person, phrases.GO_ON_AT_PC.chinese if chinese else phrases.GO_ON_AT_PC
        )

    async def activates(self) -> None:
        """Activate the card, and decline to link the chat."""
        await self.begins("activate")
        await self.bridge_harness.wait_until(lambda: "no" in button_keys(self.person))
        await press(self.person, "no")

    async def changes_pin(self, current: bytes | tuple[bytes | None, ...], new: bytes) -> None:
        """Start to change the PIN, with what is typed on the PC."""
        typed: list[bytes | None] = [current] if isinstance(current, bytes) else [*current]
        self.pc.person.pins = {PinKind.CURRENT: typed, PinKind.NEW: [new]}
        await self.person.starts("do-change_pin")
        await press(self.person, "yes")
        if "new" in button_keys(self.person):
            await self.bridge_harness.pair(self.person, self.pc)

    async def checks_card(self) -> None:
        """Start to have the card checked."""
        await self.person.starts("do-card_check")
        await press(self.person, "go")
        if "new" in button_keys(self.person):
            await self.bridge_harness.pair(self.person, self.pc)


def read_pairing_code(person: ChatUser) -> str:
    """Return the pairing code shown in the chat."""
    found = CODE.search(person.last["text"])
    assert found, f"no code in {person.last['text']!r}"
    return f"{found[1]}-{found[2].lower()}"


def button_keys(person: ChatUser) -> list[str]:
    """Return the keys of the buttons of the newest message."""
    rows = person.last.get("reply_markup", {}).get("inline_keyboard", [])
    return [button.get("callback_data", "").rpartition(".")[2] for row in rows for button in row]


@asynccontextmanager
async def open_bridge_harness(harness: BotHarness, office: Office) -> AsyncIterator[BridgeHarness]:
    """Run a bridge server behind a bot, wired as in the process."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    kaika, origin = harness.kaika, f"ws://127.0.0.1:{port}"
    bot_data = kaika.application.bot_data
    authority = bot_data["services"].authority
    bridge = BridgeRuntime(kaika.database, kaika.keys, authority, origin, kaika.application)
    public = listeners.public_app(bridge.routes())
    async with bridge.running(strict_supervisor()), listeners.serve_app(public, "127.0.0.1", port):
        yield BridgeHarness(harness, bridge, office, origin)
