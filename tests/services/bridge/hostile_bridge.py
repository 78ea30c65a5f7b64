"""A hostile bridge that sends what a test wants, and scenarios to begin with."""

from services.bridge.events import CardTaskFailed
from services.bridge.operations.card_task import CardTask
from tests.services.authority.authority_harness import CHAT, Applicant
from tests.services.bridge.hub_harness import HubHarness
from tests.services.bridge.reference_bridge import ReferenceBridge
from tests.services.bridge.reference_card import ReferenceCard
from tests.services.bridge.wire_format import Message, decode_bytes, encode_bytes


class HostileBridge(ReferenceBridge):
    """Answers nothing by itself but the pairing; the test sends the rest.

    :ivar about: the id of the last operation it was asked for.
    :ivar wanted: the parameters of it.
    """

    about = "0" * 32
    wanted: Message

    async def _on_start(self, message: Message) -> None:
        self.running = message
        self.about, self.wanted = message["operation_id"], message["parameters"]

    async def _on_admin_cryptogram(self, message: Message) -> None:
        """Do nothing."""

    async def _on_admin_verified(self, message: Message) -> None:
        """Do nothing; the result does not matter."""

    async def fails(self, code: str, **values: int) -> None:
        """Report that the operation failed."""
        await self.says("failure", operation_id=self.about, code=code, values=values)

    async def gives(self, value: Message, operation: str = "set_pin") -> None:
        """Report a value of the operation."""
        await self.says("result", operation_id=self.about, operation=operation, value=value)

    async def challenges(self, card: ReferenceCard, serial: str | None = None) -> list[Message]:
        """Ask for a cryptogram, and return every one received so far."""
        host, drawn = card.challenge()
        await self.says(
            "admin_challenge",
            operation_id=self.about,
            card_serial=serial or card.serial,
            host_challenge=encode_bytes(host),
            card_challenge=encode_bytes(drawn),
        )
        await self.works()
        return self.heard_of("admin_cryptogram")


async def pair_hostile_bridge(
    harness: HubHarness, card: ReferenceCard | None, chat: int = CHAT
) -> HostileBridge:
    pc = HostileBridge(harness, card)
    await pc.dials()
    await harness.pairs(pc, chat)
    return pc


async def make_active_card(harness: HubHarness, seed: int = 1) -> tuple[Applicant, ReferenceCard]:
    """Return a person with an active card."""
    someone, card = await harness.person(seed)
    pc = await harness.paired_pc(card, 5000 + seed)
    grant = await harness.grant(someone, CardTask.ACTIVATE, 5000 + seed)
    await harness.hub.start(5000 + seed, CardTask.ACTIVATE, harness.now, grant)
    await pc.works()
    await harness.hub.unpair(5000 + seed, harness.now)
    await harness.acknowledge_ends()
    return someone, card


async def authorise_hostile_bridge(
    harness: HubHarness, work: CardTask = CardTask.UNLOCK
) -> tuple[HostileBridge, ReferenceCard, str]:
    """Return a hostile bridge with an authorised operation on its own card."""
    someone, card = await make_active_card(harness)
    pc = await pair_hostile_bridge(harness, card)
    grant = await harness.grant(someone, work)
    await harness.hub.start(CHAT, work, harness.now, grant)
    await pc.works()
    assert pc.running is not None
    assert pc.running["operation"] == "set_pin"
    return pc, card, grant


def failures(harness: HubHarness) -> list[str]:
    return [str(event.code) for event in harness.events_of(CardTaskFailed)]


async def run_until_receipt(harness: HubHarness) -> tuple[Applicant, HostileBridge]:
    """Run an activation up to its receipt."""
    someone, card = await harness.person()
    pc = await pair_hostile_bridge(harness, card)
    await harness.hub.start(
        CHAT, CardTask.ACTIVATE, harness.now, await harness.grant(someone, CardTask.ACTIVATE)
    )
    await pc.works()
    (given,) = await pc.challenges(card)
    answer = card.complete(decode_bytes(given["cryptogram"]))
    assert answer is not None
    await pc.says("admin_answer", operation_id=pc.about, answer=encode_bytes(answer))
    await pc.works()
    return someone, pc
