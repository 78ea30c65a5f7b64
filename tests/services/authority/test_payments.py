"""Money: what is owed, invoices, pre-checkouts, charges, refunds, deadlines."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from services import calendar
from services.authority.embedded.applications import DUE_KIND
from services.authority.embedded.models import Application, Payment, Subscriber
from services.authority.embedded.payments import UNDERWAY
from services.authority.errors import (
    CheckoutRefusal,
    CheckoutRefusedError,
    DeadlinePassedError,
    UnknownChargeError,
    UnknownPersonError,
    WrongStateError,
)
from services.authority.results import Checkout, Fee, FeeKind, Operation, Owed
from services.authority.states import ApplicationState
from services.formats.errors import FormatError
from services.storage.models import Due
from tests.services.authority.world import CHAT, NOW, Someone, World

LAST_MOMENT = datetime(2026, 3, 17, 15, 59, 59, tzinfo=UTC)
"""One second before midnight in Taipei, on the fifteenth day after NOW's day."""
TOO_LATE = LAST_MOMENT + timedelta(seconds=1)


async def owes(someone: Someone, now: datetime = NOW) -> Owed:
    grant = await someone.granted(Operation.PAY, now=now)
    async with someone.world.database.unit_of_work() as session:
        return await someone.world.authority.owed(session, grant.id, CHAT, now)


async def state_of(world: World) -> str:
    async with world.database.unit_of_work() as session:
        return (await session.scalars(select(Application.state))).one()


async def test_what_is_owed_and_why(world: World) -> None:
    someone = world.person()
    await someone.applies()
    owed = await owes(someone)
    assert owed.fees == (Fee(FeeKind.CARD, 25000), Fee(FeeKind.POSTAGE, 2800))
    assert (owed.total, owed.currency) == (27800, "TWD")
    assert (owed.last_day, owed.days_left) == (date(2026, 3, 17), 15)
    assert owed.address.reveal() == someone.data.postal_address
    assert someone.data.postal_address not in repr(owed)


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
    assert calendar.last_day(deadline) == last_day
    assert calendar.today(deadline - timedelta(seconds=1)) == last_day
    assert calendar.today(deadline) == last_day + timedelta(days=1)


@given(st.integers(0, 80 * 365 * 86400))
def test_certificates_end_five_years_on_at_the_end_of_a_day(seconds: int) -> None:
    start = NOW + timedelta(seconds=seconds)
    end = calendar.validity_end(start)
    assert calendar.today(end).year == calendar.today(start).year + 5
    assert calendar.today(end + timedelta(seconds=1)) == calendar.today(end) + timedelta(days=1)


async def test_paying_in_time_is_possible_to_the_last_second(world: World) -> None:
    someone = world.person()
    await someone.applies()
    assert (await owes(someone, LAST_MOMENT)).days_left == 0
    assert (await someone.pays(LAST_MOMENT)).matched
    assert await state_of(world) == ApplicationState.PAID


async def test_after_the_deadline_nothing_is_owed_and_no_invoice_made(world: World) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.invoiced(LAST_MOMENT)
    with pytest.raises(DeadlinePassedError):
        await owes(someone, TOO_LATE)
    with pytest.raises(DeadlinePassedError):
        await someone.invoiced(TOO_LATE)
    with pytest.raises(CheckoutRefusedError) as refused:
        await someone.approved(checkout, TOO_LATE)
    assert refused.value.reason is CheckoutRefusal.OVERDUE


async def test_an_unpaid_application_expires_with_its_personal_data(world: World) -> None:
    someone = world.person()
    await someone.applies()
    assert (await world.authority.expire_overdue(LAST_MOMENT)).applications == ()
    expired = await world.authority.expire_overdue(TOO_LATE)
    assert len(expired.applications) == 1
    assert (await world.authority.expire_overdue(TOO_LATE)).applications == ()
    async with world.database.unit_of_work() as session:
        assert (await session.scalars(select(Subscriber))).all() == []
        row = (await session.scalars(select(Application))).one()
        due = (await session.scalars(select(Due).where(Due.kind == DUE_KIND))).all()
    assert (row.state, row.subscriber_id, row.code_verifier, row.code_sealed) == (
        ApplicationState.EXPIRED, None, None, None,
    )  # fmt: skip
    assert due == []
    with pytest.raises(UnknownPersonError):
        await world.counter.show(someone.ui_number, TOO_LATE)


async def test_the_deadline_is_put_down_to_fall_due_and_struck_out_when_paid(world: World) -> None:
    someone = world.person()
    await someone.applies()
    query = select(Due.at).where(Due.kind == DUE_KIND)
    async with world.database.unit_of_work() as session:
        assert (await session.scalars(query)).all() == [TOO_LATE]
    await someone.pays()
    async with world.database.unit_of_work() as session:
        assert (await session.scalars(query)).all() == []


async def test_an_approved_checkout_holds_it_open_for_an_hour(world: World) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.invoiced(LAST_MOMENT)
    await someone.approved(checkout, LAST_MOMENT)
    within = LAST_MOMENT + timedelta(minutes=59)
    assert (await world.authority.expire_overdue(within)).applications == ()
    assert (await someone.charged(checkout, now=within)).matched
    assert await state_of(world) == ApplicationState.PAID


async def test_without_the_charge_it_expires_after_that_hour(world: World) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.invoiced(LAST_MOMENT)
    await someone.approved(checkout, LAST_MOMENT)
    after = LAST_MOMENT + timedelta(hours=1)
    assert len((await world.authority.expire_overdue(after)).applications) == 1
    late = await someone.charged(checkout, now=after)
    assert not late.matched
    assert [one.unmatched_reason for one in await world.counter.unmatched()] == ["unknown"]


async def test_a_slow_bank_pays_for_an_application_that_is_still_there(world: World) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.invoiced(LAST_MOMENT)
    await someone.approved(checkout, LAST_MOMENT)
    assert (await someone.charged(checkout, now=LAST_MOMENT + timedelta(hours=2))).matched


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"payload": "0" * 32}, CheckoutRefusal.UNKNOWN),
        ({"payload": "x" * 128}, CheckoutRefusal.UNKNOWN),
        ({"user_id": 2002}, CheckoutRefusal.NOT_YOURS),
        ({"amount": 27799}, CheckoutRefusal.AMOUNT),
        ({"currency": "USD"}, CheckoutRefusal.AMOUNT),
    ],
)
async def test_a_checkout_that_fits_nothing_is_refused_and_its_charge_kept(
    world: World, change: dict[str, object], reason: CheckoutRefusal
) -> None:
    someone = world.person()
    await someone.applies()
    bent = replace(await someone.invoiced(), **change)  # type: ignore[arg-type]
    with pytest.raises(CheckoutRefusedError) as refused:
        await someone.approved(bent)
    assert refused.value.reason is reason
    result = await someone.charged(bent)
    assert not result.matched
    assert [one.unmatched_reason for one in await world.counter.unmatched()] == [reason]
    assert await state_of(world) == ApplicationState.SUBMITTED


async def test_paying_twice_keeps_the_second_charge_for_staff(world: World) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.invoiced()
    first, second = await someone.charged(checkout), await someone.charged(checkout)
    assert [first.matched, second.matched] == [True, False]
    assert first.receipt != second.receipt
    with pytest.raises(CheckoutRefusedError) as refused:
        await someone.approved(checkout)
    assert refused.value.reason is CheckoutRefusal.PAID
    assert (await world.counter.refund("charge-1-2", NOW)).changed
    assert await state_of(world) == ApplicationState.PAID


async def test_the_other_linked_chats_are_to_be_told_of_a_payment(world: World) -> None:
    someone = world.person()
    await someone.applies()
    for chat in (CHAT, 11, 12):
        await someone.links(chat)
    assert (await someone.pays()).other_chats == (11, 12)


async def test_the_same_charge_twice_is_one_payment(world: World) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.invoiced()
    results = [await someone.charged(checkout, "same") for _ in range(3)]
    assert [result.changed for result in results] == [True, False, False]
    assert len({result.receipt for result in results}) == 1
    async with world.database.unit_of_work() as session:
        assert len((await session.scalars(select(Payment))).all()) == 1


async def test_a_refund_makes_it_owed_again_until_the_card_is_made(world: World) -> None:
    someone = world.person()
    await someone.applies()
    await someone.pays()
    refunds = [await world.counter.refund("charge-1-1", NOW) for _ in range(2)]
    assert [refund.changed for refund in refunds] == [True, False]
    assert (await owes(someone)).total == 27800
    assert (await someone.pays()).matched
    await someone.is_issued()
    with pytest.raises(WrongStateError) as refused:
        await world.counter.refund("charge-1-2", NOW)
    assert refused.value.state == ApplicationState.ISSUED


async def test_an_unknown_charge_cannot_be_refunded(world: World) -> None:
    with pytest.raises(UnknownChargeError):
        await world.counter.refund("nothing", NOW)


async def test_staff_can_let_an_unmatched_charge_pay_after_all(world: World) -> None:
    someone = world.person()
    await someone.applies()
    lost = Checkout("lost payload", 1001, 27800, "TWD")
    await someone.charged(lost, "lost")
    results = [await world.counter.pay(someone.ui_number, "lost", 27800, NOW) for _ in range(2)]
    assert [(one.matched, one.changed) for one in results] == [(True, True), (True, False)]
    assert await world.counter.unmatched() == []
    assert await state_of(world) == ApplicationState.PAID


async def test_staff_cannot_let_it_pay_for_two_or_for_less(world: World) -> None:
    first, second = world.person(1), world.person(2)
    await first.applies()
    await second.applies()
    await world.counter.pay(first.ui_number, "charge", 27800, NOW)
    with pytest.raises(CheckoutRefusedError):
        await world.counter.pay(second.ui_number, "charge", 27800, NOW)
    with pytest.raises(CheckoutRefusedError) as refused:
        await world.counter.pay(second.ui_number, "too little", 27500, NOW)
    assert refused.value.reason is CheckoutRefusal.AMOUNT
    with pytest.raises(WrongStateError):
        await world.counter.pay(first.ui_number, "another", 27800, NOW)


async def test_one_invoice_at_a_time_is_being_paid(world: World) -> None:
    someone = world.person()
    await someone.applies()
    first, second = await someone.invoiced(), await someone.invoiced()
    await someone.approved(first)
    await someone.approved(first)  # declined by the bank, and tried again
    with pytest.raises(CheckoutRefusedError) as refused:
        await someone.approved(second, NOW + UNDERWAY - timedelta(seconds=1))
    assert refused.value.reason is CheckoutRefusal.UNDERWAY
    await someone.approved(second, NOW + UNDERWAY)
    assert (await someone.charged(second)).matched
    late = await someone.charged(first)
    assert (late.matched, late.reason) == (False, CheckoutRefusal.PAID)


async def test_the_address_can_be_corrected_until_the_card_is_made(world: World) -> None:
    someone = world.person()
    await someone.applies()
    change_address = world.authority.change_address
    grant = await someone.granted(Operation.PAY)
    for changed in (True, False):
        async with world.database.unit_of_work() as session:
            change = await change_address(session, grant.id, "花蓮縣花蓮市中山路2號", CHAT, NOW)
        assert change.changed is changed
    assert (await owes(someone)).address.reveal() == "花蓮縣花蓮市中山路2號"
    with pytest.raises(FormatError):
        async with world.database.unit_of_work() as session:
            await change_address(session, grant.id, "x", CHAT, NOW)
    await someone.pays()
    await someone.is_issued()
    with pytest.raises(WrongStateError):
        async with world.database.unit_of_work() as session:
            await change_address(session, grant.id, "花蓮縣花蓮市中山路3號", CHAT, NOW)


async def test_a_receipt_number_holds_the_day_in_taipei(world: World) -> None:
    someone = world.person()
    await someone.applies()
    receipt = (await someone.pays(datetime(2026, 3, 2, 16, 30, tzinfo=UTC))).receipt
    assert receipt.startswith("20260303-")
