"""Paying an invoice, as a payment provider for tests does it."""

from sandbox.client.session import AccountSession, find_shown_message
from sandbox.errors import PersonError
from sandbox.types import Json
from sandbox.world.chats import ChatState, StoredMessage
from sandbox.world.delivery import post_message

PAYMENT_OUTCOMES = ("success", "decline", "slow")


async def pay_invoice(
    session: AccountSession,
    chat: ChatState,
    message_id: int,
    outcome: str,
    timeout: float,  # noqa: ASYNC109
) -> Json:
    """Ask the bot whether the payment may go on, and let it end as `outcome` says."""
    if outcome not in PAYMENT_OUTCOMES:
        raise PersonError(400, "bad_outcome", f"One of {', '.join(PAYMENT_OUTCOMES)}.")
    session.check_can_write(chat)
    stored = find_shown_message(chat, message_id)
    invoices = session.world.invoices
    key = (chat.id, message_id)
    if key not in invoices.sent:
        raise PersonError(400, "not_an_invoice", "This message is no invoice.")
    if key in invoices.paid:
        raise PersonError(409, "already_paid", "This invoice is paid.")
    if key not in invoices.pending:
        query_id = _send_pre_checkout_query(session, chat, stored)
        answer = await session.world.queries.wait_for_answer(query_id, timeout)
        if answer is None:
            return {"status": "timeout"}
        if not answer["ok"]:
            return {"status": "refused", "error_message": answer["error_message"]}
    return _settle(session, chat, stored, outcome)


def _send_pre_checkout_query(
    session: AccountSession, chat: ChatState, stored: StoredMessage
) -> str:
    world = session.world
    query = world.queries.add("pre_checkout", session.id, chat.id, {})
    invoice = stored.message["invoice"]
    world.send_update(
        "pre_checkout_query",
        {
            "id": query.id,
            "from": session.user,
            "currency": invoice["currency"],
            "total_amount": invoice["total_amount"],
            "invoice_payload": world.invoices.sent[chat.id, stored.id].payload,
        },
    )
    return query.id


def _settle(session: AccountSession, chat: ChatState, stored: StoredMessage, outcome: str) -> Json:
    invoices = session.world.invoices
    key = (chat.id, stored.id)
    if outcome == "slow":
        invoices.pending.add(key)
        return {"status": "pending"}
    invoices.pending.discard(key)
    if outcome == "decline":
        return {"status": "declined"}
    invoices.paid.add(key)
    _post_receipt(session, chat, stored)
    return {"status": "paid"}


def _post_receipt(session: AccountSession, chat: ChatState, stored: StoredMessage) -> None:
    """Post the service message ``successful_payment``."""
    world = session.world
    invoice = stored.message["invoice"]
    number = f"{chat.id}_{stored.id}"
    notice = {
        "successful_payment": {
            "currency": invoice["currency"],
            "total_amount": invoice["total_amount"],
            "invoice_payload": world.invoices.sent[chat.id, stored.id].payload,
            "telegram_payment_charge_id": f"sandbox_tg_{number}",
            "provider_payment_charge_id": f"sandbox_provider_{number}",
        }
    }
    paid = post_message(world, chat, session.user, notice, reply_to=stored, is_service=True)
    world.send_update("message", paid.message)
