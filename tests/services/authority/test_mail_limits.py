"""The limits on one-time codes: strangers block nobody, and what was right is given back."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from services.authority.data_types import AuthorityOperation, Proof
from services.authority.embedded.audit import Actor
from services.authority.embedded.models import OneTimeChallenge
from services.authority.errors import TooManyMailsError, WrongOneTimeCodeError
from services.rate_limit import RateLimitRecord
from tests.services.authority.authority_harness import CHAT, NOW, Applicant, AuthorityHarness
from tests.services.authority.test_codes import nobody
from tests.services.authority.test_retrieval import answers, asks, one_time_code

STRANGERS = range(3001, 3100)
ANOTHER_DATE = date(1991, 1, 1)


async def refused(
    someone: Applicant,
    born: date | None = None,
    chat: int = CHAT,
    minutes: float = 0,
    operation: AuthorityOperation = AuthorityOperation.RETRIEVE,
) -> TooManyMailsError:
    """Ask for a mail that is refused; return how."""
    with pytest.raises(TooManyMailsError) as error:
        await asks(someone, born or someone.data.birth_date, operation, chat, minutes)
    return error.value


@pytest.fixture(params=["somebody", "nobody"])
async def asked_for(request: pytest.FixtureRequest, world: AuthorityHarness) -> Applicant:
    """Who exists and who does not: the limits are the same."""
    if request.param == "nobody":
        return nobody(world)
    someone = world.person()
    await someone.applies()
    return someone


async def test_who_knows_the_number_only_blocks_nobody(asked_for: Applicant) -> None:
    for chat in STRANGERS[:3]:
        await asks(asked_for, ANOTHER_DATE, chat=chat)
    await refused(asked_for, ANOTHER_DATE, chat=STRANGERS[3])
    for chat in STRANGERS[4:7]:
        await asks(asked_for, chat=chat)
    await refused(asked_for, chat=STRANGERS[7])


async def test_a_linked_chat_has_an_allowance_of_its_own(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    await someone.links(CHAT)
    for chat in STRANGERS[:3]:
        await asks(someone, chat=chat)
    await refused(someone, chat=STRANGERS[3])
    for _ in range(3):
        await asks(someone)
    await refused(someone)


async def test_a_mail_under_a_grant_counts_for_the_same_person(world: AuthorityHarness) -> None:
    someone = await world.person().is_active()
    for chat in STRANGERS[:3]:
        await asks(someone, chat=chat)
    send = world.authority.credentials.send_one_time_code
    for chat, is_refused in ((CHAT, True), (CHAT + 1, False)):
        if not is_refused:
            await someone.links(chat)
        grant = await someone.obtain_grant(AuthorityOperation.RESUME, Proof.CODE, chat=chat)
        async with world.database.unit_of_work() as session:
            if is_refused:
                with pytest.raises(TooManyMailsError):
                    await send(session, grant.id, chat, NOW)
            else:
                await send(session, grant.id, chat, NOW)


async def test_an_hourly_use_is_given_back_once_when_its_code_was_right(
    world: AuthorityHarness,
) -> None:
    someone = world.person()
    await someone.applies()
    first, _second = await asks(someone), await asks(someone)
    answer, right = world.authority.credentials.check_one_time_code, one_time_code(world, first)
    grants = [await answer(first.id, right, CHAT, NOW, "update 7") for _ in range(3)]
    assert len({grant.id for grant in grants}) == 3, "the answer came three times"
    for _ in range(2):
        await asks(someone)
    await refused(someone)


async def test_a_wrong_code_gives_nothing_back(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    for minutes in range(3):
        challenge = await asks(someone, minutes=minutes)
        with pytest.raises(WrongOneTimeCodeError):
            await answers(world, challenge, wrong=1, minutes=minutes)
    await refused(someone, minutes=3)


async def test_a_chat_gets_its_hourly_uses_back_too(world: AuthorityHarness) -> None:
    people = [world.person(seed) for seed in range(1, 9)]
    for someone in people:
        await someone.applies()
        await answers(world, await asks(someone))
    for someone in people[:6]:
        await asks(someone)
    await refused(people[6])


async def test_the_daily_uses_are_never_given_back(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    for minutes in range(10):
        await answers(world, await asks(someone, minutes=minutes), minutes=minutes)
    error = await refused(someone, minutes=11)
    assert error.until == NOW + timedelta(days=1)
    people = [world.person(seed) for seed in range(2, 13)]
    for someone in people[:10]:
        await someone.applies()
        await answers(world, await asks(someone, minutes=12), minutes=12)
    error = await refused(people[10], minutes=12)
    assert error.until == NOW + timedelta(days=1), "twenty for the chat"


async def test_who_is_refused_is_told_the_code_that_still_works(asked_for: Applicant) -> None:
    world = asked_for.world
    sent = [await asks(asked_for, minutes=minute) for minute in range(3)]
    assert (await refused(asked_for, minutes=3)).challenge == sent[-1].id
    another = await refused(asked_for, minutes=3, operation=AuthorityOperation.SUSPEND)
    assert another.challenge is None, "it is good for something else"
    assert (await refused(asked_for, chat=STRANGERS[0], minutes=3)).challenge is None
    assert (await refused(asked_for, minutes=13)).challenge is None, "it has expired"
    for _ in range(5):
        with pytest.raises(WrongOneTimeCodeError):
            await answers(world, sent[-1], wrong=1, minutes=3)
    assert (await refused(asked_for, minutes=3)).challenge is None, "it was tried too often"


async def test_a_used_code_is_not_offered_again(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    for chat in STRANGERS[:2]:
        await asks(someone, chat=chat)
    await answers(world, await asks(someone))
    await asks(someone, chat=STRANGERS[2])
    assert (await refused(someone)).challenge is None


async def test_what_was_mailed_to_a_forgotten_person_is_forgotten(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    await someone.links(CHAT)
    for chat in (CHAT, STRANGERS[0]):
        await asks(someone, chat=chat)
    authority = world.authority
    records = authority.records
    birth_hash = records.hash_birth_date(someone.ui_number, someone.data.birth_date)
    subjects = {records.hash_mails(birth_hash), records.hash_mails(birth_hash, CHAT)}
    assert subjects <= await limited_subjects(world)
    async with world.database.unit_of_work() as session:
        await authority.privacy.forget(session, someone.ui_number, Actor.at_counter("test"), NOW)
    assert not subjects & await limited_subjects(world)
    async with world.database.unit_of_work() as session:
        assert (await session.scalars(select(OneTimeChallenge))).all() == []


async def limited_subjects(world: AuthorityHarness) -> set[bytes]:
    """Return whom anything is counted for."""
    async with world.database.unit_of_work() as session:
        return set(await session.scalars(select(RateLimitRecord.subject)))
