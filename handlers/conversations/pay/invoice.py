"""Sending of invoices: itemised, protected from forwarding, and payable in one chat only."""

from collections.abc import Mapping
from datetime import date

import structlog
from telegram import LabeledPrice
from telegram.constants import ParseMode
from telegram.error import BadRequest

from handlers.context import Context
from handlers.screen.text import N_, label, say
from services.authority.data_types import CURRENCY, FeeKind

START = "do-pay"
"""The deep link of a forwarded copy, which cannot be paid."""
FEE_LABELS: Mapping[FeeKind, str] = {
    FeeKind.CARD: N_("Card fee (工本費)"),
    FeeKind.POSTAGE: N_("Postage (郵資)"),
}
_log = structlog.get_logger()


async def send_fee_invoice(
    context: Context,
    chat_id: int,
    language: str,
    payload: str,
    fees: Mapping[FeeKind, int],
    last_day: date,
) -> None:
    """Send an invoice, or an apology where the payment provider rejects it.

    :param payload: the id of the invoice at the authority.
    :param fees: the lines of the invoice, in the smallest unit of the currency.
    """
    provider = context.services.payment_provider
    try:
        await context.bot.send_invoice(
            chat_id,
            title=label(language, "Card fee and postage"),
            description=label(
                language,
                "Alien citizen natural person certificate (外來人口自然人憑證). To be paid by "
                "{last}. For you, in this chat, once.",
                last=last_day.isoformat(),
            ),
            payload=payload,
            provider_token=provider.reveal() if provider else "",
            currency=CURRENCY,
            prices=[LabeledPrice(label(language, FEE_LABELS[kind]), fees[kind]) for kind in fees],
            start_parameter=START,
            protect_content=True,
        )
    except BadRequest as error:
        _log.error("invoice_refused", reason=error.message)
        text = say(
            language,
            "⚠️ <b>The invoice could not be made</b>: the payment provider does not take it at "
            "this moment. Nothing was charged, and the deadline stays as it is. Please try again "
            "later, or call 0800-080-117.",
        )
        await context.bot.send_message(chat_id, text, parse_mode=ParseMode.HTML)
