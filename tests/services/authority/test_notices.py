"""Notices: who is told in which chat, in which order."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from services.authority.data_types import AuthorityOperation, Proof
from services.authority.notice_kinds import NoticeKind
from services.messaging.outbox import Channel, OutboxMessage
from services.storage.models import Job
from tests.services.authority import invariants
from tests.services.authority.authority_harness import CHAT, NOW, AuthorityHarness
from tests.services.authority.notification_checks import (
    FIRST,
    SECOND,
    create_linked_person,
    find_alert,
    messages_to,
    people,
    report_not_me,
)
from tests.services.authority.test_codes import refusals
from tests.services.authority.test_concurrency import at_once


async def test_a_life_is_told_to_every_linked_chat_but_the_one_that_acts(
    world: AuthorityHarness,
) -> None:
    someone = world.person()
    await someone.applies()
    for chat in (FIRST, CHAT, SECOND):
        await someone.links(chat)
    await someone.pays()
    await someone.is_issued()
    await someone.is_posted()
    await someone.activates()
    await someone.suspends()
    grant = await someone.obtain_grant(AuthorityOperation.RESUME)
    async with world.database.unit_of_work() as session:
        for _ in range(2):
            await world.authority.certificates.announce_resumption(session, grant.id, CHAT, NOW)
    await someone.resumes()
    await someone.is_revoked()
    acts = ["paid", "posted", "activated", "suspended", "resuming", "resumed", "revoked"]
    assert await messages_to(world, SECOND) == acts
    assert await messages_to(world, FIRST) == ["chat_linked", "chat_linked", *acts]
    assert await messages_to(world, CHAT) == ["chat_linked", "posted", "revoked"], (
        "of others' acts only"
    )


async def test_acts_at_the_counter_are_told_to_all(world: AuthorityHarness) -> None:
    someone = await create_linked_person(world, FIRST, SECOND)
    await world.counter.suspend(someone.ui_number, NOW)
    await world.counter.resume(someone.ui_number, NOW)
    assert (await messages_to(world, FIRST))[-2:] == (await messages_to(world, SECOND))[-2:]
    assert (await messages_to(world, SECOND))[-2:] == ["suspended", "resumed"]


async def test_a_locked_code_is_told_once_and_nobody_is_told_for_nobody(
    world: AuthorityHarness,
) -> None:
    someone = await create_linked_person(world, FIRST, SECOND)
    await refusals(someone, [21, 22, FIRST, 23, 24, 25])
    assert await messages_to(world, SECOND) == ["code_guarded"]
    assert (await messages_to(world, FIRST))[-1] == "code_guarded"
    await refusals(someone, [SECOND, FIRST, SECOND, FIRST])
    assert await messages_to(world, SECOND) == ["code_guarded"], "who acts knows"
    assert (await messages_to(world, FIRST))[-1] == "code_locked"


async def test_doing_it_twice_tells_once(world: AuthorityHarness) -> None:
    someone = await create_linked_person(world, FIRST)
    for _ in range(2):
        await someone.suspends()
    assert await messages_to(world, FIRST) == ["suspended"]


async def test_an_act_that_fails_tells_nobody(world: AuthorityHarness) -> None:
    someone = await create_linked_person(world, FIRST)
    grant = await someone.obtain_grant(AuthorityOperation.SUSPEND)

    async def fail() -> None:
        async with world.database.unit_of_work() as session:
            await world.authority.certificates.suspend(session, grant.id, CHAT, NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await messages_to(world, FIRST) == []
    async with world.database.unit_of_work() as session:
        assert (await session.scalars(select(Job).where(Job.key.contains("chat")))).all() == []


async def test_rows_of_the_outbox_hold_no_secret_and_no_name(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    await someone.links(FIRST)
    grant = await someone.obtain_grant(AuthorityOperation.RETRIEVE, Proof.BIRTH_DATE, Proof.MAIL)
    async with world.database.unit_of_work() as session:
        await world.authority.credentials.reveal_code(session, grant.id, CHAT, NOW)
        challenge = await world.authority.credentials.send_one_time_code(
            session, grant.id, CHAT, NOW
        )
    await someone.pays()
    await someone.is_issued()
    async with world.database.unit_of_work() as session:
        rows = (await session.scalars(select(OutboxMessage))).all()
        stored = " ".join(f"{row.recipient} {row.message} {row.reference}" for row in rows)
    secrets = [
        someone.code.reveal(),
        someone.ui_number.reveal(),
        someone.data.name,
        someone.data.mail_address,
        world.authority.one_time_codes.derive(challenge.id).reveal(),
        world.maker.orders[-1].card_number.reveal(),
    ]
    assert not [secret for secret in secrets if secret in stored]
    assert '"receipt": "20260302-' in stored, "a receipt number is none"


async def test_a_link_is_removed_by_a_linked_chat_only_and_all_are_told(
    world: AuthorityHarness,
) -> None:
    await create_linked_person(world, FIRST, SECOND)
    (person,) = await people(world, FIRST)
    unlink = world.authority.links.unlink_chat
    async with world.database.unit_of_work() as session:
        assert not await unlink(session, person, SECOND, 99, NOW)
        assert not await unlink(session, person, 99, FIRST, NOW)
        assert not await unlink(session, "f" * 32, FIRST, FIRST, NOW)
        assert await unlink(session, person, SECOND, FIRST, NOW)
        assert not await unlink(session, person, SECOND, FIRST, NOW)
    assert await messages_to(world, SECOND) == ["chat_unlinked"]
    assert await messages_to(world, FIRST) == ["chat_linked"]


async def test_the_language_goes_with_the_notice(world: AuthorityHarness) -> None:
    someone = await world.person().is_active()
    grant = await someone.obtain_grant(AuthorityOperation.STATUS, Proof.CODE, chat=FIRST)
    async with world.database.unit_of_work() as session:
        await world.authority.links.link_chat(session, grant.id, FIRST, NOW, "zh-hant" * 9)
    await someone.suspends(datetime(2026, 3, 2, 5, tzinfo=UTC))
    async with world.database.unit_of_work() as session:
        query = select(OutboxMessage.reference).where(OutboxMessage.channel == Channel.CHAT)
        (reference,) = (await session.scalars(query)).all()
    assert json.loads(reference)["language"] == ("zh-hant" * 9)[:16]
    assert json.loads(reference)["at"] == "2026-03-02T05:00:00+00:00"


async def test_acts_at_once_never_wait_for_each_other_in_a_circle(world: AuthorityHarness) -> None:
    """Everything that tells, locks or asks about one person, many times side by side."""
    someone = await create_linked_person(world, FIRST, SECOND)
    (person,) = await people(world, FIRST)
    doubt = await find_alert(world, NoticeKind.CHAT_LINKED)
    unlink = world.authority.links.unlink_chat

    async def removes(chat: int) -> None:
        async with world.database.unit_of_work() as session:
            await unlink(session, person, chat, FIRST, NOW)

    async def forgets() -> None:
        async with world.database.unit_of_work() as session:
            privacy, actor = world.authority.privacy, world.counter._actor
            await privacy.forget(session, someone.ui_number, actor, NOW)

    for turn in range(3):
        await at_once(
            *(someone.suspends() for _ in range(3)),
            *(someone.resumes() for _ in range(3)),
            report_not_me(world, doubt),
            removes(SECOND),
            someone.links(13 + turn),
            world.counter.apply(someone.data, NOW),
            forgets(),
        )
    await invariants.check_invariants(world)
