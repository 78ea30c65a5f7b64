"""Of two processes that receive the same updates at the same time, only one acts."""

import asyncio
import json
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from sandbox.server import serve
from tests import phrases
from tests.bot.kaika_program import ROOT, free_port, kaika_environment
from tests.bot.kill_harness import KillTestWorld
from tests.bot.simulated_customers import PATIENCE
from tests.services.authority.conftest import MakeUrl, folder, make_url

__all__ = ["folder", "make_url"]

PEOPLE = 3
Process = asyncio.subprocess.Process


@asynccontextmanager
async def process(environment: dict[str, str], log: Path) -> AsyncIterator[Process]:
    """Start one of the processes and wait until it is ready."""
    pipe = asyncio.subprocess.PIPE
    with log.open("ab") as errors:
        started = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bot.update_worker"),
            env={**os.environ, **environment},
            cwd=ROOT,
            stdin=pipe,
            stdout=pipe,
            stderr=errors,
        )
    try:
        assert await _line(started) == "ready", log.read_text()[-2000:]
        yield started
        assert started.stdin is not None
        started.stdin.close()
        assert await asyncio.wait_for(started.wait(), PATIENCE) == 0
    finally:
        with suppress(ProcessLookupError):
            started.kill()
        await started.wait()


async def _line(started: Process) -> str:
    assert started.stdout is not None
    return (await asyncio.wait_for(started.stdout.readline(), PATIENCE)).decode().strip()


async def _pass_updates(town: KillTestWorld, processes: Sequence[Process]) -> None:
    """Fetch each update from the sandbox and pass it to both at the same moment."""
    offset = 0
    while True:
        answer = await town.engine.call("getUpdates", {"offset": offset, "timeout": 30})
        for update in answer["result"]:
            offset = update["update_id"] + 1
            for each in processes:
                assert each.stdin is not None
                each.stdin.write(json.dumps(update).encode() + b"\n")
            assert await asyncio.gather(*map(_line, processes)) == ["done", "done"]


async def test_of_two_processes_one_acts(make_url: MakeUrl, folder: Path) -> None:
    town = KillTestWorld(await make_url(folder), folder, random.Random(1))  # noqa: S311
    public = free_port()
    await town.set_up(PEOPLE, f"http://127.0.0.1:{public}")
    mail, sandbox = await town.mailboxes.start(), await serve(town.engine, "page-token")
    environment = kaika_environment(town.url, folder, f"{sandbox.api_url}/bot", public, mail)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(sandbox.close)
        stack.push_async_callback(town.mailboxes.stop)
        log = folder / "log"
        both = [await stack.enter_async_context(process(environment, log)) for _ in range(2)]
        passing = asyncio.create_task(_pass_updates(town, both))
        await town.run_customers_until(asyncio.Event())
        await town.wait_until_idle()
        passing.cancel()
    await town.check_all()
    assert len(town.started) == PEOPLE
    _check_no_errors_were_shown(town)


def _check_no_errors_were_shown(town: KillTestWorld) -> None:
    errors = Counter(
        text
        for customer in town.started
        for message in customer.received
        for text in (phrases.OUR_ERROR, "don't need it right now", phrases.EARLIER_STEP, "is over")
        if text in message.get("text", "")
    )
    assert not errors, errors
