"""Runs the project's own bridge against a server of a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from reader_bridge.card.connection import CardReaders
from reader_bridge.client.client import BridgeClient
from reader_bridge.client.pairing_flow import PairingLinks
from reader_bridge.client.session import ServerSession, SessionTimeouts
from reader_bridge.client.websocket import ReconnectDelay, ServerConnector
from reader_bridge.prompter import ExitReason, Prompter


@dataclass
class RunningBridge:
    """A running bridge."""

    session: ServerSession
    task: asyncio.Task[ExitReason]


@asynccontextmanager
async def run_test_bridge(
    url: str,
    person: Prompter,
    readers: CardReaders,
    timeouts: SessionTimeouts | None = None,
    connector: ServerConnector | None = None,
    reconnect_seconds: float = 0.0,
    links: PairingLinks | None = None,
) -> AsyncIterator[RunningBridge]:
    """Run a bridge that reconnects immediately.

    :param reconnect_seconds: before it reconnects, where something else has to start the server.
    """

    async def no_time(_: float) -> None:
        await asyncio.sleep(reconnect_seconds)

    session = ServerSession(url, "127.0.0.1", person, readers, timeouts, links)
    bridge = BridgeClient(
        connector or ServerConnector(url),
        session,
        "127.0.0.1",
        person,
        language="en",
        app_version="1.9.0",
        reconnect_delay=ReconnectDelay(lambda: 0.0),
        sleep=no_time,
    )
    task = asyncio.ensure_future(bridge.run())
    try:
        yield RunningBridge(session, task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
