"""Money that comes twice, late, from elsewhere or amid a crash: books and states agree."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from handlers.conversations.pay import checkout
from sandbox.engine import Engine
from sandbox.world.fault_injection import InjectedFault
from services.authority.embedded.audit import Actor
from services.authority.embedded.counter import Counter
from services.authority.embedded.models import InvoiceRecord
from services.authority.errors import CheckoutRefusal
from services.formats.ui_number import UiNumber
from services.storage.availability import DatabaseUnavailableError
from tests import phrases
from tests.bot_harness import BotHarness
from tests.handlers.captured_updates import deliver_update
from tests.handlers.clock import NOW, set_time
from tests.handlers.conversations.online.payments import (
    DEADLINE,
    NUMBER,
    application_state,
    ask_pre_checkout,
    deliver_successful_payment,
    invoice_payload,
    list_payments,
    open_amount_due,
    pay_invoice,
    request_invoice,
    staff_alerts,
    submit_application,
)
from tests.handlers.engine.navigation import state


async def test_telegram_may_ask_twice_and_tell_twice(harness: BotHarness) -> None:
    application = await submit_application(harness)
    hoa = harness.add_user("Hoa")
    payload = invoice_payload(hoa, await request_invoice(hoa))
    assert [(await ask_pre_checkout(hoa, payload))["ok"] for _ in range(2)] == [True, True]
    await deliver_successful_payment(hoa, payload)
    receipt = hoa.last["text"]
    await deliver_successful_payment(hoa, payload)
    assert hoa.last["text"] == receipt
    assert len(await list_payments(harness)) == 1
    assert (await application_state(harness, application), await staff_alerts(harness)) == (
        "paid",
        [],
    )
    await harness.run_due_jobs(NOW)
    assert len([m for m in harness.engine.world.mailbox.mails if "NT$278" in m.text]) == 1


async def test_a_question_that_comes_again_is_not_answered_a_second_time(
    harness: BotHarness,
) -> None:
    await submit_application(harness)
    hoa = harness.add_user("Hoa")
    payload = invoice_payload(hoa, await request_invoice(hoa))
    query = harness.engine.world.queries.add("pre_checkout", hoa.person.id, hoa.person.id, {})
    body = {"id": query.id, "from": hoa.person.user, "currency": "TWD", "total_amount": 27800}
    harness.engine.world.send_update("pre_checkout_query", {**body, "invoice_payload": payload})
    (raw,) = await harness.updates()
    for _ in range(2):
        await harness.kaika.intake.accept([raw])
        await harness.kaika.application.update_queue.join()
    await deliver_update(harness, raw)  # in another process
    assert query.answer == {"ok": True}
    assert raw["update_id"] not in [
        u["update_id"] for u in await harness.kaika.inbox.load_unfinished()
    ]


async def test_a_second_payment_is_kept_and_told_to_staff(harness: BotHarness) -> None:
    application = await submit_application(harness)
    hoa = harness.add_user("Hoa", "zh-hant")
    payload = invoice_payload(hoa, await request_invoice(hoa))
    await deliver_successful_payment(hoa, payload, "charge-1")
    await deliver_successful_payment(hoa, payload, "charge-2")
    hoa.sees("費用先前已繳清", "請不要再付一次", "20270301-000002")
    await deliver_successful_payment(hoa, payload, "charge-2")
    first, second = await list_payments(harness)
    assert (first.application_id, second.application_id) == (application, None)
    (alert,) = await staff_alerts(harness)
    assert alert.message == "charge_unmatched"
    assert all(word in alert.reference for word in ("20270301-000002", "paid", "charge-2"))


@pytest.mark.parametrize(
    ("bend", "words"),
    [
        ({"payload": "0" * 32}, "No open application"),
        ({"payload": "of another bot"}, "No open application"),
        ({"amount": 27500}, "amount was not correct"),
    ],
)
async def test_money_that_fits_nothing_is_not_lost(
    harness: BotHarness, bend: dict[str, Any], words: str
) -> None:
    application = await submit_application(harness)
    hoa = harness.add_user("Hoa")
    right = {"payload": invoice_payload(hoa, await request_invoice(hoa)), "amount": 27800}
    await deliver_successful_payment(hoa, **{**right, **bend})
    hoa.sees("found nothing to pay", words, "Please don't pay again", "0800-080-117")
    (payment,) = await list_payments(harness)
    assert (payment.application_id, payment.charge_id) == (None, "charge-1")
    assert len(await staff_alerts(harness)) == 1
    assert await application_state(harness, application) == "submitted"
    assert (await state(hoa)).step == "invoice", "it is still owed, and can still be paid"


async def test_money_from_another_person_is_kept_apart(harness: BotHarness) -> None:
    application = await submit_application(harness)
    hoa, bo = harness.add_user("Hoa"), harness.add_user("Bo")
    payload = invoice_payload(hoa, await request_invoice(hoa))
    await bo.starts()
    await deliver_successful_payment(bo, payload)
    bo.sees("for another person")
    assert await application_state(harness, application) == "submitted"
    assert (await list_payments(harness))[0].user_id == bo.person.id


async def test_money_for_an_application_that_is_gone(harness: BotHarness) -> None:
    application = await submit_application(harness)
    hoa = harness.add_user("Hoa")
    payload = invoice_payload(hoa, await request_invoice(hoa))
    set_time(harness, DEADLINE + timedelta(minutes=1))
    await harness.run_due_jobs(DEADLINE + timedelta(minutes=1))
    assert await application_state(harness, application) == "expired"
    await deliver_successful_payment(hoa, payload)
    hoa.sees("We received NT$278", "No open application", "deadline may have passed")
    assert len(await staff_alerts(harness)) == 1
    assert "has expired" in (await ask_pre_checkout(hoa, payload))["error_message"]


async def test_a_database_that_fails_means_no_and_nothing_charged(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await submit_application(harness)
    hoa = harness.add_user("Hoa", "zh-hant")
    payload = invoice_payload(hoa, await request_invoice(hoa))

    async def fails(*_: Any) -> None:
        raise DatabaseUnavailableError("disk")

    monkeypatch.setattr(harness.authority.payments, "approve_checkout", fails)
    answer = await ask_pre_checkout(hoa, payload)
    assert answer["ok"] is False
    assert "未扣款" in answer["error_message"]
    assert (await state(hoa)).step == "invoice"


async def test_a_database_that_is_stuck_means_no_within_the_time(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await submit_application(harness)
    hoa = harness.add_user("Hoa")
    payload = invoice_payload(hoa, await request_invoice(hoa))
    monkeypatch.setattr(checkout, "DECIDE_SECONDS", 0.05)
    async with harness.kaika.database.unit_of_work():  # nobody else gets in, the inbox neither
        answer = await asyncio.wait_for(ask_pre_checkout(hoa, payload), 2)
    assert answer["ok"] is False
    assert "could not be confirmed in time" in answer["error_message"]
    monkeypatch.undo()
    async with harness.kaika.database.unit_of_work() as session:  # whose turn comes after it
        (invoice,) = (await session.scalars(select(InvoiceRecord))).all()
    assert invoice.approved_at is None, "no was the answer, so nothing is reserved"
    assert (await ask_pre_checkout(hoa, payload))["ok"] is True


async def test_an_answer_the_line_lost_is_given_again(harness: BotHarness) -> None:
    await submit_application(harness)
    hoa = harness.add_user("Hoa")
    payload = invoice_payload(hoa, await request_invoice(hoa))
    harness.engine.world.faults.add(
        InjectedFault("answerprecheckoutquery", 502, "Bad Gateway", times=1)
    )
    assert (await ask_pre_checkout(hoa, payload))["ok"] is True


async def test_a_line_that_stays_down_takes_no_money(harness: BotHarness) -> None:
    application = await submit_application(harness)
    hoa = harness.add_user("Hoa")
    invoice = await request_invoice(hoa)
    harness.engine.world.faults.add(
        InjectedFault("answerprecheckoutquery", 502, "Bad Gateway", times=9)
    )
    paying = asyncio.create_task(hoa.person.pay(invoice["message_id"], timeout=0.2))
    await asyncio.sleep(0)
    await harness.settle()
    assert await paying == {"status": "timeout"}
    assert (await list_payments(harness), await application_state(harness, application)) == (
        [],
        "submitted",
    )


async def test_a_guide_takes_no_money_and_loses_none(engine: Engine, tmp_path: Path) -> None:
    async with BotHarness.start(engine, tmp_path) as harness:
        hoa = harness.add_user("Hoa")
        await hoa.starts()
        answer = await ask_pre_checkout(hoa, "0" * 32)
        assert (answer["ok"], "does not accept payments" in answer["error_message"]) == (
            False,
            True,
        )
        await deliver_successful_payment(hoa, "0" * 32)
        hoa.sees("We received NT$278", "Our staff have been notified", "charge-1")
        (alert,) = await staff_alerts(harness)
        assert alert.message == "charge_unrecorded"
        await harness.run_due_jobs()
        assert await staff_alerts(harness) == [], "reported, in the log"


async def test_money_that_arrives_while_somebody_asks_something_else(harness: BotHarness) -> None:
    await submit_application(harness)
    hoa = harness.add_user("Hoa")
    payload = invoice_payload(hoa, await request_invoice(hoa))
    await hoa.starts("do-status")
    await hoa.presses("🆕")
    await deliver_successful_payment(hoa, payload)
    assert any(phrases.PAYMENT_RECEIVED in m.get("text", "") for m in hoa.bot_messages)
    there = await state(hoa)
    assert (there.conversation, there.is_open) == ("status", True)


async def test_paid_at_the_counter_meanwhile(harness: BotHarness) -> None:
    await submit_application(harness)
    hoa = harness.add_user("Hoa")
    invoice = await request_invoice(hoa)
    counter = Counter(harness.authority, Actor.at_counter("test"))
    await counter.pay(UiNumber.parse(NUMBER), "at the counter", 27800, NOW)
    assert phrases.PAID_ALREADY in (await pay_invoice(hoa, invoice))["error_message"]
    await open_amount_due(hoa)
    hoa.sees(phrases.FEE_IS_PAID)


def test_the_longest_way_to_an_answer_is_shorter_than_telegram_waits() -> None:
    one_try = checkout.CONNECT_SECONDS + checkout.ANSWER_SECONDS
    assert checkout.DECIDE_SECONDS + checkout.ANSWER_TRIES * one_try < 10


def test_there_are_words_for_every_refusal() -> None:
    assert set(checkout._REFUSALS) == set(CheckoutRefusal)
