"""How the counter's results are printed."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from bot.cli_parts import Out
from bot.counter_form import form_of
from services.authority.embedded.applications import Applied
from services.authority.embedded.counter import Line, PersonFile
from services.authority.embedded.records import PersonalData
from services.authority.states import ApplicationState
from services.calendar import TAIPEI, last_day


def print_application(out: Out, data: PersonalData, applied: Applied, html: Path | None) -> None:
    """Print a new application's form, or that there was one already."""
    values: dict[str, Any] = {
        "changed": applied.changed,
        "application": applied.application,
        "state": applied.state,
        "submitted_at": applied.submitted_at,
        "pay_by": last_day(applied.deadline),
        "code": applied.code.reveal() if applied.code else None,
    }
    if applied.code is None:
        told = f"There is an application already ({applied.state}); nothing was changed."
        out.result(values, told, "A forgotten code is retrieved by the person, online.")
        return
    form = form_of(data, applied)
    values |= {"form_text": form.as_text(), "form_html": form.as_html()}
    lines = [form.as_text()]
    if html is not None:
        _write_for_owner(html, form.as_html())
        lines.append(f"The form to print is in {html}; it shows the code, so delete it afterwards.")
    out.result(values, *lines)


def _write_for_owner(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def table_of(lines: Sequence[Line]) -> Table:
    """Give the list of applications as a table."""
    table = Table("application", "UI No.", "state", "certificates", "applied", "pay by")
    for line in lines:
        unpaid = line.state is ApplicationState.SUBMITTED
        table.add_row(
            line.application[:12],
            line.ui_number_masked or "erased",
            line.state,
            line.certificate or "–",
            f"{line.submitted_at.astimezone(TAIPEI):%Y-%m-%d}",
            f"{last_day(line.deadline):%Y-%m-%d}" if unpaid else "–",
        )
    return table


def file_as_values(file: PersonFile) -> dict[str, Any]:
    """Give a person's file as plain values."""
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
        "pay_by": last_day(timeline.deadline),
        "certificates": timeline.certificate,
        "certificates_changed_at": timeline.certificate_changed_at,
        "valid_until": timeline.valid_until,
        "revocation_reason": file.revocation_reason,
        "card_number": file.card_number.reveal() if file.card_number else None,
        "code_is_locked": file.code_is_locked,
        "payments": [vars(payment) for payment in file.payments],
    }
