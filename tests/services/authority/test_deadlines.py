"""The days a payment has: how they are counted, their last second, and what is gone after it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from services import calendar
from services.authority.embedded.models import Application, Subscriber
from services.authority.embedded.payments.applications import DUE_KIND
from services.authority.errors import (
    CheckoutRefusal,
    CheckoutRefusedError,
    DeadlinePassedError,
    UnknownPersonError,
)
from services.authority.lifecycle import ApplicationState
from services.storage.models import Job
from tests.services.authority.authority_harness import NOW, AuthorityHarness
from tests.services.authority.test_payments import owes, state_of

LAST_MOMENT = datetime(2026, 3, 17, 15, 59, 59, tzinfo=UTC)
"""One second before midnight in Taipei, on the fifteenth day after NOW's day."""


TOO_LATE = LAST_MOMENT + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("applied", "last_day"),
    [
        (datetime(2026, 3, 1, 16, tzinfo=UTC), date(2026, 3, 17)),  # midnight in Taipei
        (datetime(2026, 3, 2, 15, 59, tzinfo=UTC), date(2026, 3, 17)),
        (datetime(2026, 3, 2, 16, tzinfo=UTC), date(2026, 3, 18)),
        (datetime(2026, 12, 20, 4, tzinfo=UTC), date(2027, 1, 4)),
    ],
)
def test_the_fifteen_days_are_counted_in_taipei_from_the_day_after(
    applied: datetime, last_day: date
) -> None:
    deadline = calendar.payment_deadline(applied)
    assert calendar.last_payment_day(deadline) == last_day
    assert calendar.today(deadline - timedelta(seconds=1)) == last_day
    assert calendar.today(deadline) == last_day + timedelta(days=1)


@given(st.integers(0, 80 * 365 * 86400))
def test_certificates_end_five_years_on_at_the_end_of_a_day(seconds: int) -> None:
    start = NOW + timedelta(seconds=seconds)
    end = calendar.validity_end(start)
    assert calendar.today(end).year == calendar.today(start).year + 5
    assert calendar.today(end + timedelta(seconds=1)) == calendar.today(end) + timedelta(days=1)


async def test_paying_in_time_is_possible_to_the_last_second(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    assert (await owes(someone, LAST_MOMENT)).last_day == calendar.today(LAST_MOMENT)
    assert (await someone.pays(LAST_MOMENT)).matched
    assert await state_of(world) == ApplicationState.PAID


async def test_after_the_deadline_nothing_is_owed_and_no_invoice_made(
    world: AuthorityHarness,
) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.open_invoice(LAST_MOMENT)
    with pytest.raises(DeadlinePassedError):
        await owes(someone, TOO_LATE)
    with pytest.raises(DeadlinePassedError):
        await someone.open_invoice(TOO_LATE)
    with pytest.raises(CheckoutRefusedError) as refused:
        await someone.approve_checkout(checkout, TOO_LATE)
    assert refused.value.reason is CheckoutRefusal.OVERDUE


async def test_an_unpaid_application_expires_with_its_personal_data(
    world: AuthorityHarness,
) -> None:
    someone = world.person()
    await someone.applies()
    assert (await world.authority.expire_overdue(LAST_MOMENT)).applications == ()
    expired = await world.authority.expire_overdue(TOO_LATE)
    assert len(expired.applications) == 1
    assert (await world.authority.expire_overdue(TOO_LATE)).applications == ()
    async with world.database.unit_of_work() as session:
        assert (await session.scalars(select(Subscriber))).all() == []
        row = (await session.scalars(select(Application))).one()
        due = (await session.scalars(select(Job).where(Job.kind == DUE_KIND))).all()
    assert (row.state, row.subscriber_id, row.code_verifier, row.code_sealed) == (
        ApplicationState.EXPIRED, None, None, None,
    )  # fmt: skip
    assert due == []
    with pytest.raises(UnknownPersonError):
        await world.counter.show(someone.ui_number, TOO_LATE)


async def test_the_deadline_is_put_down_to_fall_due_and_struck_out_when_paid(
    world: AuthorityHarness,
) -> None:
    someone = world.person()
    await someone.applies()
    query = select(Job.at).where(Job.kind == DUE_KIND)
    async with world.database.unit_of_work() as session:
        assert (await session.scalars(query)).all() == [TOO_LATE]
    await someone.pays()
    async with world.database.unit_of_work() as session:
        assert (await session.scalars(query)).all() == []


async def test_an_approved_checkout_holds_it_open_for_an_hour(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.open_invoice(LAST_MOMENT)
    await someone.approve_checkout(checkout, LAST_MOMENT)
    within = LAST_MOMENT + timedelta(minutes=59)
    assert (await world.authority.expire_overdue(within)).applications == ()
    assert (await someone.record_charge(checkout, now=within)).matched
    assert await state_of(world) == ApplicationState.PAID


async def test_without_the_charge_it_expires_after_that_hour(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.open_invoice(LAST_MOMENT)
    await someone.approve_checkout(checkout, LAST_MOMENT)
    after = LAST_MOMENT + timedelta(hours=1)
    assert len((await world.authority.expire_overdue(after)).applications) == 1
    late = await someone.record_charge(checkout, now=after)
    assert not late.matched
    assert [one.unmatched_reason for one in await world.counter.list_unmatched()] == ["unknown"]


async def test_a_slow_bank_pays_for_an_application_that_is_still_there(
    world: AuthorityHarness,
) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.open_invoice(LAST_MOMENT)
    await someone.approve_checkout(checkout, LAST_MOMENT)
    assert (await someone.record_charge(checkout, now=LAST_MOMENT + timedelta(hours=2))).matched
