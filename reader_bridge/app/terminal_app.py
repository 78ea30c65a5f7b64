"""The app in a terminal, from start to end."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from importlib.metadata import version

from reader_bridge.app import notice_texts
from reader_bridge.app.link_inbox import LinkInbox
from reader_bridge.app.options import CommandOptions, pairing_links, remember, server_address
from reader_bridge.app.running_app import accept_links
from reader_bridge.app.startup_errors import ServerAddressMissingError
from reader_bridge.app.terminal.prompter import TerminalPrompter
from reader_bridge.app.terminal.screen import TerminalScreen
from reader_bridge.app.tls import create_tls_context
from reader_bridge.app.translation import localise
from reader_bridge.card.connection import CardReaders
from reader_bridge.client import client
from reader_bridge.client.proxies import ProxySettings
from reader_bridge.prompter import ExitReason


def run_in_terminal(
    options: CommandOptions, language: str, readers: Callable[[], CardReaders]
) -> None:
    """Connect, and stay until the person or the server ends it."""
    with TerminalScreen(language) as screen:
        try:
            ending = asyncio.run(_run(options, screen, readers))
            screen.print(localise(language, notice_texts.EXIT_TEXTS[ending]))
        except (KeyboardInterrupt, asyncio.CancelledError, EOFError):
            screen.print("", localise(language, notice_texts.STOPPED))


async def _run(
    options: CommandOptions, screen: TerminalScreen, readers: Callable[[], CardReaders]
) -> ExitReason:
    """Run the client. Ctrl-C, SIGTERM and SIGHUP cancel it."""
    task = asyncio.current_task()
    assert task
    for name in ("SIGTERM", "SIGHUP"):
        with contextlib.suppress(AttributeError, NotImplementedError):  # Windows has none
            asyncio.get_running_loop().add_signal_handler(getattr(signal, name), task.cancel)
    trusted = create_tls_context(options.ca)
    proxies = ProxySettings()
    address = server_address(options) or await screen.ask_address(trusted, proxies)
    if address is None:
        raise ServerAddressMissingError
    prompter = TerminalPrompter(
        screen, address.host, lambda: remember(address, options.language and screen.language)
    )
    links = pairing_links(options)
    try:
        async with accept_links(LinkInbox(links, prompter.show).take):
            return await client.run_bridge(
                url=address.url,
                host=address.host,
                tls=trusted if address.url.startswith("wss:") else None,
                readers=readers(),
                prompter=prompter,
                language=screen.language.replace("_", "-"),
                app_version=version("kaika"),
                links=links,
                proxies=proxies,
            )
    finally:
        prompter.stop_status()
