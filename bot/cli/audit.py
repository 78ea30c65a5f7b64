"""`kaika audit`: whether the audit is whole."""

from typing import Annotated, Any

import typer

from bot.cli.authority_session import AuthoritySession
from bot.cli.command_output import AsJson, CommandOutput, run_with_authority
from services.authority.embedded.audit import AuditFault, AuditVerification

app = typer.Typer(no_args_is_help=True, help="The audit of the embedded authority.")

_FAULTS = {
    AuditFault.ALTERED: "Entry {number} was changed, or swapped with another.",
    AuditFault.MISSING: "Entry {number} is missing.",
    AuditFault.CUT_OFF: (
        "The audit was cut off: entry {number} and what followed are missing. After restoring a "
        "backup, run: kaika audit accept"
    ),
    AuditFault.HEAD_MISSING: (
        "The head file is missing, so it cannot be told whether the end was cut off. Restore it, "
        "or run: kaika audit accept"
    ),
}


@app.command()
def verify(context: typer.Context, as_json: AsJson = False) -> None:
    """Read the whole chain; exit with 1 when an entry was changed, missing, swapped or cut off."""
    out = CommandOutput(as_json=as_json)

    async def work(session: AuthoritySession) -> AuditVerification:
        async with session.authority.database.unit_of_work() as db:
            return await session.authority.audit.verify(db)

    result = run_with_authority(context, out, work)
    values: dict[str, Any] = {"ok": result.fault is None, **vars(result)}
    if result.fault is None:
        out.print_result(values, f"✓ {result.entries} entries, all in order.")
        return
    words = _FAULTS[result.fault].format(number=result.number)
    out.print_result(values, f"✗ {words} The {result.entries} entries before are in order.")
    raise typer.Exit(1)


@app.command()
def accept(
    context: typer.Context,
    reason: Annotated[str, typer.Option(prompt=True, help="Why; it goes on record.")],
    as_json: AsJson = False,
) -> None:
    """Take the chain as it is for the whole, after restoring a backup. The act is on record."""
    out = CommandOutput(as_json=as_json)

    async def work(session: AuthoritySession) -> int:
        async with session.authority.database.unit_of_work() as db:
            audit = session.authority.audit
            return (await audit.accept(db, reason, session.actor.name, session.now)).number

    entries = run_with_authority(context, out, work)
    out.print_result({"entries": entries}, f"Accepted with {entries} entries, and put on record.")
