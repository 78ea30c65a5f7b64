"""Kill test: SIGKILL of the bot at each message between it and cardholders' PCs.

They connect their PCs, activate their cards and unlock them.

The bot is the program itself, reached by real bridges over its websocket, each with a virtual card
in its reader. On demand, with the seed printed: ``python -m tests.bot.card_kill_harness 100``.
"""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import select

from bot.wiring.embedded import VirtualCardMaker
from services.authority.ca.certificate_service import CertificateService
from services.authority.embedded.models import AuditEntry
from services.authority.interface.cards import CardOrder
from services.bridge.models import CryptogramReleaseRow, OperationRow
from tests.bot.kill_harness import IDLE_SECONDS, KillTestWorld, check_effects, main
from tests.bot.simulated_cardholders import SimulatedCardholder
from tests.bot.simulated_customers import SimulatedCustomer
from tests.services.authority.authority_harness import AuthorityHarness

_MOST_PASSED = 10
"""Fewer messages than this pass before one is held back."""
_REPEATED = 0.1
"""Share of the messages that are held back although it was killed at one like them before."""
_DONE = Counter({"activated": 1})
_MAILS = ("your card is active",)


class RecordingCardMaker(VirtualCardMaker):
    """Writes virtual cards, and remembers the orders."""

    def __init__(self) -> None:
        self.orders: list[CardOrder] = []

    def make(self, order: CardOrder, path: Path) -> None:
        """Write the card of an order."""
        self.orders.append(order)
        super().make(order, path)


class CardKillTestWorld(KillTestWorld):
    """The surroundings of a bot that is killed while people activate and unlock their cards."""

    CONCURRENT_PEOPLE = 1  # the codes of all PCs here count under one address

    def __init__(self, url: str, folder: Path, chance: random.Random) -> None:
        super().__init__(url, folder, chance)
        self.messages: list[tuple[str, str]] = []
        """The messages at which it was killed, each with the task in progress."""
        self._is_waiting = False
        self._message_count = self._to_pass = 0
        self._is_reached, self._is_killed = asyncio.Event(), asyncio.Event()

    async def wait_to_kill(self, number: int) -> None:
        """Let a few messages pass, wait for one at which it was never killed, and hold it back.

        It is killed all the same where there was no message for a while.
        """
        self._is_waiting, self._to_pass = True, number % _MOST_PASSED
        self._is_reached.clear()
        count = -1
        while not self._is_reached.is_set() and self._message_count > count:
            count = self._message_count
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._is_reached.wait()
        self._is_waiting = False

    async def at_message(self, work: str, message: str) -> None:
        """Hold a message back until the bot is dead, if one is wanted."""
        self._message_count += 1
        if self._is_waiting and self._is_wanted(work, message):
            self._is_waiting = False
            self.messages.append((work, message))
            self._is_killed.clear()
            self._is_reached.set()
            await self._is_killed.wait()

    def _is_wanted(self, work: str, message: str) -> bool:
        self._to_pass -= 1
        is_new = (work, message) not in self.messages
        return self._to_pass < 0 and (is_new or self.chance.random() < _REPEATED)

    def on_killed(self) -> None:
        """Release the message."""
        self._is_killed.set()

    @classmethod
    def count_people(cls, kills: int) -> int:
        """Return how many people are needed for so many kills; each lives through some."""
        return 2 + kills // 4

    async def set_up(self, people: int, public_url: str) -> None:
        """Set up the authority, and people whose cards have arrived by post."""
        self._server = public_url.replace("http:", "ws:")
        self._keys = cycle([rsa.generate_private_key(65537, 2048)])
        await super().set_up(people, public_url)

    def prepare_authority(self, world: AuthorityHarness, service: CertificateService) -> None:
        """Make real certificates and cards, with one key for all."""
        world.signs_with = service.issuer
        world.authority.close()
        world.open(world.database)
        world.maker = RecordingCardMaker()  # type: ignore[assignment]
        world.authority.card_issuer._generate_key = lambda: next(self._keys)

    async def make_customer(
        self, world: AuthorityHarness, number: int, now: datetime
    ) -> SimulatedCustomer:
        """Make a person with a card that is not activated."""
        someone = world.person(number + 1)
        for act in (someone.applies, someone.pays, someone.is_issued, someone.is_posted):
            await act(now)
        person, chance = self.engine.add_person(f"Holder {number}", "en"), random.Random(number)  # noqa: S311
        return SimulatedCardholder(
            someone,
            None,
            person,
            self.mailboxes,
            chance,
            server=self._server,
            at_message=self.at_message,
        )

    def has_paid(self, customer: SimulatedCustomer) -> bool:
        """Everybody has."""
        return True

    async def check_customer(self, world: AuthorityHarness, customer: SimulatedCustomer) -> None:
        """Card, authority and records agree, and no attempt was counted that nobody made."""
        assert isinstance(customer, SimulatedCardholder)
        assert customer.done == ["activate", "unlock"]
        await check_effects(world, customer, _DONE, _MAILS)
        who, card = customer.person.account.first_name, customer.watched_card
        shown = await world.counter.show(customer.someone.ui_number, datetime.now(UTC))
        assert shown.timeline.certificate == "active", (who, shown.timeline)
        assert card is not None
        assert card.spent_tries == [], (who, card.spent_tries)
        assert card.card.file.state.pin_tries == 3, (who, card.card.file.state.pin_tries)
        async with world.database.unit_of_work() as session:
            is_subject = AuditEntry.subject == shown.application
            steps = Counter(
                details.split('"step": "')[1].split('"')[0]
                for details in await session.scalars(
                    select(AuditEntry.details).where(is_subject, AuditEntry.act == "card_work")
                )
            )
            grants = list(await session.scalars(select(CryptogramReleaseRow.grant_id)))
            left = list(await session.scalars(select(OperationRow.state)))
        assert 2 <= steps["pin_set"] <= steps["cryptogram"] <= steps["authorised"], (who, steps)
        assert len(grants) == len(set(grants))
        assert set(left) <= {"over"}, left


if __name__ == "__main__":
    main(CardKillTestWorld)
