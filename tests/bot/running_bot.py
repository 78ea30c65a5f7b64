"""The whole bot in this process, on any database, and people who ask while things fail."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.app import Kaika
from bot.settings import Settings
from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.server import serve
from tests.bot_harness import TOKEN
from tests.patience import PATIENCE

_LOOK_SECONDS = 0.05
_LOOKS = int(PATIENCE / _LOOK_SECONDS)
QUESTIONS = {
    "how much does the card cost": "278",
    "where do I apply": "service station",
    "how long is the certificate valid": "years",
    "I lost my card": "<b>Suspend",
}
"""Questions, each with a word that only its own answer contains."""


class AskingPeople:
    """People who write to a bot, and what it answered.

    :ivar asked: by chat, the questions in order.
    :ivar answers: by chat, the texts that the bot sent, in order.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.people: list[TelegramClient] = []
        self.asked: defaultdict[int, list[str]] = defaultdict(list)
        self.answers: defaultdict[int, list[str]] = defaultdict(list)
        engine.observe(self)

    def on_call(self, method: str, params: Mapping[str, object], envelope: Any) -> None:
        """Note an answer."""
        if method == "sendMessage" and envelope["ok"]:
            self.answers[int(str(params["chat_id"]))].append(str(params["text"]))

    def on_update(self, update: Any) -> None:
        """Do nothing."""

    def add_people(self, number: int) -> None:
        """Let more people write."""
        self.people += [self.engine.add_person(f"Anna {n}", "en") for n in range(number)]

    def ask(self, times: int = 1) -> None:
        """Have everybody ask their next questions, without waiting for answers."""
        questions = list(QUESTIONS)
        for _ in range(times):
            for person in self.people:
                question = questions[len(self.asked[person.id]) % len(questions)]
                self.asked[person.id].append(question)
                person.send(question)

    async def is_answered(self) -> None:
        """Wait until every question has its answer, in order."""
        for _ in range(_LOOKS):
            if not self._unanswered():
                return
            await asyncio.sleep(_LOOK_SECONDS)
        raise AssertionError(self._unanswered())

    def _unanswered(self) -> dict[int, list[str]]:
        """Return by chat the questions that have no answer after those of the earlier ones.

        A second copy of an answer may follow after a failure.
        """
        missing = {}
        for chat, questions in self.asked.items():
            waiting = list(questions)
            for text in self.answers[chat]:
                if waiting and QUESTIONS[waiting[0]] in text:
                    waiting.pop(0)
            missing[chat] = waiting
        return {chat: waiting for chat, waiting in missing.items() if waiting}


class RunningBot(AskingPeople):
    """A bot that runs, and people who write to it."""

    def __init__(self, engine: Engine, kaika: Kaika) -> None:
        super().__init__(engine)
        self.kaika = kaika

    async def has_health(self, status: str, problem: str = "") -> None:
        """Wait until the health says so."""
        report = await self.kaika.health.report()
        for _ in range(_LOOKS):
            if report["status"] == status and problem in " ".join(report["problems"]):
                return
            await asyncio.sleep(_LOOK_SECONDS)
            report = await self.kaika.health.report()
        raise AssertionError(report)


def bot_settings(api_url: str, database_url: str, folder: Path) -> Settings:
    """Settings of a bot that guides."""
    return Settings(
        bot_token=SecretStr(TOKEN),
        base_url=f"{api_url}/bot",
        data_dir=folder,
        database_url=database_url,
        loopback_port=0,
    )


@asynccontextmanager
async def run_bot_on(database_url: str, folder: Path) -> AsyncIterator[RunningBot]:
    """Run the bot on a database while the block runs, then stop it."""
    engine = Engine(TOKEN)
    sandbox = await serve(engine, "page-token")
    kaika = Kaika(bot_settings(sandbox.api_url, database_url, folder))
    running = asyncio.ensure_future(kaika.run())
    try:
        yield RunningBot(engine, kaika)
        kaika.stop()
        await asyncio.wait_for(running, PATIENCE)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await sandbox.close()
