"""`kaika faq learn`, and how every change of the FAQ is shown before it is saved."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from bot.cli import json_output
from bot.cli.faq_commands import AsJson, print_changed

if TYPE_CHECKING:
    from bot.cli.faq_place import EditingPlace
    from bot.cli.faq_trial import DraftTrial
    from services.faq.drafts import Draft
    from services.faq.edits.models import EditAct

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before it is written.")]
_out = Console()
_err = Console(stderr=True)


def learn_phrasing(
    context: typer.Context,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="As people ask it.")],
    entry_id: Annotated[str, typer.Argument(metavar="ENTRY", help="The entry that answers it.")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Add a question to the phrasings of an entry, after a look at what that changes."""
    from bot.cli import faq_check, faq_place, faq_trial
    from services.faq.edits.models import EditAct
    from services.faq.entries import load_entries, read_entry_files
    from services.faq.new_phrasings import propose_phrasing
    from services.faq.vocabulary import make_secret_detector

    place = faq_place.open_place(context, as_json=as_json)
    detector = make_secret_detector(load_entries())
    wording = faq_check.to_traditional(question)
    with place.reading():
        new = propose_phrasing(wording, entry_id, read_entry_files(), detector)
        draft = new.draft()
        if not as_json:
            _out.print(f"{next(iter(draft))} gets: {new.text}", markup=False, soft_wrap=True)
        trial = faq_trial.try_draft(draft)
    named = {"entry": new.entry_id, "language": new.language, "phrasing": new.text}
    save_if_right(place, draft, EditAct.LEARN, trial, named, yes=yes, as_json=as_json)


def save_if_right(
    place: "EditingPlace",
    draft: "Draft",
    act: "EditAct",
    trial: "DraftTrial",
    named: Mapping[str, Any],
    *,
    yes: bool,
    as_json: bool,
    undoes: int | None = None,
) -> None:
    """Show what a draft does, and save it where it is right and wanted.

    :param named: what the JSON output says of the change.
    :raises typer.Exit: where the check finds an error.
    :raises typer.Abort: where it is not wanted.
    """
    if not as_json:
        for finding in (*trial.errors, *trial.warnings):
            _err.print(str(finding), markup=False, highlight=False, soft_wrap=True)
        if not trial.errors:
            print_changed(trial.changed, "Known questions whose answer changes")
    where = ""
    if not trial.errors:
        if not yes:
            typer.confirm("Write it?", abort=True)
        where = place.save(draft, act, undoes)
    if as_json:
        written = [] if trial.errors else list(draft)
        json_output.write_json({**named, **trial.as_json(), "written": written}, indent=2)
    if trial.errors:
        raise typer.Exit(1)
    if not as_json:
        _out.print(where, markup=False, soft_wrap=True)
