"""`kaika audit`: whether the audit is whole."""

from typing import Annotated, Any

import typer

from bot.cli.output import AsJson, Out, run
from bot.cli.session import Desk
from services.authority.embedded.audit.audit import AuditFault, AuditVerification

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
    out = Out(as_json=as_json)

    async def work(desk: Desk) -> AuditVerification:
        async with desk.authority.database.unit_of_work() as session:
            return await desk.authority.audit.verify(session)

    verdict = run(context, out, work)
    values: dict[str, Any] = {"ok": verdict.fault is None, **vars(verdict)}
    if verdict.fault is None:
        out.result(values, f"✓ {verdict.entries} entries, all in order.")
        return
    words = _FAULTS[verdict.fault].format(number=verdict.number)
    out.result(values, f"✗ {words} The {verdict.entries} entries before are in order.")
    raise typer.Exit(1)


@app.command()
def accept(
    context: typer.Context,
    reason: Annotated[str, typer.Option(prompt=True, help="Why; it goes on record.")],
    as_json: AsJson = False,
) -> None:
    """Take the chain as it is for the whole, after restoring a backup. The act is on record."""
    out = Out(as_json=as_json)

    async def work(desk: Desk) -> int:
        async with desk.authority.database.unit_of_work() as session:
            audit = desk.authority.audit
            return (await audit.accept(session, reason, desk.actor.name, desk.now)).number

    entries = run(context, out, work)
    out.result({"entries": entries}, f"Accepted with {entries} entries, and put on record.")
