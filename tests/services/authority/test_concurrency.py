"""Many at once: on PostgreSQL they run side by side, on SQLite they take turns."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from services.authority.data_types import AuthorityOperation, ChargeResult, Checkout
from services.authority.errors import AuthorityError, TooManyChatsError
from services.messaging.outbox import OutboxMessage
from tests.services.authority import invariants
from tests.services.authority.authority_harness import NOW, AuthorityHarness
from tests.services.authority.test_codes import nobody
from tests.services.authority.test_retrieval import asks, one_time_code


async def at_once(*acts: Awaitable[Any]) -> list[Any]:
    """Return what came of each, refusals included; any other error is raised."""
    found = await asyncio.gather(*acts, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, AuthorityError):
            raise one
    return list(found)


async def test_ten_applications_of_one_person_are_one(world: AuthorityHarness) -> None:
    someone = world.person()
    applied = await at_once(*(world.counter.apply(someone.data, NOW) for _ in range(10)))
    assert sum(one.changed for one in applied) == 1
    assert len({one.application for one in applied}) == 1
    await invariants.check_invariants(world)


async def test_the_same_charge_ten_times_is_one_payment(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.open_invoice()
    charged = await at_once(*(someone.record_charge(checkout, "same") for _ in range(10)))
    assert sum(one.changed for one in charged) == 1
    assert len({one.receipt for one in charged}) == 1
    await invariants.check_invariants(world, {"same"})


async def test_ten_charges_for_one_invoice_pay_once(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.open_invoice()
    charges = {f"charge {number}" for number in range(10)}
    charged = await at_once(*(someone.record_charge(checkout, charge) for charge in charges))
    assert sum(one.matched for one in charged) == 1
    await invariants.check_invariants(world, charges)


async def test_one_stray_charge_settled_for_two_people_at_once_pays_for_one(
    world: AuthorityHarness,
) -> None:
    people = [world.person(seed) for seed in range(1, 6)]
    for someone in people:
        await someone.applies()
    await people[0].record_charge(Checkout("lost", 1, 27800, "TWD"), "stray")
    pay = world.counter.pay
    settled = await at_once(*(pay(someone.ui_number, "stray", 27800, NOW) for someone in people))
    assert sum(isinstance(one, ChargeResult) for one in settled) == 1
    await invariants.check_invariants(world, {"stray"})


async def test_the_same_pre_checkout_ten_times_is_approved_once(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.open_invoice()
    approved = await at_once(*(someone.approve_checkout(checkout) for _ in range(10)))
    assert sum(one.changed for one in approved) == 1
    await invariants.check_invariants(world)


async def test_paying_and_expiring_at_once_end_in_one_of_both(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.open_invoice()
    late = NOW + timedelta(days=20)
    await at_once(
        *(someone.record_charge(checkout, f"charge {number}", late) for number in range(5)),
        *(world.authority.expire_overdue(late) for _ in range(5)),
        *(world.counter.apply(someone.data, late) for _ in range(5)),
    )
    await invariants.check_invariants(world, {f"charge {number}" for number in range(5)})


async def test_money_that_comes_as_its_invoice_is_struck_out_is_kept(
    world: AuthorityHarness,
) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.open_invoice()
    async with world.database.unit_of_work() as session:
        await world.authority.applications.expire_overdue(session, NOW + timedelta(days=20))
        coming = asyncio.create_task(someone.record_charge(checkout, "late"))
        await asyncio.sleep(0.3)  # it has found the invoice, and waits for the lock
    charged = await coming
    assert not charged.matched
    await invariants.check_invariants(world, {"late"})


async def test_a_card_issued_by_two_at_once_is_one_card(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    await someone.pays()
    issued = await at_once(*(someone.is_issued() for _ in range(4)))
    assert sum(one.changed for one in issued) == 1
    assert {one.card_serial for one in issued} == {someone.card_file.read_text()}
    await invariants.check_invariants(world)


async def test_suspending_and_resuming_at_once_leave_a_whole_history(
    world: AuthorityHarness,
) -> None:
    someone = await world.person().is_active()
    acts = [someone.suspends, someone.resumes] * 6
    await at_once(*(act() for act in acts))
    await invariants.check_invariants(world)


async def test_ten_chats_linking_at_once_leave_three(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    linked = await at_once(*(someone.links(chat) for chat in range(10)))
    assert sum(isinstance(one, TooManyChatsError) for one in linked) == 7


async def test_twenty_requests_for_a_mail_send_three(world: AuthorityHarness) -> None:
    for someone in (world.person(), nobody(world)):
        if someone.seed == 1:
            await someone.applies()
        asked = await at_once(*(asks(someone, chat=chat) for chat in range(20)))
        assert sum(isinstance(one, AuthorityError) for one in asked) == 17
    async with world.database.unit_of_work() as session:
        assert len((await session.scalars(select(OutboxMessage))).all()) == 6


async def test_twenty_answers_at_once_get_five_tries(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    challenge = await asks(someone)
    wrong = one_time_code(world, challenge, wrong=1)
    answer = world.authority.credentials.check_one_time_code
    told = await at_once(*(answer(challenge.id, wrong, 1001, NOW) for _ in range(20)))
    left = sorted(getattr(one, "tries_left", -1) for one in told)
    assert left == [-1] * 15 + [0, 1, 2, 3, 4]


async def test_many_people_live_side_by_side(world: AuthorityHarness) -> None:
    people = [world.person(seed) for seed in range(1, 9)]
    await at_once(*(someone.is_active() for someone in people))
    await at_once(*(someone.suspends() for someone in people))
    await invariants.check_invariants(world)
    grants = [await someone.obtain_grant(AuthorityOperation.STATUS) for someone in people]
    assert len({grant.id for grant in grants}) == 8
