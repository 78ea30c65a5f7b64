"""Invoices that were sent, and how far their payment is."""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.types import Json

MessageKey = tuple[int, int]
"""The ids of a chat and of a message in it."""


@dataclass(frozen=True, slots=True)
class SentInvoice:
    """What Telegram keeps of an invoice beyond what its message shows."""

    payload: str
    start_parameter: str
    prices: Sequence[Json]


class InvoiceStore:
    """The invoices in all chats, by the message that carries them."""

    def __init__(self) -> None:
        self.sent: dict[MessageKey, SentInvoice] = {}
        self.pending: set[MessageKey] = set()
        """Those whose money is on its way."""
        self.paid: set[MessageKey] = set()

    def add_copy(self, source: Json, copy: Json) -> None:
        """Let the forwarded message `copy` be paid like its source, if that is an invoice.

        One with a ``start_parameter`` leads to the bot instead.
        """
        sent = self.sent.get((source["chat"]["id"], source["message_id"]))
        if sent is not None and not sent.start_parameter:
            self.sent[copy["chat"]["id"], copy["message_id"]] = sent


def pay_keyboard(invoice: Json) -> Json:
    """Return the keyboard of an invoice that brought none."""
    price = _format_price(invoice["total_amount"], invoice["currency"])
    return {"inline_keyboard": [[{"text": f"Pay {price}", "pay": True}]]}


def forwarded_invoice_keyboard(invoice: Json, bot_username: str) -> Json:
    """Return the keyboard of a forwarded invoice: whoever has it pays, or starts the bot."""
    if not invoice["start_parameter"]:
        return pay_keyboard(invoice)
    link = f"https://t.me/{bot_username}?start={invoice['start_parameter']}"
    return {"inline_keyboard": [[{"text": "Pay", "url": link}]]}


def _format_price(total: int, currency: str) -> str:
    return f"{total // 100}.{total % 100:02} {currency}" if currency != "XTR" else f"{total} XTR"
