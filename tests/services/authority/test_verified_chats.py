"""Verifying a person: three more attempts at their code for one chat, once a day, and no more."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from services import rate_limit
from services.authority.data_types import AuthorityOperation, Grant, Proof
from services.authority.embedded.authority_limits import VERIFICATIONS
from services.authority.embedded.credentials import grants
from services.authority.embedded.models import AuditEntry
from services.authority.errors import (
    AuthorityError,
    ChatPausedError,
    CodeLockedError,
    GrantExpiredError,
    ProofMissingError,
    VerificationRequiredError,
    WrongCodeError,
    WrongOneTimeCodeError,
)
from services.formats.subscriber_code import SubscriberCode
from tests.services.authority.authority_harness import CHAT, NOW, Applicant, AuthorityHarness
from tests.services.authority.notification_checks import messages_to
from tests.services.authority.test_codes import LINKED, OTHER_CHATS, WRONG, nobody, refusals
from tests.services.authority.test_concurrency import at_once
from tests.services.authority.test_retrieval import BORN, answers, asks, one_time_code

DAY = 24 * 60
VERIFY = AuthorityOperation.VERIFY


async def verifies(someone: Applicant, chat: int = CHAT, minutes: float = 0) -> Grant:
    """Verify a person with birth date and one-time code."""
    challenge = await asks(someone, BORN, VERIFY, chat, minutes)
    return await answers(someone.world, challenge, chat=chat, minutes=minutes)


async def applicant(world: AuthorityHarness, seed: int = 1) -> Applicant:
    someone = world.person(seed)
    await someone.applies()
    return someone


async def is_right(
    someone: Applicant, chat: int = CHAT, minutes: float = 0
) -> AuthorityError | None:
    """Type the right code; return how it is refused."""
    try:
        await someone.checks(chat=chat, now=NOW + timedelta(minutes=minutes))
    except AuthorityError as error:
        return error
    return None


async def wrong(someone: Applicant, *minutes: float, chat: int = CHAT) -> list[AuthorityError]:
    """Type a wrong code at each moment: after five a chat has to wait a minute, then longer."""
    found = []
    for minute in minutes:
        with pytest.raises(AuthorityError) as refused:
            await someone.checks(WRONG, chat=chat, now=NOW + timedelta(minutes=minute))
        found.append(refused.value)
    return found


def describe_refusals(errors: Sequence[AuthorityError]) -> list[tuple[str, object, object]]:
    """Return what each refusal says of the tries that are left."""
    return [
        (type(e).__name__, getattr(e, "tries_left", None), getattr(e, "can_verify", None))
        for e in errors
    ]


async def test_a_paused_chat_verifies_and_the_right_code_is_taken(world: AuthorityHarness) -> None:
    someone = await applicant(world)
    third = (await refusals(someone, [CHAT] * 3))[-1]
    assert describe_refusals([third]) == [("WrongCodeError", 1, True)]
    paused = await is_right(someone)
    assert isinstance(paused, ChatPausedError)
    assert (paused.until, paused.can_verify) == (NOW + timedelta(days=1), True)
    await verifies(someone)
    assert await is_right(someone) is None


async def test_it_gives_three_attempts_and_no_more(world: AuthorityHarness) -> None:
    someone = await applicant(world)
    await refusals(someone, [CHAT] * 3)
    await verifies(someone)
    assert describe_refusals(await wrong(someone, 0, 0, 1)) == [
        ("WrongCodeError", 3, False),
        ("WrongCodeError", 2, False),
        ("WrongCodeError", 1, False),
    ]
    paused = await is_right(someone, minutes=60)
    assert isinstance(paused, ChatPausedError)
    assert (paused.until, paused.can_verify) == (NOW + timedelta(days=1), False)


async def test_the_same_day_it_gives_nothing_more_and_the_next_day_it_does(
    world: AuthorityHarness,
) -> None:
    someone = await applicant(world)
    await refusals(someone, [CHAT] * 3)
    await verifies(someone)
    await wrong(someone, 0, 0)
    assert await is_right(someone, minutes=1) is None, "forgives the person's two, spends none"
    await wrong(someone, 1)
    await verifies(someone, minutes=70)
    assert isinstance(await is_right(someone, minutes=70), ChatPausedError)
    assert await is_right(someone, minutes=DAY + 1) is None
    await wrong(someone, *[DAY + 1] * 3)
    await verifies(someone, minutes=DAY + 2)
    assert await is_right(someone, minutes=DAY + 2) is None


async def test_what_was_used_of_yesterdays_does_not_count_today(world: AuthorityHarness) -> None:
    someone = await applicant(world)
    await refusals(someone, [CHAT] * 3)
    await verifies(someone)
    await wrong(someone, 600, 600, 601)
    await wrong(await applicant(world, 2), DAY + 1, DAY + 1, DAY + 15)
    assert isinstance(await is_right(someone, minutes=DAY + 60), ChatPausedError)
    await verifies(someone, minutes=DAY + 60)
    assert await is_right(someone, minutes=DAY + 60) is None


async def test_it_is_for_that_person_in_that_chat_only(world: AuthorityHarness) -> None:
    someone, other = await applicant(world), await applicant(world, 2)
    await refusals(someone, [CHAT] * 3)
    await refusals(other, [CHAT + 1] * 3)
    await verifies(someone)
    assert isinstance(await is_right(other), ChatPausedError)
    assert isinstance(await is_right(someone, CHAT + 1), ChatPausedError)
    assert await is_right(someone) is None


async def test_ten_wrong_entries_a_day_stay_ten(world: AuthorityHarness) -> None:
    someone, other = await applicant(world), await applicant(world, 2)
    await verifies(someone)
    for minutes in (60, 120, 180, 240):
        challenge = await asks(someone, BORN, VERIFY, minutes=minutes)
        with pytest.raises(WrongOneTimeCodeError):
            await answers(world, challenge, wrong=1, minutes=minutes)
    entries = [*await wrong(other, 300, 360, 420), *await wrong(someone, 480, 540, 600)]
    assert [type(entry) for entry in entries] == [WrongCodeError] * 6
    paused = await is_right(someone, minutes=720)
    assert isinstance(paused, ChatPausedError)
    assert not paused.can_verify, "it would give nothing"


async def test_where_strangers_used_theirs_up_a_verified_chat_goes_on(
    world: AuthorityHarness,
) -> None:
    someone = await applicant(world)
    await refusals(someone, OTHER_CHATS[:4])
    assert isinstance(await is_right(someone), VerificationRequiredError)
    await verifies(someone)
    assert describe_refusals(await refusals(someone, [CHAT])) == [("WrongCodeError", 3, False)]
    assert await is_right(someone) is None
    assert isinstance(await is_right(someone, minutes=DAY + 1), VerificationRequiredError)


async def test_the_persons_own_four_lock_from_verified_chats_too(world: AuthorityHarness) -> None:
    someone = await applicant(world)
    await refusals(someone, [CHAT] * 3)
    await verifies(someone)
    await someone.links(LINKED[0])
    await wrong(someone, 0, 0, 1)
    (last,) = await wrong(someone, 1, chat=LINKED[0])
    assert isinstance(last, CodeLockedError)
    assert isinstance(await is_right(someone, minutes=60), CodeLockedError)
    assert isinstance(await is_right(someone, LINKED[0]), CodeLockedError)


async def test_a_wrong_one_time_code_gives_nothing(world: AuthorityHarness) -> None:
    for someone in (await applicant(world), nobody(world)):
        await refusals(someone, [CHAT + someone.seed] * 3)
        challenge = await asks(someone, BORN, VERIFY, CHAT + someone.seed)
        with pytest.raises(WrongOneTimeCodeError):
            await answers(world, challenge, wrong=1, chat=CHAT + someone.seed)
        with pytest.raises(ChatPausedError) as paused:
            await someone.checks(WRONG, chat=CHAT + someone.seed)
        assert paused.value.can_verify


async def test_nobody_is_verified_for_somebody_who_does_not_exist(world: AuthorityHarness) -> None:
    no_one = nobody(world)
    await refusals(no_one, OTHER_CHATS[:4])
    challenge = await asks(no_one, BORN, VERIFY)
    with pytest.raises(WrongOneTimeCodeError):
        await answers(world, challenge)
    assert describe_refusals(await refusals(no_one, [CHAT])) == [
        ("VerificationRequiredError", None, None)
    ]


async def test_nothing_else_takes_its_grant(world: AuthorityHarness) -> None:
    someone = await world.person().is_active()
    grant, authority = await verifies(someone), world.authority
    assert grant.proofs == {Proof.BIRTH_DATE, Proof.MAIL}
    for operation in set(AuthorityOperation) - {VERIFY}:
        with pytest.raises(GrantExpiredError):
            async with world.database.unit_of_work() as session:
                await grants.require_grant(session, grant.id, operation, CHAT, NOW)
    with pytest.raises(ProofMissingError):
        async with world.database.unit_of_work() as session:
            await authority.links.link_chat(session, grant.id, CHAT, NOW)


async def test_the_same_answer_twice_gives_the_attempts_once(world: AuthorityHarness) -> None:
    someone = await applicant(world)
    await someone.links(LINKED[0])
    await refusals(someone, [CHAT] * 3)
    challenge = await asks(someone, BORN, VERIFY)
    right = one_time_code(world, challenge)
    check = world.authority.credentials.check_one_time_code
    await check(challenge.id, right, CHAT, NOW, "update 5")
    await wrong(someone, 0, 0)
    await check(challenge.id, right, CHAT, NOW + timedelta(minutes=1), "update 5")
    assert describe_refusals(await wrong(someone, 1)) == [("WrongCodeError", 1, False)]
    assert isinstance(await is_right(someone, minutes=60), ChatPausedError)
    assert (await messages_to(world, LINKED[0]))[-1] == "chat_verified"
    assert (await messages_to(world, LINKED[0])).count("chat_verified") == 1
    async with world.database.unit_of_work() as session:
        entries = select(AuditEntry).where(AuditEntry.act == "chat_verified")
        assert len((await session.scalars(entries)).all()) == 1


async def test_a_repeated_attempt_costs_one(world: AuthorityHarness) -> None:
    someone = await applicant(world)
    await refusals(someone, [CHAT] * 3)
    await verifies(someone)
    check, code = world.authority.credentials.check_code, SubscriberCode(WRONG)
    for _ in range(3):
        with pytest.raises(WrongCodeError) as refused:
            await check(someone.ui_number, code, AuthorityOperation.STATUS, CHAT, NOW, "update 9")
        assert refused.value.tries_left == 3
    assert describe_refusals(await wrong(someone, 0, 1))[-1] == ("WrongCodeError", 1, False)


async def test_at_once_it_is_three_attempts_too(world: AuthorityHarness) -> None:
    someone = await applicant(world)
    await refusals(someone, [CHAT] * 3)
    challenges = [await asks(someone, BORN, VERIFY) for _ in range(2)]
    later = NOW + timedelta(minutes=1)
    tried = await at_once(
        *(answers(world, each) for each in challenges), *(someone.checks(WRONG) for _ in range(8))
    )
    tried += await at_once(*(someone.checks(WRONG, now=later) for _ in range(8)))
    wrong_codes = [one for one in tried if isinstance(one, WrongCodeError)]
    assert sorted(one.tries_left for one in wrong_codes) in ([1, 2, 3], [2, 3])
    subject = world.authority.records.hash_verification(
        world.authority.records.hash_ui_number(someone.ui_number), CHAT
    )
    async with world.database.unit_of_work() as session:
        assert not await rate_limit.count_remaining(session, VERIFICATIONS, subject, NOW)


async def test_a_new_application_and_the_counter_give_everything_back(
    world: AuthorityHarness,
) -> None:
    someone = await applicant(world)
    await refusals(someone, OTHER_CHATS[:4])
    await someone.links(LINKED[0])
    await someone.links(LINKED[1])
    await refusals(someone, [*[LINKED[0]] * 3, LINKED[1]])
    shown = await world.counter.show(someone.ui_number, NOW)
    assert (shown.code_is_guarded, shown.code_is_locked) == (True, True)
    later = NOW + timedelta(days=20)
    await world.authority.expire_overdue(later)
    await someone.applies(later)
    shown = await world.counter.show(someone.ui_number, later)
    assert (shown.code_is_guarded, shown.code_is_locked) == (False, False)
    await someone.checks(now=later)
