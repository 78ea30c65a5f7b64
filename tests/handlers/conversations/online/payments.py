"""A person who pays: what they press, what the bank does, and what the books say afterwards."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from telegram import Update

from sandbox.engine import Engine
from sandbox.posting import post
from services.authority.embedded.audit.actors import Actor
from services.authority.embedded.counter import Counter
from services.authority.embedded.models import Application, Payment
from services.authority.embedded.personal_data.records import PersonalData
from services.formats import ui_number
from services.formats.subscriber_code import SubscriberCode
from services.messaging.outbox import Channel, OutboxMessage
from tests.chat import Stage, Subscriber
from tests.handlers.conversations.online.cardholders import NOW, set_time
from tests.handlers.engine.navigation import press

LAST_DAY = date(2027, 3, 16)
DEADLINE = datetime(2027, 3, 16, 16, tzinfo=UTC)
NUMBER, CODE = "A900207177", "ngA2h345"
ADDRESS = "臺北市中正區廣州街15號"
Json = dict[str, Any]


@asynccontextmanager
async def open_stage(engine: Engine, folder: Path) -> AsyncIterator[Stage]:
    """Start the bot with the authority behind it, on a fixed day."""
    async with Stage.set_up(engine, folder, authority="embedded") as stage:
        set_time(stage, NOW)
        yield stage


async def submit_application(
    stage: Stage, number: str = NUMBER, code: str = CODE, mail: str = "hoa"
) -> str:
    """Submit an application at the counter; gives its id."""
    data = PersonalData(
        ui_number=ui_number.parse(number),
        name="Nguyen Thi Hoa",
        birth_date=date(1993, 4, 12),
        mail_address=f"{mail}@mail.example",
        postal_address=ADDRESS,
    )
    counter = Counter(stage.authority, Actor.at_counter("test"))
    return (await counter.apply(data, NOW, SubscriberCode(code))).application


async def open_amount_due(person: Subscriber, number: str = NUMBER, code: str = CODE) -> None:
    """Begin to pay, and show who one is."""
    await person.starts("do-pay")
    if "anew" in str(person.last.get("reply_markup")):
        await person.presses("🔄")
    await person.says(f"{number} {code}")


async def request_invoice(person: Subscriber) -> Json:
    """Go as far as the invoice; gives its message."""
    await open_amount_due(person)
    await press(person, "pay")
    return invoices(person)[-1]


def invoices(person: Subscriber) -> Sequence[Json]:
    """Give the invoices in the chat."""
    return [message for message in person.heard if "invoice" in message]


def invoice_payload(person: Subscriber, invoice: Json) -> str:
    """Give what an invoice is known by."""
    return person.stage.engine.invoices[person.person.id, invoice["message_id"]].payload


async def pay_invoice(person: Subscriber, invoice: Json, outcome: str = "success") -> Json:
    """Press Pay; the bank does what `outcome` says. Gives how it ended."""
    paying = asyncio.create_task(person.person.pay(invoice["message_id"], outcome, timeout=5))
    while not paying.done():
        await asyncio.sleep(0)
        await person.stage.settle()
    await person.stage.settle()
    return paying.result()


async def ask_pre_checkout(person: Subscriber, payload: str, amount: int = 27800) -> Json:
    """Let Telegram ask whether a person may pay; gives the bot's answer."""
    engine = person.stage.engine
    query = engine.queries.ask("pre_checkout", person.person.id, person.person.id, {})
    engine.emit(
        "pre_checkout_query",
        {
            "id": query.id,
            "from": person.person.user,
            "currency": "TWD",
            "total_amount": amount,
            "invoice_payload": payload,
        },
    )
    await person.stage.settle()
    assert query.answer is not None, "Telegram was never answered"
    return query.answer


def emit_successful_payment(
    person: Subscriber, payload: str, charge: str, amount: int = 27800
) -> None:
    """Let Telegram tell that money was taken; the bot has not worked on it yet."""
    engine, payer = person.stage.engine, person.person
    paid = {
        "currency": "TWD",
        "total_amount": amount,
        "invoice_payload": payload,
        "telegram_payment_charge_id": charge,
        "provider_payment_charge_id": f"provider-{charge}",
    }
    notice = {"successful_payment": paid}
    told = post(engine, payer.chat(None), payer.user, notice, service=True)
    engine.emit("message", told.message)


async def deliver_successful_payment(
    person: Subscriber, payload: str, charge: str = "charge-1", amount: int = 27800
) -> None:
    """Let Telegram tell that money was taken, and the bot work on it."""
    emit_successful_payment(person, payload, charge, amount)
    await person.stage.settle()


async def again(stage: Stage, raw: Json) -> None:
    """Work on an update once more, as after a crash before it was done."""
    application = stage.kaika.application
    await application.process_update(Update.de_json(raw, application.bot))


async def list_payments(stage: Stage) -> Sequence[Payment]:
    """Give the books."""
    async with stage.kaika.database.unit_of_work() as session:
        return (await session.scalars(select(Payment).order_by(Payment.id))).all()


async def application_state(stage: Stage, application: str) -> str:
    """Give how far an application has come."""
    async with stage.kaika.database.unit_of_work() as session:
        found = await session.get(Application, application)
        assert found is not None
        return found.state


async def staff_alerts(stage: Stage) -> Sequence[OutboxMessage]:
    """Give what staff will be told."""
    query = select(OutboxMessage).where(OutboxMessage.channel == Channel.STAFF)
    async with stage.kaika.database.unit_of_work() as session:
        return (await session.scalars(query.order_by(OutboxMessage.id))).all()
