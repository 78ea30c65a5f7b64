"""Readers that can break: one in this process, and one of a real reader service."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from reader_bridge.card.connection import (
    CardConnection,
    CardReaders,
    ReaderService,
    ReaderSnapshot,
    ReaderState,
)
from reader_bridge.card.errors import ReaderServiceError
from reader_bridge.card.pcsc import PcscReaders
from reader_bridge.virtual_card.reader import InsertableCard, VirtualReader
from tests.reader_bridge.card.pcsc_sandbox import READER, PcscSandbox
from tests.reader_bridge.card.snapshot_recorder import SnapshotRecorder, has_card
from tests.reader_bridge.virtual_card.vpcd import VpcdReader


class BreakableReader(Protocol):
    """A reader that can break.

    :ivar readers: what the bridge uses.
    """

    @property
    def readers(self) -> CardReaders: ...

    @property
    def is_ready(self) -> bool:
        """Whether the service runs and a card is in."""

    async def restore(self, card: InsertableCard) -> None:
        """Let the service run, with the card in the reader."""

    def pull(self) -> None:
        """Take the card out, whatever it is doing."""

    def stop(self) -> None:
        """Let the service crash, and every connection with it."""


class BreakableVirtualReader(VirtualReader):
    """A reader in this process whose service can stop."""

    _runs = True

    @property
    def readers(self) -> CardReaders:
        return self

    @property
    def is_ready(self) -> bool:
        return self._runs and self._card is not None

    async def restore(self, card: InsertableCard) -> None:
        self._runs = True
        self.insert(card)

    def stop(self) -> None:
        self._runs = False
        self.pull()

    def list_readers(self) -> tuple[ReaderState, ...]:
        if not self._runs:
            raise ReaderServiceError
        return super().list_readers()

    def connect(self, reader: str, *, exclusive: bool = False) -> CardConnection:
        if not self._runs:
            raise ReaderServiceError
        return super().connect(reader, exclusive=exclusive)


class BreakablePcscReader:
    """A reader of a real reader service."""

    def __init__(self, room: PcscSandbox) -> None:
        self._room, self._runs = room, True
        self.readers: CardReaders = PcscReaders(busy_timeout=1)
        self._vpcd = VpcdReader(room.connect)
        self._snapshots = SnapshotRecorder()
        self._watch = self.readers.watch(self._snapshots)

    @property
    def is_ready(self) -> bool:
        return self._runs and self._vpcd.inserted

    async def restore(self, card: InsertableCard) -> None:
        await self._restart_service()
        if not self._vpcd.inserted:
            await self._wait_for_card(False)
            self._vpcd.insert(card)
        await self._wait_for_card(True)

    async def _restart_service(self) -> None:
        """Start the service and wait for it; a card that was in is put in again by itself."""
        if not self._runs:
            self._runs = True
            await self._wait_until(lambda snapshot: snapshot.service is ReaderService.STOPPED)
            await asyncio.to_thread(self._room.start)

    async def _wait_for_card(self, is_in: bool) -> None:
        expected = has_card(READER, is_in)
        await self._wait_until(
            lambda now: (
                now.service is ReaderService.RUNNING and len(now.readers) == 2 and expected(now)
            )
        )

    async def _wait_until(self, expected: Callable[[ReaderSnapshot], bool]) -> None:
        await asyncio.to_thread(self._snapshots.wait_until, expected)

    def pull(self) -> None:
        self._vpcd.pull()

    def stop(self) -> None:
        self._runs = False
        self._room.stop()

    async def close(self) -> None:
        """Leave an empty reader and a running service."""
        await self._restart_service()
        self._vpcd.pull()
        await self._wait_for_card(False)
        self._watch.close()
