"""What the authority's commands share: running work, printing results and refusals."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import is_dataclass
from datetime import date, datetime
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from bot.cli import json_output, refusals
from bot.cli.session import AuthoritySession, CommandDependencies, open_authority_session
from services.formats.errors import FormatError
from services.formats.hidden import Hidden

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
UiNumberText = Annotated[str, typer.Argument(metavar="UI_NUMBER", help="UI No. 統一證號.")]
Result = TypeVar("Result")

_BAD_INPUT, _REFUSED = 2, 1


class Out:
    """Prints a result as text for people, or as one JSON object."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console()
        self._errors = Console(stderr=True)

    def result(self, values: Mapping[str, Any] | list[Any], *lines: str) -> None:
        """Print what was done."""
        if self.as_json:
            json_output.write(values, default=plain)
            return
        for line in lines:
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def refusal(self, error: Exception) -> typer.Exit:
        """Print why something was refused, and give what ends the command."""
        status = _BAD_INPUT if isinstance(error, FormatError) else _REFUSED
        details = refusals.values(error)
        return self.refuse(refusals.code(error), refusals.explain(error), details, status)

    def refuse(
        self, code: str, told: str, details: Mapping[str, Any] | None = None, status: int = _REFUSED
    ) -> typer.Exit:
        """Print a refusal, and give what ends the command.

        :param code: its name for machines.
        """
        if self.as_json:
            json_output.write({"error": code, "message": told, **(details or {})}, default=plain)
        else:
            self._errors.print(
                f"✗ {told}", style="red", markup=False, highlight=False, soft_wrap=True
            )
        return typer.Exit(status)


def run(
    context: typer.Context, out: Out, work: Callable[[AuthoritySession], Awaitable[Result]]
) -> Result:
    """Open the authority, do the work, and print a refusal where there is one."""
    parts = context.obj if isinstance(context.obj, CommandDependencies) else CommandDependencies()

    async def with_session() -> Result:
        async with open_authority_session(parts) as session:
            return await work(session)

    try:
        return asyncio.run(with_session())
    except refusals.REFUSALS as error:
        raise out.refusal(error) from None


def plain(value: object) -> Any:
    """Give a value as JSON has it; a hidden one stays hidden.

    :raises TypeError: for what JSON has no form of.
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
