"""Who means harm: a bridge that says what a test wants, and what it is given to begin with."""

from services.bridge.events import OperationFailed
from services.bridge.operations.task import CardTask
from tests.services.authority.world import CHAT, Someone
from tests.services.bridge.card import Card
from tests.services.bridge.pc import Pc
from tests.services.bridge.said import Message, coded, octets
from tests.services.bridge.world import BridgeWorld


class Attacker(Pc):
    """Answers nothing by itself but the pairing; the test speaks for it.

    :ivar about: the id of the last operation it was asked for.
    :ivar wanted: the parameters of it.
    """

    about = "0" * 32
    wanted: Message

    async def _on_start(self, message: Message) -> None:
        self.running = message
        self.about, self.wanted = message["operation_id"], message["parameters"]

    async def _on_admin_cryptogram(self, message: Message) -> None:
        """It has what it wants."""

    async def _on_admin_verified(self, message: Message) -> None:
        """It does not care."""

    async def fails(self, code: str, **values: int) -> None:
        """Say that the operation failed."""
        await self.says("failure", operation_id=self.about, code=code, values=values)

    async def gives(self, value: Message, operation: str = "set_pin") -> None:
        """Say that the operation came to its end."""
        await self.says("result", operation_id=self.about, operation=operation, value=value)

    async def challenges(self, card: Card, serial: str | None = None) -> list[Message]:
        """Ask for a cryptogram; give all there ever came."""
        host, drawn = card.challenge()
        await self.says(
            "admin_challenge",
            operation_id=self.about,
            card_serial=serial or card.serial,
            host_challenge=coded(host),
            card_challenge=coded(drawn),
        )
        await self.works()
        return self.heard_of("admin_cryptogram")


async def attacker(world: BridgeWorld, card: Card | None, chat: int = CHAT) -> Attacker:
    pc = Attacker(world, card)
    await pc.dials()
    await world.pairs(pc, chat)
    return pc


async def locked(world: BridgeWorld, seed: int = 1) -> tuple[Someone, Card]:
    """Give a person with an active card."""
    someone, card = await world.person(seed)
    pc = await world.paired_pc(card, 5000 + seed)
    grant = await world.grant(someone, CardTask.ACTIVATE, 5000 + seed)
    await world.hub.start(5000 + seed, CardTask.ACTIVATE, world.now, grant)
    await pc.works()
    await world.hub.unpair(5000 + seed, world.now)
    await world.chats_were_told()
    return someone, card


async def authorised(
    world: BridgeWorld, work: CardTask = CardTask.UNLOCK
) -> tuple[Attacker, Card, str]:
    """Give an attacker whose own card may be unlocked at this moment."""
    someone, card = await locked(world)
    pc = await attacker(world, card)
    grant = await world.grant(someone, work)
    await world.hub.start(CHAT, work, world.now, grant)
    await pc.works()
    assert pc.running is not None
    assert pc.running["operation"] == "set_pin"
    return pc, card, grant


def failures(world: BridgeWorld) -> list[str]:
    return [str(event.code) for event in world.told(OperationFailed)]


async def until_receipt(world: BridgeWorld) -> tuple[Someone, Attacker]:
    """Walk an activation up to its receipt."""
    someone, card = await world.person()
    pc = await attacker(world, card)
    await world.hub.start(
        CHAT, CardTask.ACTIVATE, world.now, await world.grant(someone, CardTask.ACTIVATE)
    )
    await pc.works()
    (given,) = await pc.challenges(card)
    answer = card.complete(octets(given["cryptogram"]))
    assert answer is not None
    await pc.says("admin_answer", operation_id=pc.about, answer=coded(answer))
    await pc.works()
    return someone, pc
