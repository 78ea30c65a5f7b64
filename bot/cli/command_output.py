"""What the authority's commands share: running work, printing results and errors."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import is_dataclass
from datetime import date, datetime
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from bot.cli import errors, json_output
from bot.cli.authority_session import AuthoritySession, CommandDependencies, open_authority_session
from bot.cli.database_session import DatabaseSession, open_database_session
from services.formats.errors import FormatError
from services.formats.hidden import Hidden

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
UiNumberText = Annotated[str, typer.Argument(metavar="UI_NUMBER", help="UI No. 統一證號.")]
Result = TypeVar("Result")
Session = TypeVar("Session")

_BAD_INPUT, _REFUSED = 2, 1


class CommandOutput:
    """Prints a result as text for people, or as one JSON object."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console()
        self._error_console = Console(stderr=True)

    def print_result(self, values: Mapping[str, Any] | list[Any], *lines: str) -> None:
        """Print the result of a command."""
        if self.as_json:
            json_output.write_json(values, default=to_json_value)
            return
        for line in lines:
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def print_error(self, error: Exception) -> typer.Exit:
        """Print why something was refused, and return the exception that ends the command."""
        status = _BAD_INPUT if isinstance(error, FormatError) else _REFUSED
        details = errors.error_details(error)
        return self.print_refusal(
            errors.error_code(error), errors.refusal_text(error), details, status
        )

    def print_refusal(
        self,
        code: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        status: int = _REFUSED,
    ) -> typer.Exit:
        """Print a refusal, and return the exception that ends the command.

        :param code: name of the refusal for machines.
        """
        if self.as_json:
            json_output.write_json(
                {"error": code, "message": message, **(details or {})}, default=to_json_value
            )
        else:
            self._error_console.print(
                f"✗ {message}", style="red", markup=False, highlight=False, soft_wrap=True
            )
        return typer.Exit(status)


def run_with_authority(
    context: typer.Context,
    out: CommandOutput,
    work: Callable[[AuthoritySession], Awaitable[Result]],
) -> Result:
    """Open the authority and run `work`, or print why it was refused."""
    return _run(out, open_authority_session(_dependencies(context)), work)


def run_with_database(
    context: typer.Context,
    out: CommandOutput,
    work: Callable[[DatabaseSession], Awaitable[Result]],
) -> Result:
    """Open the database and run `work`, or print why it was refused."""
    parts = _dependencies(context)
    return _run(out, open_database_session(parts.settings(), parts.clock()), work)


def _dependencies(context: typer.Context) -> CommandDependencies:
    found = context.obj
    return found if isinstance(found, CommandDependencies) else CommandDependencies()


def _run(
    out: CommandOutput,
    opening: AbstractAsyncContextManager[Session],
    work: Callable[[Session], Awaitable[Result]],
) -> Result:
    async def run_in_session() -> Result:
        async with opening as session:
            return await work(session)

    try:
        return asyncio.run(run_in_session())
    except errors.REFUSAL_TYPES as error:
        raise out.print_error(error) from None


def to_json_value(value: object) -> Any:
    """Convert a value for JSON; hidden values stay hidden.

    :raises TypeError: for a value that has no form in JSON.
    """
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Hidden):
        return str(value)
    if isinstance(value, tuple | frozenset):
        return list(value)
    if is_dataclass(value) and not isinstance(value, type):
        return vars(value)
    raise TypeError(type(value).__name__)
