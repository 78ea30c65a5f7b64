"""`kaika outbox`: messages that could not be sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from bot.cli.command_output import AsJson, CommandOutput, run_with_database
from bot.cli.database_session import DatabaseSession
from bot.cli.set_aside import All, Ids, Yes, age_seconds, choose_ids, format_age
from services.authority.embedded.audit import AuditAct
from services.messaging.failed_messages import (
    drop_message,
    find_failed_message,
    list_failed_messages,
    retry_message,
)
from services.messaging.outbox import OutboxMessage

app = typer.Typer(no_args_is_help=True, help="Messages that could not be sent.")
MessageId = Annotated[int, typer.Argument(metavar="ID", help="As `list` shows it.")]

_Listed = tuple[Sequence[OutboxMessage], datetime]


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the messages that could not be sent, oldest first."""
    out = CommandOutput(as_json=as_json)

    async def work(session: DatabaseSession) -> _Listed:
        async with session.database.unit_of_work() as db:
            return await list_failed_messages(db), session.now

    messages, now = run_with_database(context, out, work)
    out.print_result([_to_json(message, now) for message in messages])
    if not as_json:
        out.console.print(_table(messages, now) if messages else "No message is set aside.")


@app.command()
def show(context: typer.Context, message_id: MessageId, as_json: AsJson = False) -> None:
    """Show the kind of a message, its channel, its age and its error."""
    out = CommandOutput(as_json=as_json)

    async def work(session: DatabaseSession) -> _Listed:
        async with session.database.unit_of_work() as db:
            return [await find_failed_message(db, message_id)], session.now

    messages, now = run_with_database(context, out, work)
    out.print_result(_to_json(messages[0], now))
    if not as_json:
        out.console.print(_table(messages, now))


@app.command()
def retry(
    context: typer.Context,
    message_ids: Ids = None,
    everything: All = False,
    as_json: AsJson = False,
) -> None:
    """Have messages sent again."""
    out = CommandOutput(as_json=as_json)
    chosen = choose_ids(message_ids, everything=everything)

    async def work(session: DatabaseSession) -> list[int]:
        async with session.database.unit_of_work() as db:
            ids = chosen or [message.id for message in await list_failed_messages(db)]
            return [(await retry_message(db, each, session.now)).id for each in ids]

    retried = run_with_database(context, out, work)
    out.print_result({"retried": retried}, f"{len(retried)} to be sent.")


@app.command()
def drop(
    context: typer.Context,
    message_ids: Ids = None,
    everything: All = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete messages that nobody needs. This is on record."""
    out = CommandOutput(as_json=as_json)
    chosen = choose_ids(message_ids, everything=everything)

    async def find(session: DatabaseSession) -> Sequence[OutboxMessage]:
        async with session.database.unit_of_work() as db:
            if chosen:
                return [await find_failed_message(db, each) for each in chosen]
            return await list_failed_messages(db)

    doomed = run_with_database(context, out, find)
    if not yes and doomed:
        typer.confirm(f"Delete {len(doomed)} messages? This cannot be undone.", abort=True)

    async def work(session: DatabaseSession) -> None:
        async with session.database.unit_of_work() as db:
            audit = await session.open_audit(db)
            for message in doomed:
                await drop_message(db, message.id)
                subject, actor = f"message {message.id}", session.actor.name
                details = {"kind": message.message, "error": message.failed}
                audit.record(db, AuditAct.MESSAGE_DROPPED, subject, actor, session.now, details)

    run_with_database(context, out, work)
    out.print_result({"dropped": [m.id for m in doomed]}, f"{len(doomed)} deleted.")


def _to_json(message: OutboxMessage, now: datetime) -> dict[str, Any]:
    return {
        "id": message.id,
        "kind": message.message,
        "channel": message.channel,
        "put_at": message.put_at,
        "age_seconds": age_seconds(message.put_at, now),
        "error": message.failed,
    }


def _table(messages: Sequence[OutboxMessage], now: datetime) -> Table:
    table = Table("id", "kind", "channel", "age", "error")
    for message in messages:
        age = format_age(age_seconds(message.put_at, now))
        table.add_row(str(message.id), message.message, message.channel, age, message.failed)
    return table
