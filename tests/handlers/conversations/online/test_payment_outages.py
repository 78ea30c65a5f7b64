"""Payments that meet a failing database or a bug of ours: each is recorded, once."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from telegram import Update

from sandbox.engine import Engine
from sandbox.world.fault_injection import InjectedFault
from services.storage import engine as storage_engine
from services.storage.availability import DatabaseUnavailableError
from services.storage.models import InboxUpdate, UpdateState
from tests.chat import Stage, Subscriber
from tests.handlers.conversations.online.cardholders import open_online_stage
from tests.handlers.conversations.online.payments import (
    application_state,
    emit_successful_payment,
    invoice_payload,
    list_payments,
    request_invoice,
    submit_application,
)

OUTAGES = (
    DatabaseUnavailableError("database or disk is full"),
    ConnectionRefusedError("no server"),
    TimeoutError("no server"),
)
BUGS = (KeyError("a bug"), sqlite3.ProgrammingError("a bug"))


async def pay_unnoticed(stage: Stage) -> Subscriber:
    """Put a successful payment into the updates, without letting the bot handle it."""
    await submit_application(stage)
    hoa = stage.subscriber("Hoa")
    emit_successful_payment(hoa, invoice_payload(hoa, await request_invoice(hoa)), "charge-1")
    return hoa


async def sweep(stage: Stage) -> None:
    """Take up unfinished updates again, as the bot does once a minute."""
    await stage.kaika.intake.sweep()
    await stage.kaika.application.update_queue.join()


def texts_of(person: Subscriber) -> list[str]:
    """Return what the bot wrote to a person."""
    return [m["text"] for m in person.heard if "text" in m]


def count_receipts(person: Subscriber) -> int:
    """Return how many receipts a person got."""
    return sum("Payment received" in text for text in texts_of(person))


@contextmanager
def fail_recording(stage: Stage, error: Exception) -> Iterator[None]:
    """Make recording a charge fail while the block runs."""

    async def fails(*_: Any) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.authority.payments, "record_charge", fails)
        yield


async def newest_update(stage: Stage) -> InboxUpdate:
    """Return the newest update of the inbox, once its state is written."""
    await stage.kaika.inbox.store([])
    newest = select(InboxUpdate).order_by(InboxUpdate.update_id.desc()).limit(1)
    async with stage.kaika.database.unit_of_work() as session:
        return (await session.scalars(newest)).one()


async def will_be_retried(stage: Stage) -> bool:
    """Whether the newest update will be handled again, and is sealed until then."""
    update = await newest_update(stage)
    return update.state != UpdateState.DONE and update.payload is not None


@pytest.mark.parametrize("error", [*OUTAGES, *BUGS], ids=lambda error: type(error).__name__)
async def test_money_told_while_it_cannot_be_written_down(stage: Stage, error: Exception) -> None:
    hoa = await pay_unnoticed(stage)
    before = texts_of(hoa)
    with fail_recording(stage, error):
        await stage.settle()
        await sweep(stage)
        assert await will_be_retried(stage)
    assert (await list_payments(stage), texts_of(hoa)) == ([], before), (
        "neither 'try again' nor 'press Pay'"
    )
    await sweep(stage)
    (payment,) = await list_payments(stage)
    assert await application_state(stage, str(payment.application_id)) == "paid"
    assert count_receipts(hoa) == 1
    assert (await newest_update(stage)).payload is None
    await sweep(stage)
    assert (len(await list_payments(stage)), count_receipts(hoa)) == (1, 1)


@pytest.fixture
def no_busy_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a locked database fail without waiting."""
    pragmas = [pragma for pragma in storage_engine._PRAGMAS if "busy_timeout" not in pragma]
    monkeypatch.setattr(storage_engine, "_PRAGMAS", [*pragmas, "PRAGMA busy_timeout = 0"])


@pytest.mark.usefixtures("no_busy_timeout")
async def test_a_database_that_somebody_else_has_locked(engine: Engine, tmp_path: Path) -> None:
    async with open_online_stage(engine, tmp_path) as stage:
        hoa = await pay_unnoticed(stage)
        await stage.kaika.intake.accept(await stage.updates())
        backup = sqlite3.connect(tmp_path / "kaika.db")
        backup.execute("BEGIN IMMEDIATE")
        await stage.kaika.application.update_queue.join()
        await sweep(stage)
        backup.close()
        assert await list_payments(stage) == []
        await sweep(stage)
        assert (len(await list_payments(stage)), count_receipts(hoa)) == (1, 1)
        assert not any("try again" in text for text in texts_of(hoa))


async def test_a_disk_that_is_full_at_the_last_moment(stage: Stage) -> None:
    hoa = await pay_unnoticed(stage)
    engine = stage.kaika.database.engine.sync_engine

    def is_full(_cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO payments"):
            full = sqlite3.OperationalError("database or disk is full")
            full.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise full

    event.listen(engine, "do_execute", is_full)
    await stage.settle()
    event.remove(engine, "do_execute", is_full)
    assert await will_be_retried(stage)
    await sweep(stage)
    assert (len(await list_payments(stage)), count_receipts(hoa)) == (1, 1)


@pytest.mark.parametrize("error", [OUTAGES[0], BUGS[0]], ids=["outage", "bug"])
async def test_a_start_takes_it_up_again(engine: Engine, tmp_path: Path, error: Exception) -> None:
    async with open_online_stage(engine, tmp_path) as stage:
        hoa = await pay_unnoticed(stage)
        with fail_recording(stage, error):
            await stage.settle()
        offset = stage._offset
    async with open_online_stage(engine, tmp_path) as stage:
        stage._offset = offset
        await stage.kaika.application.update_queue.join()
        assert (len(await list_payments(stage)), count_receipts(hoa)) == (1, 1)


async def test_a_notice_that_cannot_be_read_or_is_cut_off(stage: Stage) -> None:
    hoa = await pay_unnoticed(stage)
    (raw,) = await stage.updates()

    def fails(*_: Any) -> None:
        raise KeyError("a new field")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Update, "de_json", fails)
        await stage.kaika.intake.accept([raw])
        assert await will_be_retried(stage)
    with fail_recording(stage, asyncio.CancelledError()):  # type: ignore[arg-type]
        await sweep(stage)
        assert await will_be_retried(stage)
    await sweep(stage)
    assert (len(await list_payments(stage)), count_receipts(hoa)) == (1, 1)


@pytest.mark.parametrize(("error", "state"), [(OUTAGES[0], "new"), (BUGS[0], "failed")])
async def test_only_an_error_that_would_come_again_shows_as_failed(
    stage: Stage, error: Exception, state: str
) -> None:
    await pay_unnoticed(stage)
    with fail_recording(stage, error):
        await stage.settle()
    update = await newest_update(stage)
    assert (update.state, update.kind) == (state, "successful_payment")


async def test_a_receipt_that_telegram_refuses_is_no_reason_to_try_again(stage: Stage) -> None:
    hoa = await pay_unnoticed(stage)
    before = texts_of(hoa)
    stage.engine.world.faults.add(InjectedFault("sendmessage", 400, "Bad Request: no", times=1))
    await stage.settle()
    assert (len(await list_payments(stage)), texts_of(hoa)) == (1, before)
    assert (await newest_update(stage)).payload is None, "it is on record, and may go"
