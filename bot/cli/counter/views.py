"""Output of the counter's results."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from bot.cli.command_output import CommandOutput
from bot.cli.counter.form import fill_in_form
from services.authority.embedded.counter import ApplicationRow, PersonFile
from services.authority.embedded.payments.applications import ApplicationReceipt
from services.authority.embedded.payments.payments import PaymentView
from services.authority.embedded.personal_data.records import PersonalData
from services.authority.lifecycle import CODE_RECOVERABLE, ApplicationState
from services.calendar import TAIPEI, last_payment_day
from services.formats.dates import format_roc


def print_application(
    out: CommandOutput, data: PersonalData, receipt: ApplicationReceipt, html: Path | None
) -> None:
    """Print a new application's form, or that there was one already."""
    values: dict[str, Any] = {
        "changed": receipt.changed,
        "application": receipt.application,
        "state": receipt.state,
        "submitted_at": receipt.submitted_at,
        "pay_by": last_payment_day(receipt.deadline),
        "code": receipt.code.reveal() if receipt.code else None,
    }
    if receipt.code is None:
        told = f"There is an application already ({receipt.state}); nothing was changed."
        out.print_result(values, told, _forgotten_code_advice(receipt.state))
        return
    form = fill_in_form(data, receipt)
    values |= {"form_text": form.render_text(), "form_html": form.render_html()}
    lines = [form.render_text()]
    if html is not None:
        html.write_text(form.render_html(), encoding="utf-8")
        lines.append(f"The form to print is in {html}; it shows the code, so delete it afterwards.")
    out.print_result(values, *lines)


def _forgotten_code_advice(state: ApplicationState) -> str:
    """Return what becomes of a forgotten code."""
    if state in CODE_RECOVERABLE:
        return "A forgotten code is retrieved by the person, online, until the card is activated."
    return (
        "The card is activated: nobody can give a forgotten code back. Lost the card? Suspend it."
    )


@contextmanager
def reserve_private_file(path: Path | None) -> Iterator[None]:
    """Make sure, before the block runs, that the form can be written to a file of mode 600.

    A file that is still empty afterwards is taken away again.

    :raises OSError: where it cannot be written.
    """
    if path is None:
        yield
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.fchmod(handle, 0o600)
    os.close(handle)
    try:
        yield
    finally:
        if path.is_file() and path.stat().st_size == 0:
            path.unlink()


def applications_table(rows: Sequence[ApplicationRow]) -> Table:
    """Return the applications as a table."""
    table = Table("application", "UI No.", "state", "certificates", "applied", "pay by")
    for line in rows:
        unpaid = line.state is ApplicationState.SUBMITTED
        table.add_row(
            line.application[:12],
            line.ui_number_masked or "erased",
            line.state,
            line.certificate or "–",
            f"{line.submitted_at.astimezone(TAIPEI):%Y-%m-%d}",
            f"{last_payment_day(line.deadline):%Y-%m-%d}" if unpaid else "–",
        )
    return table


def person_file_to_json(file: PersonFile) -> dict[str, Any]:
    """Return a person's file as JSON values."""
    timeline = file.timeline
    return {
        "name": file.person.name,
        "ui_number": file.person.ui_number.reveal(),
        "birth_date": file.person.birth_date,
        "mail_address": file.person.mail_address,
        "postal_address": file.person.postal_address,
        "application": file.application,
        "state": timeline.application,
        "moments": {str(state): at.isoformat() for state, at in timeline.moments.items()},
        "pay_by": last_payment_day(timeline.deadline),
        "certificates": timeline.certificate,
        "certificates_changed_at": timeline.certificate_changed_at,
        "valid_until": timeline.valid_until,
        "revocation_reason": file.revocation_reason,
        "card_number": file.card_number.reveal() if file.card_number else None,
        "code_is_guarded": file.code_is_guarded,
        "code_is_locked": file.code_is_locked,
        "payments": [vars(payment) for payment in file.payments],
    }


def format_person_file(file: PersonFile) -> list[str]:
    """Return a person's file as lines of text; times are those of Taipei."""
    timeline, person = file.timeline, file.person
    lines = [
        person.name,
        f"  UI No.        {person.ui_number.reveal()}",
        f"  born          {person.birth_date:%Y-%m-%d} ({format_roc(person.birth_date)})",
        f"  e-mail        {person.mail_address}",
        f"  address       {person.postal_address}",
        f"Application {file.application[:12]}: {timeline.application}",
        *(f"  {state:<13} {_format_local(at)}" for state, at in timeline.moments.items()),
    ]
    if timeline.application is ApplicationState.SUBMITTED:
        lines.append(f"  pay by        {last_payment_day(timeline.deadline):%Y-%m-%d}")
    if file.code_is_guarded and not file.code_is_locked:
        lines.append("  Others typed the subscriber code wrong four times; new chats verify first.")
    if file.code_is_locked:
        lines.append("  The subscriber code is locked; kaika counter release-code unlocks it.")
    if timeline.certificate:
        lines += _format_certificates(file)
    lines += [f"Payments: {len(file.payments) or 'none'}", *map(format_payment, file.payments)]
    return lines


def _format_certificates(file: PersonFile) -> list[str]:
    timeline = file.timeline
    lines = [f"Certificates: {timeline.certificate}"]
    if timeline.certificate_changed_at:
        lines.append(f"  since         {_format_local(timeline.certificate_changed_at)}")
    if timeline.valid_until:
        lines.append(f"  valid until   {_format_local(timeline.valid_until)}")
    if file.revocation_reason:
        lines.append(f"  reason        {file.revocation_reason}")
    if file.card_number:
        lines.append(f"  card number   {file.card_number.reveal()}")
    return lines


def format_payment(payment: PaymentView) -> str:
    """Return a payment as one line."""
    state = f"refunded {_format_local(payment.refunded_at)}" if payment.refunded_at else ""
    state = state or payment.unmatched_reason or ""
    amount = f"{payment.amount / 100:.2f} {payment.currency}"
    parts = (payment.receipt, _format_local(payment.received_at), amount, payment.charge_id, state)
    return "  " + "  ".join(filter(None, parts))


def _format_local(moment: datetime) -> str:
    return f"{moment.astimezone(TAIPEI):%Y-%m-%d %H:%M}"
