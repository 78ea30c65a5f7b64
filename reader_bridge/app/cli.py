"""The command `kaika-bridge`."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from importlib import metadata
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from reader_bridge.app import hardening, in_terminal, start, trust
from reader_bridge.app.check import report
from reader_bridge.app.check.run import check_reader_and_card
from reader_bridge.app.check.server import check_server
from reader_bridge.app.problems import STOPPERS, NoPassphraseError, explain
from reader_bridge.app.start import Options
from reader_bridge.app.terminal.keys import NoTerminalError
from reader_bridge.app.terminal.screen import Screen
from reader_bridge.app.words import N_, say
from reader_bridge.virtual_card.card import VirtualCard

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help=N_(
        "Kaika 開卡 on your PC: lets the chat reach the card in your reader, and asks you for the "
        "PIN here, never in the chat."
    ),
)
Server = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help=N_("The server's address, as the chat shows it.")),
]
Authority = Annotated[
    Path | None,
    typer.Option("--ca", metavar="FILE", help=N_("Trust the authorities in this PEM file only.")),
]
Language = Annotated[
    str | None,
    typer.Option("--language", metavar="TAG", help=N_("Language: en or zh-Hant (繁體中文).")),
]
Virtual = Annotated[
    Path | None,
    typer.Option(
        "--virtual-card",
        metavar="FILE",
        help=N_("Use a virtual card in place of the readers, to try Kaika out."),
    ),
]
Window = Annotated[bool, typer.Option("--window", help=N_("Open a window."))]
AsJson = Annotated[bool, typer.Option("--json", help=N_("Print JSON instead of text."))]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kaika-bridge {metadata.version('kaika')}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version",
        callback=_print_version,
        is_eager=True,
        help=N_("Print the version and exit."),
    ),
]


@app.callback(invoke_without_command=True)
def bridge(
    context: typer.Context,
    server: Server = None,
    ca: Authority = None,
    language: Language = None,
    virtual_card: Virtual = None,
    as_window: Window = False,
    version: Version = False,
) -> None:
    """Begin; without a command, connect to the chat."""
    options = Options(server, ca, language, virtual_card)
    context.obj = options
    if context.invoked_subcommand is None:
        _connect(options, as_window=as_window)


@app.command(help=N_("Open a window and connect to the chat."))
def window(
    context: typer.Context,
    server: Server = None,
    ca: Authority = None,
    language: Language = None,
    virtual_card: Virtual = None,
) -> None:
    """Connect, asking in a window."""
    options = Options(server, ca, language, virtual_card).or_else(context.obj)
    _connect(options, as_window=True)


@app.command(help=N_("Check reader service, reader, card and server, and say what to do."))
def check(
    context: typer.Context,
    server: Server = None,
    ca: Authority = None,
    language: Language = None,
    virtual_card: Virtual = None,
    as_json: AsJson = False,
) -> None:
    """Check everything, and say what to do about what is missing."""
    options = Options(server, ca, language, virtual_card).or_else(context.obj)
    language = start.speak(options.language)
    address, trusted = start.server(options), trust.context(options.ca)
    card = _card(options.virtual_card, language)
    try:
        findings = asyncio.run(check_reader_and_card(start.readers(card), datetime.now(UTC)))
    finally:
        if card:
            card.close()
    findings.append(asyncio.run(check_server(address, trusted)))
    if as_json:
        typer.echo(json.dumps(report.as_json(findings, language)))
    else:
        report.show(findings, language, Console())
    if not report.in_order(findings):
        raise typer.Exit(1)


def _card(path: Path | None, language: str) -> VirtualCard | None:
    """Open the virtual card, asking for its passphrase where the environment has none."""
    if path is None:
        return None
    start.looks_like_card(path)
    passphrase = start.passphrase_from_environment()
    if passphrase is None:
        passphrase = _ask_passphrase(language)
    if passphrase is None:
        raise NoPassphraseError
    return start.open_card(path, passphrase)


def _ask_passphrase(language: str) -> str | None:
    try:
        with Screen(language) as screen:
            question = say(language, "Passphrase of the virtual card:")
            return asyncio.run(screen.secret_text(question))
    except NoTerminalError as error:
        raise NoPassphraseError from error


def _connect(options: Options, *, as_window: bool) -> None:
    language = start.speak(options.language)
    if as_window:
        from reader_bridge.app.in_window import run  # the toolkit takes a while to load

        run(options, language)
        return
    trust.context(options.ca)  # a useless file is told before anything is asked
    start.server(options)
    card = _card(options.virtual_card, language)
    try:
        in_terminal.run(options, language, start.readers(card))
    finally:
        if card:
            card.close()


def _translate_help(command: Any, language: str) -> None:
    """Put every help text of a command and of those below it into a language."""
    for said in (command, *command.params):
        if text := getattr(said, "help", None):
            said.help = say(language, text)
    for below in getattr(command, "commands", {}).values():
        _translate_help(below, language)


def _language_on(line: list[str]) -> str:
    """Give the language for help and errors, before the line is taken apart."""
    for index, word in enumerate(line):
        if word.startswith("--language"):
            wanted = word.partition("=")[2] or "".join(line[index + 1 : index + 2])
            return start.speak(wanted)
    return start.speak(None)


def main() -> None:
    """Run the command line; what the person can mend is said without a traceback."""
    hardening.no_memory_dumps()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what its encoding does not have ends nothing
            stream.reconfigure(errors="replace")
    language = _language_on(sys.argv[1:])
    command = typer.main.get_command(app)
    _translate_help(command, language)
    try:
        command(prog_name="kaika-bridge")
    except STOPPERS as error:
        told = Text(f"✗ {explain(error, language)}", style="red")
        Console(stderr=True).print(told, soft_wrap=True)  # a command in it has to stay whole
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
