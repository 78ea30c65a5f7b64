"""One-time codes by e-mail: retrieving the code, completing a grant, suspending without it."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from services.authority.data_types import AuthorityOperation, Challenge, Grant, Proof, RevealedCode
from services.authority.embedded.credentials import grants
from services.authority.embedded.credentials.grants import find_missing_proofs
from services.authority.embedded.credentials.one_time_codes import OneTimeCodes
from services.authority.embedded.models import OneTimeChallenge
from services.authority.embedded.personal_data.record_keys import RecordKeyFile
from services.authority.errors import (
    CodeLockedError,
    CodeUnrecoverableError,
    GrantExpiredError,
    OneTimeCodeExpiredError,
    ProofMissingError,
    TooManyMailsError,
    WrongCardNumberError,
    WrongOneTimeCodeError,
)
from services.formats.card_number import CardNumber
from services.formats.one_time_code import OneTimeCode
from services.messaging.outbox import OutboxMessage
from services.storage.keys import KeyRing, SecretPurpose
from tests.services.authority.authority_harness import CHAT, NOW, Applicant, AuthorityHarness
from tests.services.authority.test_codes import LINKED, nobody, refusals

BORN = date(1990, 5, 17)


async def asks(
    someone: Applicant,
    born: date = BORN,
    operation: AuthorityOperation = AuthorityOperation.RETRIEVE,
    chat: int = CHAT,
    minutes: float = 0,
) -> Challenge:
    """Ask for a one-time code with UI No. and birth date."""
    world, now = someone.world, NOW + timedelta(minutes=minutes)
    async with world.database.unit_of_work() as session:
        ask = world.authority.credentials.request_one_time_code
        return await ask(session, someone.ui_number, born, operation, chat, now)


def one_time_code(world: AuthorityHarness, challenge: Challenge, wrong: int = 0) -> OneTimeCode:
    """Return the code of a challenge, or one that is off by `wrong`."""
    right = int(world.authority.one_time_codes.derive(challenge.id).reveal())
    return OneTimeCode(f"{(right + wrong) % 10**6:06d}")


async def answers(
    world: AuthorityHarness,
    challenge: Challenge,
    wrong: int = 0,
    chat: int = CHAT,
    minutes: float = 0,
) -> Grant:
    """Type the code of a challenge, or one that is off by `wrong`."""
    typed = one_time_code(world, challenge, wrong)
    now = NOW + timedelta(minutes=minutes)
    return await world.authority.credentials.check_one_time_code(challenge.id, typed, chat, now)


async def reveals(world: AuthorityHarness, grant: Grant, minutes: float = 0) -> RevealedCode:
    async with world.database.unit_of_work() as session:
        reveal = world.authority.credentials.reveal_code
        return await reveal(session, grant.id, CHAT, NOW + timedelta(minutes=minutes))


async def test_the_code_comes_back_with_ui_number_birth_date_and_one_time_code(
    world: AuthorityHarness,
) -> None:
    someone = world.person()
    await someone.applies()
    grant = await answers(world, await asks(someone))
    assert grant.proofs == {Proof.BIRTH_DATE, Proof.MAIL}
    first, second = await reveals(world, grant), await reveals(world, grant)
    assert first.code == second.code == someone.code
    assert [first.change.changed, second.change.changed] == [True, False]
    assert someone.code.reveal() not in repr(first)


@pytest.mark.parametrize("last_act", ["applies", "pays", "is_issued", "is_posted"])
async def test_it_comes_back_in_every_state_before_activation(
    world: AuthorityHarness, last_act: str
) -> None:
    someone = world.person()
    for act in ("applies", "pays", "is_issued", "is_posted"):
        await getattr(someone, act)()
        if act == last_act:
            break
    grant = await answers(world, await asks(someone))
    assert (await reveals(world, grant)).code == someone.code


async def test_after_activation_nobody_gives_it_back(world: AuthorityHarness) -> None:
    someone = await world.person().is_active()
    grant = await answers(world, await asks(someone))
    with pytest.raises(CodeUnrecoverableError):
        await reveals(world, grant)


async def test_after_revocation_nobody_gives_it_back_either(world: AuthorityHarness) -> None:
    someone = world.person()
    for act in (someone.applies, someone.pays, someone.is_issued, someone.is_revoked):
        await act()
    grant = await answers(world, await asks(someone))
    with pytest.raises(CodeUnrecoverableError):
        await reveals(world, grant)


async def test_with_its_record_key_gone_the_answer_is_honest(world: AuthorityHarness) -> None:
    """So it is where a backup from before the activation was restored."""
    someone = world.person()
    await someone.applies()
    keys = RecordKeyFile(world.folder / "record-keys.bin")
    for record in keys.list_records():
        keys.destroy(record.id)
    grant = await answers(world, await asks(someone))
    with pytest.raises(CodeUnrecoverableError):
        await reveals(world, grant)


async def test_who_does_not_exist_and_a_wrong_birth_date_look_like_everybody(
    world: AuthorityHarness,
) -> None:
    someone, no_one = world.person(), nobody(world)
    await someone.applies()
    real = await asks(someone)
    wrong, nobodys = await asks(someone, date(1990, 5, 18), chat=7), await asks(no_one, chat=8)
    for challenge, chat in ((real, CHAT), (wrong, 7), (nobodys, 8)):
        assert (challenge.expires_at, challenge.tries) == (real.expires_at, real.tries)
        told = []
        for _ in range(5):
            with pytest.raises(WrongOneTimeCodeError) as refused:
                await answers(world, challenge, wrong=1, chat=chat)
            told.append(refused.value.tries_left)
        assert told == [4, 3, 2, 1, 0]
        with pytest.raises(OneTimeCodeExpiredError):
            await answers(world, challenge, chat=chat)


async def test_nobodys_one_time_code_is_never_right(world: AuthorityHarness) -> None:
    challenge = await asks(nobody(world))
    with pytest.raises(WrongOneTimeCodeError):
        await answers(world, challenge)


async def test_both_write_the_same_rows(world: AuthorityHarness) -> None:
    someone, no_one = world.person(), nobody(world)
    await someone.applies()
    counts = []
    for who in (someone, no_one):
        await asks(who)
        async with world.database.unit_of_work() as session:
            mails = (await session.scalars(select(OutboxMessage))).all()
            challenges = (await session.scalars(select(OneTimeChallenge))).all()
        counts.append((len(mails), len(challenges)))
    assert counts == [(1, 1), (2, 2)]


async def test_a_one_time_code_is_good_for_ten_minutes(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    challenge = await asks(someone)
    with pytest.raises(OneTimeCodeExpiredError):
        await answers(world, challenge, minutes=10)
    await answers(world, challenge, minutes=9.9)


async def test_a_one_time_code_is_good_once_and_in_its_chat_only(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    challenge = await asks(someone)
    with pytest.raises(OneTimeCodeExpiredError):
        await answers(world, challenge, chat=CHAT + 1)
    await answers(world, challenge)
    with pytest.raises(OneTimeCodeExpiredError):
        await answers(world, challenge)


@pytest.mark.parametrize("exists", [True, False])
async def test_three_mails_an_hour_and_no_more(world: AuthorityHarness, exists: bool) -> None:
    someone = world.person() if exists else nobody(world)
    if exists:
        await someone.applies()
    for minutes in (0, 30, 59):  # none of them is answered
        await asks(someone, minutes=minutes, chat=CHAT + int(minutes))
    with pytest.raises(TooManyMailsError) as refused:
        await asks(someone, minutes=59.5, chat=7)
    assert refused.value.until == NOW + timedelta(hours=1)
    await asks(someone, minutes=60.5, chat=7)
    with pytest.raises(TooManyMailsError):
        await asks(someone, minutes=61, chat=7)


async def test_one_chat_cannot_have_everybody_mailed(world: AuthorityHarness) -> None:
    people = [world.person(seed) for seed in range(1, 8)]
    for someone in people[:6]:
        await asks(someone, chat=55)
    with pytest.raises(TooManyMailsError):
        await asks(people[6], chat=55)


async def test_one_time_codes_are_stored_nowhere(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    challenge = await asks(someone)
    code = one_time_code(world, challenge).reveal()
    async with world.database.unit_of_work() as session:
        mail = (await session.scalars(select(OutboxMessage))).one()
        row = (await session.scalars(select(OneTimeChallenge))).one()
    stored = " ".join(str(vars(each)) for each in (mail, row))
    assert not re.search(rf"(?<![0-9a-f]){code}(?![0-9a-f])", stored)
    assert someone.code.reveal() not in stored


def test_one_time_codes_are_spread_evenly() -> None:
    made = OneTimeCodes(KeyRing({}, "", {SecretPurpose.ONE_TIME: bytes(32)}))
    codes = [made.derive(f"{number}").reveal() for number in range(5000)]
    assert all(len(code) == 6 for code in codes)
    firsts = [code[0] for code in codes]
    assert all(400 < firsts.count(digit) < 600 for digit in "0123456789")


async def test_a_grant_for_resuming_is_complete_with_all_three_proofs(
    world: AuthorityHarness,
) -> None:
    someone = await world.person().is_active()
    await someone.suspends()
    authority = world.authority
    grant = await someone.checks(operation=AuthorityOperation.RESUME)
    assert find_missing_proofs(grant.operation, grant.proofs) == (
        frozenset({Proof.CARD_NUMBER, Proof.MAIL}),
    )
    async with world.database.unit_of_work() as session:
        challenge = await authority.credentials.send_one_time_code(session, grant.id, CHAT, NOW)
    grant = await answers(world, challenge)
    with pytest.raises(ProofMissingError) as refused:
        async with world.database.unit_of_work() as session:
            await authority.certificates.resume(session, grant.id, CHAT, NOW)
    assert refused.value.missing == (frozenset({Proof.CARD_NUMBER}),)
    number = world.maker.orders[-1].card_number
    grant = await authority.credentials.check_card_number(grant.id, number, CHAT, NOW)
    assert find_missing_proofs(grant.operation, grant.proofs) == ()
    async with world.database.unit_of_work() as session:
        assert (
            await authority.certificates.announce_resumption(session, grant.id, CHAT, NOW)
        ).changed
        assert (await authority.certificates.resume(session, grant.id, CHAT, NOW)).changed


async def test_wrong_card_numbers_are_counted_in_the_grant(world: AuthorityHarness) -> None:
    someone = await world.person().is_active()
    grant = await someone.checks(operation=AuthorityOperation.SUSPEND)
    wrong = CardNumber.parse("KA00000000000000")
    prove = world.authority.credentials.check_card_number
    told = []
    for _ in range(3):
        with pytest.raises(WrongCardNumberError) as refused:
            await prove(grant.id, wrong, CHAT, NOW)
        told.append(refused.value.tries_left)
    assert told == [2, 1, 0]
    with pytest.raises(GrantExpiredError):
        await prove(grant.id, world.maker.orders[-1].card_number, CHAT, NOW)


async def test_a_grant_is_good_in_its_chat_for_its_operation_and_its_time_only(
    world: AuthorityHarness,
) -> None:
    someone = world.person()
    await someone.applies()
    grant = await someone.checks(operation=AuthorityOperation.STATUS)
    authority = world.authority
    async with world.database.unit_of_work() as session:
        assert (
            await authority.certificates.get_timeline(session, grant.id, CHAT, NOW)
        ).application == "submitted"
        row = await grants.find_grant(session, grant.id, CHAT, NOW)
        assert grants.to_grant(row) == grant
    for verb, chat, minutes in (
        (authority.certificates.get_timeline, CHAT + 1, 0),
        (authority.certificates.get_timeline, CHAT, 10),
        (authority.payments.get_amount_due, CHAT, 0),
    ):
        with pytest.raises(GrantExpiredError):
            async with world.database.unit_of_work() as session:
                await verb(session, grant.id, chat, NOW + timedelta(minutes=minutes))


async def test_a_locked_code_still_allows_suspension_by_one_time_code(
    world: AuthorityHarness,
) -> None:
    someone = await world.person().is_active()
    for chat in LINKED:
        await someone.links(chat)
    *_, locked = await refusals(someone, [*LINKED, LINKED[0]])
    assert isinstance(locked, CodeLockedError)
    grant = await answers(world, await asks(someone, operation=AuthorityOperation.SUSPEND))
    async with world.database.unit_of_work() as session:
        assert (await world.authority.certificates.suspend(session, grant.id, CHAT, NOW)).changed


async def test_birth_date_and_one_time_code_suspend_and_do_nothing_else(
    world: AuthorityHarness,
) -> None:
    someone = await world.person().is_active()
    authority, others = world.authority, set(AuthorityOperation) - {AuthorityOperation.SUSPEND}
    grant = await answers(world, await asks(someone, operation=AuthorityOperation.SUSPEND))
    for operation in others:
        with pytest.raises(GrantExpiredError):
            async with world.database.unit_of_work() as session:
                await grants.require_grant(session, grant.id, operation, CHAT, NOW)
    with pytest.raises(ProofMissingError):
        async with world.database.unit_of_work() as session:
            await authority.links.link_chat(session, grant.id, CHAT, NOW)
    with pytest.raises(GrantExpiredError):
        async with world.database.unit_of_work() as session:
            await authority.certificates.suspend(session, grant.id, CHAT + 1, NOW)
    changes = []
    for _ in range(2):
        async with world.database.unit_of_work() as session:
            changes.append(await authority.certificates.suspend(session, grant.id, CHAT, NOW))
    assert [change.changed for change in changes] == [True, False]


async def test_a_wrong_one_time_code_suspends_nothing(world: AuthorityHarness) -> None:
    someone = await world.person().is_active()
    challenge = await asks(someone, operation=AuthorityOperation.SUSPEND)
    for _ in range(5):
        with pytest.raises(WrongOneTimeCodeError):
            await answers(world, challenge, wrong=1)
    with pytest.raises(OneTimeCodeExpiredError):
        await answers(world, challenge)
    shown = await world.counter.show(someone.ui_number, NOW)
    assert shown.timeline.certificate == "active"


async def test_suspending_without_the_code_looks_the_same_for_nobody(
    world: AuthorityHarness,
) -> None:
    challenge = await asks(nobody(world), operation=AuthorityOperation.SUSPEND)
    with pytest.raises(WrongOneTimeCodeError):
        await answers(world, challenge)
