"""A bridge that runs against a counterpart, with a card and a person who follows a script."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from reader_bridge.card.connection import CardReaders
from reader_bridge.client.session import BridgeSession, SessionTimeouts
from reader_bridge.prompter import ExitReason, PinKind
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.counterpart import CODE, Counterpart, Line, listening
from tests.reader_bridge.running import running
from tests.reader_bridge.scripted_prompter import ScriptedPrompter

PIN, NEW_PIN = b"first123", b"second45"


@dataclass
class Stage:
    """A bridge at work, and who it speaks with."""

    server: Counterpart
    person: ScriptedPrompter
    session: BridgeSession
    task: asyncio.Task[ExitReason]

    async def paired(self) -> Line:
        """Come to be paired."""
        async with asyncio.timeout(20):
            return await self.server.paired()


SetUp = Callable[..., AbstractAsyncContextManager[Stage]]


def scripted(codes: tuple[str | None, ...] = (CODE,) * 5, **more: object) -> ScriptedPrompter:
    secrets = {PinKind.CURRENT: [PIN], PinKind.NEW: [NEW_PIN]}
    return ScriptedPrompter(codes, secrets, **more)  # type: ignore[arg-type]


@asynccontextmanager
async def staged(
    readers: CardReaders,
    person: ScriptedPrompter | None = None,
    patience: SessionTimeouts | None = None,
) -> AsyncIterator[Stage]:
    person = person or scripted()
    async with listening() as server, running(server.url, person, readers, patience) as bridge:
        try:
            yield Stage(server, person, bridge.session, bridge.task)
        finally:
            server.close()


@pytest.fixture
async def stage(reader: VirtualReader) -> AsyncIterator[Stage]:
    async with staged(reader) as ready:
        yield ready
