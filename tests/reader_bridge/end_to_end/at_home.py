"""Somebody at home with their card, whose tries and PIN are watched."""

from reader_bridge.card.errors import CardRemovedError
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.prompter import PairingProblem, PinKind, PinRequest
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.command import parse_command
from services.authority.values import Operation, Proof
from tests.handlers.conversations.online.bridge_stage import (
    PASSPHRASE,
    WRONG_PIN,
    BridgeStage,
    PcUser,
)
from tests.handlers.conversations.online.cardholders import Cardholder
from tests.services.authority.world import CHAT

CHANGE_REFERENCE_DATA, RESET_RETRY_COUNTER = 0x24, 0x2C


class KeptCard:
    """A card whose tries and PIN are watched.

    :ivar pin: what was set last.
    :ivar lowered: what any command took a try from: the instruction, and whose try.
    :ivar leaves_after: the instruction after which it is pulled, before its answer is there.
    """

    def __init__(self, card: VirtualCard, pin: bytes | None = None) -> None:
        self.card, self.pin = card, pin
        self.lowered: list[tuple[int, str]] = []
        self.leaves_after: int | None = None

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
        state = self.card.file.state
        command, before = (
            parse_command(bytes(apdu)),
            (state.pin, state.pin_tries, state.admin_tries),
        )
        answer = self.card.transmit(apdu)
        if state.pin is not before[0]:
            old = 0 if command.ins == RESET_RETRY_COUNTER else len(self.pin or b"")
            self.pin = bytes(command.data)[old:]
        if state.pin_tries < before[1]:
            self.lowered.append((command.ins, "pin"))
        if state.admin_tries < before[2]:
            self.lowered.append((command.ins, "admin"))
        if command.ins == self.leaves_after:
            self.leaves_after = None
            raise CardRemovedError
        return answer


class Knowing(PcUser):
    """Somebody who knows their PIN, whatever it is, and chooses another one each time.

    :ivar slips: how often they type a wrong one yet.
    :ivar is_asked_for_code: whether the PC waits for a pairing code.
    """

    slips = 0
    is_asked_for_code = False

    def __init__(self, card: KeptCard) -> None:
        super().__init__()
        self.card = card
        self._chosen = 0

    async def ask_pairing_code(self, problem: PairingProblem | None) -> str | None:
        self.is_asked_for_code = True
        try:
            return await super().ask_pairing_code(problem)
        finally:
            self.is_asked_for_code = False

    async def ask_pin(self, request: PinRequest) -> SecretBuffer | None:
        self.pin_requests.append(request)
        if request.kind is PinKind.NEW:
            self._chosen += 1
            return SecretBuffer(b"chosen%d" % (self._chosen % 10))
        if self.slips:
            self.slips -= 1
            return SecretBuffer(WRONG_PIN)
        return SecretBuffer(self.card.pin or WRONG_PIN)


def card_of(holder: Cardholder, pin: bytes | None = None) -> KeptCard:
    """Take a person's card out of its envelope."""
    return KeptCard(VirtualCard.insert(holder.card_file, PASSPHRASE), pin)


async def is_activated(cards: BridgeStage, holder: Cardholder) -> None:
    """Have a person's certificates active, without the way there."""
    now = cards.now
    grant = await holder.granted(Operation.ACTIVATE, Proof.CODE, now=now)
    authority = cards.office.authority
    async with cards.office.database.unit_of_work() as session:
        permit = await authority.cards.permit(session, grant.id, CHAT, now)
        await authority.cards.activate(session, permit, CHAT, now)
