"""Paying an invoice, as a payment provider for tests does it."""

from typing import TYPE_CHECKING

from sandbox.client.messages import check_can_write, there
from sandbox.errors import PersonError
from sandbox.types import Json
from sandbox.world.chats import Chat, Stored
from sandbox.world.delivery import post

if TYPE_CHECKING:
    from sandbox.client.telegram_client import Person
    from sandbox.engine import Engine

OUTCOMES = ("success", "decline", "slow")


async def pay(
    person: "Person",
    chat: Chat,
    message_id: int,
    outcome: str,
    timeout: float,  # noqa: ASYNC109
) -> Json:
    """Ask the bot whether the payment may go on, and let it end as `outcome` says."""
    if outcome not in OUTCOMES:
        raise PersonError(400, "bad_outcome", f"One of {', '.join(OUTCOMES)}.")
    check_can_write(person, chat)
    stored = there(chat, message_id)
    engine = person.engine
    if (chat.id, message_id) not in engine.invoices:
        raise PersonError(400, "not_an_invoice", "This message is no invoice.")
    if (chat.id, message_id) in engine.paid:
        raise PersonError(409, "already_paid", "This invoice is paid.")
    if (chat.id, message_id) not in engine.pending_payments:
        answer = await engine.queries.wait(_ask(person, chat, stored), timeout)
        if answer is None:
            return {"status": "timeout"}
        if not answer["ok"]:
            return {"status": "refused", "error_message": answer["error_message"]}
    return _settle(person, chat, stored, outcome)


def _ask(person: "Person", chat: Chat, stored: Stored) -> str:
    engine = person.engine
    query = engine.queries.ask("pre_checkout", person.id, chat.id, {})
    invoice = stored.message["invoice"]
    engine.emit(
        "pre_checkout_query",
        {
            "id": query.id,
            "from": person.user,
            "currency": invoice["currency"],
            "total_amount": invoice["total_amount"],
            "invoice_payload": engine.invoices[chat.id, stored.id].payload,
        },
    )
    return query.id


def _settle(person: "Person", chat: Chat, stored: Stored, outcome: str) -> Json:
    engine = person.engine
    key = (chat.id, stored.id)
    if outcome == "slow":
        engine.pending_payments.add(key)
        return {"status": "pending"}
    engine.pending_payments.discard(key)
    if outcome == "decline":
        return {"status": "declined"}
    engine.paid.add(key)
    _receipt(engine, person, chat, stored)
    return {"status": "paid"}


def _receipt(engine: "Engine", person: "Person", chat: Chat, stored: Stored) -> None:
    """Put the service message into the chat that tells of the payment."""
    invoice = stored.message["invoice"]
    number = f"{chat.id}_{stored.id}"
    notice = {
        "successful_payment": {
            "currency": invoice["currency"],
            "total_amount": invoice["total_amount"],
            "invoice_payload": engine.invoices[chat.id, stored.id].payload,
            "telegram_payment_charge_id": f"sandbox_tg_{number}",
            "provider_payment_charge_id": f"sandbox_provider_{number}",
        }
    }
    paid = post(engine, chat, person.user, notice, reply_to=stored, service=True)
    engine.emit("message", paid.message)
