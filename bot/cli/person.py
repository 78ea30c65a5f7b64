"""`kaika person`: what is held about a person, and forgetting them."""

import json
from typing import Annotated, Any

import typer

from bot.cli.authority_session import AuthoritySession
from bot.cli.command_output import (
    AsJson,
    CommandOutput,
    UiNumberText,
    run_with_authority,
    to_json_value,
)
from services.authority.data_types import Change
from services.desk.erasure import erase_tickets, list_held
from services.formats.ui_number import UiNumber

app = typer.Typer(no_args_is_help=True, help="A person's data: export it, forget it.")


@app.command()
def export(context: typer.Context, ui: UiNumberText, as_json: AsJson = False) -> None:
    """Print everything that is held about a person. The export is on record."""
    out = CommandOutput(as_json=as_json)

    async def work(session: AuthoritySession) -> dict[str, Any]:
        async with session.authority.database.unit_of_work() as db:
            number = UiNumber.parse(ui)
            held = await session.authority.privacy.export(db, number, session.actor, session.now)
            tickets = await list_held(db, held["linked_chats"])
            return held | {"tickets": [vars(ticket) for ticket in tickets]}

    held = run_with_authority(context, out, work)
    out.print_result(held, json.dumps(held, ensure_ascii=False, indent=2, default=to_json_value))


@app.command()
def forget(
    context: typer.Context,
    ui: UiNumberText,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase what names a person, where no application or certificate needs it."""
    out = CommandOutput(as_json=as_json)
    if not yes:
        typer.confirm("This cannot be undone. Erase the person's data?", abort=True)

    async def work(session: AuthoritySession) -> Change:
        async with session.authority.database.unit_of_work() as db:
            number, privacy = UiNumber.parse(ui), session.authority.privacy
            chats = await privacy.list_linked_chats(db, number)
            change = await privacy.forget(db, number, session.actor, session.now)
            await erase_tickets(db, chats, session.now)
            return change

    change = run_with_authority(context, out, work)
    out.print_result({"changed": change.changed, "application": change.application}, "Forgotten.")
