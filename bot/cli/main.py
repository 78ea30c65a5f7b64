"""The command `kaika`, for operators and authors of the FAQ."""

import asyncio
import sys
from collections.abc import Coroutine
from contextlib import nullcontext
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.exceptions import TyperException

from bot import descriptors
from bot import settings as settings_module
from bot.cli import faq_changes, faq_commands, faq_edits, faq_table, json_output
from bot.memory_dumps import forbid_memory_dumps
from bot.settings import Settings, SettingsError

app = typer.Typer(
    no_args_is_help=True,
    help="Kaika 開卡, a bilingual FAQ bot on Telegram.",
    pretty_exceptions_show_locals=False,
)
db_app = typer.Typer(no_args_is_help=True, help="The database.")
app.add_typer(faq_commands.app, name="faq")
faq_commands.app.command("learn")(faq_changes.learn_phrasing)
faq_commands.app.command()(faq_table.export)
faq_commands.app.command("import")(faq_table.import_)
faq_commands.app.add_typer(faq_edits.app, name="edits")
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
