"""The proxy that plays a failing network."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.tcp_proxy import TcpProxy


class EchoClient:
    """A client of the echo server behind the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def echo(self, line: bytes) -> bytes:
        """Send a line and return the answer."""
        self.writer.write(line)
        return await self.reader.readline()


class EchoServer:
    """An echo server behind a proxy."""

    def __init__(self, proxy: TcpProxy) -> None:
        self.proxy = proxy
        self.clients: list[EchoClient] = []

    async def connect(self) -> EchoClient:
        """Connect through the proxy."""
        client = EchoClient(*await asyncio.open_connection("127.0.0.1", self.proxy.port))
        self.clients.append(client)
        return client


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
    writer.close()


@pytest.fixture
async def behind() -> AsyncIterator[EchoServer]:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    async with server, TcpProxy.running(server.sockets[0].getsockname()[1]) as proxy:
        behind = EchoServer(proxy)
        yield behind
        for client in behind.clients:
            client.writer.transport.abort()


async def test_it_passes_bytes_on(behind: EchoServer) -> None:
    client = await behind.connect()
    assert await client.echo(b"one\n") == b"one\n"
    client.writer.write_eof()
    assert await client.reader.read() == b""


async def test_silent_it_holds_everything_back_until_it_speaks(behind: EchoServer) -> None:
    old = await behind.connect()
    assert await old.echo(b"before\n") == b"before\n"
    behind.proxy.be_silent()
    new = await behind.connect()
    answers = [asyncio.ensure_future(client.echo(b"x\n")) for client in (old, new)]
    done, _ = await asyncio.wait(answers, timeout=0.05)
    assert not done
    behind.proxy.speak()
    assert await asyncio.gather(*answers) == [b"x\n", b"x\n"]


async def test_it_cuts_and_refuses_and_listens_again_where_it_was(behind: EchoServer) -> None:
    client, port = await behind.connect(), behind.proxy.port
    assert await client.echo(b"one\n") == b"one\n"
    await behind.proxy.refuse()
    behind.proxy.cut()
    with pytest.raises(ConnectionResetError):
        await client.echo(b"two\n")
    with pytest.raises(ConnectionRefusedError):
        await behind.connect()
    await behind.proxy.listen()
    assert behind.proxy.port == port
    assert await (await behind.connect()).echo(b"three\n") == b"three\n"
