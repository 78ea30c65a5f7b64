"""Somebody else is at work at the moment in which the owner says that it is not them."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.data_types import AuthorityOperation
from services.authority.embedded.credentials import grants
from services.authority.errors import GrantExpiredError
from services.authority.notice_kinds import NoticeKind
from services.storage.database import Row, lock_row
from tests.services.authority import invariants
from tests.services.authority.authority_harness import NOW, AuthorityHarness
from tests.services.authority.notification_checks import FIRST, create_linked_person, find_alert


async def test_whoever_waits_for_a_denial_has_no_grant_any_more(
    world: AuthorityHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    someone, waits = await create_linked_person(world, FIRST), asyncio.Event()
    await someone.suspends()
    thief = await someone.obtain_grant(AuthorityOperation.RESUME, chat=66)
    async with world.database.unit_of_work() as session:
        await world.authority.certificates.announce_resumption(session, thief.id, 66, NOW)
    doubt = await find_alert(world, NoticeKind.RESUMING)

    async def locked(session: AsyncSession, table: type[Row], key: object) -> Row | None:
        waits.set()
        return await lock_row(session, table, key)

    async def resumes() -> None:
        async with world.database.unit_of_work() as session:
            await world.authority.certificates.resume(session, thief.id, 66, NOW)

    async with world.database.unit_of_work() as session:
        await world.authority.security_alerts.report_not_me(session, doubt, FIRST, NOW)
        monkeypatch.setattr(grants, "lock_row", locked)
        resuming = asyncio.create_task(resumes())
        if not world.database.is_sqlite:  # there it waits for its turn, and has read nothing yet
            await waits.wait()
    with pytest.raises(GrantExpiredError):
        await resuming
    shown = await world.counter.show(someone.ui_number, NOW)
    assert shown.timeline.certificate == "suspended"
    await invariants.check_invariants(world)
