"""SIGKILL at random moments of random lives, and whether everything agrees afterwards.

On demand, with the seed printed: ``python -m tests.services.authority.kill_harness --strikes 200``.
"""

import argparse
import asyncio
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from services.authority.data_types import Charge, Checkout
from services.storage.database import Database
from services.storage.upgrade import upgrade
from tests.services.authority import invariants
from tests.services.authority.authority_harness import NOW, USER, AuthorityHarness, fast_folder
from tests.services.authority.postgres import PostgresServer

ROOT = Path(__file__).parents[3]


def strike(url: str, folder: Path, strikes: int, seed: int) -> int:
    """Strike, and check after each strike that nothing is half done; return how many lives began.

    :raises AssertionError: when something is, with the seed.
    """
    rng = random.Random(seed)  # noqa: S311
    command = [sys.executable, "-m", "tests.services.authority.kill_worker", url, str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as striker:
        assert striker.stdin is not None
        assert striker.stdout is not None
        lives, taken = 0, list[dict[str, Any]]()
        for number in range(strikes):
            striker.stdin.write(f"{rng.randrange(10**9)}\n")
            striker.stdin.flush()
            while (line := striker.stdout.readline().strip()) != "struck":
                assert line, f"the striker ended, seed {seed}"
                taken.append(json.loads(line))
            try:
                lives = asyncio.run(_check(url, folder, taken))
            except AssertionError as error:
                raise AssertionError(f"strike {number + 1} of seed {seed}: {error}") from error
        striker.stdin.close()
    return lives


async def _check(url: str, folder: Path, taken: list[dict[str, Any]]) -> int:
    """Start again, let the provider tell again of every charge, and check everything."""
    world = AuthorityHarness(url, folder)
    try:
        await world.authority.start(NOW)
        await invariants.check_invariants(world)
        for told in taken:
            await _tell_again(world, told)
        await invariants.check_invariants(world, {told["charge"] for told in taken})
        return len(await world.counter.list())
    finally:
        await world.close()


async def _tell_again(world: AuthorityHarness, told: dict[str, Any]) -> None:
    """Record a charge that may have been recorded before the strike."""
    checkout = Checkout(told["payload"], USER, told["amount"], "TWD")
    async with world.database.unit_of_work() as session:
        charge = Charge(told["charge"], "provider", checkout)
        await world.authority.payments.record_charge(session, charge, NOW)


def main() -> None:
    """Strike on a database of its own, and print the seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strikes", type=int, default=200)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.strikes} strikes", flush=True)  # noqa: T201
    folder = Path(tempfile.mkdtemp(prefix="kaika-strikes-", dir=fast_folder()))
    server = PostgresServer() if options.postgresql else None
    url = server.create("strikes") if server else f"sqlite+aiosqlite:///{folder / 'kaika.db'}"
    try:
        asyncio.run(_migrate(url))
        lives = strike(url, folder, options.strikes, options.seed)
        print(f"all agree, {lives} lives began")  # noqa: T201
    finally:
        if server:
            server.stop()
            shutil.rmtree(server.folder)
        shutil.rmtree(folder)


async def _migrate(url: str) -> None:
    database = Database(url)
    await upgrade(database)
    await database.close()


if __name__ == "__main__":
    main()
