"""The question "was this you?": who is asked, and what a no does."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from services.authority.data_types import AuthorityOperation, ReportResult
from services.authority.embedded.models import AuditEntry, LinkedChat, SecurityAlert
from services.authority.errors import AlertExpiredError, GrantExpiredError
from services.authority.lifecycle import CertificateState
from services.authority.notice_kinds import SUSPICIOUS, NoticeKind
from services.messaging.outbox import OutboxMessage
from tests.services.authority.authority_harness import CHAT, NOW, Applicant, AuthorityHarness
from tests.services.authority.notification_checks import (
    FIRST,
    SECOND,
    create_linked_person,
    find_alert,
    messages_to,
    people,
    report_not_me,
)


async def test_what_may_be_somebody_elses_doing_is_asked_and_nothing_else(
    world: AuthorityHarness,
) -> None:
    someone = await create_linked_person(world, FIRST, SECOND)
    await someone.suspends()
    await someone.resumes()
    async with world.database.unit_of_work() as session:
        rows = (await session.scalars(select(OutboxMessage))).all()
        asked = {row.message for row in rows if "doubt" in json.loads(row.reference)}
        doubts = (await session.scalars(select(SecurityAlert))).all()
    assert asked == {"suspended", "resumed", "chat_linked"}
    assert {NoticeKind(doubt.notice) for doubt in doubts} <= SUSPICIOUS
    assert NoticeKind.PAID not in SUSPICIOUS


async def test_denying_suspends_at_once_ends_what_is_under_way_and_is_on_record(
    world: AuthorityHarness,
) -> None:
    someone = await create_linked_person(world, FIRST, SECOND)
    await someone.suspends()
    await someone.resumes()
    thief = await someone.obtain_grant(AuthorityOperation.RESUME, chat=66)
    doubt = await find_alert(world, NoticeKind.RESUMED)
    assert await report_not_me(world, doubt) == ReportResult(True, await _state(someone))
    assert await _state(someone) == "suspended"
    assert (await messages_to(world, SECOND))[-1] == "suspended"
    assert (await messages_to(world, FIRST))[-1] == "resumed", "who acts knows"
    with pytest.raises(GrantExpiredError):
        async with world.database.unit_of_work() as session:
            await world.authority.certificates.resume(session, thief.id, 66, NOW)
    async with world.database.unit_of_work() as session:
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.act == "denied"))).one()
        assert (entry.actor, json.loads(entry.details)) == ("chat 11", {"notice": "resumed"})
        assert (await world.authority.audit.verify(session)).fault is None


async def _state(someone: Applicant) -> CertificateState | None:
    shown = await someone.world.counter.show(someone.ui_number, NOW)
    return shown.timeline.certificate


async def test_denying_twice_suspends_once(world: AuthorityHarness) -> None:
    someone = await create_linked_person(world, FIRST, SECOND)
    doubt = await find_alert(world, NoticeKind.CHAT_LINKED)
    first, second = await report_not_me(world, doubt), await report_not_me(world, doubt)
    assert (first.changed, second.changed) == (True, False)
    await someone.resumes()
    assert await report_not_me(world, doubt) == ReportResult(False, await _state(someone))
    assert await _state(someone) == "active", "it was answered before"


async def test_denying_an_announcement_stops_the_resumption(world: AuthorityHarness) -> None:
    someone = await create_linked_person(world, FIRST)
    await someone.suspends()
    grant = await someone.obtain_grant(AuthorityOperation.RESUME)
    async with world.database.unit_of_work() as session:
        await world.authority.certificates.announce_resumption(session, grant.id, CHAT, NOW)
    denial = await report_not_me(world, await find_alert(world, NoticeKind.RESUMING))
    assert (denial.changed, denial.certificate) == (False, "suspended")
    with pytest.raises(GrantExpiredError):
        async with world.database.unit_of_work() as session:
            await world.authority.certificates.resume(session, grant.id, CHAT, NOW)


async def test_denying_a_suspension_keeps_it_and_ends_what_is_under_way(
    world: AuthorityHarness,
) -> None:
    someone = await create_linked_person(world, FIRST)
    await someone.suspends()
    doubt = await find_alert(world, NoticeKind.SUSPENDED)
    thief = await someone.obtain_grant(AuthorityOperation.RESUME, chat=66)
    for _ in range(2):
        assert await report_not_me(world, doubt) == ReportResult(False, await _state(someone))
        assert await _state(someone) == "suspended"
    with pytest.raises(GrantExpiredError):
        async with world.database.unit_of_work() as session:
            await world.authority.certificates.resume(session, thief.id, 66, NOW)


async def test_denying_a_suspension_that_was_lifted_does_not_suspend(
    world: AuthorityHarness,
) -> None:
    someone = await create_linked_person(world, FIRST)
    await someone.suspends()
    await someone.resumes()
    denial = await report_not_me(world, await find_alert(world, NoticeKind.SUSPENDED))
    assert (denial.changed, denial.certificate) == (False, "active")
    assert await _state(someone) == "active"


@pytest.mark.parametrize("revoked", [True, False])
async def test_what_is_not_active_stays_as_it_is(world: AuthorityHarness, revoked: bool) -> None:
    someone = world.person()
    if revoked:
        await someone.is_active()
    else:
        await someone.applies()
    for chat in (FIRST, SECOND):
        await someone.links(chat)
    if revoked:
        await someone.is_revoked()
    denial = await report_not_me(world, await find_alert(world, NoticeKind.CHAT_LINKED))
    assert denial == ReportResult(False, await _state(someone))


async def test_who_may_not_answer_changes_nothing(world: AuthorityHarness) -> None:
    someone = await create_linked_person(world, FIRST, SECOND)
    doubt = await find_alert(world, NoticeKind.CHAT_LINKED)
    for chat, days, which in ((SECOND, 0, doubt), (FIRST, 3, doubt), (FIRST, 0, "f" * 32)):
        with pytest.raises(AlertExpiredError):
            await report_not_me(world, which, chat, NOW + timedelta(days=days))
    (person,) = await people(world, FIRST)
    async with world.database.unit_of_work() as session:
        assert await world.authority.links.unlink_chat(session, person, FIRST, SECOND, NOW)
    with pytest.raises(AlertExpiredError):
        await report_not_me(world, doubt)
    assert await _state(someone) == "active"


async def test_what_is_over_is_struck_out(world: AuthorityHarness) -> None:
    await create_linked_person(world, FIRST, SECOND)
    await world.authority.expire_overdue(NOW + timedelta(days=4))
    async with world.database.unit_of_work() as session:
        assert (await session.scalars(select(SecurityAlert))).all() == []


async def test_a_forgotten_person_leaves_no_question(world: AuthorityHarness) -> None:
    someone = await create_linked_person(world, FIRST, SECOND)
    await someone.is_revoked()
    async with world.database.unit_of_work() as session:
        privacy, actor = world.authority.privacy, world.counter._actor
        await privacy.forget(session, someone.ui_number, actor, NOW)
        assert (await session.scalars(select(SecurityAlert))).all() == []
        assert (await session.scalars(select(LinkedChat))).all() == []
