"""A reader that things can happen to: one of this process, and one of a real service."""

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
from tests.reader_bridge.card.reader_room import READER, ReaderRoom
from tests.reader_bridge.card.watching import Told, has_card
from tests.reader_bridge.virtual_card.vpcd import VpcdReader


class AnyReader(Protocol):
    """A reader, of this process or of a real service, that things can happen to.

    :ivar readers: what the bridge asks.
    """

    @property
    def readers(self) -> CardReaders: ...

    @property
    def is_in_order(self) -> bool:
        """Whether the service runs and a card is in."""

    async def put_in_order(self, card: InsertableCard) -> None:
        """Have the service run, with the card in the reader."""

    def pull(self) -> None:
        """Take the card out, whatever it is doing."""

    def stop(self) -> None:
        """Let the service crash, and every connection with it."""


class ServicedReader(VirtualReader):
    """A reader in this process whose service can stop."""

    _runs = True

    @property
    def readers(self) -> CardReaders:
        return self

    @property
    def is_in_order(self) -> bool:
        return self._runs and self._card is not None

    async def put_in_order(self, card: InsertableCard) -> None:
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


class RealReader:
    """A reader of a real service."""

    def __init__(self, room: ReaderRoom) -> None:
        self._room, self._runs = room, True
        self.readers: CardReaders = PcscReaders(busy_timeout=1)
        self._vpcd = VpcdReader(room.connect)
        self._told = Told()
        self._watch = self.readers.watch(self._told)

    @property
    def is_in_order(self) -> bool:
        return self._runs and self._vpcd.inserted

    async def put_in_order(self, card: InsertableCard) -> None:
        await self._serves()
        if not self._vpcd.inserted:
            await self._has_card(False)
            self._vpcd.insert(card)
        await self._has_card(True)

    async def _serves(self) -> None:
        """Have the service run, and be seen to; a card that is in is put in again by itself."""
        if not self._runs:
            self._runs = True
            await self._seen(lambda snapshot: snapshot.service is ReaderService.STOPPED)
            await asyncio.to_thread(self._room.start)

    async def _has_card(self, is_in: bool) -> None:
        expected = has_card(READER, is_in)
        await self._seen(
            lambda now: (
                now.service is ReaderService.RUNNING and len(now.readers) == 2 and expected(now)
            )
        )

    async def _seen(self, expected: Callable[[ReaderSnapshot], bool]) -> None:
        await asyncio.to_thread(self._told.until, expected)

    def pull(self) -> None:
        self._vpcd.pull()

    def stop(self) -> None:
        self._runs = False
        self._room.stop()

    async def close(self) -> None:
        """Leave an empty reader of a service that runs."""
        await self._serves()
        self._vpcd.pull()
        await self._has_card(False)
        self._watch.close()
