"""Money: what is owed, invoices, pre-checkouts, charges, refunds."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from services.authority.data_types import AmountDue, AuthorityOperation, Checkout, Fee, FeeKind
from services.authority.embedded.models import Application, Payment
from services.authority.embedded.payments.payments import UNDERWAY
from services.authority.errors import (
    CheckoutRefusal,
    CheckoutRefusedError,
    UnknownChargeError,
    WrongStateError,
)
from services.authority.lifecycle import ApplicationState
from services.formats.errors import FormatError
from tests.services.authority.authority_harness import CHAT, NOW, Applicant, AuthorityHarness


async def owes(someone: Applicant, now: datetime = NOW) -> AmountDue:
    grant = await someone.obtain_grant(AuthorityOperation.PAY, now=now)
    async with someone.world.database.unit_of_work() as session:
        return await someone.world.authority.payments.get_amount_due(session, grant.id, CHAT, now)


async def state_of(world: AuthorityHarness) -> str:
    async with world.database.unit_of_work() as session:
        return (await session.scalars(select(Application.state))).one()


async def test_what_is_owed_and_why(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    owed = await owes(someone)
    assert owed.fees == (Fee(FeeKind.CARD, 25000), Fee(FeeKind.POSTAGE, 2800))
    assert owed.last_day == date(2026, 3, 17)
    assert owed.address.reveal() == someone.data.postal_address
    assert someone.data.postal_address not in repr(owed)


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
    world: AuthorityHarness, change: dict[str, object], reason: CheckoutRefusal
) -> None:
    someone = world.person()
    await someone.applies()
    bent = replace(await someone.open_invoice(), **change)  # type: ignore[arg-type]
    with pytest.raises(CheckoutRefusedError) as refused:
        await someone.approve_checkout(bent)
    assert refused.value.reason is reason
    result = await someone.record_charge(bent)
    assert not result.matched
    assert [one.unmatched_reason for one in await world.counter.list_unmatched()] == [reason]
    assert await state_of(world) == ApplicationState.SUBMITTED


async def test_paying_twice_keeps_the_second_charge_for_staff(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.open_invoice()
    first, second = await someone.record_charge(checkout), await someone.record_charge(checkout)
    assert [first.matched, second.matched] == [True, False]
    assert first.receipt != second.receipt
    with pytest.raises(CheckoutRefusedError) as refused:
        await someone.approve_checkout(checkout)
    assert refused.value.reason is CheckoutRefusal.PAID
    assert (await world.counter.refund("charge-1-2", NOW)).changed
    assert await state_of(world) == ApplicationState.PAID


async def test_the_other_linked_chats_are_to_be_told_of_a_payment(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    for chat in (CHAT, 11, 12):
        await someone.links(chat)
    assert (await someone.pays()).other_chats == (11, 12)


async def test_the_same_charge_twice_is_one_payment(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    checkout = await someone.open_invoice()
    results = [await someone.record_charge(checkout, "same") for _ in range(3)]
    assert [result.changed for result in results] == [True, False, False]
    assert len({result.receipt for result in results}) == 1
    async with world.database.unit_of_work() as session:
        assert len((await session.scalars(select(Payment))).all()) == 1


async def test_a_refund_makes_it_owed_again_until_the_card_is_made(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    await someone.pays()
    refunds = [await world.counter.refund("charge-1-1", NOW) for _ in range(2)]
    assert [refund.changed for refund in refunds] == [True, False]
    assert (await owes(someone)).fees
    checkout = await someone.open_invoice()
    assert (checkout.amount, checkout.currency) == (27800, "TWD")
    assert (await someone.pays()).matched
    await someone.is_issued()
    with pytest.raises(WrongStateError) as refused:
        await world.counter.refund("charge-1-2", NOW)
    assert refused.value.state == ApplicationState.ISSUED


async def test_an_unknown_charge_cannot_be_refunded(world: AuthorityHarness) -> None:
    with pytest.raises(UnknownChargeError):
        await world.counter.refund("nothing", NOW)


async def test_staff_can_let_an_unmatched_charge_pay_after_all(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    lost = Checkout("lost payload", 1001, 27800, "TWD")
    await someone.record_charge(lost, "lost")
    results = [await world.counter.pay(someone.ui_number, "lost", 27800, NOW) for _ in range(2)]
    assert [(one.matched, one.changed) for one in results] == [(True, True), (True, False)]
    assert await world.counter.list_unmatched() == []
    assert await state_of(world) == ApplicationState.PAID


async def test_staff_cannot_let_it_pay_for_two_or_for_less(world: AuthorityHarness) -> None:
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


async def test_one_invoice_at_a_time_is_being_paid(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    first, second = await someone.open_invoice(), await someone.open_invoice()
    await someone.approve_checkout(first)
    await someone.approve_checkout(first)  # declined by the bank, and tried again
    with pytest.raises(CheckoutRefusedError) as refused:
        await someone.approve_checkout(second, NOW + UNDERWAY - timedelta(seconds=1))
    assert refused.value.reason is CheckoutRefusal.UNDERWAY
    await someone.approve_checkout(second, NOW + UNDERWAY)
    assert (await someone.record_charge(second)).matched
    late = await someone.record_charge(first)
    assert (late.matched, late.reason) == (False, CheckoutRefusal.PAID)


async def test_the_address_can_be_corrected_until_the_card_is_made(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    change_address = world.authority.payments.change_address
    grant = await someone.obtain_grant(AuthorityOperation.PAY)
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


async def test_a_receipt_number_holds_the_day_in_taipei(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    receipt = (await someone.pays(datetime(2026, 3, 2, 16, 30, tzinfo=UTC))).receipt
    assert receipt.startswith("20260303-")
