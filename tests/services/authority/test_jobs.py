"""What falls due, on both databases: scheduled at once, anew while it is done, not yet."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from telegram.error import RetryAfter

from bot.jobs.worker import JobWorker
from services import jobs
from services.storage.models import Job
from tests.services.authority.authority_harness import NOW, AuthorityHarness
from tests.strict_supervisor import strict_supervisor

LATER = NOW + timedelta(hours=1)


async def rows(world: AuthorityHarness) -> list[Job]:
    async with world.database.unit_of_work() as session:
        return list(await session.scalars(select(Job).order_by(Job.key)))


async def schedules(world: AuthorityHarness, key: str = "same", at: datetime = NOW) -> None:
    async with world.database.unit_of_work() as session:
        await jobs.schedule(session, "kind", key, at, f'{{"at": {at.timestamp()}}}')


async def test_the_same_new_key_put_down_at_once_is_there_once(world: AuthorityHarness) -> None:
    await asyncio.gather(*(schedules(world, at=NOW + timedelta(n)) for n in range(12)))
    (row,) = await rows(world)
    assert row.at in {NOW + timedelta(n) for n in range(12)}
    assert row.reference == f'{{"at": {row.at.timestamp()}}}'


async def test_what_is_scheduled_anew_while_it_is_done_is_done_again(
    world: AuthorityHarness,
) -> None:
    done: list[datetime] = []

    async def errand(_row: Job, now: datetime) -> None:
        done.append(now)
        if len(done) == 1:
            await schedules(world)  # at the very same moment

    worker = JobWorker(world.database, {}, {"kind": errand})
    await schedules(world)
    assert [await worker.run_due(NOW) for _ in range(3)] == [1, 1, 0]
    assert await rows(world) == []


async def test_whoever_is_at_work_keeps_the_row_though_it_is_scheduled_anew(
    world: AuthorityHarness,
) -> None:
    await schedules(world)
    async with world.database.unit_of_work() as session:
        (row,) = await jobs.lease_due(session, NOW)
    await schedules(world)
    async with world.database.unit_of_work() as session:
        assert await jobs.lease_due(session, NOW) == []
        await jobs.complete(session, row)
    async with world.database.unit_of_work() as session:
        assert len(await jobs.lease_due(session, NOW)) == 1


async def test_what_failed_and_was_moved_meanwhile_stays_where_it_was_moved_to(
    world: AuthorityHarness,
) -> None:
    await schedules(world)
    async with world.database.unit_of_work() as session:
        (row,) = await jobs.lease_due(session, NOW)
    await schedules(world, at=LATER)
    async with world.database.unit_of_work() as session:
        await jobs.postpone(session, row, NOW)
    (row,) = await rows(world)
    assert (row.at, row.leased_until) == (LATER, None)


async def test_what_hangs_holds_up_nothing_else(world: AuthorityHarness) -> None:
    gate, others = asyncio.Event(), asyncio.Semaphore(0)

    async def hangs(_row: Job, _now: datetime) -> None:
        await gate.wait()

    async def quick(_row: Job, _now: datetime) -> None:
        others.release()

    async with world.database.unit_of_work() as session:
        await jobs.schedule(session, "hangs", "a mail server", NOW)
        await jobs.schedule(session, "quick", "first", NOW)
    worker = JobWorker(world.database, {}, {"hangs": hangs, "quick": quick})
    async with worker.running(strict_supervisor()):
        await asyncio.wait_for(others.acquire(), 10)
        async with world.database.unit_of_work() as session:
            await jobs.schedule(session, "quick", "second", NOW)
        await asyncio.wait_for(others.acquire(), 10)
        gate.set()
    assert await rows(world) == [], "what was in hand is finished"


async def test_what_cannot_be_done_yet_waits_until_then(world: AuthorityHarness) -> None:
    until = NOW + timedelta(minutes=7)

    async def not_yet(_session: AsyncSession, _row: Job, now: datetime) -> None:
        if now < until:
            raise RetryAfter(until - now)

    worker = JobWorker(world.database, {"kind": not_yet})
    await schedules(world)
    assert await worker.run_due(NOW) == 0
    assert (await rows(world))[0].at == until
    assert await worker.run_due(until - timedelta(seconds=1)) == 0
    assert await worker.run_due(until) == 1
    assert await rows(world) == []


async def test_what_a_process_that_is_gone_had_taken_is_done_by_the_next(
    world: AuthorityHarness,
) -> None:
    done, now = asyncio.Event(), datetime.now(UTC)

    async def errand(_row: Job, _now: datetime) -> None:
        done.set()

    await schedules(world)
    async with world.database.unit_of_work() as session:
        assert len(await jobs.lease_due(session, now)) == 1
        assert await jobs.lease_due(session, now) == [], "not for as long as the lease holds"
    worker = JobWorker(world.database, {}, {"kind": errand})
    async with worker.running(strict_supervisor()):
        await asyncio.wait_for(done.wait(), 10)
