"""Subscriber codes: tries, who can lock one, the chat's budget, and people who do not exist."""

import asyncio
import os
import random
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from services import rate_limit
from services.argon2_cost import Argon2Cost
from services.authority.data_types import AuthorityOperation, Proof
from services.authority.embedded import authority_limits
from services.authority.embedded.credentials.grants import find_missing_proofs
from services.authority.embedded.credentials.hashing import Argon2Hasher
from services.authority.embedded.models import AuditEntry
from services.authority.errors import (
    AuthorityError,
    ChatPausedError,
    CheckQueueFullError,
    CodeLockedError,
    VerificationRequiredError,
    WrongCodeError,
)
from services.formats.subscriber_code import SubscriberCode
from services.rate_limit import RateLimitRecord
from tests.services.authority.authority_harness import (
    CHAT,
    NOW,
    Applicant,
    AuthorityHarness,
    valid_ui_number,
)

WRONG = "wRang234"
OTHER_CHATS = range(2001, 2100)
LINKED = (11, 12, 13)


async def refusals(someone: Applicant, chats: Sequence[int]) -> list[AuthorityError]:
    """Type a wrong code from each chat in turn."""
    found = []
    for chat in chats:
        with pytest.raises(AuthorityError) as refused:
            await someone.checks(WRONG, chat=chat)
        found.append(refused.value)
    return found


def nobody(world: AuthorityHarness) -> Applicant:
    """Return somebody who never applied."""
    return Applicant(world, valid_ui_number(random.Random(99)), 99)  # noqa: S311


async def test_the_right_code_opens_a_grant_for_ten_minutes(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    grant = await someone.checks(operation=AuthorityOperation.STATUS)
    assert grant.proofs == {Proof.CODE}
    assert find_missing_proofs(grant.operation, grant.proofs) == ()
    assert grant.expires_at == NOW + timedelta(minutes=10)


async def test_capitals_matter(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    with pytest.raises(WrongCodeError):
        await someone.checks(someone.code.reveal().swapcase())


async def test_three_wrong_codes_of_linked_chats_warn_and_the_fourth_locks(
    world: AuthorityHarness,
) -> None:
    someone = world.person()
    await someone.applies()
    for chat in LINKED:
        await someone.links(chat)
    found = await refusals(someone, [*LINKED, *LINKED])
    assert [getattr(error, "tries_left", None) for error in found] == [3, 2, 1, *[None] * 3]
    assert [type(error) for error in found[3:]] == [CodeLockedError] * 3
    with pytest.raises(CodeLockedError):
        await someone.checks(chat=LINKED[0])
    with pytest.raises(VerificationRequiredError):
        await someone.checks()  # what is locked is locked everywhere, and tells no stranger


async def test_strangers_are_warned_and_then_verify_first_whoever_they_ask_for(
    world: AuthorityHarness,
) -> None:
    someone, no_one = world.person(), nobody(world)
    await someone.applies()
    told = []
    for who in (someone, no_one):
        found = await refusals(who, OTHER_CHATS[:5])
        told.append([(type(error), getattr(error, "tries_left", None)) for error in found])
    warned = [(WrongCodeError, left) for left in (3, 2, 1)]
    assert told[0] == told[1] == [*warned, *[(VerificationRequiredError, None)] * 2]
    with pytest.raises(VerificationRequiredError):
        await someone.checks()


async def test_strangers_cannot_lock_a_code(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    await someone.links(LINKED[0])
    await refusals(someone, OTHER_CHATS)
    assert not (await world.counter.show(someone.ui_number, NOW)).code_is_locked
    (error,) = await refusals(someone, LINKED[:1])
    assert isinstance(error, WrongCodeError)
    assert error.tries_left == 3, "their own are whole"
    await someone.checks(chat=LINKED[0])
    with pytest.raises(VerificationRequiredError):
        await someone.checks()  # the right code there forgives strangers nothing


async def test_a_chat_that_is_unlinked_is_a_stranger_again(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    await someone.links(LINKED[0])
    await refusals(someone, OTHER_CHATS[:4])
    await someone.checks(chat=LINKED[0])
    async with world.database.unit_of_work() as session:
        links = world.authority.links
        (person,) = await links.list_people(session, LINKED[0])
        assert await links.unlink_chat(session, person.subscriber, LINKED[0], LINKED[0], NOW)
    with pytest.raises(VerificationRequiredError):
        await someone.checks(chat=LINKED[0])


async def test_a_right_code_forgives_the_wrong_ones_before(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    for _ in range(3):
        await refusals(someone, OTHER_CHATS[:3])
        await someone.checks()


async def test_the_last_try_is_mailed_and_told_to_the_other_chats_once(
    world: AuthorityHarness,
) -> None:
    someone = world.person()
    await someone.applies()
    for chat in LINKED:
        await someone.links(chat)
    *_, fourth, fifth = await refusals(someone, [21, 22, 23, 24, 25])
    assert isinstance(fourth, VerificationRequiredError)
    assert fourth.other_chats == LINKED
    assert isinstance(fifth, VerificationRequiredError)
    assert fifth.other_chats == ()
    *_, fourth, fifth = await refusals(someone, [*LINKED, LINKED[0], LINKED[1]])
    assert isinstance(fourth, CodeLockedError)
    assert fourth.other_chats == LINKED[1:]
    assert isinstance(fifth, CodeLockedError)
    assert fifth.other_chats == ()


async def test_the_counter_releases_a_locked_code_and_it_is_on_record(
    world: AuthorityHarness,
) -> None:
    someone = world.person()
    await someone.applies()
    for chat in LINKED:
        await someone.links(chat)
    await refusals(someone, [*OTHER_CHATS[:4], *LINKED, LINKED[0]])
    shown = await world.counter.show(someone.ui_number, NOW)
    assert (shown.code_is_guarded, shown.code_is_locked) == (True, True)
    released = [await world.counter.release_code(someone.ui_number, NOW) for _ in range(2)]
    assert [change.changed for change in released] == [True, False]
    await someone.checks()
    await someone.checks(chat=LINKED[0])
    shown = await world.counter.show(someone.ui_number, NOW)
    assert (shown.code_is_guarded, shown.code_is_locked) == (False, False)
    async with world.database.unit_of_work() as session:
        acts = (await session.scalars(select(AuditEntry.act))).all()
    assert list(acts).count("code_released") == 1


async def test_one_chat_gets_three_wrong_codes_a_day_over_all_persons(
    world: AuthorityHarness,
) -> None:
    first, second = world.person(1), world.person(2)
    await first.applies()
    await second.applies()
    found = await refusals(first, [CHAT, CHAT])
    assert [getattr(error, "paused_until", 0) for error in found] == [None, None]
    third = (await refusals(second, [CHAT]))[0]
    assert isinstance(third, WrongCodeError)
    assert third.paused_until == NOW + timedelta(days=1)
    with pytest.raises(ChatPausedError) as paused:
        await second.checks()
    assert paused.value.until == NOW + timedelta(days=1)
    await second.checks(chat=2001)
    await second.checks(now=NOW + timedelta(days=1, seconds=1))


async def test_right_codes_cost_a_chat_nothing_and_forgive_it_nothing(
    world: AuthorityHarness,
) -> None:
    someone = world.person()
    await someone.applies()
    for _ in range(6):
        await someone.checks()
    await refusals(someone, [CHAT, CHAT])
    await someone.checks()
    await refusals(someone, [CHAT])
    with pytest.raises(ChatPausedError):
        await someone.checks()


async def test_what_a_chat_tries_on_a_code_that_it_may_not_try_costs_it_nothing(
    world: AuthorityHarness,
) -> None:
    someone, other = world.person(1), world.person(2)
    await someone.applies()
    await other.applies()
    await refusals(someone, OTHER_CHATS[:4])
    await refusals(someone, [CHAT] * 5)
    await other.checks()


async def test_a_new_application_has_a_new_code_and_all_its_tries(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    before = someone.code
    await refusals(someone, OTHER_CHATS[:4])
    later = NOW + timedelta(days=20)
    await world.authority.expire_overdue(later)
    await someone.applies(later)
    assert someone.code != before
    await someone.checks(now=later)
    assert isinstance((await refusals(someone, [CHAT]))[0], WrongCodeError)


async def twenty_at_once(someone: Applicant) -> list[tuple[str, object]]:
    """Let twenty chats type a wrong code at the same time; return what each is told."""

    async def one(chat: int) -> tuple[str, object]:
        try:
            await someone.checks(WRONG, chat=chat)
        except AuthorityError as error:
            return type(error).__name__, getattr(error, "tries_left", None)
        return "right", None

    chats = OTHER_CHATS[:20]
    return sorted(await asyncio.gather(*(one(chat) for chat in chats)), key=repr)


async def test_twenty_tasks_at_once_get_four_tries_in_all_whoever_they_ask_for(
    world: AuthorityHarness,
) -> None:
    someone, no_one = world.person(), nobody(world)
    await someone.applies()
    told = [await twenty_at_once(who) for who in (someone, no_one)]
    refused = [("VerificationRequiredError", None)] * 17
    expected = [*[("WrongCodeError", left) for left in (1, 2, 3)], *refused]
    assert told[0] == told[1] == sorted(expected, key=repr)
    async with world.database.unit_of_work() as session:
        wrong = (
            await session.scalars(select(AuditEntry).where(AuditEntry.act == "code_wrong"))
        ).all()
        guarded = await session.scalars(select(AuditEntry).where(AuditEntry.act == "code_guarded"))
        assert len(wrong) == 8
        assert len(guarded.all()) == 2


async def test_who_does_not_exist_takes_the_same_time(world: AuthorityHarness) -> None:
    """Medians over turns, at a cost that outweighs the noise of the machine."""
    world.hash_with(Argon2Hasher(Argon2Cost(memory=8 * 1024, passes=2)))
    someone, no_one = world.person(), nobody(world)
    await someone.applies()
    taken: dict[int, list[float]] = {0: [], 1: []}
    for turn in range(16):
        for index, who in enumerate((someone, no_one)):
            start = time.perf_counter()
            await refusals(who, [5000 + turn])
            taken[index].append(time.perf_counter() - start)
            async with world.database.unit_of_work() as session:
                subject = world.authority.records.hash_ui_number(who.ui_number)
                await rate_limit.reset(session, authority_limits.CODE_GUESSES, subject)
    medians = [statistics.median(times) for times in taken.values()]
    assert max(medians) < 1.5 * min(medians), medians


async def test_what_is_stored_of_tries_does_not_tell_whom(world: AuthorityHarness) -> None:
    no_one = nobody(world)
    await refusals(no_one, [CHAT])
    async with world.database.unit_of_work() as session:
        rows = (await session.scalars(select(RateLimitRecord))).all()
    assert {row.scope for row in rows} == {"code", "chat.codes", "chat.guesses", "chat.checks"}
    assert all(no_one.ui_number.reveal().encode() not in row.subject for row in rows)


async def test_too_many_checks_at_once_are_refused_and_not_counted(world: AuthorityHarness) -> None:
    world.hash_with(Argon2Hasher(Argon2Cost(memory=16 * 1024, passes=2), threads=1, waiting=0))
    people = [world.person(seed) for seed in range(1, 5)]
    for each in people:
        await each.applies()

    async def one(each: Applicant) -> bool:
        try:
            await each.checks(chat=each.seed)
        except CheckQueueFullError:
            return False
        return True

    checked = await asyncio.gather(*(one(each) for each in people))
    assert 0 < sum(checked) < len(people)
    for each in people:
        await each.checks()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no priority")
async def test_checks_give_way_to_those_who_are_served() -> None:
    hasher = Argon2Hasher(Argon2Cost(memory=64, passes=1))
    own = os.getpriority(os.PRIO_PROCESS, 0)
    lower = await hasher._run(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    hasher.close()
    assert (lower > own) or own == 19
    assert os.getpriority(os.PRIO_PROCESS, 0) == own


async def test_a_check_does_not_hold_up_the_event_loop(world: AuthorityHarness) -> None:
    world.hash_with(Argon2Hasher(Argon2Cost(memory=32 * 1024, passes=2)))
    someone = world.person()
    await someone.applies()
    longest, running = 0.0, True

    async def heartbeat() -> None:
        nonlocal longest
        while running:
            start = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - start)

    beating = asyncio.create_task(heartbeat())
    start = time.perf_counter()
    await someone.checks()
    taken = time.perf_counter() - start
    running = False
    await beating
    assert longest < taken / 2


async def test_the_same_code_has_another_verifier_for_everybody(world: AuthorityHarness) -> None:
    code = SubscriberCode("aB3dE5gH")
    prepared = [await world.authority.codes.prepare(f"{n}" * 32, NOW, code) for n in range(2)]
    assert prepared[0].verifier != prepared[1].verifier
    assert prepared[0].sealed != prepared[1].sealed
    for one in prepared:
        assert await world.authority.codes.check(code, one.verifier)
    assert "aB3dE5gH" not in repr(prepared)
