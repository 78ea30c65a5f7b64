"""Random sequences of acts on two people: nothing leaves the table, nothing is lost."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.authority.data_types import AuthorityOperation, Change, Checkout
from services.authority.embedded.audit import Actor
from services.authority.errors import AuthorityError
from services.formats.one_time_code import OneTimeCode
from tests.services.authority import invariants
from tests.services.authority.authority_harness import CHAT, NOW, USER, Applicant, AuthorityHarness
from tests.services.authority.conftest import MakeUrl

STAFF = Actor.at_counter("test")
WRONG = "wRang234"
WHO = st.integers(1, 2)
WHICH = st.integers(0, 5)
ACTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "comes_along_well": {"who": WHO, "acts": st.integers(1, 5)},
    "applies": {"who": WHO},
    "asks_for_an_invoice": {"who": WHO},
    "is_approved": {"which": WHICH},
    "is_charged": {"which": WHICH, "again": st.none() | WHICH},
    "is_charged_for_nothing": {"amount": st.integers(1, 30000)},
    "is_refunded": {"which": WHICH},
    "is_settled_at_the_counter": {"who": WHO, "which": WHICH},
    "comes_further": {"who": WHO, "act": st.sampled_from(["is_issued", "is_posted", "activates"])},
    "suspends": {"who": WHO},
    "resumes": {"who": WHO},
    "is_revoked": {"who": WHO},
    "types_a_code": {"who": WHO, "right": st.booleans(), "chat": st.integers(1, 6)},
    "retrieves": {"who": WHO, "born": st.sampled_from([date(1990, 5, 17), date(1990, 5, 18)])},
    "links": {"who": WHO, "chat": st.integers(1, 5)},
    "is_released": {"who": WHO},
    "is_forgotten": {"who": WHO},
    "time_passes": {"days": st.sampled_from([0.01, 1, 5, 16, 400, 1900])},
    "what_is_overdue_expires": {},
    "the_process_restarts": {},
}
STEPS = st.one_of(
    *(st.tuples(st.just(name), st.fixed_dictionaries(given)) for name, given in ACTS.items())
)


class Walk:
    """Two people, and everything that can be done to them, in any order."""

    def __init__(self, world: AuthorityHarness) -> None:
        self.world = world
        self.people = {seed: world.person(seed) for seed in (1, 2)}
        self.checkouts: list[Checkout] = []
        self.charges: set[str] = set()
        self.now = NOW

    async def goes(self, steps: list[tuple[str, dict[str, Any]]]) -> None:
        """Walk, beginning with one active card: without it few walks would come that far."""
        await self.comes_along_well(1, 5)
        for name, values in steps:
            await getattr(self, name)(**values)

    async def _try(self, act: Callable[[], Awaitable[Any]]) -> Any:
        """Do an act that may be refused, then check that everything still agrees."""
        try:
            result = await act()
        except AuthorityError:
            result = None
        await invariants.check_invariants(self.world, self.charges)
        return result

    async def comes_along_well(self, who: int, acts: int) -> None:
        await self.applies(who)
        if acts > 1 and await self.asks_for_an_invoice(who):
            await self.is_charged(len(self.checkouts) - 1, None)
        for act in ("is_issued", "is_posted", "activates")[: max(0, acts - 2)]:
            await self.comes_further(who, act)

    async def applies(self, who: int) -> None:
        await self._try(lambda: self.people[who].applies(self.now))

    async def asks_for_an_invoice(self, who: int) -> bool:
        checkout = await self._try(lambda: self.people[who].open_invoice(self.now))
        if checkout is not None:
            self.checkouts.append(checkout)
        return checkout is not None

    async def is_approved(self, which: int) -> None:
        if which < len(self.checkouts):
            checkout = self.checkouts[which]
            await self._try(lambda: self.people[1].approve_checkout(checkout, self.now))

    async def is_charged(self, which: int, again: int | None) -> None:
        """Take money: for any invoice there was, also twice, also the same charge again."""
        if which >= len(self.checkouts):
            return
        known = sorted(self.charges)
        new = again is None or again >= len(known)
        charge = f"charge {len(known)}" if new or again is None else known[again]
        self.charges.add(charge)
        checkout = self.checkouts[which]
        await self._try(lambda: self.people[1].record_charge(checkout, charge, self.now))

    async def is_charged_for_nothing(self, amount: int) -> None:
        charge = f"stray {len(self.charges)}"
        self.charges.add(charge)
        stray = Checkout("0" * 32, USER, amount, "TWD")
        await self._try(lambda: self.people[1].record_charge(stray, charge, self.now))

    async def is_refunded(self, which: int) -> None:
        if which < len(self.charges):
            charge = sorted(self.charges)[which]
            await self._try(lambda: self.world.counter.refund(charge, self.now))

    async def is_settled_at_the_counter(self, who: int, which: int) -> None:
        if which < len(self.charges):
            charge = sorted(self.charges)[which]
            number = self.people[who].ui_number
            await self._try(lambda: self.world.counter.pay(number, charge, 27800, self.now))

    async def comes_further(self, who: int, act: str) -> None:
        someone = self.people[who]
        if act != "activates" or someone.card_file.exists():
            await self._try(lambda: getattr(someone, act)(self.now))

    async def suspends(self, who: int) -> None:
        await self._twice(self.people[who].suspends)

    async def resumes(self, who: int) -> None:
        await self._twice(self.people[who].resumes)

    async def is_revoked(self, who: int) -> None:
        await self._twice(self.people[who].is_revoked)

    async def _twice(self, act: Callable[..., Awaitable[Change]]) -> None:
        first = await self._try(lambda: act(self.now))
        if first is not None:
            second = await self._try(lambda: act(self.now))
            assert second is not None
            assert not second.changed

    async def types_a_code(self, who: int, right: bool, chat: int) -> None:
        someone = self.people[who]
        if hasattr(someone, "code"):
            code = someone.code if right else WRONG
            await self._try(lambda: someone.checks(code, chat=chat, now=self.now))

    async def retrieves(self, who: int, born: date) -> None:
        await self._try(lambda: self._retrieve(self.people[who], born))

    async def _retrieve(self, someone: Applicant, born: date) -> None:
        authority, database = self.world.authority, self.world.database
        async with database.unit_of_work() as session:
            number, operation = someone.ui_number, AuthorityOperation.RETRIEVE
            ask = authority.credentials.request_one_time_code
            challenge = await ask(session, number, born, operation, CHAT, self.now)
        code = OneTimeCode(authority.one_time_codes.derive(challenge.id).reveal())
        grant = await authority.credentials.check_one_time_code(challenge.id, code, CHAT, self.now)
        async with database.unit_of_work() as session:
            revealed = await authority.credentials.reveal_code(session, grant.id, CHAT, self.now)
        assert revealed.code == someone.code
        assert born == someone.data.birth_date

    async def links(self, who: int, chat: int) -> None:
        await self._try(lambda: self.people[who].links(chat, self.now))

    async def is_released(self, who: int) -> None:
        number = self.people[who].ui_number
        await self._try(lambda: self.world.counter.release_code(number, self.now))

    async def is_forgotten(self, who: int) -> None:
        await self._try(lambda: self._forget(self.people[who]))

    async def _forget(self, someone: Applicant) -> None:
        async with self.world.database.unit_of_work() as session:
            forget = self.world.authority.privacy.forget
            await forget(session, someone.ui_number, STAFF, self.now)

    async def time_passes(self, days: float) -> None:
        self.now += timedelta(days=days)

    async def what_is_overdue_expires(self) -> None:
        await self._try(lambda: self.world.authority.expire_overdue(self.now))

    async def the_process_restarts(self) -> None:
        await self._try(lambda: self.world.restart(self.now))


def test_random_lives_stay_within_the_table_and_lose_nothing(
    make_url: MakeUrl, folder: Path
) -> None:
    async def walk(steps: list[tuple[str, dict[str, Any]]]) -> None:
        here = folder / uuid.uuid4().hex
        await asyncio.to_thread(here.mkdir)
        world = AuthorityHarness(await make_url(here), here)
        await world.authority.start(NOW)
        try:
            await Walk(world).goes(steps)
        finally:
            await world.close()

    with asyncio.Runner() as runner:

        @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(STEPS, min_size=20, max_size=40))
        def walks(steps: list[tuple[str, dict[str, Any]]]) -> None:
            runner.run(walk(steps))

        walks()
