"""The bot killed or stopped during a burst of questions, and started twice."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.server import serve
from tests.bot_harness import TOKEN
from tests.patience import PATIENCE

QUESTION = "how much does the zebra card cost"
PEOPLE, EACH = 20, 10


class Burst:
    """People who ask at the same time, and the number of their answers."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.people = [engine.add_person(f"Anna {n}", "en") for n in range(PEOPLE)]
        self.asked: Counter[int] = Counter()
        self.answers: Counter[int] = Counter()
        self._wanted: list[tuple[int, asyncio.Event]] = []
        engine.observe(self)

    def on_call(self, method: str, params: Mapping[str, object], envelope: Any) -> None:
        if method == "sendMessage" and envelope["ok"]:
            self.answers[int(str(params["chat_id"]))] += 1
            for number, reached in self._wanted:
                if self.questions_answered >= number:
                    reached.set()

    def on_update(self, update: Any) -> None:
        pass

    def ask(self) -> None:
        for _ in range(EACH):
            for person in self.people:
                self.ask_one(person)

    def ask_one(self, person: TelegramClient) -> None:
        self.asked[person.id] += 1
        person.send(QUESTION)

    @property
    def questions_answered(self) -> int:
        """Number of questions with an answer; a second copy after a kill counts once."""
        return (self.answers & self.asked).total()

    async def answered(self, number: int) -> None:
        reached = asyncio.Event()
        self._wanted.append((number, reached))
        if self.questions_answered < number:
            await asyncio.wait_for(reached.wait(), PATIENCE)


@pytest.fixture
async def burst() -> AsyncIterator[tuple[Burst, str]]:
    engine = Engine(TOKEN)
    sandbox = await serve(engine, "page-token")
    try:
        yield Burst(engine), sandbox.api_url
    finally:
        await sandbox.close()


@asynccontextmanager
async def running(api_url: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `kaika run` with its data in `folder`; kill it at the end if it still runs."""
    environment = {
        **os.environ,
        "KAIKA_BOT_TOKEN": TOKEN,
        "KAIKA_BASE_URL": f"{api_url}/bot",
        "KAIKA_DATA_DIR": str(folder),
        "KAIKA_LOOPBACK_PORT": "0",
        "KAIKA_LOG_FORMAT": "json",
    }
    with (folder / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.cli.main", "run", env=environment, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _ends(process: asyncio.subprocess.Process) -> int:
    return await asyncio.wait_for(process.wait(), PATIENCE)


def _written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_killed_in_a_burst_it_leaves_no_question_unanswered(
    burst: tuple[Burst, str], tmp_path: Path
) -> None:
    people, api_url = burst
    people.ask()
    for share in (40, 90):
        async with running(api_url, tmp_path) as process:
            await people.answered(share)
            process.send_signal(signal.SIGKILL)
            await _ends(process)
        assert b"zebra" not in _written(tmp_path)
    async with running(api_url, tmp_path) as process:
        await people.answered(PEOPLE * EACH)
        process.terminate()
        assert await _ends(process) == 0
    assert all(people.answers[person.id] >= EACH for person in people.people)
    assert b"zebra" not in _written(tmp_path), "the inbox keeps nothing anybody typed"


async def test_a_stop_finishes_what_is_in_hand(burst: tuple[Burst, str], tmp_path: Path) -> None:
    people, api_url = burst
    people.ask()
    async with running(api_url, tmp_path) as process:
        await people.answered(30)
        process.terminate()
        assert await _ends(process) == 0
    async with running(api_url, tmp_path) as process:
        people.ask_one(people.people[0])  # so that there is something left to do in any case
        await people.answered(PEOPLE * EACH + 1)
        process.terminate()
        assert await _ends(process) == 0
    assert people.answers.total() == PEOPLE * EACH + 1, "a clean stop repeats nothing"


async def test_a_second_process_waits_for_the_first(
    burst: tuple[Burst, str], tmp_path: Path
) -> None:
    people, api_url = burst
    people.ask_one(people.people[0])
    async with running(api_url, tmp_path) as first:
        await people.answered(1)
        async with running(api_url, tmp_path) as second:
            people.ask_one(people.people[0])
            await people.answered(2)
            first.terminate()
            assert await _ends(first) == 0
            people.ask_one(people.people[0])
            await people.answered(3)
            assert second.returncode is None
    assert people.answers.total() == 3
