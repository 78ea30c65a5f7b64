"""A link over which every byte takes its time: a relay on this machine that holds back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class SlowLink:
    """Leads whoever dials it on to another port.

    :param seconds: each way.
    :ivar target: the other port.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.target = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        """Be there while the block runs; gives the port to dial."""
        server = await asyncio.start_server(self._dialled, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()

    async def _dialled(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(self._carry(reader, onward[1]), self._carry(onward[0], writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one direction: what comes in leaves so many seconds later, in order."""
        loop = asyncio.get_running_loop()
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                loop.call_later(self.seconds, writer.write, data)
        loop.call_later(self.seconds, writer.close)
