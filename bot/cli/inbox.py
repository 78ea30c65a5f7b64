"""`kaika inbox`: updates that were set aside. What they contain is never shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from bot.cli.command_output import AsJson, CommandOutput, run_with_database
from bot.cli.database_session import DatabaseSession
from bot.cli.set_aside import All, Ids, Yes, age_seconds, choose_ids, format_age
from services.authority.embedded.audit import AuditAct
from services.messaging.failed_updates import (
    FailedUpdate,
    RetryRefusedError,
    drop_update,
    find_failed_update,
    list_failed_updates,
    retry_update,
)

app = typer.Typer(no_args_is_help=True, help="Updates that were set aside.")
UpdateId = Annotated[int, typer.Argument(metavar="ID", help="As `list` shows it.")]

_Listed = tuple[Sequence[FailedUpdate], datetime]


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the updates that were set aside, oldest first."""
    out = CommandOutput(as_json=as_json)
    updates, now = run_with_database(context, out, _list)
    out.print_result([_to_json(update, now) for update in updates])
    if not as_json:
        out.console.print(_table(updates, now) if updates else "No update is set aside.")


@app.command()
def show(context: typer.Context, update_id: UpdateId, as_json: AsJson = False) -> None:
    """Show the kind of an update, its age and its error."""
    out = CommandOutput(as_json=as_json)

    async def work(session: DatabaseSession) -> _Listed:
        async with session.database.unit_of_work() as db:
            return [await find_failed_update(db, update_id)], session.now

    updates, now = run_with_database(context, out, work)
    out.print_result(_to_json(updates[0], now))
    if not as_json:
        out.console.print(_table(updates, now))


@app.command()
def retry(
    context: typer.Context,
    update_ids: Ids = None,
    everything: All = False,
    as_json: AsJson = False,
) -> None:
    """Have the bot process updates again: payments, or else what is not too old for it."""
    out = CommandOutput(as_json=as_json)
    chosen = choose_ids(update_ids, everything=everything)

    async def work(session: DatabaseSession) -> list[int]:
        async with session.database.unit_of_work() as db:
            if chosen:
                return [(await retry_update(db, each, session.now)).update_id for each in chosen]
            return [
                update.update_id
                for update in await list_failed_updates(db)
                if await _retry_if_possible(db, update, session.now)
            ]

    retried = run_with_database(context, out, work)
    text = f"{len(retried)} to be processed, within a minute or when the bot is started."
    out.print_result({"retried": retried}, text)


@app.command()
def drop(
    context: typer.Context,
    update_ids: Ids = None,
    everything: All = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Erase updates that nobody needs; a payment only by its ID. This is on record."""
    out = CommandOutput(as_json=as_json)
    chosen = choose_ids(update_ids, everything=everything)

    async def find(session: DatabaseSession) -> Sequence[FailedUpdate]:
        async with session.database.unit_of_work() as db:
            if chosen:
                return [await find_failed_update(db, each) for each in chosen]
            found = await list_failed_updates(db)
            return [update for update in found if not update.is_payment]

    doomed = run_with_database(context, out, find)
    if not yes and doomed:
        typer.confirm(_question(doomed), abort=True)

    async def work(session: DatabaseSession) -> None:
        async with session.database.unit_of_work() as db:
            audit = await session.open_audit(db)
            for update in doomed:
                await drop_update(db, update.update_id)
                subject, actor = f"update {update.update_id}", session.actor.name
                details = {"kind": update.kind, "error": update.error}
                audit.record(db, AuditAct.UPDATE_DROPPED, subject, actor, session.now, details)

    run_with_database(context, out, work)
    out.print_result({"dropped": [u.update_id for u in doomed]}, f"{len(doomed)} erased.")


async def _list(session: DatabaseSession) -> _Listed:
    async with session.database.unit_of_work() as db:
        return await list_failed_updates(db), session.now


async def _retry_if_possible(db: Any, update: FailedUpdate, now: datetime) -> bool:
    try:
        await retry_update(db, update.update_id, now)
    except RetryRefusedError:
        return False
    return True


def _question(doomed: Sequence[FailedUpdate]) -> str:
    payments = sum(update.is_payment for update in doomed)
    question = f"Erase {len(doomed)} updates? This cannot be undone."
    if not payments:
        return question
    return (
        f"{payments} of them report money that was taken and is not on record. Record it first, "
        f"with: kaika counter pay. {question}"
    )


def _to_json(update: FailedUpdate, now: datetime) -> dict[str, Any]:
    return {**vars(update), "age_seconds": age_seconds(update.received_at, now)}


def _table(updates: Sequence[FailedUpdate], now: datetime) -> Table:
    table = Table("id", "kind", "age", "error", "")
    for update in updates:
        age = format_age(age_seconds(update.received_at, now))
        state = "to be processed again" if update.is_waiting else ""
        table.add_row(str(update.update_id), update.kind, age, update.error, state)
    return table
