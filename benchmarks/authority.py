"""The cost of checking a subscriber code, and the number of checks per second.

    python -m benchmarks.authority

Measures Argon2id with the shipped parameters, alone and through the authority: the attempt is
counted and committed, the code hashed, the grant committed, on SQLite with the shipped durability.
Right codes, wrong codes and people without a record are timed alternately. Status look-ups are
those that a conversation makes under a grant.
"""

import asyncio
import random
import tempfile
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.processes import OtherPrograms
from benchmarks.results import merge
from services import rate_limit
from services.argon2_cost import Argon2Cost
from services.authority.data_types import AuthorityOperation
from services.authority.embedded import authority_limits
from services.authority.embedded.audit import Actor
from services.authority.embedded.authority import AuthorityFiles, EmbeddedAuthority
from services.authority.embedded.counter import Counter
from services.authority.embedded.credentials.hashing import Argon2Hasher
from services.authority.embedded.personal_data.records import PersonalData
from services.authority.errors import AuthorityError
from services.formats import ui_number
from services.formats.subscriber_code import SubscriberCode
from services.formats.ui_number import UiNumber
from services.storage import keys
from services.storage.database import Database
from services.storage.upgrade import upgrade

PEOPLE = 12
HASHES = 24
LOOK_UPS = 500
THREADS = 2
_WRONG = SubscriberCode("wRang234")
_console = Console()


def _draw(rng: random.Random) -> UiNumber:
    body = "A8" + "".join(rng.choices("0123456789", k=7))
    last = next(digit for digit in "0123456789" if ui_number.checksum(body + digit) == 0)
    return UiNumber.parse(body + last)


async def _hashing(threads: int) -> dict[str, float]:
    """Time Argon2id alone: one at a time, and with every thread busy."""
    hasher = Argon2Hasher(threads=threads)
    verifier = await hasher.create_verifier(b"secret")
    taken: list[float] = []

    async def one() -> None:
        start = perf_counter()
        await hasher.verify(b"another", verifier)
        taken.append(perf_counter() - start)

    start = perf_counter()
    for _ in range(HASHES // threads):
        await asyncio.gather(*(one() for _ in range(threads)))
    seconds = perf_counter() - start
    hasher.close()
    return {"ms": median(taken) * 1000, "per_second": len(taken) / seconds}


def _figures(taken: list[float]) -> dict[str, float]:
    return {"ms": median(taken) * 1000, "per_second": len(taken) / sum(taken)}


class CodeCheckScenario:
    """An authority with a few people on record, and as many UI Nos. without a record."""

    def __init__(self, authority: EmbeddedAuthority) -> None:
        self.authority = authority
        rng = random.Random(7)
        self.people = [_draw(rng) for _ in range(PEOPLE)]
        self.nobodies = [_draw(rng) for _ in range(PEOPLE)]
        self.codes: list[SubscriberCode] = []

    async def populate(self, now: datetime) -> None:
        """Submit an application for each person."""
        counter = Counter(self.authority, Actor.at_counter("benchmark"))
        for number in self.people:
            data = PersonalData(
                number, "Somebody", date(1990, 1, 1), "a@mail.example", "臺北市廣州街1號"
            )
            applied = await counter.apply(data, now)
            assert applied.code is not None
            self.codes.append(applied.code)

    async def time_side_by_side(self, now: datetime) -> dict[str, dict[str, float]]:
        """Check a right code, a wrong one and one without a record in turn, in separate chats."""
        wrong = [_WRONG] * PEOPLE
        asked = {
            "right code": list(zip(self.people, self.codes, strict=True)),
            "wrong code": list(zip(self.people, wrong, strict=True)),
            "nobody's code": list(zip(self.nobodies, wrong, strict=True)),
        }
        taken: dict[str, list[float]] = {kind: [] for kind in asked}
        for turn in range(PEOPLE):
            for kind, pairs in asked.items():
                taken[kind].append(await self._one(turn, *pairs[turn], now))
        await self._forgive(self.people + self.nobodies)
        return {kind: _figures(times) for kind, times in taken.items()}

    async def time_concurrently(self, now: datetime) -> dict[str, float]:
        """Check right codes with every thread busy."""
        pairs = list(zip(self.people, self.codes, strict=True))
        start = perf_counter()
        ones = (self._one(100 + n, *pair, now) for n, pair in enumerate(pairs))
        taken = await asyncio.gather(*ones)
        return {**_figures(taken), "per_second": len(taken) / (perf_counter() - start)}

    async def _one(self, chat: int, number: UiNumber, code: SubscriberCode, now: datetime) -> float:
        start = perf_counter()
        with suppress(AuthorityError):
            await self.authority.credentials.check_code(
                number, code, AuthorityOperation.STATUS, chat, now
            )
        return perf_counter() - start

    async def _forgive(self, numbers: list[UiNumber]) -> None:
        async with self.authority.database.unit_of_work() as session:
            for number in numbers:
                subject = self.authority.records.hash_ui_number(number)
                for limit in authority_limits.CODE_LIMITS:
                    await rate_limit.reset(session, limit, subject)

    async def time_status_lookups(self, now: datetime) -> dict[str, float]:
        """Look up the status of one person repeatedly."""
        check = self.authority.credentials.check_code
        grant = await check(self.people[0], self.codes[0], AuthorityOperation.STATUS, 1, now)
        taken = []
        for _ in range(LOOK_UPS):
            start = perf_counter()
            async with self.authority.database.unit_of_work() as session:
                await self.authority.certificates.get_timeline(session, grant.id, 1, now)
            taken.append(perf_counter() - start)
        return _figures(taken)


async def measure_authority() -> dict[str, Any]:
    """Return all figures."""
    cost = Argon2Cost()
    found: dict[str, Any] = {
        "cost": {"memory_kib": cost.memory, "passes": cost.passes, "lanes": cost.lanes},
        "hash, one thread": await _hashing(1),
        f"hash, {THREADS} threads": await _hashing(THREADS),
    }
    with tempfile.TemporaryDirectory() as name:
        folder, now = Path(name), datetime.now(UTC)
        database = Database(f"sqlite+aiosqlite:///{folder / 'kaika.db'}")
        await upgrade(database)
        ring = keys.load_or_create(folder / "keys.json")
        authority = EmbeddedAuthority(database, ring, AuthorityFiles.in_folder(folder))
        await authority.start(now)
        scenario = CodeCheckScenario(authority)
        await scenario.populate(now)
        found |= await scenario.time_side_by_side(now)
        found[f"right codes, {PEOPLE} at once"] = await scenario.time_concurrently(now)
        found["status look-up"] = await scenario.time_status_lookups(now)
        authority.close()
        await database.close()
    return found


def main() -> None:
    """Measure, print and write the figures."""
    others = OtherPrograms()
    found = asyncio.run(measure_authority())
    found["others_busy"] = others.share()
    cost = found["cost"]
    title = f"Argon2id {cost['memory_kib'] // 1024} MiB, {cost['passes']} passes"
    table = Table("what", "median ms", "per second", title=f"{title}, {cost['lanes']} lane")
    for name, figures in found.items():
        if name not in ("cost", "others_busy"):
            table.add_row(name, f"{figures['ms']:.1f}", f"{figures['per_second']:.1f}")
    _console.print(table)
    merge("authority", found)


if __name__ == "__main__":
    main()
