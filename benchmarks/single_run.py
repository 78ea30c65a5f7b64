"""One run: a new process of a bot on a core of its own, one load, and its figures."""

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
    FakeBotApiProcess,
    Usage,
    fake_bot_api,
    machine_busy,
    run_module,
    usage,
    wait_until_idle,
)
from benchmarks.reply_check import ExpectedReply, ReplyTally, tally_replies


@dataclass(frozen=True)
class RunFigures:
    """The figures of one run.

    :ivar seconds: from the first update handed out to the last reply.
    :ivar start_seconds: from the start of the process to its first request for updates.
    :ivar cpu_ms: CPU milliseconds of the bot per update, until 0.3 seconds after the last one.
    :ivar fake_busy: CPU share of the fake Bot API in that time.
    :ivar others_busy: share of the machine's cores used by other programs.
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
    tally: ReplyTally
    inbox_done: int | None

    @property
    def rate(self) -> float:
        """Updates per second."""
        return (self.messages - self.tally.lost) / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Moment:
    """The clock, and the CPU use of the two processes and the machine, at one moment."""

    clock: float
    bot: Usage
    fake: Usage
    machine_busy: float

    @classmethod
    def now(cls, bot: int, fake: int) -> Self:
        """Return the current values."""
        return cls(monotonic(), usage(bot), usage(fake), machine_busy())


def measure_run(
    who: Contestant, asked: Sequence[ExpectedReply], latency: float, folder: Path
) -> RunFigures:
    """Run a contestant once, with the messages of `asked`."""
    folder = folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    messages = [(message.chat, message.text) for message in asked]
    if who.echoes:
        asked = [ExpectedReply(m.chat, m.text, m.text) for m in asked]
    with fake_bot_api(folder, messages, latency) as fake:
        return _load(who, fake, asked, folder)


def _load(
    who: Contestant, fake: FakeBotApiProcess, asked: Sequence[ExpectedReply], folder: Path
) -> RunFigures:
    started = monotonic()
    environment = who.environment(fake.address, folder)
    command = who.command(fake.address)
    with run_module(command, BOT_CORE, folder / "bot.log", environment) as bot:
        first_poll = fake.wait_for("first_poll", bot)
        wait_until_idle(bot.pid)
        before = Moment.now(bot.pid, fake.id)
        fake.open_gate()
        report = fake.wait_for("report", bot)
        after = Moment.now(bot.pid, fake.id)
    passed = after.clock - before.clock
    bot_cpu, fake_cpu = after.bot.cpu - before.bot.cpu, after.fake.cpu - before.fake.cpu
    others = after.machine_busy - before.machine_busy - bot_cpu - fake_cpu
    return RunFigures(
        messages=len(asked),
        seconds=report["seconds"],
        start_seconds=first_poll - started,
        cpu_ms=bot_cpu / len(asked) * 1000,
        rss_before_mib=before.bot.rss_mib,
        rss_after_mib=after.bot.rss_mib,
        fake_busy=fake_cpu / passed,
        others_busy=max(others, 0.0) / passed / CORES,
        tally=tally_replies(asked, [(chat, text) for chat, text in report["replies"]]),
        inbox_done=None if who.echoes else _inbox_done(folder / "data" / "kaika.db"),
    )


def _inbox_done(database: Path) -> int:
    with sqlite3.connect(database) as connection:
        done = connection.execute("SELECT count(*) FROM inbox WHERE payload IS NULL")
        return int(done.fetchone()[0])
