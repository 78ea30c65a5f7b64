"""The commands `kaika backup create`, `verify` and `restore`."""

import asyncio
import getpass
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy.engine import make_url

from bot import logs
from bot.cli.authority_session import CommandDependencies
from bot.cli.backup import views
from bot.cli.backup.completion import CompletedRestore, complete_restore, hold_database
from bot.cli.backup.progress_bar import show_progress
from bot.cli.command_output import AsJson, CommandOutput
from bot.cli.set_aside import Yes
from bot.settings import Settings
from services.authority.embedded.audit import Actor
from services.authority.embedded.authority import AuthorityFiles
from services.backup.creation import (
    CA_KEY_FILE,
    KEY_FILE,
    check_folders,
    create_database_backup,
    create_key_backup,
)
from services.backup.errors import BackupError, BackupProblem
from services.backup.progress import OnProgress
from services.backup.restoration import RestorePlan, RestoreTarget, carry_out, prepare_restore
from services.backup.verification import verify_backups
from services.storage.database import Database

app = typer.Typer(no_args_is_help=True, help="Backups of the database and of the keys.")
Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE", help="Of the database, keys, or both.", exists=True, dir_okay=False
    ),
]
Result = TypeVar("Result")


@app.command()
def create(
    context: typer.Context,
    database: Annotated[Path | None, typer.Option(help="Folder for the database.")] = None,
    keys: Annotated[
        Path | None, typer.Option(help="Folder for the keys; not one beside the database.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Back up the database, the keys or both, while the bot runs, and verify what was written."""
    out = CommandOutput(as_json=as_json)
    if database is None and keys is None:
        raise typer.BadParameter("give --database FOLDER, --keys FOLDER or both")
    settings, now = _read_settings(context)

    def work(on_progress: OnProgress) -> list[views.Created]:
        check_folders(database, keys, settings.key_file)
        made, program = [], version("kaika")
        if keys is not None:
            files = _key_files(settings)
            made.append(create_key_backup(files, keys, program, now, on_progress))
        if database is not None:
            url = make_url(settings.database)
            made.append(create_database_backup(url, database, program, now, on_progress))
        verified = verify_backups([each.path for each in made], settings.key_file, on_progress)
        return list(zip(made, verified, strict=True))

    created = _run(out, work)
    out.print_result(*views.describe_created(created))
    if not all(verified.is_in_order for _, verified in created):
        raise typer.Exit(1)


@app.command()
def verify(context: typer.Context, files: Files, as_json: AsJson = False) -> None:
    """Read backups and check them; exit with 1 when something is wrong with what is in them."""
    out = CommandOutput(as_json=as_json)
    settings, _ = _read_settings(context)
    found = _run(out, lambda on_progress: verify_backups(files, settings.key_file, on_progress))
    out.print_result(*views.describe_verified(found))
    if not all(each.is_in_order for each in found):
        raise typer.Exit(1)


@app.command()
def restore(
    context: typer.Context,
    files: Files,
    replace: Annotated[
        bool, typer.Option("--replace", help="Move a database or keys that are there aside.")
    ] = False,
    last_list: Annotated[
        Path | None,
        typer.Option(
            help="The last published revocation list, where none is kept here.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Restore a backup; the bot has to be stopped. What is there is moved aside, never deleted."""
    out = CommandOutput(as_json=as_json)
    settings, now = _read_settings(context)
    target = _restore_target(settings)
    if as_json and not yes:
        raise typer.BadParameter("--json asks nothing: add --yes")

    try:
        with ExitStack() as stack:
            with show_progress(is_shown=not as_json) as progress:
                prepared = prepare_restore(
                    files, target, now, progress, last_list, may_replace=replace
                )
                plan = stack.enter_context(prepared)
            if not yes:
                typer.confirm(views.describe_plan(plan), abort=True)
            with show_progress(is_shown=not as_json) as progress:
                completed = asyncio.run(_restore(settings, plan, now, progress))
    except BackupError as error:
        raise out.print_error(error) from None
    out.print_result(*views.describe_restored(plan, completed, now))


async def _restore(
    settings: Settings,
    plan: RestorePlan,
    now: datetime,
    on_progress: OnProgress,
) -> CompletedRestore:
    database = Database(settings.database)
    try:
        async with hold_database(database) as owner:
            if owner is not None:
                raise BackupError(BackupProblem.IN_USE, detail=owner)
            await database.close()
            await asyncio.to_thread(carry_out, plan, on_progress)
            if plan.manifest is None:
                return CompletedRestore()
            actor = Actor.at_counter(getpass.getuser())
            return await complete_restore(settings, database, plan, actor, now, on_progress)
    finally:
        await database.close()


def _run(out: CommandOutput, work: Callable[[OnProgress], Result]) -> Result:
    """Run `work`, or print why it was refused."""
    try:
        with show_progress(is_shown=not out.as_json) as on_progress:
            return work(on_progress)
    except BackupError as error:
        raise out.print_error(error) from None


def _read_settings(context: typer.Context) -> tuple[Settings, datetime]:
    found = context.obj
    parts = found if isinstance(found, CommandDependencies) else CommandDependencies()
    settings = parts.settings()
    logs.configure(settings.log_level, settings.log_format, settings.secrets())
    return settings, parts.clock()


def _key_files(settings: Settings) -> dict[str, Path]:
    return {KEY_FILE: settings.key_file, CA_KEY_FILE: settings.ca_key_file}


def _restore_target(settings: Settings) -> RestoreTarget:
    kept = AuthorityFiles.in_folder(settings.data_dir).audit_head
    url = make_url(settings.database)
    return RestoreTarget(url, settings.data_dir, _key_files(settings), (kept,))
