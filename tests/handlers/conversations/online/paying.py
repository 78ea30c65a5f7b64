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
from sandbox.world.delivery import post_message
from services.authority.embedded.audit.actors import Actor
from services.authority.embedded.counter import Counter
from services.authority.embedded.models import Application, Payment
from services.authority.embedded.personal_data.records import PersonalData
from services.formats import ui_number
from services.formats.subscriber_code import SubscriberCode
from services.messaging.outbox import Channel, OutboxMessage
from tests.chat import Stage, Subscriber
from tests.handlers.conversations.online.people import NOW, at
from tests.handlers.engine.walking import press

LAST_DAY = date(2027, 3, 16)
DEADLINE = datetime(2027, 3, 16, 16, tzinfo=UTC)
NUMBER, CODE = "A900207177", "ngA2h345"
ADDRESS = "臺北市中正區廣州街15號"
Json = dict[str, Any]


@asynccontextmanager
async def office(engine: Engine, folder: Path) -> AsyncIterator[Stage]:
    """Start the bot with the authority behind it, on a fixed day."""
    async with Stage.set_up(engine, folder, authority="embedded") as stage:
        at(stage, NOW)
        yield stage


async def apply(stage: Stage, number: str = NUMBER, code: str = CODE, mail: str = "hoa") -> str:
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


async def sees_what_is_owed(person: Subscriber, number: str = NUMBER, code: str = CODE) -> None:
    """Begin to pay, and show who one is."""
    await person.starts("do-pay")
    if "anew" in str(person.last.get("reply_markup")):
        await person.presses("🔄")
    await person.says(f"{number} {code}")


async def has_invoice(person: Subscriber) -> Json:
    """Go as far as the invoice; gives its message."""
    await sees_what_is_owed(person)
    await press(person, "pay")
    return invoices(person)[-1]


def invoices(person: Subscriber) -> Sequence[Json]:
    """Give the invoices in the chat."""
    return [message for message in person.heard if "invoice" in message]


def payload_of(person: Subscriber, invoice: Json) -> str:
    """Give what an invoice is known by."""
    return person.stage.engine.world.invoices.sent[person.person.id, invoice["message_id"]].payload


async def pays(person: Subscriber, invoice: Json, outcome: str = "success") -> Json:
    """Press Pay; the bank does what `outcome` says. Gives how it ended."""
    paying = asyncio.create_task(person.person.pay(invoice["message_id"], outcome, timeout=5))
    while not paying.done():
        await asyncio.sleep(0)
        await person.stage.settle()
    await person.stage.settle()
    return paying.result()


async def asked_for(person: Subscriber, payload: str, amount: int = 27800) -> Json:
    """Let Telegram ask whether a person may pay; gives the bot's answer."""
    engine = person.stage.engine
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
    await person.stage.settle()
    assert query.answer is not None, "Telegram was never answered"
    return query.answer


def tell_of_money(person: Subscriber, payload: str, charge: str, amount: int = 27800) -> None:
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
    told = post_message(engine.world, payer.find_chat(None), payer.user, notice, is_service=True)
    engine.world.send_update("message", told.message)


async def money_came(
    person: Subscriber, payload: str, charge: str = "charge-1", amount: int = 27800
) -> None:
    """Let Telegram tell that money was taken, and the bot work on it."""
    tell_of_money(person, payload, charge, amount)
    await person.stage.settle()


async def again(stage: Stage, raw: Json) -> None:
    """Work on an update once more, as after a crash before it was done."""
    application = stage.kaika.application
    await application.process_update(Update.de_json(raw, application.bot))


async def payments(stage: Stage) -> Sequence[Payment]:
    """Give the books."""
    async with stage.kaika.database.unit_of_work() as session:
        return (await session.scalars(select(Payment).order_by(Payment.id))).all()


async def state_of(stage: Stage, application: str) -> str:
    """Give how far an application has come."""
    async with stage.kaika.database.unit_of_work() as session:
        found = await session.get(Application, application)
        assert found is not None
        return found.state


async def alerts(stage: Stage) -> Sequence[OutboxMessage]:
    """Give what staff will be told."""
    query = select(OutboxMessage).where(OutboxMessage.channel == Channel.STAFF)
    async with stage.kaika.database.unit_of_work() as session:
        return (await session.scalars(query.order_by(OutboxMessage.id))).all()
