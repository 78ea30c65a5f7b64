"""Kill test: SIGKILL of the bot at random moments while people talk to it and pay.

The bot is the program itself, over HTTP to a sandbox, with a database and a mail server of its
own. On demand, with the seed printed: ``python -m tests.bot.kill_harness 200``.
"""

import argparse
import asyncio
import random
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select

from sandbox.engine import Engine
from sandbox.server import serve
from services.argon2_cost import Argon2Cost
from services.authority.ca.ca_key_file import CaParameters
from services.authority.ca.certificate_service import CertificateService, open_certificate_service
from services.authority.ca.publication import PublicationUrls
from services.authority.embedded.certificates.register import EmbeddedCertificateRegister
from services.authority.embedded.models import AuditEntry
from services.formats.hidden import Hidden
from services.messaging.outbox import OutboxMessage
from services.storage.models import InboxUpdate, UpdateState
from services.storage.upgrade import upgrade
from tests import phrases
from tests.bot.kaika_program import PASSPHRASE, KaikaProgram, free_port, kaika_environment
from tests.bot.simulated_customers import PATIENCE, FakeMailServer, SimulatedCustomer
from tests.bot_harness import TOKEN
from tests.services.authority import invariants
from tests.services.authority.authority_harness import AuthorityHarness, fast_folder
from tests.services.authority.postgres import PostgresServer

MAX_CALLS = 24
"""Number of the program's calls after which it is killed at the latest."""
MAX_DELAY = 0.03
"""Seconds after such a call, at most."""
IDLE_SECONDS = 5.0
"""Seconds without enough calls after which it is killed all the same."""
START_SHARE = 0.1
"""Share of the kills that may come before it is ready."""
_LOST = Counter({"code_wrong": 1, "suspended": 1, "resumed": 1})
_PAID = Counter({"code_revealed": 1, "checkout_approved": 1, "paid": 1})
_MAILS_LOST = ("one-time code", "is suspended", "about to be reactivated", "can be used again")
_MAILS_PAID = ("one-time code", "payment received", "was shown")


class KillTestWorld:
    """The surroundings of the bot: Telegram, mail server, and people with records."""

    CONCURRENT_PEOPLE = 6
    """Number of people who are active at the same time."""

    def __init__(self, url: str, folder: Path, chance: random.Random) -> None:
        self.url, self.folder, self.chance = url, folder, chance
        self.engine, self.mailboxes = Engine(TOKEN), FakeMailServer()
        self.calls = 0
        self._is_up = asyncio.Event()
        self.engine.observe(self)
        self.customers: list[SimulatedCustomer] = []
        self.started: list[SimulatedCustomer] = []
        self.active: list[SimulatedCustomer] = []

    def on_call(self, method: str, params: Any, _envelope: Any) -> None:
        """Count calls with a visible effect."""
        self.calls += any(name in params for name in ("chat_id", "callback_query_id"))
        if method == "deleteWebhook":  # then it polls
            self._is_up.set()

    def expect_start(self) -> None:
        """Take note that the program is about to be started."""
        self._is_up.clear()

    async def wait_until_up(self) -> None:
        """Wait until the program serves people."""
        async with asyncio.timeout(PATIENCE):
            await self._is_up.wait()

    async def wait_to_kill(self, number: int) -> None:
        """Wait until the bot has made `number` more calls."""
        wanted = self.calls + number
        await self.engine.world.changes.signal.wait_for(
            lambda: self.calls >= wanted or None, IDLE_SECONDS
        )

    def on_killed(self) -> None:
        """Note that the program was killed."""

    def on_update(self, update: Any) -> None:
        """Do nothing."""

    @classmethod
    def count_people(cls, kills: int) -> int:
        """Return how many people are needed for so many kills."""
        return cls.CONCURRENT_PEOPLE + kills

    async def set_up(self, people: int, public_url: str) -> None:
        """Set up the authority and people."""
        world = AuthorityHarness(self.url, self.folder)
        try:
            await upgrade(world.database)
            now = datetime.now(UTC) - timedelta(days=1)
            new = CaParameters(key_bits=2048, cost=Argon2Cost(memory=64, passes=1))
            publication = PublicationUrls(public_url)
            service = await open_certificate_service(
                world.database,
                EmbeddedCertificateRegister(),
                self.folder / "ca.json",
                Hidden(PASSPHRASE),
                publication,
                now,
                new,
            )
            self.prepare_authority(world, service)
            await world.authority.start(now)
            for number in range(people):
                self.customers.append(await self.make_customer(world, number, now))
            await service.crl.wait_for_refreshes()
        finally:
            await world.close()

    def prepare_authority(self, world: AuthorityHarness, service: CertificateService) -> None:
        """Prepare the authority before people are made; here there is nothing to do."""

    async def make_customer(
        self, world: AuthorityHarness, number: int, now: datetime
    ) -> SimulatedCustomer:
        """Make a person."""
        someone, card = world.person(number + 1), None
        await someone.applies(now)
        if number % 3:
            for act in (someone.pays, someone.is_issued, someone.is_posted, someone.activates):
                await act(now)
            card = world.maker.orders[-1].card_number
            someone.card_file.unlink()
        person = self.engine.add_person(f"Customer {number}", "en")
        seed = self.chance.randrange(10**9)
        return SimulatedCustomer(someone, card, person, self.mailboxes, random.Random(seed))  # noqa: S311

    async def run_customers_until(self, over: asyncio.Event) -> None:
        """Run some people at a time, and start new ones until `over` is set."""

        async def one_after_the_other(waiting: Iterator[SimulatedCustomer]) -> None:
            while not over.is_set() and (customer := next(waiting, None)) is not None:
                self.started.append(customer)
                self.active.append(customer)
                await customer.run()
                self.active.remove(customer)

        async with asyncio.TaskGroup() as group:
            for queue in self.queues():
                group.create_task(one_after_the_other(queue))

    def queues(self) -> list[Iterator[SimulatedCustomer]]:
        """Return the people of each place at which one after the other acts."""
        return [iter(self.customers)] * self.CONCURRENT_PEOPLE

    async def wait_until_idle(self) -> None:
        """Wait until the program has nothing left to process or send."""
        world = AuthorityHarness(self.url, self.folder)
        try:
            async with asyncio.timeout(PATIENCE):
                while await self._has_work(world):
                    await self.engine.world.changes.signal.wait_for(lambda: None, 0.1)
        finally:
            await world.close()

    async def _has_work(self, world: AuthorityHarness) -> bool:
        undone = select(InboxUpdate.update_id).where(InboxUpdate.state != UpdateState.DONE)
        async with world.database.unit_of_work() as session:
            found = await session.execute(undone.limit(1))
            waiting = await session.execute(select(OutboxMessage.id).limit(1))
            return found.first() is not None or waiting.first() is not None

    async def check_all(self) -> None:
        """Check money, states, and what was done and sent for each person."""
        world = AuthorityHarness(self.url, self.folder)
        try:
            taken = {
                f"sandbox_tg_{chat}_{message}" for chat, message in self.engine.world.invoices.paid
            }
            before = {f"charge-{c.someone.seed}-1" for c in self.customers if self.has_paid(c)}
            await invariants.check_invariants(world, taken | before)
            for customer in self.started:
                await self.check_customer(world, customer)
        finally:
            await world.close()
        _check_traces(self.folder, [typed for each in self.started for typed in each.typed])

    def has_paid(self, customer: SimulatedCustomer) -> bool:
        """Whether somebody had paid before the test began."""
        return customer.card is not None

    async def check_customer(self, world: AuthorityHarness, customer: SimulatedCustomer) -> None:
        """Check the outcome of one person."""
        if customer.card is not None:
            await check_effects(world, customer, _LOST, _MAILS_LOST)
            return
        await check_effects(world, customer, _PAID, _MAILS_PAID)
        assert sum(chat == customer.person.id for chat, _ in self.engine.world.invoices.paid) == 1


T = TypeVar("T", bound=KillTestWorld)


async def run_kill_test(url: str, folder: Path, kills: int, seed: int, kind: type[T]) -> T:
    """Kill the program repeatedly, let everybody finish, and check everything.

    :raises AssertionError: where something is lost, doubled or half done, with the seed.
    """

    async def kill(program: KaikaProgram, town: T) -> None:
        await _kill_repeatedly(program, town, kills)

    people = kind.count_people(kills)
    return await disturb_people(url, folder, people, kind(url, folder, _chance(seed)), kill, seed)


async def disturb_people(
    url: str,
    folder: Path,
    people: int,
    town: T,
    disturb: Callable[[KaikaProgram, T], Awaitable[None]],
    seed: int,
) -> T:
    """Disturb the program while people use it, let everybody finish, and check everything.

    :param disturb: leaves a program that runs.
    :raises AssertionError: where something is lost, doubled or half done, with the seed.
    """
    public = free_port()
    await town.set_up(people, f"http://127.0.0.1:{public}")
    sandbox = await serve(town.engine, "page-token")
    mail = await town.mailboxes.start()
    environment = kaika_environment(url, folder, f"{sandbox.api_url}/bot", public, mail)
    over = asyncio.Event()
    try:
        async with KaikaProgram.running(environment, folder / "log") as program:
            async with asyncio.TaskGroup() as group:
                group.create_task(town.run_customers_until(over))
                await disturb(program, town)
                over.set()
            await town.wait_until_idle()
            await town.wait_until_up()
            assert await program.end(signal.SIGTERM) == 0
        await town.check_all()
    except* Exception as errors:
        raise AssertionError(f"seed {seed}: {errors.exceptions}") from errors
    finally:
        await sandbox.close()
        await town.mailboxes.stop()
    return town


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311


async def _kill_repeatedly(program: KaikaProgram, town: KillTestWorld, kills: int) -> None:
    chance = town.chance
    for _ in range(kills):
        town.expect_start()
        await program.start()
        if chance.random() > START_SHARE:
            await town.wait_until_up()
            await town.wait_to_kill(chance.randint(1, MAX_CALLS))
            await asyncio.sleep(chance.uniform(0.0, MAX_DELAY))
        else:
            await asyncio.sleep(chance.uniform(0.0, IDLE_SECONDS / 5))
        assert await program.end(signal.SIGKILL) == -signal.SIGKILL
        town.on_killed()
    town.expect_start()
    await program.start()


async def check_effects(
    world: AuthorityHarness,
    customer: SimulatedCustomer,
    expected: Counter[str],
    mails: Sequence[str],
) -> None:
    """Every action had one effect, and everything important was sent at least once."""
    who = customer.person.account.first_name
    shown = await world.counter.show(customer.someone.ui_number, datetime.now(UTC))
    ui_hash = world.authority.records.hash_ui_number(customer.someone.ui_number).hex()
    async with world.database.unit_of_work() as session:
        is_subject = AuditEntry.subject.in_([shown.application, ui_hash])
        acts = Counter(await session.scalars(select(AuditEntry.act).where(is_subject)))
    done = Counter({act: acts[act] for act in expected})
    assert done == expected, f"{who}: {done}"
    subjects = customer.mailboxes.subjects(customer.address)
    for wanted in mails:
        assert any(wanted in subject for subject in subjects), f"{who}: no mail {wanted}"
    failed = [m for m in customer.received if phrases.OUR_ERROR in m.get("text", "")]
    assert not failed, f"{who}: {failed}"


def _check_traces(folder: Path, typed: Sequence[str]) -> None:
    """Nothing secret that was typed is in a file: database, journal, keys, log."""
    written = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    found = [secret for secret in typed if len(secret) > 6 and secret.encode() in written]
    assert not found, "something typed is in a file"


def main(kind: type[KillTestWorld] = KillTestWorld) -> None:
    """Run the kill test on a database of its own, and print the seed."""
    parser = argparse.ArgumentParser(description=kind.__doc__)
    parser.add_argument("kills", type=int, nargs="?", default=200)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.kills} kills", flush=True)  # noqa: T201
    folder = Path(tempfile.mkdtemp(prefix="kaika-kills-", dir=fast_folder()))
    server = PostgresServer() if options.postgresql else None
    url = server.create("kills") if server else f"sqlite+aiosqlite:///{folder / 'kaika.db'}"
    try:
        town = asyncio.run(run_kill_test(url, folder, options.kills, options.seed, kind))
        print(f"all agree, {len(town.started)} people were served")  # noqa: T201
    finally:
        if server:
            server.stop()
            shutil.rmtree(server.folder)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
