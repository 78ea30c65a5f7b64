"""A process that lives lives until it is killed: the other half of `strikes`.

It imports everything once and forks for each strike, so that a strike costs no start-up. A
child is killed with SIGKILL at a random moment; what it printed is what the world was told.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from services.authority.data_types import AuthorityOperation
from services.authority.errors import AuthorityError
from services.formats.one_time_code import OneTimeCode
from services.formats.subscriber_code import SubscriberCode
from tests.services.authority.authority_harness import CHAT, NOW, Applicant, AuthorityHarness

LONGEST = 0.4
"""Seconds after which a child is struck at the latest; a life takes about a tenth of one."""


async def retrieve(someone: Applicant) -> None:
    """Have the code given back, as a person who lost the form."""
    authority, database = someone.world.authority, someone.world.database
    async with database.unit_of_work() as session:
        born, operation = someone.data.birth_date, AuthorityOperation.RETRIEVE
        ask = authority.credentials.request_one_time_code
        challenge = await ask(session, someone.ui_number, born, operation, CHAT, NOW)
    code = OneTimeCode(authority.one_time_codes.derive(challenge.id).reveal())
    grant = await authority.credentials.check_one_time_code(challenge.id, code, CHAT, NOW)
    async with database.unit_of_work() as session:
        revealed = await authority.credentials.reveal_code(session, grant.id, CHAT, NOW)
    someone.code = SubscriberCode(revealed.code.reveal())


async def pay(someone: Applicant) -> None:
    """Pay; what was taken is told to the world before it is recorded, as a provider does."""
    checkout = await someone.open_invoice()
    await someone.approve_checkout(checkout)
    charge = f"charge of {someone.seed}"
    told = {"charge": charge, "payload": checkout.payload, "amount": checkout.amount}
    os.write(1, f"{json.dumps(told)}\n".encode())
    await someone.record_charge(checkout, charge)


async def live(world: AuthorityHarness, seed: int) -> None:
    """Live the lives of random people, each as far as chance has it, again and again."""
    rng = random.Random(seed)  # noqa: S311
    while True:
        someone = world.person(rng.randrange(1, 10**9))
        acts: list[Callable[[], Awaitable[object]]] = [
            someone.applies,
            partial(retrieve, someone),
            someone.checks,
            partial(pay, someone),
            someone.is_issued,
            someone.is_posted,
            someone.activates,
        ]
        changes = (someone.suspends, someone.resumes, someone.is_revoked)
        acts += [rng.choice(changes) for _ in range(4)]
        for act in acts[: rng.randrange(1, len(acts) + 1)]:
            try:
                await act()
            except AuthorityError:
                continue


async def run(url: str, folder: Path, seed: int) -> None:
    """Run as one child: a process with an authority of its own."""
    world = AuthorityHarness(url, folder)
    await world.authority.start(NOW)
    await live(world, seed)


def main() -> None:
    """Strike once for each seed that comes in on a line."""
    url, folder = sys.argv[1], Path(sys.argv[2])
    for line in sys.stdin:
        seed = int(line)
        child = os.fork()
        if child == 0:
            asyncio.run(run(url, folder, seed))
        rng = random.Random(seed)  # noqa: S311
        time.sleep(rng.uniform(0.0, LONGEST))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.write(1, b"struck\n")


if __name__ == "__main__":
    main()
