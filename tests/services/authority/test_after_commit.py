"""What follows a commit waits for the whole: not for a savepoint in it, nor after a rollback."""

from contextlib import suppress
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.embedded.audit import AuditAct, AuditVerification
from services.authority.embedded.models import AuditEntry
from services.storage.database import after_commit
from tests.services.authority.authority_harness import NOW, AuthorityHarness


class GivenUpError(Exception):
    """The unit of work is rolled back."""


@pytest.mark.parametrize("is_given_up", [True, False])
async def test_a_savepoint_is_no_commit(world: AuthorityHarness, is_given_up: bool) -> None:
    done: list[str] = []
    with suppress(GivenUpError):
        async with world.database.unit_of_work() as session:
            async with session.begin_nested():
                after_commit(session, lambda: done.append("followed"))
                world.authority.audit.record(session, AuditAct.SUSPENDED, "a card", "test", NOW)
            assert done == []
            if is_given_up:
                raise GivenUpError
    assert done == ([] if is_given_up else ["followed"])
    async with world.database.unit_of_work() as session:
        world.authority.audit.record(session, AuditAct.RESUMED, "a card", "test", NOW)
    async with world.database.unit_of_work() as session:
        assert (await world.authority.audit.verify(session)).fault is None


async def test_what_a_savepoint_noted_goes_with_it(world: AuthorityHarness) -> None:
    """Each letter is noted in the audit and to follow; the small ones are given up."""
    done: list[str] = []
    async with world.database.unit_of_work() as session:
        note = partial(_note, world, session, done)
        with suppress(GivenUpError):
            async with session.begin_nested():
                note("a")
                raise GivenUpError
        async with session.begin_nested():
            note("B")
            with suppress(GivenUpError):
                async with session.begin_nested():
                    async with session.begin_nested():
                        note("c")
                    note("d")
                    raise GivenUpError
            async with session.begin_nested():
                note("E")
        open_to_the_end = await session.begin_nested()
        note("f")
        await session.begin_nested()
        note("g")
        await open_to_the_end.rollback()
        note("H")
    assert done == ["B", "E", "H"]
    async with world.database.unit_of_work() as session:
        query = select(AuditEntry.subject).order_by(AuditEntry.number)
        assert list(await session.scalars(query)) == done
        assert (await world.authority.audit.verify(session)).fault is None


async def test_where_all_is_given_up_nothing_is_put_down(world: AuthorityHarness) -> None:
    done: list[str] = []
    async with world.database.unit_of_work() as session:
        with suppress(GivenUpError):
            async with session.begin_nested():
                _note(world, session, done, "a")
                raise GivenUpError
    assert done == []
    async with world.database.unit_of_work() as session:
        assert list(await session.scalars(select(AuditEntry.subject))) == []
        assert await world.authority.audit.verify(session) == AuditVerification(0)


def _note(world: AuthorityHarness, session: AsyncSession, done: list[str], letter: str) -> None:
    after_commit(session, lambda: done.append(letter))
    world.authority.audit.record(session, AuditAct.SUSPENDED, letter, "test", NOW)
