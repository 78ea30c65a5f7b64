"""The surroundings of a bot that is killed under mixed load, and the ledger of what came of it.

People suspend and resume, retrieve their code and pay, and ask questions, while others activate
and unlock cards at their PCs.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from services.authority.embedded.models import AuditEntry, Payment
from services.storage.models import InboxUpdate, UpdateState
from tests.bot.card_kill_harness import CardKillTestWorld
from tests.bot.kill_harness import KillTestWorld
from tests.bot.simulated_cardholders import SimulatedCardholder
from tests.bot.simulated_customers import SimulatedCustomer
from tests.services.authority.authority_harness import AuthorityHarness

_AT_MESSAGE = 0.4
"""Share of the kills at a message between a PC and the bot; the others are between calls."""
_NEVER_STORED = ("pre_checkout_query", "inline_query")
_SENDING = ("sendMessage", "sendInvoice")


@dataclass
class Ledger:
    """What went in and what came of it, over some kills.

    :ivar updates: those that the bot was to store.
    :ivar done: those that it stored and finished.
    :ivar interrupted: people who were in the middle of something, summed over the kills.
    :ivar copies: messages and mails that were sent once more than they had to be.
    :ivar taken: charges that the bank took.
    :ivar recorded: charges on record.
    """

    kills: int = 0
    people: int = 0
    updates: int = 0
    done: int = 0
    messages: int = 0
    mails: int = 0
    interrupted: int = 0
    copies: int = 0
    taken: int = 0
    recorded: int = 0
    audit_entries: int = 0

    def __add__(self, other: "Ledger") -> "Ledger":
        return Ledger(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __str__(self) -> str:
        return "\n".join(
            f"  {each.name.replace('_', ' '):14} {getattr(self, each.name):>8}"
            for each in fields(self)
        )

    def faults(self) -> list[str]:
        """Return what does not agree."""
        found = []
        if self.updates != self.done:
            found.append(f"{self.updates} updates came in, and {self.done} are done")
        if self.taken != self.recorded:
            found.append(f"{self.taken} charges were taken, and {self.recorded} are on record")
        if self.copies > self.interrupted:
            found.append(f"{self.copies} copies for {self.interrupted} interruptions")
        return found


class MixedKillTestWorld(CardKillTestWorld):
    """The surroundings of a bot that is killed while people do all of it at once.

    :ivar ledger: what came of it, once everything was checked.
    """

    CONCURRENT_PEOPLE = 5

    def __init__(self, url: str, folder: Path, chance: random.Random) -> None:
        super().__init__(url, folder, chance)
        self.ledger = Ledger()
        self._updates: set[int] = set()
        self._sent: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self._interruptions = Counter[int]()
        """By chat, how many kills came while its person was in the middle of something."""

    @classmethod
    def count_people(cls, kills: int) -> int:
        """Return how many people are needed for so many kills."""
        return 2 * cls.CONCURRENT_PEOPLE + kills // 2

    def on_call(self, method: str, params: Any, envelope: Any) -> None:
        """Note what was sent."""
        super().on_call(method, params, envelope)
        if method in _SENDING and envelope["ok"]:
            text = str(params.get("text") or params.get("title"))
            self._sent[int(params["chat_id"])][text] += 1

    def on_update(self, update: Any) -> None:
        """Note an update that has to be stored."""
        if not any(name in update for name in _NEVER_STORED):
            self._updates.add(update["update_id"])

    async def wait_to_kill(self, number: int) -> None:
        """Wait for one of the next calls, or for a message to or from a PC."""
        if self.chance.random() < _AT_MESSAGE:
            await super().wait_to_kill(number)
        else:
            await self.wait_for_calls(number)

    def on_killed(self) -> None:
        """Count the kill."""
        super().on_killed()
        self.ledger.kills += 1
        self.interrupt()

    def interrupt(self, times: int = 1) -> None:
        """Note that something failed while people were in the middle of what they do.

        :param times: how often what they did may have been tried meanwhile.
        """
        self.ledger.interrupted += times * len(self.active)
        self._interruptions.update({each.person.id: times for each in self.active})

    async def wait_for_calls(self, number: int) -> None:
        """Wait until the bot has made `number` more calls, or does not for a while."""
        await KillTestWorld.wait_to_kill(self, number)

    def queues(self) -> list[Iterator[SimulatedCustomer]]:
        """Return one place for cardholders, whose codes count under one address, and others."""
        holders = iter([each for each in self.customers if isinstance(each, SimulatedCardholder)])
        others = iter(
            [each for each in self.customers if not isinstance(each, SimulatedCardholder)]
        )
        return [holders, *[others] * self.CONCURRENT_PEOPLE]

    async def make_customer(
        self, world: AuthorityHarness, number: int, now: datetime
    ) -> SimulatedCustomer:
        """Make a person; every fifth has a card that is not activated."""
        if number % 5 == 0:
            return await super().make_customer(world, number, now)
        return await KillTestWorld.make_customer(self, world, number, now)

    def has_paid(self, customer: SimulatedCustomer) -> bool:
        """Whether somebody had paid before the test began."""
        return isinstance(customer, SimulatedCardholder) or customer.card is not None

    async def check_customer(self, world: AuthorityHarness, customer: SimulatedCustomer) -> None:
        """Check the outcome of one person."""
        if isinstance(customer, SimulatedCardholder):
            await super().check_customer(world, customer)
        else:
            await KillTestWorld.check_customer(self, world, customer)
            self.ledger.copies += self._count_copies(customer)
        self.ledger.people += 1
        self.ledger.messages += self._sent[customer.person.id].total()
        self.ledger.mails += len(self.mailboxes.mails.get(customer.address, []))

    def _count_copies(self, customer: SimulatedCustomer) -> int:
        """Count the texts that came again, other than by questions.

        A question is answered, and the step is shown again below the answer.

        :raises AssertionError: for a text with more copies than kills that interrupted its person.
        """
        subjects = Counter(self.mailboxes.subjects(customer.address))
        once = [subject for subject in subjects if "one-time code" not in subject]
        mails = sum(subjects[subject] - 1 for subject in once)
        sent = self._sent[customer.person.id]
        most = max(sent.values()) - 1 - customer.asked
        assert most <= self._interruptions[customer.person.id], sent.most_common(1)
        return mails + sent.total() - len(sent) - max(0, 2 * customer.asked - 1)

    async def check_all(self) -> None:
        """Check everything, and complete the ledger."""
        await super().check_all()
        world = AuthorityHarness(self.url, self.folder)
        ledger = self.ledger
        try:
            async with world.database.unit_of_work() as session:
                is_done = InboxUpdate.state == UpdateState.DONE
                done = await session.scalars(select(InboxUpdate.update_id).where(is_done))
                ledger.updates, ledger.done = len(self._updates), len(self._updates & set(done))
                sandbox = Payment.charge_id.startswith("sandbox_tg_")
                count = select(func.count())
                ledger.recorded = (await session.scalars(count.where(sandbox))).one()
                entries = await session.scalars(count.select_from(AuditEntry))
                ledger.audit_entries = entries.one()
        finally:
            await world.close()
        ledger.taken = len(self.engine.world.invoices.paid)
        faults = ledger.faults()
        assert not faults, faults
