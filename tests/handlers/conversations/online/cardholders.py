"""People with records at the embedded authority, and what they type."""

import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from sandbox.engine import Engine
from services.authority.embedded.audit import Actor
from services.authority.embedded.counter import Counter
from services.authority.embedded.models import Application, CardRecord, CertificateSet
from services.authority.embedded.personal_data.records import find_latest_application
from tests.bot_harness import BotHarness, ChatUser
from tests.handlers.clock import NOW, current_time, set_time
from tests.services.authority.authority_harness import (
    Applicant,
    AuthorityHarness,
    FakeCardMaker,
    valid_ui_number,
)

CARD_STATES = ("submitted", "paid", "issued", "posted", "active", "suspended", "revoked")
"""How far a card has come, in order."""


@asynccontextmanager
async def open_online_harness(engine: Engine, folder: Path) -> AsyncIterator[BotHarness]:
    """Start the bot with the embedded authority behind it, at `NOW`."""
    async with BotHarness.start(engine, folder, "embedded") as harness:
        set_time(harness, NOW)
        yield harness


class Office(AuthorityHarness):
    """The authority behind a bot, as its counter sees it."""

    def __init__(self, harness: BotHarness, folder: Path) -> None:
        self.folder, self.maker = folder, FakeCardMaker()
        self.attach_to(harness)

    def attach_to(self, harness: BotHarness) -> None:
        """Serve a bot, also one that was restarted on the same data."""
        self.harness = harness
        self.database, self.authority = harness.kaika.database, harness.authority
        self.counter = Counter(harness.authority, Actor.at_counter("test"))

    @classmethod
    def open_for(cls, harness: BotHarness, data_dir: Path) -> "Office":
        """Open the counter of the authority that keeps its data in `data_dir`."""
        folder = data_dir / "office"
        folder.mkdir(exist_ok=True)
        return cls(harness, folder)

    def new_person(self, seed: int = 1) -> "Cardholder":
        """Return a person who has not applied yet."""
        return Cardholder(self, valid_ui_number(random.Random(seed)), seed)  # noqa: S311

    async def cardholder(self, state: str = "active", seed: int = 1) -> "Cardholder":
        """Create a person whose card has come as far as `state`."""
        holder = self.new_person(seed)
        now = current_time(self.harness) - timedelta(days=1)
        await holder.applies(now)
        actions = (
            holder.pays, holder.is_issued, holder.is_posted, holder.activates, holder.suspends,
        )  # fmt: skip
        for action, reached in zip(actions, CARD_STATES[1:], strict=False):
            if CARD_STATES.index(reached) <= CARD_STATES.index(state) and state != "revoked":
                await action(now)
        if state == "revoked":
            for action in actions[:4]:
                await action(now)
            await holder.is_revoked(now)
        return holder


class Cardholder(Applicant):
    """A person with a card, and what they type in a chat."""

    @property
    def office(self) -> Office:
        """The counter they applied at."""
        assert isinstance(self.world, Office)
        return self.world

    @property
    def ui_number_text(self) -> str:
        return self.ui_number.reveal()

    @property
    def code_text(self) -> str:
        return self.code.reveal()

    @property
    def number_and_code(self) -> str:
        """UI No. and subscriber code, as typed in one message."""
        return f"{self.ui_number_text} {self.code_text}"

    @property
    def birth_date(self) -> str:
        return self.data.birth_date.isoformat()

    async def read_card_number(self) -> str:
        """Return the number printed on the card."""
        application = await self.load_application()
        async with self.world.database.unit_of_work() as session:
            card = await session.get(CardRecord, application.id)
            assert card is not None
            number = self.world.authority.records.unseal_card_number(card)
            assert number is not None
            return number.reveal()

    async def load_application(self) -> Application:
        async with self.world.database.unit_of_work() as session:
            subscriber = await self.world.authority.records.require(session, self.ui_number)
            found = await find_latest_application(session, subscriber, lock=False)
            assert found is not None
            return found

    async def certificate_state(self) -> str | None:
        """Return the state of the certificates; `None` if there are none."""
        application = await self.load_application()
        async with self.world.database.unit_of_work() as session:
            found = await session.get(CertificateSet, application.id)
            return found.state if found else None


async def read_newest_mail(harness: BotHarness, holder: Cardholder) -> str:
    """Send all mails that are due, and return the text of the newest one to a person."""
    await harness.run_due_jobs(current_time(harness))
    mails = [m for m in harness.engine.world.mailbox.mails if m.to == holder.data.mail_address]
    assert mails, "no mail"
    return mails[-1].text


async def read_one_time_code(harness: BotHarness, holder: Cardholder) -> str:
    """Return the one-time code in the newest mail to a person."""
    found = re.findall(r"\b\d{6}\b", await read_newest_mail(harness, holder))
    assert found, "no one-time code in the mail"
    return str(found[0])


def wrong_code(holder: Cardholder) -> str:
    """Return a code of the right shape that is not theirs."""
    start, last = list(holder.code_text[:-1]), holder.code_text[-1]
    others = "34" if all(c.isalpha() for c in start) else "ab"
    return "".join(start) + (others[0] if last != others[0] else others[1])


def is_deleted(person: ChatUser, message_id: int) -> bool:
    """Whether a message is no longer in the chat."""
    return message_id not in [message["message_id"] for message in person.messages]
