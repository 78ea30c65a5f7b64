"""Every commit of a life, cut once before it and once after it: no act is left half done."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from services.authority.data_types import AuthorityOperation
from services.authority.embedded.models import AuditEntry, CardRecord
from services.authority.embedded.payments.payments import UNDERWAY
from services.authority.errors import (
    CheckoutRefusedError,
    UnknownPersonError,
    WrongStateError,
)
from services.authority.lifecycle import ApplicationState, CertificateState
from services.messaging.outbox import OutboxMessage
from services.storage import database
from services.storage.database import Database
from tests.services.authority import invariants
from tests.services.authority.authority_harness import NOW, Applicant, AuthorityHarness

MAILED = {"paid", "posted", "activated", "suspended", "resumed", "revoked"}


class Where(StrEnum):
    """On which side of a commit the process ends."""

    BEFORE = "before"
    AFTER = "after"


class Cut(BaseException):
    """The process ends here."""


class CutDatabase(Database):
    """A database whose process ends at the `number`-th commit."""

    def __init__(self, url: str, number: int, where: Where) -> None:
        super().__init__(url)
        self._number, self._where, self.commits = number, where, 0

    @asynccontextmanager
    async def unit_of_work(self, *, is_urgent: bool = False) -> AsyncIterator[AsyncSession]:
        self.commits += 1
        cut_here = self.commits == self._number
        async with super().unit_of_work(is_urgent=is_urgent) as session:
            if cut_here and self._where is Where.AFTER:
                # Registered first, so nothing that follows a commit still happens.
                event.listen(session.sync_session, "after_commit", _drop_followers)
            yield session
            if cut_here and self._where is Where.BEFORE:
                raise Cut
        if cut_here:
            raise Cut


def _drop_followers(session: Session) -> None:
    session.info.pop(database.COMMIT_HOOKS, None)


async def live(someone: Applicant) -> None:
    """Live a whole life. Acts that a life before the cut has done already may be refused."""
    acts: list[Callable[[], Awaitable[object]]] = [
        someone.applies,
        lambda: someone.obtain_grant(AuthorityOperation.STATUS),
        lambda: pays(someone),
        someone.is_issued,
        someone.is_posted,
        someone.activates,
        someone.suspends,
        someone.resumes,
        someone.is_revoked,
    ]
    for act in acts:
        try:
            await act()
        except WrongStateError:
            continue


async def _is_over(someone: Applicant) -> bool:
    """Return whether the life ended with the cut; applying again would begin another."""
    try:
        shown = await someone.world.counter.show(someone.ui_number, NOW)
    except UnknownPersonError:
        return False
    return shown.timeline.certificate is CertificateState.REVOKED


async def pays(someone: Applicant) -> None:
    """Pay as the chat does; a charge that came twice bears the same id."""
    checkout = await someone.open_invoice()
    try:
        await someone.approve_checkout(checkout)
    except CheckoutRefusedError:  # the cut came after another invoice was approved
        await someone.approve_checkout(checkout, NOW + UNDERWAY)
    await someone.record_charge(checkout, f"charge of {someone.seed}")


async def commits_of_a_life(world: AuthorityHarness) -> int:
    """Count how often a life commits."""
    counting = CutDatabase(world.url, -1, Where.BEFORE)
    await world.close()
    world.open(counting)
    await live(world.person(7))
    return counting.commits


async def ends_and_begins_again(world: AuthorityHarness, number: int, where: Where) -> None:
    """Let a life be cut at one commit, start again, and let it be lived on."""
    someone = world.person(100 + 2 * number + (where is Where.AFTER))
    await world.close()
    world.open(CutDatabase(world.url, number, where))
    with pytest.raises(Cut):
        await live(someone)
    await world.restart(NOW)
    await invariants.check_invariants(world)
    if not await _is_over(someone):
        await live(someone)
    await invariants.check_invariants(world)
    shown = await world.counter.show(someone.ui_number, NOW)
    assert shown.timeline.application is ApplicationState.ACTIVATED
    assert shown.timeline.certificate is CertificateState.REVOKED
    await _the_card_is_there(world, someone, shown.application)
    await _everything_was_mailed(world, someone, shown.application)


async def _the_card_is_there(world: AuthorityHarness, someone: Applicant, application: str) -> None:
    async with world.database.unit_of_work() as session:
        serial = (
            await session.scalars(
                select(CardRecord.serial).where(CardRecord.application_id == application)
            )
        ).one()
    assert someone.card_file.read_text() == serial
    assert list(world.folder.glob(f"{someone.card_file.name}.*")) == []


async def _everything_was_mailed(
    world: AuthorityHarness, someone: Applicant, application: str
) -> None:
    """Every consequence that is on record has its mail in the outbox."""
    async with world.database.unit_of_work() as session:
        acts = await session.scalars(
            select(AuditEntry.act).where(AuditEntry.subject == application)
        )
        subscriber = (await world.authority.records.require(session, someone.ui_number)).id
        mails = await session.scalars(
            select(OutboxMessage.message).where(OutboxMessage.recipient == subscriber)
        )
        assert sorted(act for act in acts if act in MAILED) == sorted(mails)


@pytest.mark.parametrize(
    ("make_url", "where"),
    [("sqlite", Where.BEFORE), ("sqlite", Where.AFTER), ("postgresql", Where.AFTER)],
    indirect=["make_url"],
)
async def test_a_life_cut_at_any_commit_can_be_lived_on(
    world: AuthorityHarness, where: Where
) -> None:
    for number in range(1, await commits_of_a_life(world) + 1):
        await ends_and_begins_again(world, number, where)
