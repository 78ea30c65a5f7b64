"""Methods about payments."""

import re
from typing import TYPE_CHECKING

from sandbox.bot_api.method_registry import method
from sandbox.bot_api.methods.sending import send
from sandbox.bot_api.params.message_params import AnswerPreCheckoutQuery, SendInvoice
from sandbox.errors import bad_request
from sandbox.types import Json

if TYPE_CHECKING:
    from sandbox.engine import Engine

_CURRENCY = re.compile(r"[A-Z]{3}")
_TEST_PROVIDER = re.compile(r"\d+:TEST:\w+")
"""The token of a provider for tests, as @BotFather gives them; no other moves no money here."""
_START_PARAMETER = re.compile(r"[A-Za-z0-9_-]{0,64}")
MAX_AMOUNT = 9_999_9999_9999
SMALLEST = {"TWD": 3000}
"""Telegram takes no sums below about one US dollar, such as 278 where 27800 was meant."""


@method("sendInvoice", SendInvoice)
def send_invoice(engine: "Engine", p: SendInvoice) -> Json:
    """Send an invoice; without a keyboard it gets a button to pay."""
    _check(p)
    total = sum(price["amount"] for price in p.prices or ())
    invoice: Json = {
        "title": p.title,
        "description": p.description,
        "start_parameter": p.start_parameter,
        "currency": p.currency,
        "total_amount": total,
    }
    keyboard: Json | None = dict(p.reply_markup) if p.reply_markup else None
    if keyboard is None:
        keyboard = pay_button(invoice)
    stored = send(engine, p, {"invoice": invoice}, markup=keyboard, invoice=True)
    engine.invoices[stored.message["chat"]["id"], stored.id] = p
    return stored.message


def pay_button(invoice: Json) -> Json:
    """Give the keyboard of an invoice that brought none."""
    price = _price(invoice["total_amount"], invoice["currency"])
    return {"inline_keyboard": [[{"text": f"Pay {price}", "pay": True}]]}


def forwarded_button(engine: "Engine", invoice: Json) -> Json:
    """Give the keyboard of a forwarded invoice: whoever has it pays, or starts the bot."""
    if not invoice["start_parameter"]:
        return pay_button(invoice)
    link = f"https://t.me/{engine.bot.username}?start={invoice['start_parameter']}"
    return {"inline_keyboard": [[{"text": "Pay", "url": link}]]}


def note_forward(engine: "Engine", source: Json, copy: Json) -> None:
    """Let a forwarded invoice be paid like the one it is a copy of."""
    sent = engine.invoices.get((source["chat"]["id"], source["message_id"]))
    if sent is not None and not sent.start_parameter:
        engine.invoices[copy["chat"]["id"], copy["message_id"]] = sent


def _price(total: int, currency: str) -> str:
    return f"{total // 100}.{total % 100:02} {currency}" if currency != "XTR" else f"{total} XTR"


def _check(p: SendInvoice) -> None:
    _check_texts(p)
    if not _CURRENCY.fullmatch(p.currency):
        raise bad_request("CURRENCY_INVALID")
    prices = p.prices or []
    if not prices:
        raise bad_request("There must be at least one price")
    if not all(price["label"] for price in prices):
        raise bad_request("LabeledPrice label must be non-empty")
    total = sum(price["amount"] for price in prices)
    if not max(1, SMALLEST.get(p.currency, 0)) <= total <= MAX_AMOUNT:
        raise bad_request("CURRENCY_TOTAL_AMOUNT_INVALID")
    if p.currency == "XTR":
        if p.provider_token or len(prices) > 1:
            raise bad_request("STARS_INVOICE_INVALID")
    elif not _TEST_PROVIDER.fullmatch(p.provider_token):
        raise bad_request("PAYMENT_PROVIDER_INVALID")


def _check_texts(p: SendInvoice) -> None:
    if not 1 <= len(p.title) <= 32:
        raise bad_request("INVOICE_TITLE_INVALID")
    if not 1 <= len(p.description) <= 255:
        raise bad_request("INVOICE_DESCRIPTION_INVALID")
    if not 1 <= len(p.payload.encode()) <= 128:
        raise bad_request("INVOICE_PAYLOAD_INVALID")
    if not _START_PARAMETER.fullmatch(p.start_parameter):
        raise bad_request("START_PARAM_INVALID")


@method("answerPreCheckoutQuery", AnswerPreCheckoutQuery)
def answer_pre_checkout_query(engine: "Engine", p: AnswerPreCheckoutQuery) -> bool:
    """Let a payment go through, or refuse it with a reason."""
    if not p.ok and not p.error_message:
        raise bad_request('Parameter "error_message" is required')
    answer: Json = {"ok": p.ok}
    if not p.ok:
        answer["error_message"] = p.error_message
    engine.queries.answer("pre_checkout", p.pre_checkout_query_id, answer)
    return True
