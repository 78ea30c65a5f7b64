"""SIGKILL of a bot at each message between it and the PCs of people with cards.

They connect their PCs, activate their cards and unlock them.

The bot is the program itself, reached by real bridges over its websocket, each with a virtual card
in its reader. On demand, with the seed printed: ``python -m tests.bot.card_strikes 100``.
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
from services.authority.ca.service import CertificateService
from services.authority.embedded.models import AuditEntry
from services.bridge.models import BridgeOperation, BridgeRelease
from tests.bot.cardholders import Cardholder
from tests.bot.customers import Customer
from tests.bot.mixed_strikes import IDLE, Town, check_one, main
from tests.services.authority.world import World

_DONE = Counter({"activated": 1})
_MAILS = ("your card is active",)


class CardTown(Town):
    """Everything outside a bot that is killed while people activate and unlock their cards."""

    AT_ONCE = 1  # the codes of all PCs here count under one address

    def __init__(self, url: str, folder: Path, chance: random.Random) -> None:
        super().__init__(url, folder, chance)
        self.messages: list[tuple[str, str]] = []
        """At which messages it was killed: what was being done, and the message."""
        self._waits = False
        self._is_there, self._is_struck = asyncio.Event(), asyncio.Event()

    async def many_calls(self, number: int) -> None:
        """Wait for a message at which it was never killed, and hold that up."""
        self._waits = True
        self._is_there.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE):
                await self._is_there.wait()
        self._waits = False

    async def at_message(self, work: str, message: str) -> None:
        """Hold a message up until the bot is dead, where one is waited for."""
        if self._waits and (work, message) not in self.messages:
            self._waits = False
            self.messages.append((work, message))
            self._is_struck.clear()
            self._is_there.set()
            await self._is_struck.wait()

    def was_struck(self) -> None:
        """Let the message go on its way, to whoever is left."""
        self._is_struck.set()

    async def settle(self, people: int, public_url: str) -> None:
        """Make the authority, and let people be there whose cards came by post."""
        self._server = public_url.replace("http:", "ws:")
        self._keys = cycle([rsa.generate_private_key(65537, 2048)])
        await super().settle(people, public_url)

    def prepares(self, world: World, service: CertificateService) -> None:
        """Have real certificates and cards made, of one key for all."""
        world.signs_with = service.issuer
        world.authority.close()
        world.open(world.database)
        world.maker = VirtualCardMaker()  # type: ignore[assignment]
        world.authority.card_issuer._draw_key = lambda: next(self._keys)

    async def customer(self, world: World, number: int, now: datetime) -> Customer:
        """Make somebody whose card is there and not activated."""
        someone = world.person(number + 1)
        for act in (someone.applies, someone.pays, someone.is_issued, someone.is_posted):
            await act(now)
        person, chance = self.engine.add_person(f"Holder {number}", "en"), random.Random(number)  # noqa: S311
        return Cardholder(
            someone,
            None,
            person,
            self.mailboxes,
            chance,
            server=self._server,
            at_message=self.at_message,
        )

    def has_paid(self, customer: Customer) -> bool:
        """Tell that everybody had."""
        return True

    async def checks_one(self, world: World, customer: Customer) -> None:
        """Card, authority and records agree, and no try was spent that nobody gave."""
        assert isinstance(customer, Cardholder)
        assert customer.done == ["activate", "unlock"]
        await check_one(world, customer, _DONE, _MAILS)
        who, card = customer.person.account.first_name, customer.kept
        shown = await world.counter.show(customer.someone.ui_number, datetime.now(UTC))
        assert shown.timeline.certificate == "active", who
        assert card is not None
        assert card.spent_tries == [], who
        assert card.card.file.state.pin_tries == 3, who
        async with world.database.unit_of_work() as session:
            mine = AuditEntry.subject == shown.application
            steps = Counter(
                details.split('"step": "')[1].split('"')[0]
                for details in await session.scalars(
                    select(AuditEntry.details).where(mine, AuditEntry.act == "card_work")
                )
            )
            grants = list(await session.scalars(select(BridgeRelease.grant_id)))
            left = list(await session.scalars(select(BridgeOperation.state)))
        assert 2 <= steps["pin_set"] <= steps["cryptogram"] <= steps["authorised"], (who, steps)
        assert len(grants) == len(set(grants))
        assert set(left) <= {"over"}, left


if __name__ == "__main__":
    main(CardTown)
