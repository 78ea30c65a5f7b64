"""A TCP proxy that can go silent, cut its connections, or refuse new ones.

Put before a server, it plays a network that fails: a silent one accepts connections and bytes and
passes nothing on, in either direction, so that no end learns of it. The ends' own kernels still
acknowledge what they receive, so that keepalive of TCP cannot notice: only a time limit can.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 64 * 1024


class TcpProxy:
    """A running proxy before one port of this machine.

    :ivar port: where it listens.
    """

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._server: asyncio.Server | None = None
        self._passes = asyncio.Event()
        self._passes.set()
        self._connections: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def running(cls, target: int) -> AsyncIterator["TcpProxy"]:
        """Run a proxy while the block runs."""
        proxy = cls(target)
        await proxy.listen()
        try:
            yield proxy
        finally:
            await proxy.refuse()
            proxy.cut()
            proxy.speak()
            for task in proxy._serving:
                task.cancel()
            await asyncio.gather(*proxy._serving, return_exceptions=True)

    async def listen(self) -> None:
        """Accept connections, at the port it had before."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Refuse new connections; those that are open stay."""
        if self._server is not None:
            self._server.close()
        self._server = None

    def be_silent(self) -> None:
        """Hold back every byte from now on, also of new connections."""
        self._passes.clear()

    def speak(self) -> None:
        """Pass on what was held back, and everything after it."""
        self._passes.set()

    def cut(self) -> None:
        """Reset every open connection, at both ends."""
        for writer in self._connections:
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            await self._passes.wait()
            onward, back = await asyncio.open_connection("127.0.0.1", self._target)
            self._connections.add(back)
            try:
                await asyncio.gather(self._pass_on(reader, back), self._pass_on(onward, writer))
            finally:
                self._connections.discard(back)
                back.transport.abort()
        except OSError:
            pass
        finally:
            self._connections.discard(writer)
            writer.transport.abort()

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while chunk := await source.read(_CHUNK):
            await self._passes.wait()
            target.write(chunk)
            await target.drain()
        with suppress(OSError):
            target.write_eof()
