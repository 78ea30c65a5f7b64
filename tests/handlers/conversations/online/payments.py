"""Paying: what a person presses, what Telegram sends, and what is in the books afterwards."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime

from sqlalchemy import select

from sandbox.world.delivery import post_message
from services.authority.embedded.audit import Actor
from services.authority.embedded.counter import Counter
from services.authority.embedded.models import Application, Payment
from services.authority.embedded.personal_data.records import PersonalData
from services.formats.subscriber_code import SubscriberCode
from services.formats.ui_number import UiNumber
from services.messaging.outbox import Channel, OutboxMessage
from tests.bot_harness import BotHarness, ChatUser, Json
from tests.handlers.clock import NOW
from tests.handlers.engine.navigation import press

LAST_DAY = date(2027, 3, 16)
DEADLINE = datetime(2027, 3, 16, 16, tzinfo=UTC)
NUMBER, CODE = "A900207177", "ngA2h345"
ADDRESS = "臺北市中正區廣州街15號"


async def submit_application(
    harness: BotHarness, number: str = NUMBER, code: str = CODE, mail: str = "hoa"
) -> str:
    """Submit an application at the counter, and return its id."""
    data = PersonalData(
        ui_number=UiNumber.parse(number),
        name="Nguyen Thi Hoa",
        birth_date=date(1993, 4, 12),
        mail_address=f"{mail}@mail.example",
        postal_address=ADDRESS,
    )
    counter = Counter(harness.authority, Actor.at_counter("test"))
    return (await counter.apply(data, NOW, SubscriberCode(code))).application


async def open_amount_due(person: ChatUser, number: str = NUMBER, code: str = CODE) -> None:
    """Begin the conversation on paying, and identify the person."""
    await person.starts("do-pay")
    if "🔄" in str(person.last.get("reply_markup")):
        await person.presses("🔄")
    await person.says(f"{number} {code}")


async def request_invoice(person: ChatUser) -> Json:
    """Go as far as the invoice, and return its message."""
    await open_amount_due(person)
    await press(person, "pay")
    return invoices(person)[-1]


def invoices(person: ChatUser) -> Sequence[Json]:
    """Return the invoice messages in the chat."""
    return [message for message in person.bot_messages if "invoice" in message]


def invoice_payload(person: ChatUser, invoice: Json) -> str:
    """Return the payload of an invoice."""
    return person.harness.engine.world.invoices.sent[
        person.person.id, invoice["message_id"]
    ].payload


async def pay_invoice(person: ChatUser, invoice: Json, outcome: str = "success") -> Json:
    """Press Pay on an invoice, and return the result.

    :param outcome: what the bank does: ``success``, ``decline`` or ``slow``.
    """
    paying = asyncio.create_task(person.person.pay(invoice["message_id"], outcome, timeout=5))
    while not paying.done():
        await asyncio.sleep(0)
        await person.harness.settle()
    await person.harness.settle()
    return paying.result()


async def ask_pre_checkout(person: ChatUser, payload: str, amount: int = 27800) -> Json:
    """Send a pre-checkout query, and return the bot's answer."""
    engine = person.harness.engine
    query = engine.world.queries.add("pre_checkout", person.person.id, person.person.id, {})
    engine.world.send_update(
        "pre_checkout_query",
        {
            "id": query.id,
            "from": person.person.user,
            "currency": "TWD",
            "total_amount": amount,
            "invoice_payload": payload,
        },
    )
    await person.harness.settle()
    assert query.answer is not None, "Telegram was never answered"
    return query.answer


def emit_successful_payment(
    person: ChatUser, payload: str, charge: str, amount: int = 27800
) -> None:
    """Put a successful payment into the updates, without letting the bot handle it."""
    engine, payer = person.harness.engine, person.person
    paid = {
        "currency": "TWD",
        "total_amount": amount,
        "invoice_payload": payload,
        "telegram_payment_charge_id": charge,
        "provider_payment_charge_id": f"provider-{charge}",
    }
    notice = {"successful_payment": paid}
    posted = post_message(engine.world, payer.find_chat(None), payer.user, notice, is_service=True)
    engine.world.send_update("message", posted.message)


async def deliver_successful_payment(
    person: ChatUser, payload: str, charge: str = "charge-1", amount: int = 27800
) -> None:
    """Send a successful payment, and let the bot handle it."""
    emit_successful_payment(person, payload, charge, amount)
    await person.harness.settle()


async def list_payments(harness: BotHarness) -> Sequence[Payment]:
    """Return every payment in the books."""
    async with harness.kaika.database.unit_of_work() as session:
        return (await session.scalars(select(Payment).order_by(Payment.id))).all()


async def application_state(harness: BotHarness, application: str) -> str:
    """Return the state of an application."""
    async with harness.kaika.database.unit_of_work() as session:
        found = await session.get(Application, application)
        assert found is not None
        return found.state


async def staff_alerts(harness: BotHarness) -> Sequence[OutboxMessage]:
    """Return the alerts for staff in the outbox."""
    query = select(OutboxMessage).where(OutboxMessage.channel == Channel.STAFF)
    async with harness.kaika.database.unit_of_work() as session:
        return (await session.scalars(query.order_by(OutboxMessage.id))).all()
