"""What a test at a terminal does again and again: see, pair, and wait for the end."""

import asyncio

from tests.reader_bridge.app.at_terminal import PersonAtTerminal
from tests.reader_bridge.counterpart import CODE, NAME, Counterpart, Line


async def sees(person: PersonAtTerminal, *texts: str) -> None:
    await asyncio.to_thread(person.sees, *texts)


async def ends(person: PersonAtTerminal) -> int:
    return await asyncio.to_thread(person.ends)


async def pair(person: PersonAtTerminal, server: Counterpart, ask: str = "Code:") -> Line:
    """Come to be paired."""
    line = await server.next()
    pairing = asyncio.ensure_future(line.pair())
    await sees(person, ask)
    person.types(CODE)
    await sees(person, "[y/n]")
    person.types("y")
    await pairing
    await sees(person, NAME)
    return line
