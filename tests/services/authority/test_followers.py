"""What follows a commit waits for the whole: not for a savepoint in it, nor after a rollback."""

from contextlib import suppress

import pytest

from services.authority.embedded.audit import Act
from services.authority.embedded.transactions import after_commit
from tests.services.authority.world import NOW, World


class GivenUpError(Exception):
    """The unit of work is rolled back."""


@pytest.mark.parametrize("is_given_up", [True, False])
async def test_a_savepoint_is_no_commit(world: World, is_given_up: bool) -> None:
    done: list[str] = []
    with suppress(GivenUpError):
        async with world.database.unit_of_work() as session:
            async with session.begin_nested():
                after_commit(session, lambda: done.append("followed"))
                world.authority.audit.record(session, Act.SUSPENDED, "a card", "test", NOW)
            assert done == []
            if is_given_up:
                raise GivenUpError
    assert done == ([] if is_given_up else ["followed"])
    async with world.database.unit_of_work() as session:
        world.authority.audit.record(session, Act.RESUMED, "a card", "test", NOW)
    async with world.database.unit_of_work() as session:
        assert (await world.authority.audit.verify(session)).fault is None
