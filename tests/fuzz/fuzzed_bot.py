"""The whole bot with the embedded authority for fuzzing, and a bystander in another chat.

The bystander has to be answered whatever came in before; an error that the bot did not foresee
is raised to whoever gave the input.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from sqlalchemy import delete
from structlog.typing import EventDict
from telegram.error import TelegramError

from sandbox.engine import Engine
from services.storage.models import InboxUpdate
from tests.bot_harness import TOKEN, BotHarness, ChatUser
from tests.handlers.conversations.online.cardholders import Cardholder, Office, open_online_harness
from tests.services.authority.authority_harness import fast_folder

_QUESTION, _ANSWER = "how much does the card cost", "278"
_BYSTANDER_EVERY = 20


@dataclass
class UnforeseenErrors:
    """A processor of log lines that keeps the errors in them.

    What Telegram refuses is no error of the bot: an update may come from a chat there is not.
    """

    errors: list[BaseException] = field(default_factory=list)

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """Keep the error of a log line, and drop the line."""
        error = event.get("exc_info")
        if isinstance(error, BaseException) and not isinstance(error, TelegramError):
            self.errors.append(error)
        raise structlog.DropEvent

    def raise_first(self) -> None:
        """Raise the first error that was kept."""
        if self.errors:
            first = self.errors[0]
            self.errors.clear()
            raise first


@dataclass
class FuzzedBot:
    """The bot, somebody who sends what is made up, and a bystander."""

    harness: BotHarness
    errors: UnforeseenErrors
    holder: Cardholder
    person: ChatUser
    bystander: ChatUser
    inputs: int = 0

    async def check(self) -> None:
        """Check that the last input did no harm, and forget its updates."""
        await self.harness.kaika.application.update_queue.join()
        await self.harness.kaika.inbox.store([])  # writes what is still to be marked
        self.errors.raise_first()
        assert self.harness.kaika.intake.backlog == 0, "an update is stuck"
        async with self.harness.kaika.database.unit_of_work() as session:
            await session.execute(delete(InboxUpdate))
        self.inputs += 1
        if self.inputs % _BYSTANDER_EVERY == 1:
            await self.bystander.says(_QUESTION)
            self.bystander.sees(_ANSWER)
            self.errors.raise_first()


@asynccontextmanager
async def open_fuzzed_bot() -> AsyncIterator[FuzzedBot]:
    """Start the bot, with a person whose card is active."""
    errors = UnforeseenErrors()
    structlog.configure(processors=[errors], cache_logger_on_first_use=False)
    with TemporaryDirectory(prefix="kaika-fuzz-", dir=fast_folder()) as folder:
        async with open_online_harness(Engine(TOKEN), Path(folder)) as harness:
            holder = await Office.open_for(harness, Path(folder)).cardholder("active")
            person, bystander = harness.add_user(), harness.add_user("Bea")
            for somebody in (person, bystander):
                await somebody.starts()
            yield FuzzedBot(harness, errors, holder, person, bystander)
