"""`kaika counter`: what staff do at the counter of the embedded authority."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from bot.cli import demo_people
from bot.cli.authority_session import AuthoritySession
from bot.cli.command_output import AsJson, CommandOutput, UiNumberText, run_with_authority
from bot.cli.counter.arguments import Amount, ChargeId, Passphrase
from bot.cli.counter.certificates import (
    CertificatesView,
    find_ca_publication,
    format_issued_card,
    issued_card_to_json,
)
from bot.cli.counter.views import (
    applications_table,
    format_payment,
    format_person_file,
    person_file_to_json,
    print_application,
    reserve_private_file,
)
from bot.wiring.embedded import reject_demo_people_on_telegram
from services.authority.data_types import Change, ChargeResult
from services.authority.embedded.counter import PersonFile
from services.authority.embedded.payments.applications import FEES, ApplicationReceipt
from services.authority.embedded.personal_data.records import PersonalData
from services.authority.lifecycle import ApplicationState, RevocationReason
from services.calendar import TAIPEI
from services.formats import contact, dates
from services.formats.hidden import Hidden
from services.formats.ui_number import UiNumber

app = typer.Typer(no_args_is_help=True, help="The counter of the embedded authority.")

_TOTAL_FEE = sum(FEES.values())


@app.command()
def apply(
    context: typer.Context,
    name: Annotated[str, typer.Option(prompt=True, help="Name as on the residence permit.")],
    ui: Annotated[str, typer.Option("--ui-number", prompt="UI No.", help="統一證號.")],
    birth: Annotated[
        str, typer.Option("--birth-date", prompt=True, help="1990-12-31, or 79/12/31 (ROC).")
    ],
    email: Annotated[str, typer.Option(prompt="E-mail", help="Where one-time codes go.")],
    address: Annotated[str, typer.Option(prompt=True, help="Where the card is posted to.")],
    html: Annotated[
        Path | None, typer.Option(help="Write the form as a page to print to this file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take an application, and print its form with the subscriber code."""
    out = CommandOutput(as_json=as_json)

    async def work(session: AuthoritySession) -> tuple[PersonalData, ApplicationReceipt]:
        data = PersonalData(
            ui_number=UiNumber.parse(ui),
            name=contact.parse_name(name),
            birth_date=dates.parse_birth_date(birth, session.now.astimezone(TAIPEI).date()),
            mail_address=contact.parse_mail_address(email),
            postal_address=contact.parse_postal_address(address),
        )
        return data, await session.counter.apply(data, session.now)

    with reserve_private_file(html):  # before there is a code that could no longer be printed
        print_application(out, *run_with_authority(context, out, work), html)


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[ApplicationState | None, typer.Option(help="Only this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the applications, newest first."""
    out = CommandOutput(as_json=as_json)
    lines = run_with_authority(context, out, lambda session: session.counter.list(state))
    out.print_result([vars(line) for line in lines])
    if not as_json:
        out.console.print(applications_table(lines) if lines else "There are no applications.")


@app.command()
def show(context: typer.Context, ui: UiNumberText, as_json: AsJson = False) -> None:
    """Show everything the counter needs of one person."""
    out = CommandOutput(as_json=as_json)

    async def work(session: AuthoritySession) -> PersonFile:
        return await session.counter.show(UiNumber.parse(ui), session.now)

    file = run_with_authority(context, out, work)
    out.print_result(person_file_to_json(file), *format_person_file(file))


@app.command()
def pay(
    context: typer.Context,
    ui: UiNumberText,
    charge: ChargeId,
    amount: Amount = _TOTAL_FEE,
    as_json: AsJson = False,
) -> None:
    """Record that a charge pays for an application, such as one that fitted nothing."""
    out = CommandOutput(as_json=as_json)

    async def work(session: AuthoritySession) -> ChargeResult:
        return await session.counter.pay(UiNumber.parse(ui), charge, amount, session.now)

    result = run_with_authority(context, out, work)
    done = "Paid" if result.changed else "Was paid before"
    out.print_result(vars(result), f"{done}; receipt {result.receipt}.")


@app.command()
def issue(
    context: typer.Context,
    ui: UiNumberText,
    passphrase: Passphrase,
    card: Annotated[
        Path | None, typer.Option(help="File of the virtual card; in the data folder by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Issue a paid card: card number, keys, three certificates, and the virtual card's file."""
    out = CommandOutput(as_json=as_json)

    async def work(session: AuthoritySession) -> dict[str, Any]:
        number = UiNumber.parse(ui)
        name = session.authority.records.hash_ui_number(number).hex()[:12]
        path = card or session.settings.data_dir / "cards" / f"{name}.card"
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        secret, maker = Hidden(passphrase), session.card_maker
        issuing = session.authority.card_issuer
        issued = await issuing.issue(number, path, maker, secret, session.actor, session.now)
        return issued_card_to_json(issued, path, await session.counter.list_certificates(number))

    values = run_with_authority(context, out, work)
    out.print_result(values, *format_issued_card(values))


@app.command()
def certificates(
    context: typer.Context,
    ui: UiNumberText,
    folder: Annotated[
        Path | None, typer.Option(help="Write them there as PEM, with the authority's own.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give a person's certificates, and how to ask for their status with OpenSSL."""
    out = CommandOutput(as_json=as_json)

    async def work(session: AuthoritySession) -> CertificatesView:
        documents = await session.counter.list_certificates(UiNumber.parse(ui))
        return CertificatesView(documents, await find_ca_publication(session), folder)

    view = run_with_authority(context, out, work)
    view.write()
    out.print_result(view.to_json(), *view.format_lines())


@app.command()
def post(context: typer.Context, ui: UiNumberText, as_json: AsJson = False) -> None:
    """Note that the card was posted."""
    _change_state(context, ui, as_json, "Posted", lambda session: session.counter.post)


@app.command()
def activate(context: typer.Context, ui: UiNumberText, as_json: AsJson = False) -> None:
    """Activate a card that was given its PIN at the counter; the code is gone from then on."""
    _change_state(context, ui, as_json, "Activated", lambda session: session.counter.activate)


@app.command()
def suspend(context: typer.Context, ui: UiNumberText, as_json: AsJson = False) -> None:
    """Suspend the certificates on a request on paper (停用)."""
    _change_state(context, ui, as_json, "Suspended", lambda session: session.counter.suspend)


@app.command()
def resume(context: typer.Context, ui: UiNumberText, as_json: AsJson = False) -> None:
    """Take the suspension off (復用)."""
    _change_state(context, ui, as_json, "Resumed", lambda session: session.counter.resume)


@app.command()
def revoke(
    context: typer.Context,
    ui: UiNumberText,
    reason: Annotated[
        RevocationReason | None, typer.Option(help="Why; it goes on record and is published.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Revoke the certificates, for good (廢止)."""

    def operation(session: AuthoritySession) -> Callable[..., Awaitable[Change]]:
        return lambda number, now: session.counter.revoke(number, reason, now)

    _change_state(context, ui, as_json, "Revoked", operation)


@app.command("release-code")
def release_code(context: typer.Context, ui: UiNumberText, as_json: AsJson = False) -> None:
    """Release a locked subscriber code, after the person showed who they are."""
    _change_state(context, ui, as_json, "Released", lambda session: session.counter.release_code)


def _change_state(
    context: typer.Context,
    ui: str,
    as_json: bool,
    done: str,
    operation: Callable[[AuthoritySession], Callable[..., Awaitable[Change]]],
) -> None:
    """Run one operation on a person and print whether it changed anything."""
    out = CommandOutput(as_json=as_json)

    async def work(session: AuthoritySession) -> Change:
        return await operation(session)(UiNumber.parse(ui), session.now)

    change = run_with_authority(context, out, work)
    told = f"{done}." if change.changed else "Nothing to do: it was so before."
    out.print_result({"changed": change.changed, "application": change.application}, told)


@app.command()
def refund(
    context: typer.Context,
    charge: ChargeId,
    as_json: AsJson = False,
) -> None:
    """Record a refund; the money itself goes back at the payment provider."""
    out = CommandOutput(as_json=as_json)
    result = run_with_authority(
        context, out, lambda session: session.counter.refund(charge, session.now)
    )
    done = "Recorded" if result.changed else "Was recorded before"
    remind = "now send the money back at the provider" if result.changed else "nothing to do"
    out.print_result(vars(result), f"{done}: receipt {result.receipt}, {remind}.")


@app.command()
def unmatched(context: typer.Context, as_json: AsJson = False) -> None:
    """List the charges that fit nothing, to be refunded or recorded for an application."""
    out = CommandOutput(as_json=as_json)
    charges = run_with_authority(context, out, lambda session: session.counter.list_unmatched())
    lines = list(map(format_payment, charges)) or ["There are none."]
    out.print_result([vars(one) for one in charges], *lines)


@app.command("expire-overdue")
def expire_overdue(context: typer.Context, as_json: AsJson = False) -> None:
    """Expire what was not paid in time, with its personal data, and certificates at their end."""
    out = CommandOutput(as_json=as_json)
    expired = run_with_authority(
        context, out, lambda session: session.authority.expire_overdue(session.now)
    )
    told = f"{len(expired.applications)} applications, {len(expired.certificates)} certificates."
    out.print_result(vars(expired), f"Expired: {told}")


@app.command("demo-data")
def demo_data(context: typer.Context, as_json: AsJson = False) -> None:
    """Put people in every state into the database, for the sandbox."""
    out = CommandOutput(as_json=as_json)

    async def work(session: AuthoritySession) -> list[dict[str, Any]]:
        reject_demo_people_on_telegram(session.settings)
        folder = session.settings.data_dir / "cards"
        people = await demo_people.create_demo_people(
            session.authority, session.card_maker, folder, session.now
        )
        return [{**vars(one), "mail_address": one.mail_address} for one in people]

    people = run_with_authority(context, out, work)
    table = Table("name", "UI No.", "born", "code", "e-mail", "story")
    for one in people:
        cells = (one["name"], one["ui_number"], str(one["born"]), one["code"], one["mail_address"])
        table.add_row(*cells, ", ".join(one["story"]) or "applied")
    out.print_result(people)
    if not as_json:
        out.console.print(table)
