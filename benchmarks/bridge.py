"""The time that server, websocket and bridge add to card operations, and their messages.

    python -m benchmarks.bridge [rounds]

Each operation is done on one virtual card, alternately through the card layer alone and from the
chat's request at the hub to the result in the chat. The server is this process, with SQLite on the
disk; the bridge, with a person who answers immediately, is a process on the other core. The time
spent waiting for the database is shown separately. Then the bridge connects over a slow link.
"""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import uvloop
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.card import summarize_times
from benchmarks.processes import BOT_CORE, FAKE_CORE, ROOT, OtherPrograms, raise_priority
from benchmarks.results import merge
from benchmarks.slow_link import SlowLink
from reader_bridge.virtual_card.card_file import read_label
from services.bridge.operations.card_task import CardTask
from services.bridge.write_behind import TASK
from services.storage.database import Database
from services.storage.upgrade import upgrade
from tests.services.authority.authority_harness import Applicant, AuthorityHarness, fast_folder
from tests.services.bridge.websocket_harness import (
    PASSPHRASE,
    HubChatDriver,
    bridge_url,
    make_cardholder,
    open_authority,
    serve_hub,
)

ROUNDS = 150
WARM_UP = 10
SLOW_ROUNDS = 20
ONE_WAY_SECONDS = 0.05
WORKS = {
    CardTask.CARD_STATUS: "card status",
    CardTask.PROVE_POSSESSION: "proof of possession",
    CardTask.CHANGE_PIN: "change PIN",
    CardTask.ACTIVATE: "activate",
    CardTask.UNLOCK: "unlock",
}
_console = Console(soft_wrap=True)


class TimedDatabase(Database):
    """A database that measures how long its units of work take.

    :ivar waited: milliseconds of those in the foreground.
    :ivar beside: milliseconds of those in the background, which are held back until `free` is set.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.waited: list[float] = []
        self.beside: list[float] = []
        self.free = asyncio.Event()
        self.free.set()

    @asynccontextmanager
    async def unit_of_work(self, *, is_urgent: bool = False) -> AsyncIterator[AsyncSession]:
        """Open one transaction."""
        task = asyncio.current_task()
        is_beside = task is not None and task.get_name() == TASK
        if is_beside:
            await self.free.wait()
        begun = perf_counter()
        async with super().unit_of_work(is_urgent=is_urgent) as session:
            yield session
        (self.beside if is_beside else self.waited).append(1000 * (perf_counter() - begun))


class PcProcess:
    """The pipes to the process of the PC."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._to, self._from = process.stdin, process.stdout

    def say(self, **values: Any) -> None:
        """Send a value as a line of JSON."""
        self._to.write(json.dumps(values).encode() + b"\n")

    async def directly(self, work: CardTask) -> float:
        """Have an operation done through the card layer alone; return the milliseconds."""
        self.say(work=work)
        return float(json.loads(await self._from.readline()))


@asynccontextmanager
async def _paired_pc(chat: HubChatDriver, card: Path) -> AsyncIterator[PcProcess]:
    """Run a bridge in another process, paired with the chat, while the block runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.bridge_pc", stdin=PIPE, stdout=PIPE, cwd=ROOT
    )
    os.sched_setaffinity(process.pid, {FAKE_CORE})
    raise_priority(process.pid)
    pc = PcProcess(process)
    try:
        key = chat.world.authority.cards.derive_admin_key(read_label(card).serial).hex()
        place = {"card": str(card), "passphrase": PASSPHRASE, "admin_key": key}
        pc.say(url=bridge_url(chat), code=await chat.code(), **place)
        await chat.pairs()
        yield pc
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@dataclass
class Series:
    """The rounds of one operation in milliseconds, and the largest number of messages in one."""

    directly: list[float] = field(default_factory=list)
    through: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    messages: int = 0
    round_trips: int = 0

    @property
    def added(self) -> list[float]:
        """The time of each round beyond card and database."""
        rounds = zip(self.through, self.directly, self.waited, strict=True)
        return [through - directly - waited for through, directly, waited in rounds]

    def summary(self) -> dict[str, Any]:
        """Return the figures."""
        parts = {
            "directly": self.directly,
            "through": self.through,
            "waited": self.waited,
            "added": self.added,
        }
        found: dict[str, Any] = {
            name: summarize_times(sorted(values)) for name, values in parts.items()
        }
        return found | {"messages": self.messages, "round_trips": self.round_trips}


async def _through(
    chat: HubChatDriver, database: TimedDatabase, work: CardTask, series: Series
) -> None:
    grant = await chat.grant(work)
    await chat.hub.flush()
    database.waited.clear()
    database.free.clear()
    ended = await chat.run_task(work, grant)
    series.through.append(1000 * ended.seconds)
    series.waited.append(sum(database.waited))
    series.messages = max(series.messages, len(chat.link.frames))
    series.round_trips = max(series.round_trips, chat.link.round_trips)


async def _in_turns(
    chat: HubChatDriver, pc: PcProcess, database: TimedDatabase, rounds: int
) -> dict[CardTask, Series]:
    """Do each operation directly and over the bridge, in alternating order."""
    chat.at_end = database.free.set
    await chat.run_task(CardTask.ACTIVATE, await chat.grant(CardTask.ACTIVATE))
    found = {}
    for work in WORKS:
        for count in (WARM_UP, rounds):
            database.beside.clear()
            found[work] = series = Series()
            for number in range(count):
                if number % 2:
                    await _through(chat, database, work, series)
                series.directly.append(await pc.directly(work))
                if not number % 2:
                    await _through(chat, database, work, series)
            series.beside = list(database.beside)
    return found


async def _over_slow_link(
    world: AuthorityHarness, someone: Applicant, card: Path
) -> dict[str, Any]:
    slow = SlowLink(ONE_WAY_SECONDS)
    async with slow.open() as dialled, serve_hub(world, someone, dialled) as chat:
        slow.target = chat.port
        async with _paired_pc(chat, card):
            await chat.run_task(CardTask.CARD_STATUS)
            ended = [await chat.run_task(CardTask.CARD_STATUS) for _ in range(SLOW_ROUNDS)]
    taken = [1000 * one.seconds for one in ended]
    trips = median(taken) / (2000 * ONE_WAY_SECONDS)
    one_way = round(1000 * ONE_WAY_SECONDS)
    return {
        "one_way_ms": one_way,
        "status_ms": round(median(taken), 1),
        "longest_ms": round(max(taken), 1),
        "round_trips": round(trips, 2),
    }


async def _measure(folder: Path, memory: Path, rounds: int) -> dict[str, Any]:
    database = TimedDatabase(f"sqlite+aiosqlite:///{folder / 'kaika.db'}")
    await upgrade(database)
    async with open_authority(database, folder) as world:
        someone = await make_cardholder(world)
        card = Path(shutil.copy(someone.card_file, memory))
        async with serve_hub(world, someone) as chat, _paired_pc(chat, card) as pc:
            found = await _in_turns(chat, pc, database, rounds)
        slow = await _over_slow_link(world, someone, card)
    beside = summarize_times(sorted(taken for series in found.values() for taken in series.beside))
    operations = {WORKS[work]: series.summary() for work, series in found.items()}
    return {"rounds": rounds, "operations": operations, "beside": beside, "slow_link": slow}


def _print(found: dict[str, Any]) -> None:
    for name, one in found["operations"].items():
        parts = (f"{part} {one[part]['median_ms']:6.2f}" for part in ("directly", "through"))
        added = f"added {one['added']['median_ms']:5.2f} median {one['added']['p95_ms']:5.2f} p95"
        waited = f"database {one['waited']['median_ms']:6.2f}"
        wire = f"{one['messages']} messages, {one['round_trips']} round trips"
        _console.print(f"{name:<20}", *parts, waited, added, wire)
    _console.print({name: found[name] for name in ("beside", "slow_link", "others_busy")})


def main() -> int:
    """Measure, print and write the figures."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    os.sched_setaffinity(0, {BOT_CORE})
    raise_priority(os.getpid())
    in_memory = tempfile.TemporaryDirectory(dir=fast_folder())
    with tempfile.TemporaryDirectory() as folder, in_memory as memory:
        others = OtherPrograms()
        found = uvloop.run(_measure(Path(folder), Path(memory), rounds))
    found["others_busy"] = others.share()
    merge("bridge", found)
    _print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
