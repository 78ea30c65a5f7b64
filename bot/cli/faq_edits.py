"""`kaika faq edits`: what was changed in an installed service, and its way into the files."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bot.cli.faq_changes import Yes, save_if_right
from bot.cli.faq_commands import AsJson

if TYPE_CHECKING:
    from bot.cli.database_session import DatabaseSession
    from services.faq.edits.models import FaqChange
    from services.faq.edits.store import EditSet, FileHistory

app = typer.Typer(no_args_is_help=True, help="Changes of the FAQ made in an installed service.")
Number = Annotated[int, typer.Argument(metavar="CHANGE", help="As `list` shows it.")]
_out = Console()


@app.command("list")
def list_(
    context: typer.Context,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, help="Changes at most.")] = 50,
) -> None:
    """List the changes, newest first, and how the newest text of each file stands."""
    from bot.cli.command_output import CommandOutput, run_with_database
    from services.faq.edits import store

    async def work(session: "DatabaseSession") -> "tuple[_Changes, EditSet]":
        async with session.database.reading() as db:
            return await store.list_changes(db, limit), await store.load_edits(db)

    out = CommandOutput(as_json=as_json)
    changes, current = run_with_database(context, out, work)
    states = {each.file: (each.change.id, each.state) for each in current.edits}
    listed = [
        {
            **_change_as_json(change),
            "files": [
                {"file": file, "state": _describe_state(states.get(file), change.id)}
                for file in files
            ],
        }
        for change, files in changes
    ]
    out.print_result(listed)
    if as_json:
        return
    table = Table("change", "when", "who", "what", "files", show_lines=True)
    for each in listed:
        files = "\n".join(f"{file['file']} ({file['state']})" for file in each["files"])
        what = each["act"] if each["undoes"] is None else f"{each['act']} of {each['undoes']}"
        when = f"{each['at']:%Y-%m-%d %H:%M}"
        table.add_row(str(each["change"]), when, each["author"], what, files)
    _out.print(table if listed else "The FAQ is as it came with the package.")
    if conflicts := current.conflicts():
        _out.print(
            f"Files that changed beneath their edits and are answered as they came: "
            f"{', '.join(conflicts)}. Make the edits again, or undo them.",
            markup=False,
            soft_wrap=True,
        )


@app.command()
def show(context: typer.Context, number: Number, as_json: AsJson = False) -> None:
    """Show what a change did to each file, line by line."""
    from bot.cli.command_output import CommandOutput, run_with_database
    from services.faq.edits import store

    async def work(session: "DatabaseSession") -> "tuple[FaqChange, Sequence[FileHistory]]":
        async with session.database.reading() as db:
            return await store.find_change(db, number)

    out = CommandOutput(as_json=as_json)
    change, histories = run_with_database(context, out, work)
    differences = {each.file: _compare(each) for each in histories}
    lines = [line for each in differences.values() for line in each]
    when = f"{change.at:%Y-%m-%d %H:%M}"
    head = f"Change {change.id}: {change.act} by {change.author}, {when} UTC"
    out.print_result({**_change_as_json(change), "differences": differences}, head, *lines)


@app.command()
def undo(context: typer.Context, number: Number, yes: Yes = False, as_json: AsJson = False) -> None:
    """Take a change back, as one more change, after a look at what that does."""
    from bot.cli import faq_place, faq_trial
    from bot.cli.command_output import CommandOutput, run_with_database
    from services.faq import drafts
    from services.faq.edits import store
    from services.faq.edits.models import EditAct

    async def work(session: "DatabaseSession") -> dict[str, str | None]:
        async with session.database.reading() as db:
            return await store.plan_undo(db, number)

    out = CommandOutput(as_json=as_json)
    place = faq_place.InstalledService(context, out)
    with place.reading():
        draft = run_with_database(context, out, work)
    result = {
        name: drafts.read_file(name) if text is None else text for name, text in draft.items()
    }
    with place.reading():
        trial = faq_trial.try_draft(result)
    named = {"undone": number}
    act = EditAct.UNDO
    save_if_right(place, draft, act, trial, named, yes=yes, as_json=as_json, undoes=number)


@app.command()
def export(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE.json", help="The file to write.")],
) -> None:
    """Write the edits into a file, for `apply` in a checkout."""
    from bot.cli.command_output import CommandOutput, run_with_database
    from services.faq.edits import exchange, store

    async def work(session: "DatabaseSession") -> "EditSet":
        async with session.database.reading() as db:
            return await store.load_edits(db)

    if path.exists():
        raise typer.BadParameter(f"{path} is there already")
    edits = run_with_database(context, CommandOutput(as_json=False), work).edits
    path.write_bytes(exchange.export_edits(edits))
    _out.print(f"The edits are in {path}.", markup=False, soft_wrap=True)


@app.command()
def apply(
    path: Annotated[Path, typer.Argument(metavar="FILE.json", help="As `export` wrote it.")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Bring the edits of a service into the files of this checkout: all of them, or none."""
    from bot.cli import faq_place, faq_trial, json_output
    from bot.cli.faq_comparison import require_checkout
    from services.faq.edits import exchange
    from services.faq.edits.models import EditAct

    require_checkout()
    place = faq_place.CheckoutFiles()
    draft = exchange.plan_apply(path.read_bytes())
    if draft:
        trial = faq_trial.try_draft(draft)
        save_if_right(place, draft, EditAct.IMPORT, trial, {}, yes=yes, as_json=as_json)
    elif as_json:
        json_output.write_json({**faq_trial.NO_EFFECT.as_json(), "written": []}, indent=2)
    else:
        _out.print("The files have every edit already.")


_Changes = list[tuple["FaqChange", list[str]]]


def _change_as_json(change: "FaqChange") -> dict[str, Any]:
    return {
        "change": change.id,
        "act": change.act,
        "author": change.author,
        "at": change.at,
        "undoes": change.undoes,
    }


def _describe_state(current: tuple[int, str] | None, change_id: int) -> str:
    """Return whether what a change wrote into a file holds: `live` or why it does not."""
    if current is None or current[0] != change_id:
        return "replaced"
    return current[1]


def _compare(history: "FileHistory") -> list[str]:
    from services.faq import drafts

    shipped = drafts.read_file(history.file)
    before, after = (
        (shipped if text is None else text) or "" for text in (history.before, history.after)
    )
    names = (history.file, history.file)
    pair = (before.splitlines(), after.splitlines())
    return list(difflib.unified_diff(*pair, *names, lineterm="", n=1))
