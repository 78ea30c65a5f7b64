"""Stored records: nothing secret, nothing lost in a database outage, nothing twice."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from bot.cli.key_rotation import COLUMNS
from services.authority.lifecycle import CertificateState
from services.bridge.events import CardTaskEvent, CardTaskSucceeded, PairingOffered
from services.bridge.models import SEALED_COLUMNS
from services.bridge.operations.card_task import CardTask
from services.storage import keys
from services.storage.availability import DatabaseUnavailableError
from services.storage.rotation import find_keys_in_use, reseal
from tests.services.authority.authority_harness import CHAT
from tests.services.authority.conftest import make_url
from tests.services.bridge.hub_harness import HubHarness
from tests.services.bridge.reference_bridge import ReferenceBridge
from tests.services.bridge.wire_format import encode_bytes

__all__ = ["make_url"]  # on each kind of database

TABLES = ("bridge_codes", "bridge_sessions", "bridge_operations", "bridge_releases")


async def everything(harness: HubHarness) -> bytes:
    """Return the contents of the bridge's tables and the audit as one text."""
    found: list[object] = []
    async with harness.authority_world.database.unit_of_work() as session:
        for table in (*TABLES, "audit_entries"):
            for row in await session.execute(text(f"SELECT * FROM {table}")):  # noqa: S608
                found += row
    return b"\n".join(v if isinstance(v, bytes) else str(v).encode() for v in found)


async def test_no_secret_is_on_record_or_in_a_log(harness: HubHarness) -> None:
    someone, card = await harness.person()
    with capture_logs() as logs:
        pc = await harness.paired_pc(card)
        grant = await harness.grant(someone, CardTask.ACTIVATE)
        await harness.hub.start(CHAT, CardTask.ACTIVATE, harness.now, grant)
        await pc.works()
    assert pc.secret is not None
    said = await everything(harness) + repr((logs, harness.events)).encode()
    cryptogram = pc.heard_of("admin_cryptogram")[0]["cryptogram"].encode()
    for secret in (card.admin_key, pc.secret):
        for form in (secret, secret.hex().encode(), secret[::-1]):
            assert form not in said
    assert cryptogram not in said
    assert card.serial.encode() in said


@contextmanager
def without_database(harness: HubHarness) -> Iterator[None]:
    """Make the database unavailable while the block runs."""
    there = harness.authority_world.database.unit_of_work

    def fails() -> object:
        raise DatabaseUnavailableError("away")

    harness.authority_world.database.unit_of_work = fails  # type: ignore
    try:
        yield
    finally:
        harness.authority_world.database.unit_of_work = there  # type: ignore[method-assign]


@pytest.mark.parametrize("at", ["pair", "result", "admin_challenge", "receipt"])
async def test_a_message_that_could_not_be_taken_comes_again(harness: HubHarness, at: str) -> None:
    """The connection is closed, and nothing is lost."""
    someone, card = await harness.person()
    if at == "pair":
        pc = ReferenceBridge(harness, None)
        await pc.dials()
        code = (await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna", harness.now)).code.reveal()
        with without_database(harness):
            await pc.types(code)
        assert not pc.is_linked
        await pc.loses_link()
        await pc.dials()
        await pc.types(code)
        assert harness.events_of(PairingOffered)
        return
    pc = await harness.paired_pc(card)
    before = {"result": "start", "admin_challenge": "start", "receipt": "admin_verified"}[at]

    async def walk() -> None:
        grant = await harness.grant(someone, CardTask.ACTIVATE)
        await harness.hub.start(CHAT, CardTask.ACTIVATE, harness.now, grant)
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
    with without_database(harness):
        await pc.works()
    assert not pc.is_linked
    await pc.loses_link()
    await pc.dials()
    await pc.works()
    assert isinstance(harness.events_of(CardTaskEvent)[-1], CardTaskSucceeded)
    assert await harness.certificate_state(someone) is CertificateState.ACTIVE
    assert (await harness.card_steps()).count("cryptogram") == 1


async def test_one_of_two_who_type_a_code_at_once_gets_it(harness: HubHarness) -> None:
    code = (await harness.hub.issue_pairing_code(CHAT, CHAT, "Anna", harness.now)).code.reveal()
    pcs = [ReferenceBridge(harness, None, f"192.0.2.{number}") for number in range(4)]
    for pc in pcs:
        await pc.dials()
    pair = {"code": code, "nonce": encode_bytes(bytes(32))}
    await asyncio.gather(*(pc.says("pair", **pair) for pc in pcs))
    assert sum(len(pc.heard_of("pair_offer")) for pc in pcs) == 1
    assert sum(len(pc.heard_of("pair_refused")) for pc in pcs) == 3


async def test_chats_work_side_by_side(harness: HubHarness) -> None:
    people = [await harness.person(seed) for seed in range(1, 5)]
    pcs = [await harness.paired_pc(card, chat) for chat, (_, card) in enumerate(people, 4000)]

    async def activates(number: int) -> None:
        someone, _ = people[number]
        grant = await harness.grant(someone, CardTask.ACTIVATE, 4000 + number)
        await harness.hub.start(4000 + number, CardTask.ACTIVATE, harness.now, grant)
        await pcs[number].works()

    await asyncio.gather(*(activates(number) for number in range(4)))
    assert {event.chat_id for event in harness.events_of(CardTaskSucceeded)} == {
        4000,
        4001,
        4002,
        4003,
    }


async def test_the_rotation_of_the_key_covers_the_bridge(harness: HubHarness) -> None:
    assert set(SEALED_COLUMNS) <= set(COLUMNS)
    pc = await harness.paired_pc(None)
    await harness.hub.issue_pairing_code(CHAT + 1, CHAT + 1, "Binh", harness.now)
    ring = keys.add_key(harness.authority_world.folder / "keys.json")
    await reseal(harness.authority_world.database, ring, SEALED_COLUMNS)
    assert await find_keys_in_use(harness.authority_world.database, SEALED_COLUMNS) == {
        ring.current
    }
    harness.authority_world.keys = ring
    pc.wire = None
    await harness.restart()
    assert (await pc.dials())["paired"]
