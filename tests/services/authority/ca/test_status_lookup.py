"""Looking statuses up: alone, together, and when it goes wrong."""

import asyncio
from datetime import datetime

import pytest
from cryptography.x509.ocsp import OCSPCertStatus
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from services.authority.ca.status_lookup import MAX_BATCH, BatchedStatusLookup
from services.authority.ca.statuses import UNKNOWN
from services.authority.lifecycle import CertificateState
from services.storage.database import Database
from tests.services.authority.ca.ca_harness import FIVE_YEARS, REGISTER, CaHarness

_S = CertificateState


async def test_many_serials_are_looked_up_at_once_and_unknown_ones_are_left_out(
    world: CaHarness, database: Database, now: datetime
) -> None:
    active = await world.issue(now, _S.ACTIVE)
    held = await world.issue(now)
    asked = [*active.serials, *held.serials, 7, 0, -1, 2**200]
    found = await BatchedStatusLookup(database, REGISTER).look_up(asked, now)
    assert {serial: status.ocsp_status for serial, status in found.items()} == {
        **dict.fromkeys(active.serials, OCSPCertStatus.GOOD),
        **dict.fromkeys(held.serials, OCSPCertStatus.REVOKED),
    }
    after = await BatchedStatusLookup(database, REGISTER).look_up(asked, now + FIVE_YEARS * 2)
    assert set(after.values()) == {UNKNOWN}


async def test_those_who_ask_at_once_share_look_ups_and_get_each_their_own(
    world: CaHarness, database: Database, now: datetime
) -> None:
    cards = [await world.issue(now, state) for state in (_S.ACTIVE, _S.SUSPENDED)]
    statuses = BatchedStatusLookup(database, REGISTER)
    asked = [cards[n % 2].serials[n % 3] for n in range(2 * MAX_BATCH + 1)]
    begun: list[object] = []
    event.listen(database.engine.sync_engine, "begin", begun.append)
    answers = await asyncio.gather(*(statuses.look_up([one], now) for one in asked))
    verdicts = [OCSPCertStatus.GOOD, OCSPCertStatus.REVOKED]
    for number, answer in enumerate(answers):
        assert {one: status.ocsp_status for one, status in answer.items()} == {
            asked[number]: verdicts[number % 2]
        }
    assert len(begun) == 3


async def test_who_asks_after_a_change_never_gets_what_was_before(
    world: CaHarness, database: Database, now: datetime
) -> None:
    card = await world.issue(now, _S.ACTIVE)
    statuses = BatchedStatusLookup(database, REGISTER)
    for state, verdict in (
        (_S.SUSPENDED, OCSPCertStatus.REVOKED),
        (_S.ACTIVE, OCSPCertStatus.GOOD),
    ) * 5:
        before = asyncio.create_task(_verdicts(statuses, card.serials, now))
        await asyncio.sleep(0)
        await world.move(card, state, now)
        assert await _verdicts(statuses, card.serials, now) == {verdict}
        assert len(await before) == 1


async def _verdicts(
    statuses: BatchedStatusLookup, serials: list[int], now: datetime
) -> set[OCSPCertStatus]:
    return {one.ocsp_status for one in (await statuses.look_up(serials, now)).values()}


async def test_a_look_up_that_fails_fails_for_all_and_the_next_one_does_not(
    world: CaHarness, database: Database, now: datetime
) -> None:
    card = await world.issue(now, _S.ACTIVE)
    statuses = BatchedStatusLookup(database, REGISTER)
    async with database.unit_of_work() as session:
        await session.execute(text("ALTER TABLE certificates RENAME TO away"))
    failed = await asyncio.gather(
        *(statuses.look_up(card.serials, now) for _ in range(3)), return_exceptions=True
    )
    assert [isinstance(error, DBAPIError) for error in failed] == [True] * 3
    async with database.unit_of_work() as session:
        await session.execute(text("ALTER TABLE away RENAME TO certificates"))
    assert await _verdicts(statuses, card.serials, now) == {OCSPCertStatus.GOOD}


async def test_who_goes_away_keeps_nobody_else_from_the_answer(
    world: CaHarness, database: Database, now: datetime
) -> None:
    card = await world.issue(now, _S.ACTIVE)
    statuses = BatchedStatusLookup(database, REGISTER)
    async with database.unit_of_work() as session:
        await session.execute(text("SELECT 1"))
        leaving, staying = (
            asyncio.create_task(_verdicts(statuses, card.serials, now)) for _ in range(2)
        )
        await asyncio.sleep(0)
        leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await asyncio.wait_for(staying, 10) == {OCSPCertStatus.GOOD}
