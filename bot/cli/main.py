"""The command `kaika`, for operators and authors of the FAQ."""

import asyncio
import sys
from collections.abc import Coroutine
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.exceptions import TyperException

from bot import descriptors
from bot import settings as settings_module
from bot.cli import json_output
from bot.memory_dumps import forbid_memory_dumps
from bot.settings import Settings, SettingsError

if TYPE_CHECKING:
    from bot.cli.faq_comparison import ChangedAnswer

app = typer.Typer(
    no_args_is_help=True,
    help="Kaika 開卡, a bilingual FAQ bot on Telegram.",
    pretty_exceptions_show_locals=False,
)
faq_app = typer.Typer(no_args_is_help=True, help="The FAQ: check, search, unanswered questions.")
db_app = typer.Typer(no_args_is_help=True, help="The database.")
app.add_typer(faq_app, name="faq")
app.add_typer(db_app, name="db")
_LIGHT = frozenset({"run", "demo", "faq"})
"""Commands that do not need the authority, which is slow to load."""

_out = Console()
_err = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"kaika {version('kaika')}")
        raise typer.Exit


@app.callback()
def apply_options(
    context: typer.Context,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Work on the sandbox that `kaika demo` runs.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Apply the options before the command."""
    if sandbox:
        from bot.cli.authority_session import CommandDependencies

        context.obj = CommandDependencies(settings=settings_module.load_sandbox)


@app.command()
def run(context: typer.Context) -> None:
    """Run the bot until it is stopped (Ctrl-C or SIGTERM)."""
    from bot import app as bot_app

    _refuse_sandbox(context)
    settings = _settings(context)
    _configure_logs(settings)
    _run(bot_app.run_bot(settings))


@app.command()
def demo(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes any free one.")] = 8080,
    flood_limits: Annotated[
        bool, typer.Option("--flood-limits", help="Refuse too many messages, as Telegram does.")
    ] = False,
) -> None:
    """Run the whole product on a local stand-in of Telegram, with a chat page in the browser."""
    from bot.cli import demo as bot_demo

    _refuse_sandbox(context)
    _run(bot_demo.run(port, flood_limits=flood_limits))


@faq_app.command()
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
            _print_changed(changed, before)
    if errors:
        raise typer.Exit(1)
    if not as_json:
        warnings = f" {len(found)} warnings." if found else ""
        _out.print(f"{faq_check.count_entries()} entries are in order in every language.{warnings}")


def _print_changed(changed: "list[ChangedAnswer]", before: str) -> None:
    """Print which known questions are answered in another way."""
    if not changed:
        _out.print(f"Every known question has the answer that it has in {before}.")
        return
    table = Table("question", "before", "now", title=f"Answers that changed since {before}")
    for each in changed:
        table.add_row(escape(each.question), str(each.before), str(each.after))
    _out.print(table)


@faq_app.command(context_settings={"ignore_unknown_options": True})
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


@faq_app.command()
def unanswered(
    context: typer.Context,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, help="Questions at most.")] = 50,
) -> None:
    """List the questions that found no confident answer, most asked first."""
    from services.faq import unanswered as service

    rows = _run(_run_query(_settings(context), lambda session: service.most_asked(session, limit)))
    if as_json:
        listed = [
            {
                "question": row.question,
                "language": row.language,
                "count": row.count,
                "first_asked_at": row.first_asked_at.isoformat(),
                "last_asked_at": row.last_asked_at.isoformat(),
            }
            for row in rows
        ]
        json_output.write_json(listed, indent=2)
        return
    table = Table("times", "language", "question", "last asked")
    for row in rows:
        last = row.last_asked_at.strftime("%Y-%m-%d %H:%M")
        table.add_row(str(row.count), row.language, row.question, last)
    _out.print(table if rows else "Every question found an answer so far.")


@faq_app.command()
def votes(context: typer.Context, as_json: AsJson = False) -> None:
    """Show how many found each answer helpful."""
    from services.faq import votes as service

    counted = _run(_run_query(_settings(context), service.count_by_entry))
    if as_json:
        listed = {i: {"helpful": yes, "not_helpful": no} for i, (yes, no) in counted.items()}
        json_output.write_json(listed, indent=2)
        return
    table = Table("entry", "helpful", "not helpful")
    for entry_id, (yes, no) in sorted(counted.items(), key=lambda item: -item[1][1]):
        table.add_row(entry_id, str(yes), str(no))
    _out.print(table if counted else "Nobody has voted yet.")


@db_app.command("upgrade")
def db_upgrade(context: typer.Context) -> None:
    """Bring the database to the shape this version needs."""
    from services.storage.database import Database
    from services.storage.key_fingerprints import upgrade_database

    async def work() -> str:
        settings = _settings(context)
        database = Database(settings.database)
        try:
            return await upgrade_database(database, settings.key_file)
        finally:
            await database.close()

    _out.print(f"The database is at revision {_run(work())}.")


async def _run_query(settings: Settings, query: Any) -> Any:
    from services.storage.database import Database
    from services.storage.key_fingerprints import upgrade_database
    from services.storage.upgrade import ensure_current

    database = Database(settings.database)
    try:
        if database.is_sqlite:
            await upgrade_database(database, settings.key_file)
        await ensure_current(database)
        async with database.unit_of_work() as session:
            return await query(session)
    finally:
        await database.close()


def _settings(context: typer.Context) -> Settings:
    """Load the settings, those of the sandbox with ``--sandbox``."""
    return settings_module.load_settings() if context.obj is None else context.obj.settings()


def _refuse_sandbox(context: typer.Context) -> None:
    if context.obj is not None:
        raise typer.BadParameter("--sandbox is for commands beside a sandbox that runs")


def _configure_logs(settings: Settings) -> None:
    from bot import logs

    logs.configure(settings.log_level, settings.log_format, settings.secrets())


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        import uvloop
    except ImportError:  # not made for Windows
        return asyncio.run(work)
    return uvloop.run(work)


def _add_authority() -> None:
    """Add the commands that work on the authority or on what was set aside."""
    from bot.cli import audit, inbox, key_rotation, outbox, person
    from bot.cli.backup import commands as backup
    from bot.cli.counter import commands

    app.add_typer(commands.app, name="counter")
    app.add_typer(audit.app, name="audit")
    app.add_typer(person.app, name="person")
    app.add_typer(inbox.app, name="inbox")
    app.add_typer(outbox.app, name="outbox")
    app.add_typer(backup.app, name="backup")
    db_app.command("rotate-key")(key_rotation.rotate_key)


def main() -> None:
    """Run the command line; errors that the operator can correct are shown without a traceback."""
    forbid_memory_dumps()
    descriptors.raise_limit()
    if not _LIGHT.intersection(sys.argv[1:2]):
        _add_authority()
    as_json = "--json" in sys.argv[1:]
    with json_output.reserve_stdout() if as_json else nullcontext():
        raise SystemExit(_run_command(as_json=as_json))


def _run_command(*, as_json: bool) -> int:
    """Run the command and return the exit status."""
    try:
        _refuse_undecodable_arguments(sys.argv[1:])
        return app(standalone_mode=not as_json) or 0
    except TyperException as error:
        code, lines = "usage", [error.format_message()]
    except typer.Abort:
        json_output.write_json({"error": "aborted", "message": "Nothing was done."})
        return 1
    except Exception as error:
        from bot.cli.errors import explain_error

        known = explain_error(error)
        if known is None:
            if as_json:
                json_output.write_json({"error": "internal", "message": type(error).__name__})
            raise
        code, lines = known
    if as_json:
        json_output.write_json({"error": code, "message": "\n".join(lines)})
    else:
        for line in lines:
            _err.print(f"✗ {line}", style="red", markup=False, highlight=False, soft_wrap=True)
    return 2


def _refuse_undecodable_arguments(arguments: list[str]) -> None:
    """Refuse arguments with bytes that are not UTF-8, which could not be stored.

    :raises SettingsError: if there are any.
    """
    try:
        " ".join(arguments).encode()
    except UnicodeEncodeError:
        raise SettingsError(["The command holds bytes that are not UTF-8 text"]) from None


if __name__ == "__main__":
    main()
