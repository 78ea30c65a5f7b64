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
from services.storage import sqlite_connection
from services.storage.availability import DatabaseUnavailableError
from services.storage.models import InboxUpdate, UpdateState
from tests import phrases
from tests.bot_harness import BotHarness, ChatUser
from tests.handlers.conversations.online.cardholders import open_online_harness
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


async def pay_unnoticed(harness: BotHarness) -> ChatUser:
    """Put a successful payment into the updates, without letting the bot handle it."""
    await submit_application(harness)
    hoa = harness.add_user("Hoa")
    emit_successful_payment(hoa, invoice_payload(hoa, await request_invoice(hoa)), "charge-1")
    return hoa


async def sweep(harness: BotHarness) -> None:
    """Take up unfinished updates again, as the bot does once a minute."""
    await harness.kaika.intake.enqueue_unfinished()
    await harness.kaika.application.update_queue.join()


def texts_of(person: ChatUser) -> list[str]:
    """Return what the bot wrote to a person."""
    return [m["text"] for m in person.bot_messages if "text" in m]


def count_receipts(person: ChatUser) -> int:
    """Return how many receipts a person got."""
    return sum(phrases.PAYMENT_RECEIVED in text for text in texts_of(person))


@contextmanager
def fail_recording(harness: BotHarness, error: Exception) -> Iterator[None]:
    """Make recording a charge fail while the block runs."""

    async def fails(*_: Any) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness.authority.payments, "record_charge", fails)
        yield


async def newest_update(harness: BotHarness) -> InboxUpdate:
    """Return the newest update of the inbox, once its state is written."""
    await harness.kaika.inbox.store([])
    newest = select(InboxUpdate).order_by(InboxUpdate.update_id.desc()).limit(1)
    async with harness.kaika.database.unit_of_work() as session:
        return (await session.scalars(newest)).one()


async def will_be_retried(harness: BotHarness) -> bool:
    """Whether the newest update will be handled again, and is sealed until then."""
    update = await newest_update(harness)
    return update.state != UpdateState.DONE and update.payload is not None


@pytest.mark.parametrize("error", [*OUTAGES, *BUGS], ids=lambda error: type(error).__name__)
async def test_money_told_while_it_cannot_be_written_down(
    harness: BotHarness, error: Exception
) -> None:
    hoa = await pay_unnoticed(harness)
    before = texts_of(hoa)
    with fail_recording(harness, error):
        await harness.settle()
        await sweep(harness)
        assert await will_be_retried(harness)
    assert (await list_payments(harness), texts_of(hoa)) == ([], before), (
        "neither 'try again' nor 'press Pay'"
    )
    await sweep(harness)
    (payment,) = await list_payments(harness)
    assert await application_state(harness, str(payment.application_id)) == "paid"
    assert count_receipts(hoa) == 1
    assert (await newest_update(harness)).payload is None
    await sweep(harness)
    assert (len(await list_payments(harness)), count_receipts(hoa)) == (1, 1)


@pytest.fixture
def no_busy_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a locked database fail without waiting."""
    pragmas = [pragma for pragma in sqlite_connection.PRAGMAS if "busy_timeout" not in pragma]
    monkeypatch.setattr(sqlite_connection, "PRAGMAS", [*pragmas, "PRAGMA busy_timeout = 0"])


@pytest.mark.usefixtures("no_busy_timeout")
async def test_a_database_that_somebody_else_has_locked(engine: Engine, tmp_path: Path) -> None:
    async with open_online_harness(engine, tmp_path) as harness:
        hoa = await pay_unnoticed(harness)
        await harness.kaika.intake.accept(await harness.updates())
        backup = sqlite3.connect(tmp_path / "kaika.db")
        backup.execute("BEGIN IMMEDIATE")
        await harness.kaika.application.update_queue.join()
        with pytest.raises(DatabaseUnavailableError):
            await sweep(harness)
        backup.close()
        assert await list_payments(harness) == []
        await sweep(harness)
        assert (len(await list_payments(harness)), count_receipts(hoa)) == (1, 1)
        assert not any("try again" in text for text in texts_of(hoa))


async def test_a_disk_that_is_full_at_the_last_moment(harness: BotHarness) -> None:
    hoa = await pay_unnoticed(harness)
    engine = harness.kaika.database.engine.sync_engine

    def is_full(_cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO payments"):
            full = sqlite3.OperationalError("database or disk is full")
            full.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise full

    event.listen(engine, "do_execute", is_full)
    await harness.settle()
    event.remove(engine, "do_execute", is_full)
    assert await will_be_retried(harness)
    await sweep(harness)
    assert (len(await list_payments(harness)), count_receipts(hoa)) == (1, 1)


@pytest.mark.parametrize("error", [OUTAGES[0], BUGS[0]], ids=["outage", "bug"])
async def test_a_start_takes_it_up_again(engine: Engine, tmp_path: Path, error: Exception) -> None:
    async with open_online_harness(engine, tmp_path) as harness:
        hoa = await pay_unnoticed(harness)
        with fail_recording(harness, error):
            await harness.settle()
        offset = harness._offset
    async with open_online_harness(engine, tmp_path) as harness:
        harness._offset = offset
        await harness.kaika.application.update_queue.join()
        assert (len(await list_payments(harness)), count_receipts(hoa)) == (1, 1)


async def test_a_notice_that_cannot_be_read_or_is_cut_off(harness: BotHarness) -> None:
    hoa = await pay_unnoticed(harness)
    (raw,) = await harness.updates()

    def fails(*_: Any) -> None:
        raise KeyError("a new field")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Update, "de_json", fails)
        await harness.kaika.intake.accept([raw])
        assert await will_be_retried(harness)
    with fail_recording(harness, asyncio.CancelledError()):  # type: ignore[arg-type]
        await sweep(harness)
        assert await will_be_retried(harness)
    await sweep(harness)
    assert (len(await list_payments(harness)), count_receipts(hoa)) == (1, 1)


@pytest.mark.parametrize(("error", "state"), [(OUTAGES[0], "new"), (BUGS[0], "failed")])
async def test_only_an_error_that_would_come_again_shows_as_failed(
    harness: BotHarness, error: Exception, state: str
) -> None:
    await pay_unnoticed(harness)
    with fail_recording(harness, error):
        await harness.settle()
    update = await newest_update(harness)
    assert (update.state, update.kind) == (state, "successful_payment")


async def test_a_receipt_that_telegram_refuses_is_no_reason_to_try_again(
    harness: BotHarness,
) -> None:
    hoa = await pay_unnoticed(harness)
    before = texts_of(hoa)
    harness.engine.world.faults.add(InjectedFault("sendmessage", 400, "Bad Request: no", times=1))
    await harness.settle()
    assert (len(await list_payments(harness)), texts_of(hoa)) == (1, before)
    assert (await newest_update(harness)).payload is None, "it is on record, and may go"
