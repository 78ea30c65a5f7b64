"""The server of the tests: crashed, frozen, stopped and started again it keeps what it had."""

import asyncio

import asyncpg  # type: ignore[import-untyped]
import pytest

from tests.services.authority.postgres import PostgresServer


async def _connect(server: PostgresServer) -> asyncpg.Connection:
    return await asyncpg.connect(server.url("postgres").replace("+asyncpg", ""))


async def test_it_can_be_frozen_emptied_of_connections_crashed_and_stopped(
    postgres: PostgresServer,
) -> None:
    connection = await _connect(postgres)
    postgres.freeze()
    answer = asyncio.ensure_future(connection.fetchval("SELECT 1"))
    done, _ = await asyncio.wait({answer}, timeout=0.05)
    assert not done
    postgres.thaw()
    assert await answer == 1
    assert postgres.kill_backends("postgres") == 1
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await connection.fetchval("SELECT 1")
    for end in (postgres.crash, postgres.stop):
        end()
        assert not postgres.is_running
        with pytest.raises(ConnectionRefusedError):
            await _connect(postgres)
        postgres.launch()
        postgres.wait_until_ready()
    assert "kaika_test" in postgres.query("postgres", "SELECT datname FROM pg_database")
