"""A bridge that runs against a scripted server, with a card and a scripted person."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from reader_bridge.card.connection import CardReaders
from reader_bridge.client.pairing_flow import PairingLinks
from reader_bridge.client.session import ServerSession, SessionTimeouts
from reader_bridge.prompter import ExitReason, PinKind
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.bridge_runner import run_test_bridge
from tests.reader_bridge.scripted_prompter import ScriptedPrompter
from tests.reader_bridge.scripted_server import (
    CODE,
    BridgeLink,
    ScriptedServer,
    run_scripted_server,
)

PIN, NEW_PIN = b"first123", b"second45"


@dataclass
class RunningClient:
    """A running bridge and the server it is connected to."""

    server: ScriptedServer
    person: ScriptedPrompter
    session: ServerSession
    task: asyncio.Task[ExitReason]

    async def pair(self) -> BridgeLink:
        """Wait until it is paired."""
        async with asyncio.timeout(20):
            return await self.server.accept_and_pair()


SetUp = Callable[..., AbstractAsyncContextManager[RunningClient]]


def scripted_person(
    codes: tuple[str | None, ...] = (CODE,) * 5, **more: object
) -> ScriptedPrompter:
    secrets = {PinKind.CURRENT: [PIN], PinKind.NEW: [NEW_PIN]}
    return ScriptedPrompter(codes, secrets, **more)  # type: ignore[arg-type]


@asynccontextmanager
async def run_client(
    readers: CardReaders,
    person: ScriptedPrompter | None = None,
    timeouts: SessionTimeouts | None = None,
    links: PairingLinks | None = None,
) -> AsyncIterator[RunningClient]:
    person = person or scripted_person()
    async with (
        run_scripted_server() as server,
        run_test_bridge(server.url, person, readers, timeouts, links=links) as bridge,
    ):
        try:
            yield RunningClient(server, person, bridge.session, bridge.task)
        finally:
            server.close()


@pytest.fixture
async def harness(reader: VirtualReader) -> AsyncIterator[RunningClient]:
    async with run_client(reader) as ready:
        yield ready
