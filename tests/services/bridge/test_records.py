"""What is written down: nothing secret, nothing lost when the database is away, nothing twice."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from bot.cli.keys import COLUMNS
from services.authority.lifecycle import CertificateState
from services.bridge.events import OperationEvent, OperationSucceeded, PairingOffered
from services.bridge.models import SEALED_COLUMNS
from services.bridge.operations.task import CardTask
from services.storage import keys
from services.storage.rotation import find_keys_in_use, reseal
from tests.services.authority.conftest import make_url
from tests.services.authority.world import CHAT
from tests.services.bridge.pc import Pc
from tests.services.bridge.world import BridgeWorld

__all__ = ["make_url"]  # on each kind of database

TABLES = ("bridge_codes", "bridge_sessions", "bridge_operations", "bridge_releases")


async def everything(world: BridgeWorld) -> bytes:
    """Give all that the bridge's tables and the audit hold, as one text."""
    found: list[object] = []
    async with world.world.database.unit_of_work() as session:
        for table in (*TABLES, "audit_entries"):
            for row in await session.execute(text(f"SELECT * FROM {table}")):  # noqa: S608
                found += row
    return b"\n".join(v if isinstance(v, bytes) else str(v).encode() for v in found)


async def test_no_secret_is_on_record_or_in_a_log(world: BridgeWorld) -> None:
    someone, card = await world.person()
    with capture_logs() as logs:
        pc = await world.paired_pc(card)
        grant = await world.grant(someone, CardTask.ACTIVATE)
        await world.hub.start(CHAT, CardTask.ACTIVATE, world.now, grant)
        await pc.works()
    assert pc.secret is not None
    said = await everything(world) + repr((logs, world.events)).encode()
    cryptogram = pc.heard_of("admin_cryptogram")[0]["cryptogram"].encode()
    for secret in (card.admin_key, pc.secret):
        for form in (secret, secret.hex().encode(), secret[::-1]):
            assert form not in said
    assert cryptogram not in said
    assert card.serial.encode() in said


@contextmanager
def away(world: BridgeWorld) -> Iterator[None]:
    """Have no database for a while."""
    there = world.world.database.unit_of_work

    def fails() -> object:
        raise OperationalError("", {}, Exception())

    world.world.database.unit_of_work = fails  # type: ignore
    try:
        yield
    finally:
        world.world.database.unit_of_work = there  # type: ignore[method-assign]


@pytest.mark.parametrize("at", ["pair", "result", "admin_challenge", "receipt"])
async def test_a_message_that_could_not_be_taken_comes_again(world: BridgeWorld, at: str) -> None:
    """The database is away for a moment; the link is closed, and nothing is lost."""
    someone, card = await world.person()
    if at == "pair":
        pc = Pc(world, None)
        await pc.dials()
        code = (await world.hub.issue_pairing_code(CHAT, CHAT, "Anna", world.now)).code.reveal()
        with away(world):
            await pc.types(code)
        assert not pc.is_linked
        await pc.loses_link()
        await pc.dials()
        await pc.types(code)
        assert world.told(PairingOffered)
        return
    pc = await world.paired_pc(card)
    before = {"result": "start", "admin_challenge": "start", "receipt": "admin_verified"}[at]

    async def walk() -> None:
        grant = await world.grant(someone, CardTask.ACTIVATE)
        await world.hub.start(CHAT, CardTask.ACTIVATE, world.now, grant)
        if at == "admin_challenge":
            pc.before = lambda message: message.get("operation") != "set_pin"
            await pc.works()
            pc.before = lambda _: True
            pc._inbox.append({**pc.heard_of("start")[-1], "seq": 0})
        elif at == "receipt":
            pc.before = lambda message: message["type"] != before
            await pc.works()
            pc.before = lambda _: True
            pc._inbox.append({**pc.heard_of(before)[-1], "seq": 0})

    await walk()
    with away(world):
        await pc.works()
    assert not pc.is_linked
    await pc.loses_link()
    await pc.dials()
    await pc.works()
    assert isinstance(world.told(OperationEvent)[-1], OperationSucceeded)
    assert await world.certificates_of(someone) is CertificateState.ACTIVE
    assert (await world.card_steps()).count("cryptogram") == 1


async def test_one_of_two_who_type_a_code_at_once_gets_it(world: BridgeWorld) -> None:
    code = (await world.hub.issue_pairing_code(CHAT, CHAT, "Anna", world.now)).code.reveal()
    pcs = [Pc(world, None, f"192.0.2.{number}") for number in range(4)]
    for pc in pcs:
        await pc.dials()
    await asyncio.gather(*(pc.says("pair", code=code) for pc in pcs))
    assert sum(len(pc.heard_of("pair_offer")) for pc in pcs) == 1
    assert sum(len(pc.heard_of("pair_refused")) for pc in pcs) == 3


async def test_chats_work_side_by_side(world: BridgeWorld) -> None:
    people = [await world.person(seed) for seed in range(1, 5)]
    pcs = [await world.paired_pc(card, chat) for chat, (_, card) in enumerate(people, 4000)]

    async def activates(number: int) -> None:
        someone, _ = people[number]
        grant = await world.grant(someone, CardTask.ACTIVATE, 4000 + number)
        await world.hub.start(4000 + number, CardTask.ACTIVATE, world.now, grant)
        await pcs[number].works()

    await asyncio.gather(*(activates(number) for number in range(4)))
    assert {event.chat_id for event in world.told(OperationSucceeded)} == {4000, 4001, 4002, 4003}


async def test_the_rotation_of_the_key_covers_the_bridge(world: BridgeWorld) -> None:
    assert set(SEALED_COLUMNS) <= set(COLUMNS)
    pc = await world.paired_pc(None)
    await world.hub.issue_pairing_code(CHAT + 1, CHAT + 1, "Binh", world.now)
    ring = keys.add_key(world.world.folder / "keys.json")
    await reseal(world.world.database, ring, SEALED_COLUMNS)
    assert await find_keys_in_use(world.world.database, SEALED_COLUMNS) == {ring.current}
    world.world.keys = ring
    pc.wire = None
    await world.restart()
    assert (await pc.dials())["paired"]
