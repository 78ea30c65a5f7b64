"""The command `kaika-bridge`."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from importlib import metadata
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from reader_bridge.app import hardening, terminal_app, unpacked_folder
from reader_bridge.app.check import report
from reader_bridge.app.check.run import check_reader_and_card
from reader_bridge.app.check.server import check_server
from reader_bridge.app.link_inbox import LinkAnswer
from reader_bridge.app.options import (
    CommandOptions,
    check_card_file,
    choose_language,
    open_virtual_card,
    pairing_links,
    reader_factory,
    server_address,
    take_passphrase_from_environment,
)
from reader_bridge.app.pairing_link import PairingLinkError
from reader_bridge.app.running_app import hand_over
from reader_bridge.app.startup_errors import (
    STARTUP_ERRORS,
    PassphraseMissingError,
    TerminalMissingError,
    startup_error_text,
)
from reader_bridge.app.terminal.screen import TerminalScreen
from reader_bridge.app.tls import create_tls_context
from reader_bridge.app.translation import N_, localise
from reader_bridge.app.window_app import PROBE, probe_screen, run_in_window
from reader_bridge.virtual_card.card import VirtualCard

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help=N_(
        "Kaika 開卡 on your PC: lets the chat reach the card in your reader, and asks you for "
        "the PIN here, never in the chat."
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
Link = Annotated[
    str | None,
    typer.Option(
        "--link",
        metavar="LINK",
        help=N_("Take the pairing code from a kaika://pair link, as the browser does."),
    ),
]
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
    link: Link = None,
    as_window: Window = False,
    version: Version = False,
) -> None:
    """Begin; without a command, connect to the chat."""
    options = CommandOptions(server, ca, language, virtual_card, link)
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
    link: Link = None,
) -> None:
    """Connect, asking in a window."""
    options = CommandOptions(server, ca, language, virtual_card, link).with_defaults(context.obj)
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
    options = CommandOptions(server, ca, language, virtual_card).with_defaults(context.obj)
    language = choose_language(options.language)
    address, trusted = server_address(options), create_tls_context(options.ca)
    card = _open_card(options.virtual_card, language)
    try:
        findings = asyncio.run(check_reader_and_card(reader_factory(card), datetime.now(UTC)))
    finally:
        if card:
            card.close()
    findings.append(asyncio.run(check_server(address, trusted)))
    if as_json:
        typer.echo(json.dumps(report.as_json(findings, language)))
    else:
        report.print_report(findings, language, Console())
    if not report.has_no_failure(findings):
        raise typer.Exit(1)


def _open_card(path: Path | None, language: str) -> VirtualCard | None:
    """Open the virtual card, asking for its passphrase unless the environment has it."""
    if path is None:
        return None
    check_card_file(path)
    passphrase = take_passphrase_from_environment()
    if passphrase is None:
        passphrase = _ask_passphrase(language)
    if passphrase is None:
        raise PassphraseMissingError
    return open_virtual_card(path, passphrase)


def _ask_passphrase(language: str) -> str | None:
    try:
        with TerminalScreen(language) as screen:
            question = localise(language, "Passphrase of the virtual card:")
            return asyncio.run(screen.ask_passphrase(question))
    except TerminalMissingError as error:
        raise PassphraseMissingError from error


def _connect(options: CommandOptions, *, as_window: bool) -> None:
    language = choose_language(options.language)
    if options.link is not None and _hand_over(options.link, language):
        return
    if as_window:
        run_in_window(options, language)
        return
    pairing_links(options)  # a useless link or file is told before anything is asked
    create_tls_context(options.ca)
    server_address(options)
    card = _open_card(options.virtual_card, language)
    try:
        terminal_app.run_in_terminal(options, language, reader_factory(card))
    finally:
        if card:
            card.close()


def _hand_over(link: str, language: str) -> bool:
    """Hand a link to the app that runs already; `False` where none runs.

    :raises PairingLinkError: it is no link with a pairing code; that app says so too.
    """
    match hand_over(link):
        case None:
            return False
        case LinkAnswer.NO_CODE:
            raise PairingLinkError
        case LinkAnswer.ACCEPTED:
            text = N_("kaika-bridge is already open; continue there.")
        case LinkAnswer.NOT_USED:
            text = N_(
                "kaika-bridge is already open and takes no code now: it is connected to a chat, or "
                "asks something else. Continue there."
            )
    typer.echo(localise(language, text))
    return True


def _translate_help(command: Any, language: str) -> None:
    """Translate the help texts of a command and its subcommands."""
    for said in (command, *command.params):
        if text := getattr(said, "help", None):
            said.help = localise(language, text)
    for below in getattr(command, "commands", {}).values():
        _translate_help(below, language)


def _language_from_arguments(line: list[str]) -> str:
    """Return the language for help and errors, before the arguments are parsed."""
    for index, word in enumerate(line):
        if word.startswith("--language"):
            wanted = word.partition("=")[2] or "".join(line[index + 1 : index + 2])
            return choose_language(wanted)
    return choose_language(None)


def main() -> None:
    """Run the command line. Errors that the person can fix are printed without a traceback."""
    hardening.disable_memory_dumps()
    if os.environ.pop(PROBE, None):
        probe_screen()
        return
    if unpacked := unpacked_folder.own_folder():
        unpacked_folder.tidy_up(unpacked)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what its encoding does not have ends nothing
            stream.reconfigure(errors="replace")
    language = _language_from_arguments(sys.argv[1:])
    command = typer.main.get_command(app)
    _translate_help(command, language)
    try:
        command(prog_name="kaika-bridge")
    except STARTUP_ERRORS as error:
        text = Text(f"✗ {startup_error_text(error, language)}", style="red")
        Console(stderr=True).print(text, soft_wrap=True)  # a command in it has to stay whole
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
