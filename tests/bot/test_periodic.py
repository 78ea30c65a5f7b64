"""Periodic work runs immediately, repeats, and is never cancelled."""

import asyncio

import pytest

from bot.jobs.periodic import run_every


async def test_it_comes_at_once_and_again() -> None:
    done = asyncio.Semaphore(0)

    async def work() -> None:
        done.release()

    async with run_every(work, 0.0, "rounds"):
        for _ in range(3):
            await asyncio.wait_for(done.acquire(), 10)


async def test_a_round_in_hand_is_finished_and_none_begun() -> None:
    started, gate, finished = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        started.set()
        await gate.wait()
        finished.append(True)

    async with run_every(work, 0.0, "rounds"):
        await started.wait()
        asyncio.get_running_loop().call_soon(gate.set)
    assert finished == [True]


async def test_an_error_is_raised_when_the_block_ends() -> None:
    failed = asyncio.Event()

    async def work() -> None:
        failed.set()
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        async with run_every(work, 0.0, "rounds"):
            await failed.wait()
