"""Revocation lists while other things happen at once."""

import asyncio
import threading
from datetime import datetime
from typing import Any

import pytest
from cryptography import x509
from sqlalchemy import select

from services.authority.ca.ca_certificate import CaSigner
from services.authority.ca.crl import Crl, CrlPublisher, record_status_change
from services.authority.ca.models import RevocationList
from services.authority.lifecycle import CertificateState
from services.storage.database import Database
from tests.services.authority.ca.ca_harness import REGISTER, CaHarness, crl_number, crl_reasons

_S = CertificateState
HOLD = x509.ReasonFlags.certificate_hold


async def test_many_who_ask_at_once_wait_for_one_list(world: CaHarness, now: datetime) -> None:
    await world.issue(now)
    lists = await asyncio.gather(*(world.service.crl.get_current(now) for _ in range(20)))
    assert {crl.number for crl in lists} == {1}


async def test_two_processes_that_make_a_list_at_once_keep_the_later_one(
    world: CaHarness, database: Database, now: datetime
) -> None:
    card = await world.issue(now)
    publishers = [CrlPublisher(database, REGISTER, world.service.signer) for _ in range(3)]
    lists = await asyncio.gather(*(one.get_current(now) for one in publishers))
    await world.move(card, _S.ACTIVE, now)
    after = await asyncio.gather(*(one.get_current(now) for one in publishers))
    assert min(crl.number for crl in after) > max(crl.number for crl in lists)
    async with database.unit_of_work() as session:
        kept = (await session.scalars(select(RevocationList.number))).all()
    assert list(kept) == [max(crl.number for crl in after)]


@pytest.mark.parametrize("make_url", ["postgresql"], indirect=True)
async def test_changes_at_once_do_not_wait_for_each_other(
    world: CaHarness, database: Database, now: datetime
) -> None:
    await world.crl(now)
    async with database.unit_of_work() as one, database.unit_of_work() as other:
        for session in (one, other, one):
            record_status_change(session, now)
            await session.flush()
    assert crl_number(await world.crl(now)) == 2


async def test_a_change_that_comes_while_a_list_is_made_is_in_the_next(
    world: CaHarness, database: Database, now: datetime
) -> None:
    card = await world.issue(now, _S.ACTIVE)
    publisher = HeldPublisher(database, world.service.signer)
    making = asyncio.create_task(publisher.get_current(now))
    await publisher.is_signing.wait()
    await world.move(card, _S.SUSPENDED, now)
    publisher.may_go_on.set()
    before = x509.load_der_x509_crl((await making).der)
    assert crl_reasons(before, card) == {"not listed"}
    after = await world.crl(now)
    assert (crl_reasons(after, card), crl_number(after)) == ({HOLD}, crl_number(before) + 1)


async def test_a_list_that_was_overtaken_is_not_published(
    world: CaHarness, database: Database, now: datetime
) -> None:
    card = await world.issue(now, _S.ACTIVE)
    slow = HeldPublisher(database, world.service.signer)
    making = asyncio.create_task(slow.get_current(now))
    await slow.is_signing.wait()
    await world.move(card, _S.SUSPENDED, now)
    quick = await world.service.crl.get_current(now)
    slow.may_go_on.set()
    assert await making == quick
    assert await CrlPublisher(database, REGISTER, world.service.signer).get_current(now) == quick


class HeldPublisher(CrlPublisher):
    """Makes a list only when it is let, after taking down what is to be in it."""

    def __init__(self, database: Database, identity: CaSigner) -> None:
        super().__init__(database, REGISTER, identity)
        self.is_signing = asyncio.Event()
        self.may_go_on = threading.Event()
        self._loop = asyncio.get_running_loop()

    def _sign(self, draft: Any, moment: datetime) -> Crl:
        self._loop.call_soon_threadsafe(self.is_signing.set)
        self.may_go_on.wait(30)
        return super()._sign(draft, moment)
