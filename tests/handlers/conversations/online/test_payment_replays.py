"""Payments with crashes, repeated updates and random events: books and states agree."""

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.engine import Engine
from tests import phrases
from tests.bot_harness import BotHarness, ChatUser
from tests.handlers.captured_updates import deliver_update
from tests.handlers.clock import NOW, set_time
from tests.handlers.conversations.online.cardholders import open_online_harness
from tests.handlers.conversations.online.payments import (
    CODE,
    NUMBER,
    application_state,
    ask_pre_checkout,
    deliver_successful_payment,
    emit_successful_payment,
    invoice_payload,
    invoices,
    list_payments,
    open_amount_due,
    pay_invoice,
    request_invoice,
    staff_alerts,
    submit_application,
)
from tests.handlers.engine.navigation import press, state

SECOND = ("A803095426", "buB2d345")
STEPS = 60


async def test_every_update_of_a_payment_may_come_deliver_twice(harness: BotHarness) -> None:
    application = await submit_application(harness)
    hoa = harness.add_user("Hoa")
    await hoa.starts("do-pay")
    hoa.person.send(f"{NUMBER} {CODE}")
    await _deliver_twice(harness)
    hoa.person.press(hoa.last["message_id"], _data(hoa, "pay"))
    await _deliver_twice(harness)
    first, second = invoices(hoa)
    assert invoice_payload(hoa, first) == invoice_payload(hoa, second), "one invoice, shown twice"
    payload = invoice_payload(hoa, first)
    emit_successful_payment(hoa, payload, "charge-1")
    await _deliver_twice(harness)
    assert [p.application_id for p in await list_payments(harness)] == [application]
    receipts = [
        m["text"] for m in hoa.bot_messages if phrases.PAYMENT_RECEIVED in m.get("text", "")
    ]
    assert len(receipts) == 2
    assert receipts[0] == receipts[1]
    assert (await application_state(harness, application), await staff_alerts(harness)) == (
        "paid",
        [],
    )


async def _deliver_twice(harness: BotHarness) -> None:
    for raw in await harness.updates():
        await deliver_update(harness, raw)
        await deliver_update(harness, raw)


def _data(person: ChatUser, key: str) -> str:
    rows = person.last["reply_markup"]["inline_keyboard"]
    found = [b["callback_data"] for row in rows for b in row if b["callback_data"].endswith(key)]
    return str(found[0])


async def test_a_restart_between_yes_and_the_money(engine: Engine, tmp_path: Path) -> None:
    async with open_online_harness(engine, tmp_path) as harness:
        application = await submit_application(harness)
        hoa = harness.add_user("Hoa")
        invoice = await request_invoice(hoa)
        assert (await pay_invoice(hoa, invoice, "slow"))["status"] == "pending"
        offset = harness._offset
    await hoa.person.pay(invoice["message_id"])
    async with open_online_harness(engine, tmp_path) as harness:
        harness._offset = offset
        await harness.settle()
        assert await application_state(harness, application) == "paid"
        hoa.harness = harness
        hoa.sees(phrases.PAYMENT_RECEIVED)
        assert (await state(hoa)).step == "paid"


async def test_an_update_that_was_taken_in_before_the_crash(engine: Engine, tmp_path: Path) -> None:
    async with open_online_harness(engine, tmp_path) as harness:
        application = await submit_application(harness)
        hoa = harness.add_user("Hoa")
        payload = invoice_payload(hoa, await request_invoice(hoa))
        emit_successful_payment(hoa, payload, "charge-1")
        await harness.kaika.inbox.store(await harness.updates())  # and here the process ends
        offset = harness._offset
    async with open_online_harness(engine, tmp_path) as harness:
        harness._offset = offset
        await harness.kaika.application.update_queue.join()
        assert await application_state(harness, application) == "paid"
        assert len(await list_payments(harness)) == 1
        hoa.sees(phrases.PAYMENT_RECEIVED)


@pytest.mark.parametrize("seed", range(4))
async def test_books_and_states_agree_whatever_happens(harness: BotHarness, seed: int) -> None:
    """Random invoices, questions and charges of two people, in any order, any of them twice."""
    chance = random.Random(seed)  # noqa: S311
    owners = {
        await submit_application(harness): (NUMBER, CODE),
        await submit_application(harness, *SECOND, "budi"): SECOND,
    }
    people = [harness.add_user("Hoa"), harness.add_user("Bo", "zh-hant")]
    for person in people:
        await person.starts()
    payloads, moment, charge_count = ["0" * 32], NOW, 0
    for _ in range(STEPS):
        person = chance.choice(people)
        match chance.randrange(6):
            case 0:
                await open_amount_due(person, *chance.choice([*owners.values()]))
                if (await state(person)).step == "owed":
                    await press(person, "pay")
                    payloads.append(invoice_payload(person, invoices(person)[-1]))
            case 1 | 2:
                await ask_pre_checkout(
                    person, chance.choice(payloads), chance.choice([27800, 27800, 100])
                )
            case 3 | 4:
                charge_count += 1
                charge = f"charge-{chance.randrange(charge_count)}"
                amount = chance.choice([27800, 27800, 27500])
                await deliver_successful_payment(person, chance.choice(payloads), charge, amount)
            case _:
                moment += timedelta(hours=chance.choice([0, 1, 30]))
                set_time(harness, moment)
                await _expire(harness, moment)
        await _expect_consistent_books(harness, set(owners))
    assert len(await list_payments(harness)) > 3, "nothing came in that could have gone wrong"


async def _expire(harness: BotHarness, moment: Any) -> None:
    async with harness.kaika.database.unit_of_work() as session:
        await harness.authority.expire_overdue_within(session, moment)


async def _expect_consistent_books(harness: BotHarness, applications: set[str]) -> None:
    """Expect the books, the states and the alerts to agree."""
    books = await list_payments(harness)
    matched = [payment for payment in books if payment.application_id is not None]
    paid = {each for each in applications if await application_state(harness, each) == "paid"}
    assert sorted(p.application_id or "" for p in matched) == sorted(paid), "one charge each"
    assert all((p.amount, p.currency) == (27800, "TWD") for p in matched)
    unmatched = {payment.charge_id for payment in books} - {p.charge_id for p in matched}
    reported = [alert.reference for alert in await staff_alerts(harness)]
    assert len(reported) == len(unmatched)
    assert all(any(f'"{charge}"' in each for each in reported) for charge in unmatched)
