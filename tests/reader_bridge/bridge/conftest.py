"""A bridge that runs against a counterpart, with a card and a person who follows a script."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from reader_bridge.back_off import BackOff
from reader_bridge.bridge import Bridge
from reader_bridge.card.connection import CardReaders
from reader_bridge.link import Link
from reader_bridge.prompts import Ending, PinKind
from reader_bridge.scripted import ScriptedPrompter
from reader_bridge.session import Patience, Session
from reader_bridge.virtual_card.reader import VirtualReader
from tests.reader_bridge.counterpart import CODE, Counterpart, Line, listening

PIN, NEW_PIN = b"first123", b"second45"


@dataclass
class Stage:
    """A bridge at work, and who it speaks with."""

    server: Counterpart
    person: ScriptedPrompter
    session: Session
    task: asyncio.Task[Ending]

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
    patience: Patience | None = None,
) -> AsyncIterator[Stage]:
    person = person or scripted()

    async def no_time(_: float) -> None:
        await asyncio.sleep(0)

    async with listening() as server:
        session = Session(server.url, "127.0.0.1", person, readers, patience)
        bridge = Bridge(
            Link(server.url),
            session,
            "127.0.0.1",
            person,
            language="en",
            app_version="1.0",
            back_off=BackOff(lambda: 0.0),
            sleep=no_time,
        )
        task = asyncio.ensure_future(bridge.run())
        try:
            yield Stage(server, person, session, task)
        finally:
            task.cancel()
            server.close()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def stage(reader: VirtualReader) -> AsyncIterator[Stage]:
    async with staged(reader) as ready:
        yield ready
