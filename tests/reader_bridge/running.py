"""The project's own bridge, run against a server of a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from reader_bridge.card.connection import CardReaders
from reader_bridge.client.client import BridgeClient
from reader_bridge.client.session import BridgeSession, SessionTimeouts
from reader_bridge.client.websocket import ReconnectDelay, ServerConnector
from reader_bridge.prompter import ExitReason, Prompter


@dataclass
class Running:
    """A bridge at work."""

    session: BridgeSession
    task: asyncio.Task[ExitReason]


@asynccontextmanager
async def running(
    url: str,
    person: Prompter,
    readers: CardReaders,
    patience: SessionTimeouts | None = None,
    link: ServerConnector | None = None,
    pause: float = 0.0,
) -> AsyncIterator[Running]:
    """Have a bridge that dials a server, and dials again at once where the link is lost.

    :param pause: seconds before it dials again, where somebody else has to start the server.
    """

    async def no_time(_: float) -> None:
        await asyncio.sleep(pause)

    session = BridgeSession(url, "127.0.0.1", person, readers, patience)
    bridge = BridgeClient(
        link or ServerConnector(url),
        session,
        "127.0.0.1",
        person,
        language="en",
        app_version="1.0",
        reconnect_delay=ReconnectDelay(lambda: 0.0),
        sleep=no_time,
    )
    task = asyncio.ensure_future(bridge.run())
    try:
        yield Running(session, task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
