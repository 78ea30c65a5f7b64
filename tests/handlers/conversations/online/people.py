"""People with records at the embedded authority, and what they type."""

import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from handlers.context import Services
from services.authority.embedded.audit.actors import Actor
from services.authority.embedded.counter import Counter
from services.authority.embedded.models import Application, CardRecord, CertificateSet
from services.authority.embedded.personal_data.records import find_latest_application
from tests.chat import Stage, Subscriber
from tests.services.authority.world import FakeMaker, Someone, World, valid_ui_number

STATES = ("submitted", "paid", "issued", "posted", "active", "suspended", "revoked")


NOW = datetime(2027, 3, 1, 4, tzinfo=UTC)
"""Noon in Taipei; to come, so that the bot's own worker finds nothing due meanwhile."""


def at(stage: Stage, moment: datetime) -> None:
    """Let it be `moment` for the whole bot."""
    data = stage.kaika.application.bot_data
    data["services"] = replace(data["services"], now=lambda: moment)


def clock(stage: Stage) -> datetime:
    """Give what time it is for the bot."""
    services: Services = stage.kaika.application.bot_data["services"]
    return services.now()


class Office(World):
    """The authority behind a stage, as its counter sees it."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.folder, self.maker = folder, FakeMaker()
        self.goes_on_at(stage)

    def goes_on_at(self, stage: Stage) -> None:
        """Serve a stage, also one that was started anew on the same data."""
        self.stage = stage
        self.database, self.authority = stage.kaika.database, stage.authority
        self.counter = Counter(stage.authority, Actor.at_counter("test"))

    @classmethod
    def beside(cls, stage: Stage, data: Path) -> "Office":
        """Open the counter of the authority that keeps its data in a folder."""
        folder = data / "office"
        folder.mkdir(exist_ok=True)
        return cls(stage, folder)

    def holder(self, seed: int = 1) -> "Holder":
        """Give a person who has not applied yet."""
        return Holder(self, valid_ui_number(random.Random(seed)), seed)  # noqa: S311

    async def someone(self, state: str = "active", seed: int = 1) -> "Holder":
        """Give a person whose card has come as far as `state`."""
        holder = self.holder(seed)
        now = clock(self.stage) - timedelta(days=1)
        await holder.applies(now)
        acts = (
            holder.pays, holder.is_issued, holder.is_posted, holder.activates, holder.suspends,
        )  # fmt: skip
        for act, reached in zip(acts, STATES[1:], strict=False):
            if STATES.index(reached) <= STATES.index(state) and state != "revoked":
                await act(now)
        if state == "revoked":
            for act in acts[:4]:
                await act(now)
            await holder.is_revoked(now)
        return holder


class Holder(Someone):
    """A person with a card, and what they type in a chat."""

    @property
    def office(self) -> Office:
        """The counter they went to."""
        assert isinstance(self.world, Office)
        return self.world

    @property
    def number(self) -> str:
        return self.ui_number.reveal()

    @property
    def secret(self) -> str:
        return self.code.reveal()

    @property
    def both(self) -> str:
        """UI No. and code in one message."""
        return f"{self.number} {self.secret}"

    @property
    def born(self) -> str:
        return self.data.birth_date.isoformat()

    async def card_number(self) -> str:
        """Read the number off the card."""
        application = await self.application()
        async with self.world.database.unit_of_work() as session:
            card = await session.get(CardRecord, application.id)
            assert card is not None
            number = self.world.authority.records.unseal_card_number(card)
            assert number is not None
            return number.reveal()

    async def application(self) -> Application:
        async with self.world.database.unit_of_work() as session:
            subscriber = await self.world.authority.records.require(session, self.ui_number)
            found = await find_latest_application(session, subscriber, lock=False)
            assert found is not None
            return found

    async def certificate(self) -> str | None:
        """Give the state of the certificates."""
        application = await self.application()
        async with self.world.database.unit_of_work() as session:
            found = await session.get(CertificateSet, application.id)
            return found.state if found else None


async def newest_mail(stage: Stage, holder: Holder) -> str:
    """Give the text of the newest mail to a person, once everything due was sent."""
    await stage.works_off(clock(stage))
    mails = [m for m in stage.engine.world.mailbox.mails if m.to == holder.data.mail_address]
    assert mails, "no mail"
    return mails[-1].text


async def one_time_code(stage: Stage, holder: Holder) -> str:
    """Read the one-time code out of the newest mail."""
    found = re.findall(r"\b\d{6}\b", await newest_mail(stage, holder))
    assert found, "no one-time code in the mail"
    return str(found[0])


def wrong_code(holder: Holder) -> str:
    """Give a code of the right shape that is not theirs."""
    start, last = list(holder.secret[:-1]), holder.secret[-1]
    others = "34" if all(c.isalpha() for c in start) else "ab"
    return "".join(start) + (others[0] if last != others[0] else others[1])


def is_gone(person: Subscriber, message_id: int) -> bool:
    """Tell whether a message is in the chat no more."""
    return message_id not in [message["message_id"] for message in person.messages]
