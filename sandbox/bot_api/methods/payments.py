"""Methods about payments."""

import re

from sandbox.bot_api.method_registry import api_method
from sandbox.bot_api.methods.sending import send_to_chat
from sandbox.bot_api.params.message_params import AnswerPreCheckoutQuery, SendInvoice
from sandbox.errors import bad_request
from sandbox.types import Json
from sandbox.world.invoices import SentInvoice, pay_keyboard
from sandbox.world.world import World

_CURRENCY = re.compile(r"[A-Z]{3}")
_TEST_PROVIDER = re.compile(r"\d+:TEST:\w+")
"""The token of a provider for tests, as @BotFather issues them: no money moves with it."""
_START_PARAMETER = re.compile(r"[A-Za-z0-9_-]{0,64}")
MAX_AMOUNT = 9_999_9999_9999
SMALLEST = {"TWD": 3000}
"""Telegram takes no sums below about one US dollar, such as 278 where 27800 was meant."""


@api_method("sendInvoice", SendInvoice)
def send_invoice(world: World, params: SendInvoice) -> Json:
    """Send an invoice; without a keyboard it gets a button to pay."""
    _check_invoice(params)
    total = sum(price["amount"] for price in params.prices or ())
    invoice: Json = {
        "title": params.title,
        "description": params.description,
        "start_parameter": params.start_parameter,
        "currency": params.currency,
        "total_amount": total,
    }
    keyboard: Json | None = dict(params.reply_markup) if params.reply_markup else None
    if keyboard is None:
        keyboard = pay_keyboard(invoice)
    stored = send_to_chat(world, params, {"invoice": invoice}, markup=keyboard, invoice=True)
    world.invoices.sent[stored.message["chat"]["id"], stored.id] = SentInvoice(
        params.payload, params.start_parameter, [dict(price) for price in params.prices or ()]
    )
    return stored.message


def _check_invoice(params: SendInvoice) -> None:
    _check_texts(params)
    if not _CURRENCY.fullmatch(params.currency):
        raise bad_request("CURRENCY_INVALID")
    prices = params.prices or []
    if not prices:
        raise bad_request("There must be at least one price")
    if not all(price["label"] for price in prices):
        raise bad_request("LabeledPrice label must be non-empty")
    total = sum(price["amount"] for price in prices)
    if not max(1, SMALLEST.get(params.currency, 0)) <= total <= MAX_AMOUNT:
        raise bad_request("CURRENCY_TOTAL_AMOUNT_INVALID")
    if params.currency == "XTR":
        if params.provider_token or len(prices) > 1:
            raise bad_request("STARS_INVOICE_INVALID")
    elif not _TEST_PROVIDER.fullmatch(params.provider_token):
        raise bad_request("PAYMENT_PROVIDER_INVALID")


def _check_texts(params: SendInvoice) -> None:
    if not 1 <= len(params.title) <= 32:
        raise bad_request("INVOICE_TITLE_INVALID")
    if not 1 <= len(params.description) <= 255:
        raise bad_request("INVOICE_DESCRIPTION_INVALID")
    if not 1 <= len(params.payload.encode()) <= 128:
        raise bad_request("INVOICE_PAYLOAD_INVALID")
    if not _START_PARAMETER.fullmatch(params.start_parameter):
        raise bad_request("START_PARAM_INVALID")


@api_method("answerPreCheckoutQuery", AnswerPreCheckoutQuery)
def answer_pre_checkout_query(world: World, params: AnswerPreCheckoutQuery) -> bool:
    """Approve a payment, or refuse it with a reason."""
    if not params.ok and not params.error_message:
        raise bad_request('Parameter "error_message" is required')
    answer: Json = {"ok": params.ok}
    if not params.ok:
        answer["error_message"] = params.error_message
    world.queries.answer("pre_checkout", params.pre_checkout_query_id, answer)
    return True
