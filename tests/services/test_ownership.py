"""One process owns a database; who was frozen or cut off commits nothing after a take-over."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from services.storage import ownership as ownership_module
from services.storage.availability import DatabaseUnavailableError
from services.storage.database import Database
from services.storage.models import DatabaseFact
from services.storage.ownership import Ownership, OwnershipLostError, create_ownership, own_briefly
from tests.services.authority.conftest import MakeUrl, folder, make_url
from tests.services.authority.postgres import TEST_DATABASE, PostgresServer

__all__ = ["folder", "make_url"]

END_CLAIMS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE application_name = 'kaika owner'"
)
HOLDER = """
import asyncio, os, platform, sys
from services.storage.database import Database
from services.storage.ownership import create_ownership

async def main():
    ownership = create_ownership(Database(sys.argv[1]))
    print(platform.node(), os.getpid(), await ownership.claim(), flush=True)
    sys.stdin.read()

asyncio.run(main())
"""
CONTAINER = ("unshare", "--map-root-user", "--uts", "--pid", "--fork", "--kill-child")
"""Runs a command with a host name and process numbers of its own, as a container does."""
IN_CONTAINER = ("sh", "-c", 'hostname kaika && exec "$@"', "sh")


class Contender:
    """A process that wants to own the database, as far as the database can tell."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.ownership: Ownership = create_ownership(self.database)
        self.database.check_ownership = self.ownership.check

    async def write(self) -> None:
        """Commit a row."""
        async with self.database.unit_of_work() as session:
            session.add(DatabaseFact(name=f"fact {os.urandom(4).hex()}", value="x"))

    async def count_facts(self) -> int:
        """Return the number of rows that were committed."""
        async with self.database.unit_of_work() as session:
            return (await session.scalars(select(func.count(DatabaseFact.name)))).one()

    async def claim_in_time(self) -> None:
        """Claim as soon as it is possible."""
        for _ in range(600):
            if await self._try_to_claim():
                return
            await asyncio.sleep(0.05)
        raise TimeoutError

    async def _try_to_claim(self) -> bool:
        try:
            return await self.ownership.claim()
        except DatabaseUnavailableError:
            return False

    async def close(self) -> None:
        """Release the claim and the connections."""
        await self.ownership.release()
        await self.database.close()


@pytest.fixture
async def url(make_url: MakeUrl, folder: Path) -> str:
    return await make_url(folder)


@pytest.fixture
async def first(url: str) -> AsyncIterator[Contender]:
    contender = Contender(url)
    yield contender
    await contender.close()


@pytest.fixture
async def second(url: str) -> AsyncIterator[Contender]:
    contender = Contender(url)
    yield contender
    await contender.close()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    postgres.query(TEST_DATABASE, "DELETE FROM ownership; DELETE FROM facts")
    return postgres.url(TEST_DATABASE)


@pytest.fixture
async def rivals(postgres_url: str) -> AsyncIterator[tuple[Contender, Contender]]:
    """Two contenders on PostgreSQL, of which the first is the owner."""
    owner, rival = Contender(postgres_url), Contender(postgres_url)
    assert await owner.ownership.claim()
    yield owner, rival
    await owner.close()
    await rival.close()


async def test_of_two_with_the_same_host_and_process_number_one_owns(
    first: Contender, second: Contender
) -> None:
    assert await first.ownership.claim()
    assert not await second.ownership.claim()
    assert await second.ownership.describe_owner() == await first.ownership.describe_owner() != ""
    await first.write()
    await first.ownership.renew()
    await first.ownership.release()
    assert await second.ownership.claim()
    await second.write()
    assert await second.count_facts() == 2


def _can_have_containers() -> bool:
    done = subprocess.run([*CONTAINER, *IN_CONTAINER, "true"], capture_output=True, check=False)
    return done.returncode == 0


async def test_of_two_containers_with_one_host_name_one_owns(url: str) -> None:
    if not await asyncio.to_thread(_can_have_containers):
        pytest.skip("this machine does not let unprivileged programs have names of their own")
    pipe = asyncio.subprocess.PIPE
    command = (*CONTAINER, *IN_CONTAINER, sys.executable, "-c", HOLDER, url)
    said, processes = [], []
    try:
        for _ in range(2):
            process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
            processes.append(process)
            assert process.stdout is not None
            said.append((await process.stdout.readline()).decode().split())
    finally:
        for process in processes:
            process.kill()
            await process.wait()
    assert said == [["kaika", "1", "True"], ["kaika", "1", "False"]]


async def test_a_command_owns_for_as_long_as_it_works(first: Contender, second: Contender) -> None:
    async with own_briefly(first.database) as is_owner:
        assert is_owner
        async with own_briefly(second.database) as is_second_owner:
            assert not is_second_owner
    assert await second.ownership.claim()
    async with own_briefly(first.database) as is_owner:
        assert not is_owner


async def test_a_process_that_is_frozen_keeps_the_file_and_one_that_died_does_not(
    migrated_file: Path,
) -> None:
    url = f"sqlite+aiosqlite:///{migrated_file}"
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-c", HOLDER, url)
    holder = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        assert holder.stdout is not None
        assert (await holder.stdout.readline()).endswith(b" True\n")
        contender = Contender(url)
        holder.send_signal(signal.SIGSTOP)
        assert not await contender.ownership.claim()
        assert str(holder.pid) in await contender.ownership.describe_owner()
    finally:
        holder.kill()
        await holder.wait()
    assert await contender.ownership.claim()
    await contender.close()


@pytest.mark.parametrize("is_replaced", [False, True])
async def test_who_loses_its_lock_file_commits_nothing(
    migrated_file: Path, tmp_path: Path, is_replaced: bool
) -> None:
    path = tmp_path / "kaika.db"
    path.write_bytes(migrated_file.read_bytes())
    owner, rival = (Contender(f"sqlite+aiosqlite:///{path}") for _ in range(2))
    assert await owner.ownership.claim()
    path.with_name("kaika.db.lock").unlink()
    if is_replaced:
        assert await rival.ownership.claim()
    with pytest.raises(OwnershipLostError):
        await owner.write()
    with pytest.raises(OwnershipLostError):
        await owner.ownership.renew()
    assert await rival.ownership.claim() is not is_replaced
    assert await rival.count_facts() == 0
    await owner.close()
    await rival.close()


async def test_after_a_take_over_the_old_owner_commits_nothing(
    rivals: tuple[Contender, Contender], postgres: PostgresServer
) -> None:
    owner, rival = rivals
    await owner.write()
    assert postgres.query(TEST_DATABASE, END_CLAIMS) == "1"
    assert await rival.ownership.claim()
    with pytest.raises(OwnershipLostError):
        await owner.write()
    assert await owner.count_facts() == 1, "it may read"
    with pytest.raises(DatabaseUnavailableError):
        await owner.ownership.renew()
    with pytest.raises(OwnershipLostError):
        await owner.ownership.renew()
    await rival.write()
    assert await rival.count_facts() == 2


async def test_a_take_over_waits_for_a_commit_that_was_checked(
    rivals: tuple[Contender, Contender], postgres: PostgresServer
) -> None:
    owner, rival = rivals
    async with owner.database.unit_of_work() as session:
        session.add(DatabaseFact(name="late", value="x"))
        await session.flush()
        await owner.ownership.check(session)
        postgres.query(TEST_DATABASE, END_CLAIMS)
        taking_over = asyncio.ensure_future(rival.claim_in_time())
        done, _ = await asyncio.wait({taking_over}, timeout=0.1)
        assert not done
    await taking_over
    assert await rival.count_facts() == 1


async def test_a_claim_that_was_interrupted_comes_back(
    rivals: tuple[Contender, Contender], postgres: PostgresServer
) -> None:
    owner, rival = rivals
    postgres.query(TEST_DATABASE, END_CLAIMS)
    with pytest.raises(DatabaseUnavailableError):
        await owner.ownership.renew()
    await owner.ownership.renew()
    assert not await rival.ownership.claim()
    await owner.write()


async def test_a_claim_that_is_not_renewed_ends(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = {**ownership_module._SESSION, "idle_session_timeout": "50ms"}
    with monkeypatch.context() as patch:
        patch.setattr(ownership_module, "_SESSION", short)
        frozen = Contender(postgres_url)
    rival = Contender(postgres_url)
    assert await frozen.ownership.claim()
    await rival.claim_in_time()
    with pytest.raises(OwnershipLostError):
        await frozen.write()
    await frozen.close()
    await rival.close()


async def test_an_epoch_never_comes_twice_also_from_a_backup(
    rivals: tuple[Contender, Contender], postgres: PostgresServer
) -> None:
    owner, rival = rivals
    postgres.query(TEST_DATABASE, "DELETE FROM ownership")  # as before the first claim
    postgres.query(TEST_DATABASE, END_CLAIMS)
    assert await rival.ownership.claim()
    with pytest.raises(OwnershipLostError):
        await owner.write()


async def test_reading_costs_no_lock_and_no_number_of_a_transaction(
    rivals: tuple[Contender, Contender],
) -> None:
    owner, _ = rivals
    async with owner.database.unit_of_work() as session:
        await owner.ownership.check(session)
        used = await session.scalar(text("SELECT pg_current_xact_id_if_assigned()::text"))
    assert used is None
