"""A card whose tries and PIN are watched, and a person who always knows its PIN."""

from reader_bridge.card.errors import CardRemovedError
from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.prompter import PairingProblem, PinKind, PinRequest
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.card_command import parse_command
from services.authority.data_types import AuthorityOperation, Proof
from tests.handlers.conversations.online.bridge_harness import (
    PASSPHRASE,
    WRONG_PIN,
    BridgeHarness,
    PcUser,
)
from tests.handlers.conversations.online.cardholders import Cardholder
from tests.services.authority.authority_harness import CHAT

VERIFY, CHANGE_REFERENCE_DATA, RESET_RETRY_COUNTER = 0x20, 0x24, 0x2C


class WatchedCard:
    """A card whose tries and PIN are watched.

    :ivar pin: the PIN that was set last.
    :ivar spent_tries: every command that spent a try: its instruction, and of which counter.
    :ivar pull_after: the instruction after which it is pulled, before its answer arrives.
    """

    def __init__(self, card: VirtualCard, pin: bytes | None = None) -> None:
        self.card, self.pin = card, pin
        self.spent_tries: list[tuple[int, str]] = []
        self.pull_after: int | None = None

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
            self.spent_tries.append((command.ins, "pin"))
        if state.admin_tries < before[2]:
            self.spent_tries.append((command.ins, "admin"))
        if command.ins == self.pull_after:
            self.pull_after = None
            raise CardRemovedError
        return answer


class PersonWithPin(PcUser):
    """A person who knows the PIN, whatever it is, and chooses another one each time.

    :ivar wrong_entries: how often they will still type a wrong one.
    :ivar is_asked_for_code: whether the PC waits for a pairing code.
    """

    wrong_entries = 0
    is_asked_for_code = False

    def __init__(self, card: WatchedCard) -> None:
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
            return SecretBuffer(b"pin%05d" % self._chosen)
        if self.wrong_entries:
            self.wrong_entries -= 1
            return SecretBuffer(WRONG_PIN)
        return SecretBuffer(self.card.pin or WRONG_PIN)


def open_card_of(holder: Cardholder, pin: bytes | None = None) -> WatchedCard:
    """Open a person's card."""
    return WatchedCard(VirtualCard.insert(holder.card_file, PASSPHRASE), pin)


async def activate(cards: BridgeHarness, holder: Cardholder) -> None:
    """Activate a person's certificates directly."""
    now = cards.now
    grant = await holder.obtain_grant(AuthorityOperation.ACTIVATE, Proof.CODE, now=now)
    authority = cards.office.authority
    async with cards.office.database.unit_of_work() as session:
        operation = AuthorityOperation.ACTIVATE
        permit, _ = await authority.cards.permit(session, grant.id, operation, CHAT, now)
        await authority.cards.activate(session, permit, CHAT, now)
