"""`kaika faq`: check, search, what was asked in vain, and what was found helpful."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.cli import json_output

if TYPE_CHECKING:
    from bot.cli.database_session import DatabaseSession
    from bot.cli.faq_comparison import ChangedAnswer
    from services.faq.question_groups import QuestionGroup

app = typer.Typer(no_args_is_help=True, help="The FAQ: check, search, unanswered questions.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

_SHOWN_QUESTIONS = 4
_SHOWN_CHANGES = 40
_MOST_GROUPED = 2_000
"""Questions that are looked at; rarer ones can wait."""
_out = Console()
_err = Console(stderr=True)


@app.command()
def check(
    as_json: AsJson = False,
    phrasings: Annotated[
        bool, typer.Option("--phrasings", help="Name every phrasing that leads to another entry.")
    ] = False,
    before: Annotated[
        str | None,
        typer.Option(metavar="REV", help="Also compare the answers with those of a Git revision."),
    ] = None,
) -> None:
    """Check every FAQ entry in every language."""
    from bot.cli import faq_check, faq_comparison
    from services import calendar
    from services.clock import SystemClock

    today = calendar.today(SystemClock().now())
    found = faq_check.find_problems(today, every_phrasing=phrasings)
    errors = sum(not each.is_warning for each in found)
    changed = faq_comparison.compare_with(before) if before and not errors else []
    if as_json:
        listed = {"findings": [each.as_json() for each in found]}
        if before:
            listed["changed_answers"] = [each.as_json() for each in changed]
        json_output.write_json(listed, indent=2)
    else:
        for finding in found:
            _err.print(str(finding), markup=False, highlight=False, soft_wrap=True)
        if before and not errors:
            print_changed(changed, f"Answers that changed since {before}")
    if errors:
        raise typer.Exit(1)
    if not as_json:
        warnings = f" {len(found)} warnings." if found else ""
        _out.print(f"{faq_check.count_entries()} entries are in order in every language.{warnings}")


def print_changed(changed: "Sequence[ChangedAnswer]", title: str) -> None:
    """Print which known questions are answered in another way."""
    if not changed:
        _out.print("Every known question keeps its answer.")
        return
    table = Table("question", "before", "now", title=title)
    for each in changed[:_SHOWN_CHANGES]:
        table.add_row(escape(each.question), str(each.before), str(each.after))
    _out.print(table)
    if len(changed) > _SHOWN_CHANGES:
        _out.print(f"{len(changed)} in all; --json names every one.")


@app.command(context_settings={"ignore_unknown_options": True})
def search(
    question: Annotated[list[str] | None, typer.Argument(help="The question.")] = None,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, max=50, help="Results at most.")] = 3,
    stdin: Annotated[bool, typer.Option("--stdin", help="One question a line in.")] = False,
) -> None:
    """Search the FAQ."""
    from services.faq import entries
    from services.faq.index import load_index
    from services.faq.search import FaqSearch

    if stdin == bool(question):
        raise typer.BadParameter("give a QUESTION, or --stdin and one question a line")
    known = entries.load_entries()
    engine = FaqSearch(known, load_index(known))
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    lines = (line.rstrip("\r\n") for line in sys.stdin) if stdin else [" ".join(question or [])]
    for line in lines:
        found = engine.search(line, limit).as_json()
        if as_json:
            json_output.write_json(found)
        else:
            _print_found(found)


def _print_found(found: dict[str, Any]) -> None:
    sure = "[green]sure[/]" if found["confident"] else "[yellow]not sure[/]"
    table = Table("id", "score", title=f"{found['language']}, {sure}", title_justify="left")
    for hit in found["results"]:
        table.add_row(hit["id"], f"{hit['score']:.3f}")
    _out.print(table)


@app.command()
def unanswered(
    context: typer.Context,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, help="Groups of questions at most.")] = 50,
) -> None:
    """List the questions that find no confident answer, the alike together, most asked first."""
    from bot.cli.command_output import CommandOutput, run_with_database
    from services.faq import unanswered as service
    from services.faq.edits.overlay import INDEX_FILE, lay_over
    from services.faq.edits.store import load_edits
    from services.faq.entries import load_entries
    from services.faq.index import load_index
    from services.faq.question_groups import group_alike
    from services.faq.search import FaqSearch

    async def work(session: "DatabaseSession") -> list["QuestionGroup"]:
        async with session.database.reading() as db:
            rows = await service.most_asked(db, _MOST_GROUPED)
            edits = (await load_edits(db)).draft()
        known = lay_over(load_entries(), edits).entries
        learnt = session.settings.data_dir / INDEX_FILE
        index = load_index(known, learnt) if edits else load_index(known)
        return group_alike(rows, FaqSearch(known, index))[:limit]

    out = CommandOutput(as_json=as_json)
    groups = run_with_database(context, out, work)
    out.print_result([_group_as_json(group) for group in groups])
    if not as_json:
        _print_groups(groups)


def _group_as_json(group: "QuestionGroup") -> dict[str, Any]:
    return {
        "language": group.language,
        "count": group.count,
        "questions": [
            {
                "question": row.question,
                "count": row.count,
                "first_asked_at": row.first_asked_at,
                "last_asked_at": row.last_asked_at,
            }
            for row in group.questions
        ],
        "nearest": [{"id": hit.id, "score": hit.score} for hit in group.nearest],
    }


def _print_groups(groups: "Sequence[QuestionGroup]") -> None:
    if not groups:
        _out.print("Every question found an answer so far.")
        return
    table = Table("times", "language", "questions", "nearest entries", show_lines=True)
    for group in groups:
        shown = [escape(row.question) for row in group.questions[:_SHOWN_QUESTIONS]]
        if more := len(group.questions) - len(shown):
            shown.append(f"[dim]and {more} more[/]")
        nearest = "\n".join(f"{hit.id} {hit.score:.2f}" for hit in group.nearest)
        table.add_row(str(group.count), group.language, "\n".join(shown), nearest)
    _out.print(table)
    _out.print("To have one answered with an entry: kaika faq learn QUESTION ENTRY")


@app.command()
def votes(context: typer.Context, as_json: AsJson = False) -> None:
    """Show how many found each answer helpful."""
    from bot.cli.command_output import CommandOutput, run_with_database
    from services.faq import votes as service

    async def work(session: "DatabaseSession") -> dict[str, tuple[int, int]]:
        async with session.database.reading() as db:
            return await service.count_by_entry(db)

    out = CommandOutput(as_json=as_json)
    counted = run_with_database(context, out, work)
    out.print_result({i: {"helpful": yes, "not_helpful": no} for i, (yes, no) in counted.items()})
    if as_json:
        return
    table = Table("entry", "helpful", "not helpful")
    for entry_id, (yes, no) in sorted(counted.items(), key=lambda item: -item[1][1]):
        table.add_row(entry_id, str(yes), str(no))
    _out.print(table if counted else "Nobody has voted yet.")
