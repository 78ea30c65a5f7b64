"""Payments amid crashes, replays and chance: books and states agree."""

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.engine import Engine
from tests.chat import Stage, Subscriber
from tests.handlers.conversations.online.paying import (
    CODE,
    NUMBER,
    again,
    alerts,
    apply,
    asked_for,
    has_invoice,
    invoices,
    money_came,
    office,
    payload_of,
    payments,
    pays,
    sees_what_is_owed,
    state_of,
    tell_of_money,
)
from tests.handlers.conversations.online.people import NOW, at
from tests.handlers.engine.walking import press, state

SECOND = ("A803095426", "buB2d345")
STEPS = 60


async def test_every_update_of_a_payment_may_come_twice(stage: Stage) -> None:
    application = await apply(stage)
    hoa = stage.subscriber("Hoa")
    await hoa.starts("do-pay")
    hoa.person.send(f"{NUMBER} {CODE}")
    await _twice(stage)
    hoa.person.press(hoa.last["message_id"], _data(hoa, "pay"))
    await _twice(stage)
    first, second = invoices(hoa)
    assert payload_of(hoa, first) == payload_of(hoa, second), "one invoice, shown twice"
    payload = payload_of(hoa, first)
    tell_of_money(hoa, payload, "charge-1")
    await _twice(stage)
    assert [p.application_id for p in await payments(stage)] == [application]
    receipts = [m["text"] for m in hoa.heard if "Payment received" in m.get("text", "")]
    assert len(receipts) == 2
    assert receipts[0] == receipts[1]
    assert (await state_of(stage, application), await alerts(stage)) == ("paid", [])


async def _twice(stage: Stage) -> None:
    for raw in await stage.updates():
        await again(stage, raw)
        await again(stage, raw)


def _data(person: Subscriber, key: str) -> str:
    rows = person.last["reply_markup"]["inline_keyboard"]
    found = [b["callback_data"] for row in rows for b in row if b["callback_data"].endswith(key)]
    return str(found[0])


async def test_a_restart_between_yes_and_the_money(engine: Engine, tmp_path: Path) -> None:
    async with office(engine, tmp_path) as stage:
        application = await apply(stage)
        hoa = stage.subscriber("Hoa")
        invoice = await has_invoice(hoa)
        assert (await pays(hoa, invoice, "slow"))["status"] == "pending"
        offset = stage._offset
    await hoa.person.pay(invoice["message_id"])
    async with office(engine, tmp_path) as stage:
        stage._offset = offset
        await stage.settle()
        assert await state_of(stage, application) == "paid"
        hoa.stage = stage
        hoa.sees("Payment received")
        assert (await state(hoa)).step == "paid"


async def test_an_update_that_was_taken_in_before_the_crash(engine: Engine, tmp_path: Path) -> None:
    async with office(engine, tmp_path) as stage:
        application = await apply(stage)
        hoa = stage.subscriber("Hoa")
        payload = payload_of(hoa, await has_invoice(hoa))
        tell_of_money(hoa, payload, "charge-1")
        await stage.kaika.inbox.store(await stage.updates())  # and here the process ends
        offset = stage._offset
    async with office(engine, tmp_path) as stage:
        stage._offset = offset
        await stage.kaika.application.update_queue.join()
        assert await state_of(stage, application) == "paid"
        assert len(await payments(stage)) == 1
        hoa.sees("Payment received")


@pytest.mark.parametrize("seed", range(4))
async def test_books_and_states_agree_whatever_happens(stage: Stage, seed: int) -> None:
    """Random invoices, questions and charges of two people, in any order, any of them twice."""
    chance = random.Random(seed)  # noqa: S311
    owners = {await apply(stage): (NUMBER, CODE), await apply(stage, *SECOND, "budi"): SECOND}
    people = [stage.subscriber("Hoa"), stage.subscriber("Bo", "zh-hant")]
    for person in people:
        await person.starts()
    payloads, moment, told = ["0" * 32], NOW, 0
    for _ in range(STEPS):
        person = chance.choice(people)
        match chance.randrange(6):
            case 0:
                await sees_what_is_owed(person, *chance.choice([*owners.values()]))
                if (await state(person)).step == "owed":
                    await press(person, "pay")
                    payloads.append(payload_of(person, invoices(person)[-1]))
            case 1 | 2:
                await asked_for(person, chance.choice(payloads), chance.choice([27800, 27800, 100]))
            case 3 | 4:
                told += 1
                charge = f"charge-{chance.randrange(told)}"
                amount = chance.choice([27800, 27800, 27500])
                await money_came(person, chance.choice(payloads), charge, amount)
            case _:
                moment += timedelta(hours=chance.choice([0, 1, 30]))
                at(stage, moment)
                await _expire(stage, moment)
        await _agree(stage, set(owners))
    assert len(await payments(stage)) > 3, "nothing came in that could have gone wrong"


async def _expire(stage: Stage, moment: Any) -> None:
    async with stage.kaika.database.unit_of_work() as session:
        await stage.authority.expire_overdue_within(session, moment)


async def _agree(stage: Stage, applications: set[str]) -> None:
    """Expect the books, the states and the alerts to tell the same story."""
    books = await payments(stage)
    matched = [payment for payment in books if payment.application_id is not None]
    paid = {each for each in applications if await state_of(stage, each) == "paid"}
    assert sorted(p.application_id or "" for p in matched) == sorted(paid), "one charge each"
    assert all((p.amount, p.currency) == (27800, "TWD") for p in matched)
    unmatched = {payment.charge_id for payment in books} - {p.charge_id for p in matched}
    told = [alert.reference for alert in await alerts(stage)]
    assert len(told) == len(unmatched)
    assert all(any(f'"{charge}"' in each for each in told) for charge in unmatched)
