"""One run: a bot started afresh on a core of its own, one load, and what came of it."""

import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Self

from benchmarks.bots_under_test import Contestant
from benchmarks.processes import (
    BOT_CORE,
    CORES,
    Fake,
    Usage,
    fake_bot_api,
    machine_busy,
    running,
    settle,
    usage,
)
from benchmarks.reply_check import Asked, Tally, tally


@dataclass(frozen=True)
class Run:
    """The figures of one run.

    :ivar seconds: from the first update handed out to the last reply.
    :ivar start_seconds: from the start of the process to its first request for updates.
    :ivar cpu_ms: CPU milliseconds the bot spent an update, until 0.3 seconds after the last one.
    :ivar fake_busy: share of that time in which the fake Bot API was at work.
    :ivar others_busy: share of the machine's cores that went to neither of the two.
    :ivar inbox_done: rows marked done in Kaika's inbox after its stop; `None` for the others.
    """

    messages: int
    seconds: float
    start_seconds: float
    cpu_ms: float
    rss_before_mib: float
    rss_after_mib: float
    fake_busy: float
    others_busy: float
    tally: Tally
    inbox_done: int | None

    @property
    def rate(self) -> float:
        """Updates a second."""
        return (self.messages - self.tally.lost) / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Moment:
    """How far the clock, the two processes and the machine are."""

    clock: float
    bot: Usage
    fake: Usage
    machine_busy: float

    @classmethod
    def now(cls, bot: int, fake: int) -> Self:
        """Look at all of them."""
        return cls(monotonic(), usage(bot), usage(fake), machine_busy())


def measure(who: Contestant, asked: Sequence[Asked], latency: float, folder: Path) -> Run:
    """Run `who` once on `asked`."""
    folder = folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    messages = [(message.chat, message.text) for message in asked]
    if who.echoes:
        asked = [Asked(m.chat, m.text, m.text) for m in asked]
    with fake_bot_api(folder, messages, latency) as fake:
        return _load(who, fake, asked, folder)


def _load(who: Contestant, fake: Fake, asked: Sequence[Asked], folder: Path) -> Run:
    started = monotonic()
    environment = who.environment(fake.address, folder)
    command = who.command(fake.address)
    with running(command, BOT_CORE, folder / "bot.log", environment) as bot:
        first_poll = fake.hear("first_poll", bot)
        settle(bot.pid)
        before = Moment.now(bot.pid, fake.id)
        fake.open_gate()
        report = fake.hear("report", bot)
        after = Moment.now(bot.pid, fake.id)
    passed = after.clock - before.clock
    bot_cpu, fake_cpu = after.bot.cpu - before.bot.cpu, after.fake.cpu - before.fake.cpu
    others = after.machine_busy - before.machine_busy - bot_cpu - fake_cpu
    return Run(
        messages=len(asked),
        seconds=report["seconds"],
        start_seconds=first_poll - started,
        cpu_ms=bot_cpu / len(asked) * 1000,
        rss_before_mib=before.bot.rss_mib,
        rss_after_mib=after.bot.rss_mib,
        fake_busy=fake_cpu / passed,
        others_busy=max(others, 0.0) / passed / CORES,
        tally=tally(asked, [(chat, text) for chat, text in report["replies"]]),
        inbox_done=None if who.echoes else _inbox_done(folder / "data" / "kaika.db"),
    )


def _inbox_done(database: Path) -> int:
    with sqlite3.connect(database) as connection:
        done = connection.execute("SELECT count(*) FROM inbox WHERE payload IS NULL")
        return int(done.fetchone()[0])
