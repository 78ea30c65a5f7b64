"""An HTTP proxy with CONNECT on this machine, as offices have one."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 64 * 1024
ESTABLISHED = "200 Connection established"
WANTS_BASIC = '407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="office"'


class ConnectProxy:
    """Connects whoever asks to one port of this machine, whatever host they ask for.

    :ivar answer: to every CONNECT; with another one than `ESTABLISHED` nobody is connected.
    :ivar login: name and password to ask for, with a colon between them.
    :ivar asked: the lines of all requests.
    :ivar logins: that it was sent; `None` for a request without one.
    """

    def __init__(self, target: int) -> None:
        self.url = ""
        self.name = ""
        self.answer = ESTABLISHED
        self.login: str | None = None
        self.asked: list[str] = []
        self.logins: list[str | None] = []
        self._target = target
        self._serving: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def running(cls, target: int = 9) -> AsyncIterator["ConnectProxy"]:
        """Run a proxy while the block runs."""
        proxy = cls(target)
        server = await asyncio.start_server(proxy._accept, "127.0.0.1", 0)
        proxy.name = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        proxy.url = f"http://{proxy.name}"
        try:
            yield proxy
        finally:
            server.close()
            for task in proxy._serving:
                task.cancel()
            await asyncio.gather(*proxy._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back: asyncio.StreamWriter | None = None
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head.split("\r\n", 1)[0])
            answer = self._answer_to(head)
            writer.write(f"HTTP/1.1 {answer}\r\n\r\n".encode())
            await writer.drain()
            if answer == ESTABLISHED:
                onward, back = await asyncio.open_connection("127.0.0.1", self._target)
                await asyncio.gather(_pass_on(reader, back), _pass_on(onward, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for each in filter(None, (back, writer)):
                each.close()

    def _answer_to(self, head: str) -> str:
        sent = None
        for line in head.split("\r\n"):
            name, _, value = line.partition(": ")
            if name.lower() == "proxy-authorization":
                sent = base64.b64decode(value.removeprefix("Basic ")).decode()
        self.logins.append(sent)
        return self.answer if self.login is None or sent == self.login else WANTS_BASIC


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while chunk := await source.read(_CHUNK):
        target.write(chunk)
        await target.drain()
    with suppress(OSError):
        target.write_eof()
