"""A person with a PC: the real hub, a real bridge over a loopback websocket, a virtual card."""

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
    ConsentRequest,
    ExitReason,
    PairingPeer,
    PairingProblem,
    PinKind,
    PinRequest,
    PrompterEvent,
)
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.issue import issue_card
from reader_bridge.virtual_card.reader import VirtualReader
from services.authority.interface.cards import CardOrder
from tests.chat import Json, Stage, Subscriber
from tests.handlers.conversations.online.people import Holder, Office, clock
from tests.handlers.engine.walking import press
from tests.reader_bridge.bridge_runner import run_test_bridge

PASSPHRASE, PIN, NEW_PIN, WRONG = "passphrase of the card", b"first123", b"second45", b"wrong999"
CODE = re.compile(r"\b([2-9A-Z]{4}) ([2-9A-Z]{4})\b")
_PATIENCE = 20.0


@cache
def _keys() -> "cycle[rsa.RSAPrivateKey]":
    """Keys as real cards have them; a few do for all tests, since making one takes time."""
    return cycle([rsa.generate_private_key(65537, 2048) for _ in range(6)])


class CardMaker:
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


class AtThePc:
    """Somebody at their PC: types what they are told to, and says yes unless told not to.

    :ivar agrees: what they say to a question.
    :ivar free: cleared while they let a question about a PIN wait.
    """

    def __init__(self) -> None:
        self.codes: asyncio.Queue[str] = asyncio.Queue()
        self.pins: dict[PinKind, list[bytes | None]] = {
            PinKind.CURRENT: [PIN], PinKind.NEW: [NEW_PIN],
        }  # fmt: skip
        self.agrees: Callable[[PairingPeer | ConsentRequest], bool] = lambda _: True
        self.free = asyncio.Event()
        self.free.set()
        self.peers: list[PairingPeer] = []
        self.consents: list[ConsentRequest] = []
        self.asked: list[PinRequest] = []
        self.problems: list[PairingProblem] = []
        self.shown: list[PrompterEvent] = []

    async def ask_pairing_code(self, problem: PairingProblem | None) -> str | None:
        if problem:
            self.problems.append(problem)
        return await self.codes.get()

    async def confirm_pairing(self, peer: PairingPeer) -> bool:
        self.peers.append(peer)
        return self.agrees(peer)

    async def ask_consent(self, request: ConsentRequest) -> bool:
        self.consents.append(request)
        return self.agrees(request)

    async def ask_pin(self, request: PinRequest) -> SecretBuffer | None:
        self.asked.append(request)
        await self.free.wait()
        answers = self.pins[request.kind]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return None if answer is None else SecretBuffer(answer)

    def show(self, event: PrompterEvent) -> None:
        self.shown.append(event)


class CardStage:
    """The bot with its bridge, and PCs that dial it."""

    def __init__(self, stage: Stage, bridge: BridgeRuntime, office: Office, origin: str) -> None:
        self.stage, self.bridge, self.office = stage, bridge, office
        self.origin, self.url = origin, f"{origin}/bridge/v1"
        self.news = asyncio.Event()
        self._listen(stage)

    def _listen(self, stage: Stage) -> None:
        """Hear of every call the bot makes."""
        call = stage.engine.call

        async def heard(*args: Any, **more: Any) -> Json:
            try:
                return await call(*args, **more)
            finally:
                self.news.set()

        stage.engine.call = heard  # type: ignore[method-assign]

    @property
    def now(self) -> datetime:
        """What time it is for the bot."""
        return clock(self.stage)

    async def holder(self, state: str, pin: bytes | None = None, seed: int = 1) -> Holder:
        """Give a person whose card is a virtual one."""
        self.office.maker = CardMaker(pin)  # type: ignore[assignment]
        self.stage.authority.card_issuer._draw_key = lambda: next(_keys())
        return await self.office.someone(state, seed)

    @asynccontextmanager
    async def pc(self, holder: Holder | None = None) -> AsyncIterator["Pc"]:
        """A PC with a reader, and a holder's card in it; its bridge runs."""
        card = VirtualCard.insert(holder.card_file, PASSPHRASE) if holder else None
        reader, person = VirtualReader(card), AtThePc()
        try:
            async with run_test_bridge(self.url, person, reader) as bridge:
                yield Pc(person, reader, card, bridge.task)
        finally:
            if card is not None:
                card.close()

    @asynccontextmanager
    async def at_home(self, language: str = "en") -> AsyncIterator["AtHome"]:
        """Somebody at their PC, with the card that came by post in its reader."""
        holder = await self.holder("posted")
        person = self.stage.subscriber("Mai", language)
        async with self.pc(holder) as pc:
            yield AtHome(self, person, pc, holder)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is true of the chat, then until the bot is at rest."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while not true():
                    self.news.clear()
                    await self.news.wait()
                await self.stage.settle()
        except TimeoutError:
            raise AssertionError("it never came to be") from None

    async def sees(self, person: Subscriber, *fragments: str) -> None:
        """Wait until the bot's newest message holds every fragment."""
        try:
            await self.until(lambda: all(f in person.last["text"] for f in fragments))
        except AssertionError:
            person.sees(*fragments)
            raise

    async def pairs(self, person: Subscriber, pc: "Pc") -> None:
        """Type the code the chat shows at the PC, compare, say yes; both ends are paired then."""
        await self.offers(person, pc)
        await press(person, "same")
        await self.until(lambda: "other" not in keys_of(person))

    async def offers(self, person: Subscriber, pc: "Pc") -> None:
        """Type the code the chat shows at the PC; both ends show the same words."""
        pc.person.codes.put_nowait(shown_code(person))
        await self.until(lambda: "same" in keys_of(person))
        words, text = pc.person.peers[-1].words, person.last["text"]
        english = f"{words[0].english} · {words[1].english}"
        assert english in text or f"{words[0].chinese} · {words[1].chinese}" in text

    async def brings(self, person: Subscriber, pc: "Pc", holder: Holder, what: str) -> None:
        """Come to where the work can begin: PC connected, UI No. and code right."""
        await person.starts(f"do-{what}")
        await press(person, "go")
        if "new" in keys_of(person):
            await self.pairs(person, pc)
        await person.says(holder.both)
        assert "start" in keys_of(person), person.last["text"]


class Pc:
    """One PC."""

    def __init__(
        self,
        person: AtThePc,
        reader: VirtualReader,
        card: VirtualCard | None,
        task: asyncio.Task[ExitReason],
    ) -> None:
        self.person, self.reader, self.card, self.task = person, reader, card, task

    @property
    def tries(self) -> int:
        """How many tries of the PIN the card has left."""
        assert self.card is not None
        return self.card.file.state.pin_tries


@dataclass(frozen=True)
class AtHome:
    """Somebody at their PC, with their card."""

    cards: CardStage
    person: Subscriber
    pc: Pc
    holder: Holder

    async def begins(self, what: str) -> None:
        """Begin what needs the code."""
        await self.cards.brings(self.person, self.pc, self.holder, what)
        await press(self.person, "start")

    async def is_asked(self, what: str = "activate") -> None:
        """Begin it, and let the question on the PC wait."""
        self.pc.person.free.clear()
        await self.begins(what)
        chinese = self.person.person.account.language_code != "en"
        await self.cards.sees(self.person, "請到電腦上繼續" if chinese else "Go on at your PC")

    async def activates(self) -> None:
        """Activate the card, and link nothing."""
        await self.begins("activate")
        await self.cards.until(lambda: "no" in keys_of(self.person))
        await press(self.person, "no")

    async def changes_pin(self, current: bytes | tuple[bytes | None, ...], new: bytes) -> None:
        """Begin to change the PIN, with what is typed on the PC."""
        typed: list[bytes | None] = [current] if isinstance(current, bytes) else [*current]
        self.pc.person.pins = {PinKind.CURRENT: typed, PinKind.NEW: [new]}
        await self.person.starts("do-change_pin")
        await press(self.person, "yes")
        if "new" in keys_of(self.person):
            await self.cards.pairs(self.person, self.pc)

    async def looks(self) -> None:
        """Begin to have the card looked at."""
        await self.person.starts("do-card_check")
        await press(self.person, "go")
        if "new" in keys_of(self.person):
            await self.cards.pairs(self.person, self.pc)


def shown_code(person: Subscriber) -> str:
    """Read the pairing code off the chat."""
    found = CODE.search(person.last["text"])
    assert found, f"no code in {person.last['text']!r}"
    return f"{found[1]}-{found[2].lower()}"


def keys_of(person: Subscriber) -> list[str]:
    """Give the keys of the buttons of the newest message."""
    rows = person.last.get("reply_markup", {}).get("inline_keyboard", [])
    return [button.get("callback_data", "").rpartition(".")[2] for row in rows for button in row]


@asynccontextmanager
async def opened(stage: Stage, office: Office) -> AsyncIterator[CardStage]:
    """Have a bridge behind a stage, as the process wires it."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    kaika, origin = stage.kaika, f"ws://127.0.0.1:{port}"
    bot_data = kaika.application.bot_data
    authority = bot_data["services"].authority
    bridge = BridgeRuntime(kaika.database, kaika.keys, authority, origin, kaika.application)
    before = bot_data["conversations"]
    bot_data["conversations"] = {**before, **bridge.conversations()}
    public = listeners.public_app(bridge.routes())
    async with bridge.running(), listeners.serve(public, "127.0.0.1", port):
        yield CardStage(stage, bridge, office, origin)
