"""Steps that tests at a terminal repeat: see a text, pair, wait for the end."""

import asyncio

from tests import phrases
from tests.reader_bridge.app.terminal_user import TerminalUser
from tests.reader_bridge.scripted_server import CODE, NAME, BridgeLink, ScriptedServer


async def sees(person: TerminalUser, *texts: str) -> None:
    await asyncio.to_thread(person.sees, *texts)


async def ends(person: TerminalUser) -> int:
    return await asyncio.to_thread(person.ends)


async def pair(
    person: TerminalUser, server: ScriptedServer, ask: str = phrases.CODE_LABEL
) -> BridgeLink:
    """Pair with the server."""
    line = await server.accept()
    pairing = asyncio.ensure_future(line.pair())
    await sees(person, ask)
    person.types(CODE)
    await sees(person, "[y/n]")
    person.types("y")
    await pairing
    await sees(person, NAME)
    return line
