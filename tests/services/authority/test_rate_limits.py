"""Guessing: a chat is slowed, then paused, and told until when; nothing tells who exists."""

import itertools
from datetime import datetime, timedelta

import pytest

from services import rate_limit
from services.authority.data_types import AuthorityOperation, Proof
from services.authority.embedded import authority_limits
from services.authority.errors import (
    AuthorityError,
    ChatPausedError,
    TooManyMailsError,
    WrongCardNumberError,
    WrongOneTimeCodeError,
)
from services.formats.card_number import CardNumber
from services.formats.one_time_code import OneTimeCode
from tests.services.authority.authority_harness import CHAT, NOW, Applicant, AuthorityHarness
from tests.services.authority.test_codes import nobody, refusals
from tests.services.authority.test_retrieval import asks

RESTS = (1, 5, 15, 30, 60)
WRONG_NUMBER = CardNumber.parse("KA00000000000000")


async def guesses(
    someone: Applicant, now: datetime, attempt: str = "", chat: int = CHAT
) -> AuthorityError:
    """Ask for a one-time code somewhere else and guess it once; return what is answered."""
    world = someone.world
    async with world.database.unit_of_work() as session:
        born = someone.data.birth_date
        ask = world.authority.credentials.request_one_time_code
        challenge = await ask(
            session, someone.ui_number, born, AuthorityOperation.RETRIEVE, chat, now
        )
    right = int(world.authority.one_time_codes.derive(challenge.id).reveal())
    wrong = OneTimeCode(f"{(right + 1) % 10**6:06d}")
    with pytest.raises(AuthorityError) as refused:
        await world.authority.credentials.check_one_time_code(
            challenge.id, wrong, chat, now, attempt
        )
    return refused.value


async def guesses_a_number(someone: Applicant, now: datetime, chat: int = CHAT) -> AuthorityError:
    """Type a wrong card number under a grant of its own; return what is answered."""
    grant = await someone.obtain_grant(AuthorityOperation.SUSPEND, Proof.CODE, chat=chat, now=now)
    with pytest.raises(AuthorityError) as refused:
        await someone.world.authority.credentials.check_card_number(
            grant.id, WRONG_NUMBER, chat, now
        )
    return refused.value


async def test_five_wrong_entries_at_once_then_ever_more_slowly_then_not_before_tomorrow(
    world: AuthorityHarness,
) -> None:
    people = itertools.cycle([await world.person(seed).is_active() for seed in range(1, 4)])
    now = NOW
    for _ in range(5):
        assert isinstance(await guesses_a_number(next(people), now), WrongCardNumberError)
    for minutes in RESTS:
        until = now + timedelta(minutes=minutes)
        paused = await guesses_a_number(next(people), until - timedelta(seconds=1))
        assert isinstance(paused, ChatPausedError)
        assert paused.until == until
        now = until
        assert isinstance(await guesses_a_number(next(people), now), WrongCardNumberError)
    paused = await guesses_a_number(next(people), now + timedelta(hours=9))
    assert isinstance(paused, ChatPausedError)
    assert paused.until == NOW + timedelta(days=1)
    elsewhere = await guesses_a_number(next(people), now, chat=CHAT + 1)
    assert isinstance(elsewhere, WrongCardNumberError)
    tomorrow = NOW + timedelta(days=1, minutes=1)
    assert isinstance(await guesses_a_number(next(people), tomorrow), WrongCardNumberError)


async def test_every_kind_of_guess_counts_together(world: AuthorityHarness) -> None:
    someone = await world.person().is_active()
    await refusals(world.person(2), [CHAT] * 2)
    grant = await someone.obtain_grant(AuthorityOperation.SUSPEND, Proof.CODE)
    for _ in range(2):
        with pytest.raises(WrongCardNumberError):
            await world.authority.credentials.check_card_number(grant.id, WRONG_NUMBER, CHAT, NOW)
    assert isinstance(await guesses(world.person(3), NOW), WrongOneTimeCodeError)
    with pytest.raises(ChatPausedError) as paused:
        await world.authority.credentials.check_card_number(grant.id, WRONG_NUMBER, CHAT, NOW)
    assert paused.value.until == NOW + timedelta(minutes=1)
    with pytest.raises(ChatPausedError):
        await someone.checks()


async def test_what_is_right_costs_nothing(world: AuthorityHarness) -> None:
    someone = await world.person().is_active()
    number = world.maker.orders[-1].card_number
    for _ in range(12):
        grant = await someone.checks(operation=AuthorityOperation.SUSPEND)
        await world.authority.credentials.check_card_number(grant.id, number, CHAT, NOW)


async def test_the_same_attempt_counts_once(world: AuthorityHarness) -> None:
    for seed in range(1, 5):
        await guesses(world.person(seed), NOW)
    someone = await world.person(9).is_active()
    grant = await someone.obtain_grant(AuthorityOperation.SUSPEND, Proof.CODE)
    for _ in range(4):
        with pytest.raises(WrongCardNumberError) as refused:
            await world.authority.credentials.check_card_number(
                grant.id, WRONG_NUMBER, CHAT, NOW, "update 5"
            )
        assert refused.value.tries_left == 2


async def test_it_is_kept_across_a_restart(world: AuthorityHarness) -> None:
    for seed in range(1, 6):
        await guesses(world.person(seed), NOW)
    await world.restart(NOW)
    assert isinstance(await guesses(world.person(6), NOW), ChatPausedError)


async def test_somebody_and_nobody_are_slowed_alike(world: AuthorityHarness) -> None:
    someone, no_one = world.person(), nobody(world)
    await someone.applies()
    answers = []
    for chat, who in ((31, someone), (32, no_one)):
        told = []
        for minute in (0, 20, 40, 61, 81, 101):
            error = await guesses(who, NOW + timedelta(minutes=minute), chat=chat)
            told.append((type(error), getattr(error, "tries_left", None)))
        answers.append(told)
    assert answers[0] == answers[1]


async def test_wrong_card_numbers_are_counted_for_the_person_too(world: AuthorityHarness) -> None:
    someone = await world.person().is_active()
    for number in range(6):
        chat = 41 + number
        grant = await someone.obtain_grant(AuthorityOperation.SUSPEND, Proof.CODE, chat=chat)
        with pytest.raises(WrongCardNumberError):
            await world.authority.credentials.check_card_number(grant.id, WRONG_NUMBER, chat, NOW)
    grant = await someone.obtain_grant(AuthorityOperation.SUSPEND, Proof.CODE, chat=49)
    right = world.maker.orders[-1].card_number
    with pytest.raises(ChatPausedError) as paused:
        await world.authority.credentials.check_card_number(grant.id, right, 49, NOW)
    assert paused.value.until == NOW + timedelta(days=1)


async def test_ten_mails_a_day_and_no_more(world: AuthorityHarness) -> None:
    someone = world.person()
    for hour in range(10):
        await asks(someone, chat=50 + hour, minutes=61 * hour)
    with pytest.raises(TooManyMailsError) as refused:
        await asks(someone, chat=70, minutes=61 * 10)
    assert refused.value.until == NOW + timedelta(days=1)


async def test_a_chat_has_thirty_checks_an_hour(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    for _ in range(authority_limits.CHAT_CHECKS.max_uses):
        await someone.checks()
    with pytest.raises(ChatPausedError) as paused:
        await someone.checks()
    assert paused.value.until == NOW + timedelta(hours=1)
    await someone.checks(now=NOW + timedelta(hours=1, seconds=1))


async def test_a_chat_is_linked_five_times_a_day(world: AuthorityHarness) -> None:
    people = [world.person(seed) for seed in range(1, 7)]
    for someone in people:
        await someone.applies()
    for someone in people[:5]:
        await someone.links(CHAT)
    with pytest.raises(ChatPausedError) as paused:
        await people[5].links(CHAT)
    assert paused.value.until == NOW + timedelta(days=1)
    assert not (await people[0].links(CHAT)).changed, "what is linked stays so"


def test_a_rest_stands_before_each_of_the_last_uses() -> None:
    limit = rate_limit.RateLimit(
        "x", 4, timedelta(days=1), (timedelta(minutes=1), timedelta(minutes=2))
    )
    assert [limit.pause_after(uses).seconds // 60 for uses in range(5)] == [0, 0, 1, 2, 0]
    assert not any(authority_limits.CODE_GUESSES.pause_after(uses) for uses in range(9))
