"""Paying in the chat: the amount due, the address, the invoice, the receipt."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import locales
from sandbox.errors import PersonError
from services.formats.hidden import Hidden
from tests import phrases
from tests.bot_harness import BotHarness
from tests.form_retention_text import stays_needed
from tests.handlers.clock import NOW, set_time
from tests.handlers.conversations.online.payments import (
    ADDRESS,
    CODE,
    DEADLINE,
    NUMBER,
    application_state,
    ask_pre_checkout,
    invoice_payload,
    invoices,
    list_payments,
    open_amount_due,
    pay_invoice,
    request_invoice,
    submit_application,
)
from tests.handlers.engine.navigation import press, state, step_keys

WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "owed": ("NT$278", "card fee (工本費) NT$250", "postage (郵資) NT$28", "days left: 15"),
        "days": ("Tuesday 16 March 2027", "Thursday 11 March, Monday 15 March"),
        "invoice": "Card fee and postage",
        "lines": ["Card fee (工本費)", "Postage (郵資)"],
        "receipt": "Payment received: NT$278",
    },
    "zh-hant": {
        "owed": ("NT$278", "工本費 NT$250", "郵資 NT$28", "還有 15 天"),
        "days": ("2027年3月16日（週二）", "3月11日（週四）、3月15日（週一）"),
        "invoice": "工本費及郵資",
        "lines": ["工本費", "郵資"],
        "receipt": "已收到款項：NT$278",
    },
}


@pytest.mark.parametrize("language", WORDS)
async def test_from_the_first_tap_to_the_receipt(harness: BotHarness, language: str) -> None:
    words = WORDS[language]
    application = await submit_application(harness)
    hoa = harness.add_user("Hoa", language)
    await open_amount_due(hoa)
    hoa.sees(*words["owed"], *words["days"], ADDRESS)
    assert CODE not in str(hoa.messages)

    await press(hoa, "pay")
    (invoice,) = invoices(hoa)
    assert invoice["invoice"]["title"] == words["invoice"]
    assert (invoice["invoice"]["total_amount"], invoice["invoice"]["currency"]) == (27800, "TWD")
    assert invoice["invoice"]["start_parameter"] == "do-pay"
    prices = hoa.person.transcript()["prices"][str(invoice["message_id"])]
    assert [line["label"] for line in prices] == words["lines"]
    assert [line["amount"] for line in prices] == [25000, 2800]
    with pytest.raises(PersonError, match="may not be forwarded"):
        hoa.person.forward(invoice["message_id"])

    assert await pay_invoice(hoa, invoice) == {"status": "paid"}
    (payment,) = await list_payments(harness)
    receipt = f"20270301-{payment.id:06d}"
    hoa.sees(words["receipt"], receipt, *words["lines"], "NT$250", "NT$28")
    assert stays_needed(hoa.last["text"], locales.resolve(language))
    assert (await application_state(harness, application), payment.application_id) == (
        "paid",
        application,
    )
    there = await state(hoa)
    assert (there.step, there.is_open, dict(there.data)) == ("paid", False, {})

    await harness.run_due_jobs(NOW)
    (mail,) = [m for m in harness.engine.world.mailbox.mails if receipt in m.text]
    assert mail.to == "hoa@mail.example"
    assert mail.text.count(receipt) == 2, "in both languages"

    await open_amount_due(hoa)
    assert (await state(hoa)).step == "paid"
    assert stays_needed(hoa.last["text"], locales.resolve(language))


async def test_a_second_look_after_paying_says_that_it_is_paid(harness: BotHarness) -> None:
    await submit_application(harness)
    hoa = harness.add_user("Hoa")
    await pay_invoice(hoa, await request_invoice(hoa))
    await open_amount_due(hoa)
    hoa.sees(phrases.FEE_IS_PAID, "The fee is paid")
    assert len(invoices(hoa)) == 1


async def test_the_address_is_corrected_only_after_it_was_shown(harness: BotHarness) -> None:
    await submit_application(harness)
    hoa = harness.add_user("Hoa")
    await open_amount_due(hoa)
    await press(hoa, "address")
    typed = await hoa.says("花蓮縣花蓮市　中山路２號")
    assert typed not in [message["message_id"] for message in hoa.messages]
    hoa.sees("Send the card to this address?", "花蓮縣花蓮市 中山路２號")
    await press(hoa, "again")
    await hoa.says("100 臺北市中正區忠孝東路一段5號3樓")
    hoa.sees("忠孝東路一段5號3樓")
    assert "花蓮" not in str(dict((await state(hoa)).data)), "kept sealed"
    await press(hoa, "use")
    hoa.sees("The address was changed", "忠孝東路一段5號3樓", "NT$278")
    await open_amount_due(hoa)
    hoa.sees("忠孝東路一段5號3樓")


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("臺北市" + "很長的路" * 60 + "1號", "address is too long"),
        ("How long does the post take for 1 card?", None),
        ("我可以改 2 次地址嗎", None),
        ("wait", None),
        ("網路付款失敗", None),
        ("I lost my card on the street in Taipei", None),
        ("高雄市左營區", "street, number and town"),
        ("Taipei", "street, number and town"),
        ("中正路", "street, number and town"),
        ("my home in Banqiao District, near the park", None),
        ("c/o Mr Chen, Hsinchu Science Park", "street, number and town"),
    ],
)
async def test_what_is_no_address_changes_nothing(
    harness: BotHarness, typed: str, seen: str | None
) -> None:
    await submit_application(harness)
    hoa = harness.add_user("Hoa")
    await open_amount_due(hoa)
    await press(hoa, "address")
    sent = await hoa.says(typed)
    assert (await state(hoa)).step == "address"
    assert seen is None or seen in hoa.bot_messages[-2]["text"]
    is_deleted = sent not in [message["message_id"] for message in hoa.messages]
    assert is_deleted is (seen is not None), "what is meant as an address does not stay"
    await press(hoa, "back")
    hoa.sees(ADDRESS)


async def test_a_declined_card_can_be_tried_again_with_the_same_invoice(
    harness: BotHarness,
) -> None:
    application = await submit_application(harness)
    hoa = harness.add_user("Hoa")
    invoice = await request_invoice(hoa)
    assert await pay_invoice(hoa, invoice, "decline") == {"status": "declined"}
    assert (await application_state(harness, application), await list_payments(harness)) == (
        "submitted",
        [],
    )
    assert (await state(hoa)).step == "invoice"
    assert await pay_invoice(hoa, invoice) == {"status": "paid"}
    hoa.sees(phrases.PAYMENT_RECEIVED)


async def test_while_the_bank_takes_its_time_no_second_invoice_can_be_paid(
    harness: BotHarness,
) -> None:
    application = await submit_application(harness)
    hoa = harness.add_user("Hoa")
    first = await request_invoice(hoa)
    assert await pay_invoice(hoa, first, "slow") == {"status": "pending"}
    second = await request_invoice(hoa)
    refused = await pay_invoice(hoa, second)
    assert refused["status"] == "refused"
    assert "is being paid right now" in refused["error_message"]
    assert await pay_invoice(hoa, first) == {"status": "paid"}
    refused = await pay_invoice(hoa, second)
    assert phrases.PAID_ALREADY in refused["error_message"]
    assert len(await list_payments(harness)) == 1
    assert await application_state(harness, application) == "paid"


async def test_the_invoice_can_be_sent_again(harness: BotHarness) -> None:
    await submit_application(harness)
    hoa = harness.add_user("Hoa")
    first = await request_invoice(hoa)
    hoa_step = [m for m in hoa.bot_messages if "Your invoice is below" in m.get("text", "")][-1]
    data = next(
        b["callback_data"]
        for row in hoa_step["reply_markup"]["inline_keyboard"]
        for b in row
        if b["callback_data"].endswith(".again")
    )
    await hoa.forges(hoa_step["message_id"], data)
    copy = invoices(hoa)[-1]
    assert copy["message_id"] != first["message_id"]
    assert invoice_payload(hoa, copy) == invoice_payload(hoa, first)
    assert (await pay_invoice(hoa, copy))["status"] == "paid"
    assert phrases.PAID_ALREADY in (await pay_invoice(hoa, first))["error_message"]


async def test_after_the_deadline_nothing_is_charged(harness: BotHarness) -> None:
    application = await submit_application(harness)
    hoa = harness.add_user("Hoa")
    invoice = await request_invoice(hoa)
    set_time(harness, DEADLINE)
    refused = await pay_invoice(hoa, invoice)
    assert "payment deadline has passed" in refused["error_message"]
    assert (await list_payments(harness), await application_state(harness, application)) == (
        [],
        "submitted",
    )
    await open_amount_due(hoa)
    hoa.sees("The payment deadline has passed", "Apply again in person")


async def test_on_the_last_day_it_still_works_and_says_zero_days(harness: BotHarness) -> None:
    application = await submit_application(harness)
    hoa = harness.add_user("Hoa")
    set_time(harness, DEADLINE - timedelta(minutes=5))
    await open_amount_due(hoa)
    hoa.sees("days left: 0")
    assert "on" not in step_keys(hoa), "there is nothing left to remind of"
    await press(hoa, "pay")
    assert (await pay_invoice(hoa, invoices(hoa)[-1], "slow"))["status"] == "pending"
    set_time(harness, DEADLINE + timedelta(minutes=5))
    await harness.run_due_jobs(DEADLINE + timedelta(minutes=5))
    assert (await pay_invoice(hoa, invoices(hoa)[-1]))["status"] == "paid"
    assert await application_state(harness, application) == "paid"


async def test_another_person_cannot_pay_with_it(harness: BotHarness) -> None:
    await submit_application(harness)
    hoa, stranger = harness.add_user("Hoa"), harness.add_user("Bo", "zh-hant")
    payload = invoice_payload(hoa, await request_invoice(hoa))
    await stranger.starts()
    answer = await ask_pre_checkout(stranger, payload)
    assert answer["ok"] is False
    assert "其他人" in answer["error_message"]
    assert (await ask_pre_checkout(hoa, payload, 278))["ok"] is False
    assert (await ask_pre_checkout(hoa, "0" * 32))["ok"] is False
    assert (await ask_pre_checkout(hoa, "x" * 128))["ok"] is False
    assert (await ask_pre_checkout(hoa, payload))["ok"] is True


async def test_ten_minutes_later_one_is_asked_again_who_one_is(harness: BotHarness) -> None:
    await submit_application(harness)
    hoa = harness.add_user("Hoa")
    await open_amount_due(hoa)
    set_time(harness, NOW + timedelta(minutes=11))
    await press(hoa, "pay")
    hoa.sees(phrases.TEN_MINUTES_PASSED, phrases.TYPE_BOTH_AGAIN)
    assert invoices(hoa) == []
    await hoa.says(f"{NUMBER} {CODE}")
    hoa.sees("NT$278")


async def test_an_invoice_of_yesterday_can_still_be_paid(harness: BotHarness) -> None:
    await submit_application(harness)
    hoa = harness.add_user("Hoa")
    invoice = await request_invoice(hoa)
    set_time(harness, NOW + timedelta(days=1))
    assert (await pay_invoice(hoa, invoice))["status"] == "paid"
    hoa.sees(phrases.PAYMENT_RECEIVED)


async def test_a_provider_that_takes_no_invoice_is_told_honestly(harness: BotHarness) -> None:
    application = await submit_application(harness)
    data = harness.kaika.application.bot_data
    data["services"] = replace(data["services"], payment_provider=Hidden("a wrong token"))
    hoa = harness.add_user("Hoa")
    await open_amount_due(hoa)
    await press(hoa, "pay")
    hoa.sees("The invoice could not be created", "Nothing was charged")
    assert (invoices(hoa), await application_state(harness, application)) == ([], "submitted")


async def test_a_question_in_between_leaves_the_invoice_as_it_is(harness: BotHarness) -> None:
    await submit_application(harness)
    hoa = harness.add_user("Hoa")
    invoice = await request_invoice(hoa)
    await hoa.says("How long does delivery take?")
    assert (await state(hoa)).step == "invoice"
    assert len(invoices(hoa)) == 1
    assert (await pay_invoice(hoa, invoice))["status"] == "paid"


async def test_who_cancelled_may_still_pay_the_invoice(harness: BotHarness) -> None:
    application = await submit_application(harness)
    hoa = harness.add_user("Hoa")
    await open_amount_due(hoa)
    await press(hoa, "pay")
    step = [m for m in hoa.bot_messages if "Your invoice is below" in m.get("text", "")][-1]
    cancel = step["reply_markup"]["inline_keyboard"][-1][1]["callback_data"]
    await hoa.forges(step["message_id"], cancel)
    assert (await state(hoa)).step == "(cancelled)"
    assert (await pay_invoice(hoa, invoices(hoa)[-1]))["status"] == "paid"
    hoa.sees(phrases.PAYMENT_RECEIVED)
    assert await application_state(harness, application) == "paid"
