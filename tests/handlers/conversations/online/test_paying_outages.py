"""Money whose notice meets a failing database or a bug of ours: it gets on record, once."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from telegram import Update

from sandbox.engine import Engine
from sandbox.world.fault_injection import InjectedFault
from services.storage import database
from services.storage.models import InboxUpdate, UpdateState
from tests.chat import Stage, Subscriber
from tests.handlers.conversations.online.paying import (
    apply,
    has_invoice,
    office,
    payload_of,
    payments,
    state_of,
    tell_of_money,
)

OUTAGES = (
    OperationalError("INSERT", None, sqlite3.OperationalError("database or disk is full")),
    NoConnectionError("QueuePool limit reached"),
    ConnectionRefusedError("no server"),
    TimeoutError("no server"),
)
BUGS = (KeyError("a bug"), sqlite3.ProgrammingError("a bug"))


async def has_paid(stage: Stage) -> Subscriber:
    """Let Telegram tell that money was taken; the bot has not worked on it yet."""
    await apply(stage)
    hoa = stage.subscriber("Hoa")
    tell_of_money(hoa, payload_of(hoa, await has_invoice(hoa)), "charge-1")
    return hoa


async def taken_up_again(stage: Stage) -> None:
    """Do what the sweep does once a minute."""
    await stage.kaika.intake.sweep()
    await stage.kaika.application.update_queue.join()


def said(person: Subscriber) -> list[str]:
    """Give what the bot wrote to a person."""
    return [m["text"] for m in person.heard if "text" in m]


def receipts(person: Subscriber) -> int:
    """Give how many receipts a person got."""
    return sum("Payment received" in text for text in said(person))


@contextmanager
def failing(stage: Stage, error: Exception) -> Iterator[None]:
    """Let nothing be written down of money, for a while."""

    async def fails(*_: Any) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.authority.payments, "record_charge", fails)
        yield


async def notice(stage: Stage) -> InboxUpdate:
    """Give the newest update of the inbox, once what is known of it is written."""
    await stage.kaika.inbox.store([])
    newest = select(InboxUpdate).order_by(InboxUpdate.update_id.desc()).limit(1)
    async with stage.kaika.database.unit_of_work() as session:
        return (await session.scalars(newest)).one()


async def is_kept(stage: Stage) -> bool:
    """Tell whether the newest update will come again, sealed until then."""
    update = await notice(stage)
    return update.state == UpdateState.NEW and update.payload is not None


@pytest.mark.parametrize("error", [*OUTAGES, *BUGS], ids=lambda error: type(error).__name__)
async def test_money_told_while_it_cannot_be_written_down(stage: Stage, error: Exception) -> None:
    hoa = await has_paid(stage)
    before = said(hoa)
    with failing(stage, error):
        await stage.settle()
        await taken_up_again(stage)
        assert await is_kept(stage)
    assert (await payments(stage), said(hoa)) == ([], before), "neither 'try again' nor 'press Pay'"
    await taken_up_again(stage)
    (payment,) = await payments(stage)
    assert await state_of(stage, str(payment.application_id)) == "paid"
    assert receipts(hoa) == 1
    assert (await notice(stage)).payload is None
    await taken_up_again(stage)
    assert (len(await payments(stage)), receipts(hoa)) == (1, 1)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is locked says so at once."""
    pragmas = [pragma for pragma in database._PRAGMAS if "busy_timeout" not in pragma]
    monkeypatch.setattr(database, "_PRAGMAS", [*pragmas, "PRAGMA busy_timeout = 0"])


@pytest.mark.usefixtures("impatient")
async def test_a_database_that_somebody_else_has_locked(engine: Engine, tmp_path: Path) -> None:
    async with office(engine, tmp_path) as stage:
        hoa = await has_paid(stage)
        await stage.kaika.intake.accept(await stage.updates())
        backup = sqlite3.connect(tmp_path / "kaika.db")
        backup.execute("BEGIN IMMEDIATE")
        await stage.kaika.application.update_queue.join()
        await taken_up_again(stage)
        backup.close()
        assert await payments(stage) == []
        await taken_up_again(stage)
        assert (len(await payments(stage)), receipts(hoa)) == (1, 1)
        assert not any("try again" in text for text in said(hoa))


async def test_a_disk_that_is_full_at_the_last_moment(stage: Stage) -> None:
    hoa = await has_paid(stage)
    engine = stage.kaika.database.engine.sync_engine

    def is_full(_cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO payments"):
            full = sqlite3.OperationalError("database or disk is full")
            full.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise full

    event.listen(engine, "do_execute", is_full)
    await stage.settle()
    event.remove(engine, "do_execute", is_full)
    assert await is_kept(stage)
    await taken_up_again(stage)
    assert (len(await payments(stage)), receipts(hoa)) == (1, 1)


@pytest.mark.parametrize("error", [OUTAGES[0], BUGS[0]], ids=["outage", "bug"])
async def test_a_start_takes_it_up_again(engine: Engine, tmp_path: Path, error: Exception) -> None:
    async with office(engine, tmp_path) as stage:
        hoa = await has_paid(stage)
        with failing(stage, error):
            await stage.settle()
        offset = stage._offset
    async with office(engine, tmp_path) as stage:
        stage._offset = offset
        await stage.kaika.application.update_queue.join()
        assert (len(await payments(stage)), receipts(hoa)) == (1, 1)


async def test_a_notice_that_cannot_be_read_or_is_cut_off(stage: Stage) -> None:
    hoa = await has_paid(stage)
    (raw,) = await stage.updates()

    def fails(*_: Any) -> None:
        raise KeyError("a new field")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Update, "de_json", fails)
        await stage.kaika.intake.accept([raw])
        assert await is_kept(stage)
    with failing(stage, asyncio.CancelledError()):  # type: ignore[arg-type]
        await taken_up_again(stage)
        assert await is_kept(stage)
    await taken_up_again(stage)
    assert (len(await payments(stage)), receipts(hoa)) == (1, 1)


async def test_a_receipt_that_telegram_refuses_is_no_reason_to_try_again(stage: Stage) -> None:
    hoa = await has_paid(stage)
    before = said(hoa)
    stage.engine.world.faults.add(InjectedFault("sendmessage", 400, "Bad Request: no", times=1))
    await stage.settle()
    assert (len(await payments(stage)), said(hoa)) == (1, before)
    assert (await notice(stage)).payload is None, "it is on record, and may go"
