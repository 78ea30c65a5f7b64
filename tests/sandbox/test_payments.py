"""Invoices and paying them."""

import asyncio
from typing import Any

import pytest

from sandbox.client.telegram_client import TelegramClient
from sandbox.errors import PersonError
from tests.sandbox.conftest import BotCaller, ManualClock

INVOICE: dict[str, Any] = {
    "title": "Card fee",
    "description": "IC card and postage",
    "payload": "pay:1",
    "provider_token": "284685063:TEST:sandbox",
    "currency": "TWD",
    "prices": [{"label": "Card", "amount": 25000}, {"label": "Postage", "amount": 2800}],
}


async def send_invoice(bot: BotCaller, person: TelegramClient) -> int:
    """Send the invoice and return its message id."""
    sent = await bot.call("sendInvoice", chat_id=person.id, **INVOICE)
    await bot.take_updates()
    return int(sent["message_id"])


async def pay_and_take_query(
    bot: BotCaller, person: TelegramClient, message_id: int, outcome: str
) -> Any:
    """Begin to pay; return the task and the bot's update."""
    paying = asyncio.create_task(person.pay(message_id, outcome))
    await asyncio.sleep(0)
    ((kind, query),) = await bot.take_updates()
    assert kind == "pre_checkout_query"
    return paying, query


async def test_an_invoice_shows_the_sum_and_a_button_to_pay(
    bot: BotCaller, ann: TelegramClient
) -> None:
    sent = await bot.call("sendInvoice", chat_id=ann.id, **INVOICE)
    assert (sent["invoice"]["total_amount"], sent["invoice"]["currency"]) == (27800, "TWD")
    assert sent["reply_markup"]["inline_keyboard"] == [[{"text": "Pay 278.00 TWD", "pay": True}]]


async def test_a_payment_that_the_bot_agrees_to_goes_through(
    bot: BotCaller, ann: TelegramClient
) -> None:
    message_id = await send_invoice(bot, ann)
    paying, query = await pay_and_take_query(bot, ann, message_id, "success")
    assert (query["invoice_payload"], query["total_amount"]) == ("pay:1", 27800)
    await bot.call("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=True)
    assert await paying == {"status": "paid"}
    ((kind, receipt),) = await bot.take_updates()
    assert kind == "message"
    assert receipt["successful_payment"]["invoice_payload"] == "pay:1"
    with pytest.raises(PersonError, match="is paid"):
        await ann.pay(message_id)


async def test_the_bot_may_refuse_with_a_reason(bot: BotCaller, ann: TelegramClient) -> None:
    message_id = await send_invoice(bot, ann)
    paying, query = await pay_and_take_query(bot, ann, message_id, "success")
    no = {"pre_checkout_query_id": query["id"], "ok": False}
    refusal = await bot.call_refused("answerPreCheckoutQuery", **no)
    assert refusal == 'Bad Request: parameter "error_message" is required'
    await bot.call("answerPreCheckoutQuery", **no, error_message="Too late")
    assert await paying == {"status": "refused", "error_message": "Too late"}
    assert await bot.take_updates() == []


async def test_a_card_may_be_declined_afterwards(bot: BotCaller, ann: TelegramClient) -> None:
    message_id = await send_invoice(bot, ann)
    paying, query = await pay_and_take_query(bot, ann, message_id, "decline")
    await bot.call("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=True)
    assert await paying == {"status": "declined"}
    assert await bot.take_updates() == []


async def test_slow_money_arrives_when_pay_is_called_again(
    bot: BotCaller, ann: TelegramClient
) -> None:
    message_id = await send_invoice(bot, ann)
    paying, query = await pay_and_take_query(bot, ann, message_id, "slow")
    await bot.call("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], ok=True)
    assert await paying == {"status": "pending"}
    assert await ann.pay(message_id, "success") == {"status": "paid"}
    assert "successful_payment" in (await bot.take_updates())[0][1]


async def test_a_bot_that_says_nothing_lets_the_payment_time_out(
    bot: BotCaller, ann: TelegramClient, clock: ManualClock
) -> None:
    message_id = await send_invoice(bot, ann)
    assert await ann.pay(message_id, timeout=0) == {"status": "timeout"}
    query = (await bot.take_updates())[0][1]
    clock.advance(seconds=11)
    answer = {"pre_checkout_query_id": query["id"], "ok": True}
    assert "query is too old" in await bot.call_refused("answerPreCheckoutQuery", **answer)


async def test_what_cannot_be_paid(bot: BotCaller, ann: TelegramClient) -> None:
    message_id = await send_invoice(bot, ann)
    with pytest.raises(PersonError, match="is no invoice"):
        await ann.pay(1)
    with pytest.raises(PersonError, match="One of"):
        await ann.pay(message_id, "perhaps")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": "x" * 33}, "INVOICE_TITLE_INVALID"),
        ({"description": ""}, "INVOICE_DESCRIPTION_INVALID"),
        ({"payload": "é" * 65}, "INVOICE_PAYLOAD_INVALID"),
        ({"currency": "twd"}, "CURRENCY_INVALID"),
        ({"prices": []}, "there must be at least one price"),
        ({"prices": [{"label": "", "amount": 1}]}, "label must be non-empty"),
        ({"prices": [{"label": "x", "amount": -1}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"prices": [{"amount": 1}]}, 'Can\'t find field "label"'),
        ({"prices": [{"label": "x", "amount": 278}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"provider_token": ""}, "PAYMENT_PROVIDER_INVALID"),
        ({"provider_token": "284685063:LIVE:abc"}, "PAYMENT_PROVIDER_INVALID"),
        ({"start_parameter": "two words"}, "START_PARAM_INVALID"),
        ({"currency": "XTR"}, "STARS_INVOICE_INVALID"),
        (
            {"reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "x"}]]}},
            "REPLY_MARKUP_BUY_EMPTY",
        ),
    ],
)
async def test_what_sendInvoice_refuses(  # noqa: N802
    bot: BotCaller, ann: TelegramClient, change: dict[str, Any], words: str
) -> None:
    refusal = await bot.call_refused("sendInvoice", chat_id=ann.id, **{**INVOICE, **change})
    assert words in refusal


async def test_whoever_has_a_forwarded_copy_can_pay_it_unless_it_starts_the_bot(
    bot: BotCaller, ann: TelegramClient, stranger: TelegramClient
) -> None:
    group = bot.engine.add_group("Friends", [ann, stranger])
    await bot.take_updates()
    open_to_all = await send_invoice(bot, ann)
    copy = ann.forward(open_to_all, chat_id=group.id)
    assert copy["reply_markup"] == {"inline_keyboard": [[{"text": "Pay 278.00 TWD", "pay": True}]]}
    paying = asyncio.create_task(stranger.pay(copy["message_id"], chat_id=group.id))
    await asyncio.sleep(0)
    query = next(about for kind, about in await bot.take_updates() if kind == "pre_checkout_query")
    assert (query["from"]["id"], query["invoice_payload"]) == (stranger.id, "pay:1")
    no = {"ok": False, "error_message": "Not yours"}
    await bot.call("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], **no)
    assert (await paying)["status"] == "refused"

    sent = await bot.call("sendInvoice", chat_id=ann.id, **INVOICE, start_parameter="do-pay")
    copy = ann.forward(sent["message_id"], chat_id=group.id)
    link = f"https://t.me/{bot.engine.world.bot.username}?start=do-pay"
    assert copy["reply_markup"] == {"inline_keyboard": [[{"text": "Pay", "url": link}]]}
    with pytest.raises(PersonError, match="is no invoice"):
        await stranger.pay(copy["message_id"], chat_id=group.id)


async def test_the_bot_may_forward_an_invoice_too(bot: BotCaller, ann: TelegramClient) -> None:
    message_id = await send_invoice(bot, ann)
    ids = {"chat_id": ann.id, "from_chat_id": ann.id, "message_id": message_id}
    copy = await bot.call("forwardMessage", **ids)
    assert copy["reply_markup"]["inline_keyboard"][0][0]["pay"] is True
    shown = ann.transcript()["prices"]
    assert shown[str(copy["message_id"])] == shown[str(message_id)] == INVOICE["prices"]


async def test_stars_need_no_provider(bot: BotCaller, ann: TelegramClient) -> None:
    stars = {"currency": "XTR", "provider_token": "", "prices": [{"label": "x", "amount": 5}]}
    sent = await bot.call("sendInvoice", chat_id=ann.id, **{**INVOICE, **stars})
    assert sent["reply_markup"]["inline_keyboard"][0][0]["text"] == "Pay 5 XTR"


async def test_an_invoice_may_bring_its_own_buttons_and_is_never_copied(
    bot: BotCaller, ann: TelegramClient
) -> None:
    rows = [[{"text": "Pay", "pay": True}], [{"text": "Not now", "callback_data": "no"}]]
    sent = await bot.call(
        "sendInvoice", chat_id=ann.id, **INVOICE, reply_markup={"inline_keyboard": rows}
    )
    assert sent["reply_markup"]["inline_keyboard"] == rows
    ids = {"from_chat_id": ann.id, "message_id": sent["message_id"]}
    refusal = await bot.call_refused("copyMessage", chat_id=ann.id, **ids)
    assert refusal == "Bad Request: the message can't be copied"
