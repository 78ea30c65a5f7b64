"""`kaika faq export` and `import`: the whole FAQ as one table that an office edits."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.cli import json_output
from bot.cli.faq_changes import Yes, save_if_right
from bot.cli.faq_commands import AsJson

if TYPE_CHECKING:
    from services.faq.spreadsheet.plan import EntryChange

_out = Console()


def export(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE.csv", help="The file to write.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over a file that is there.")
    ] = False,
) -> None:
    """Write every entry in every language into one table, for Excel or LibreOffice."""
    from bot.cli.faq_place import open_place
    from services.faq.entries import read_entry_files
    from services.faq.spreadsheet.plan import export_table

    if path.exists() and not replace:
        raise typer.BadParameter(f"{path} is there already; to write over it: --replace")
    with open_place(context, as_json=False).reading():
        known = read_entry_files()
        table = export_table(known)
    path.write_bytes(table)
    _out.print(f"{len(known.ids)} entries are in {path}.", markup=False, soft_wrap=True)


def import_(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE.csv", help="As `export` wrote it.")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Take back an edited table: all of it, or nothing where anything is wrong."""
    from bot.cli import faq_place, faq_trial
    from services.faq.edits.models import EditAct
    from services.faq.entries import load_entries, read_entry_files
    from services.faq.spreadsheet.plan import plan_import
    from services.faq.spreadsheet.table import MAX_BYTES
    from services.faq.vocabulary import make_secret_detector

    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    place = faq_place.open_place(context, as_json=as_json)
    detector = make_secret_detector(load_entries())
    with place.reading():
        plan = plan_import(content, read_entry_files(), detector)
        if not as_json:
            _print_changes(plan.changes)
        trial = faq_trial.try_draft(plan.draft) if plan.draft else faq_trial.NO_EFFECT
    named = {"changes": [_as_json(change) for change in plan.changes]}
    if plan.draft:
        act = EditAct.IMPORT
        save_if_right(place, plan.draft, act, trial, named, yes=yes, as_json=as_json)
    elif as_json:
        json_output.write_json({**named, **trial.as_json(), "written": []}, indent=2)


def _as_json(change: "EntryChange") -> dict[str, Any]:
    return {
        "entry": change.entry_id,
        "language": change.language,
        "new": change.is_new,
        "columns": list(change.columns),
        "phrasings_added": list(change.added),
        "phrasings_removed": list(change.removed),
    }


def _print_changes(changes: "Sequence[EntryChange]") -> None:
    if not changes:
        _out.print("Nothing changes.")
        return
    table = Table("entry", "language", "changes", title="What changes")
    for change in changes:
        what = ["new"] if change.is_new else [c for c in change.columns if c != "phrasings"]
        if change.added or change.removed:
            what.append(f"phrasings +{len(change.added)} −{len(change.removed)}")
        elif "phrasings" in change.columns:
            what.append("phrasings in another order")
        table.add_row(escape(change.entry_id), change.language, ", ".join(what))
    _out.print(table)
