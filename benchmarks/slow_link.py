"""A TCP relay on this machine that delays every byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class SlowLink:
    """Forwards connections to another port, with a delay.

    :param seconds: the delay in each direction.
    :ivar target: the port to forward to.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.target = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        """Listen while the block runs; yields the port."""
        server = await asyncio.start_server(self._forward_connection, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()

    async def _forward_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        onward = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(self._carry(reader, onward[1]), self._carry(onward[0], writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one direction, in order, after the delay."""
        loop = asyncio.get_running_loop()
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                loop.call_later(self.seconds, writer.write, data)
        loop.call_later(self.seconds, writer.close)
