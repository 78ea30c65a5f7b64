"""What is promised in seconds is counted, whatever happens to the wall clock meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import DateTime, select, update

from bot.jobs.worker import JobWorker
from services import jobs, rate_limit
from services.authority.data_types import AuthorityOperation, Challenge, Proof
from services.authority.embedded.credentials import grants
from services.authority.embedded.models import GrantRecord
from services.authority.errors import (
    AuthorityError,
    CheckoutRefusedError,
    GrantExpiredError,
    OneTimeCodeExpiredError,
)
from services.bridge import models as bridge_models
from services.calendar import TAIPEI
from services.clock import ClockReading, SystemClock, steady_time, wall_time
from services.clock_record import read_last_moment, record_moment, resume_counting
from services.conversations import ConversationRow
from services.desk import models as desk_models
from services.rate_limit import RateLimit, RateLimitedError
from services.storage.database import STEADY, Base, UtcDateTime
from services.storage.models import Job
from tests.moving_clock import DISTURBANCES, START, MovingClock
from tests.services.authority.authority_harness import CHAT, Applicant, AuthorityHarness

TABLES = (bridge_models.PairingRow, ConversationRow, desk_models.Ticket)
"""Tables that have to be known here."""
disturbed = pytest.mark.parametrize("how", DISTURBANCES)
GUESSES = RateLimit("tests", 2, timedelta(hours=1), pauses=(timedelta(minutes=5),))
MINUTE = timedelta(minutes=1)

WALL_CLOCK_COLUMNS = {
    "applications": "submitted_at deadline paid_at issued_at posted_at activated_at expired_at",
    "audit_entries": "at",
    "bridge_operations": "started_at",
    "bridge_releases": "released_at",
    "certificate_authorities": "created_at",
    "certificate_sets": "changed_at not_before not_after held_since",
    "chats": "created_at closed_at",
    "desk_audit": "at",
    "desk_calls": "at not_before",
    "desk_groups": "set_up_at",
    "desk_staff": "checked_at",
    "doubts": "expires_at denied_at",
    "due": "at",
    "faq_changes": "at",
    "grants": "revealed_at announced_at",
    "inbox": "received_at",
    "invoices": "created_at",
    "ownership": "since",
    "linked_chats": "linked_at",
    "one_time_challenges": "done_at",
    "outbox": "put_at",
    "payments": "received_at refunded_at",
    "people": "created_at",
    "revocation_lists": "this_update next_update",
    "status_changes": "at",
    "subscribers": "created_at",
    "ticket_messages": "at delivered_at",
    "tickets": "opened_at waits_since active_at first_answered_at resolved_at reopens_until "
    "muted_until",
    "unanswered_questions": "first_asked_at last_asked_at",
    "unrecorded_certificates": "since not_after",
    "votes": "voted_at",
}
"""Times that go by the wall clock, such as a day that was promised or when something happened."""


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@disturbed
def test_the_steady_clock_counts_what_passes(clock: MovingClock, how: str) -> None:
    before = clock.wait(seconds=10)
    clock.disturb(how)
    after = clock.wait(seconds=50)
    assert steady_time(after) - steady_time(before) == timedelta(seconds=50)
    assert after == clock.wall


def test_what_is_computed_from_a_reading_is_a_plain_time(clock: MovingClock) -> None:
    now: datetime = clock.disturb("back")
    at_noon = now.astimezone(TAIPEI)
    for computed in (now + MINUTE, now - MINUTE, now.replace(microsecond=1), at_noon):
        assert not isinstance(computed, ClockReading)
    assert now - START == -timedelta(hours=1)
    assert isinstance(now, datetime)


def test_people_read_the_end_of_a_pause_by_the_wall_clock(clock: MovingClock) -> None:
    now = clock.disturb("back")
    assert wall_time(steady_time(now) + MINUTE, now) == clock.wall + MINUTE


def test_the_clock_of_the_machine_is_read() -> None:
    first, last = SystemClock().now(), SystemClock().now()
    assert first <= last <= datetime.now(UTC)
    assert steady_time(first) <= steady_time(last)


def test_of_every_stored_time_it_is_decided_which_clock_it_goes_by() -> None:
    by_wall = {
        table.name: {
            column.name
            for column in table.columns
            if isinstance(column.type, UtcDateTime | DateTime) and not column.info.get(STEADY)
        }
        for table in Base.metadata.sorted_tables
    }
    decided = {table: set(names.split()) for table, names in WALL_CLOCK_COLUMNS.items()}
    assert {table: names for table, names in by_wall.items() if names} == decided


@disturbed
async def test_a_job_is_due_when_its_seconds_have_passed(
    world: AuthorityHarness, clock: MovingClock, how: str
) -> None:
    async with world.database.unit_of_work() as session:
        await jobs.schedule_after(session, "erase", "one", MINUTE, clock.now())
    clock.wait(seconds=20)
    clock.disturb(how)
    assert await _lease_keys(world, clock.wait(seconds=39)) == []
    assert await _lease_keys(world, clock.wait(seconds=1)) == ["one"]


async def test_a_job_for_a_day_goes_by_the_wall_clock(
    world: AuthorityHarness, clock: MovingClock
) -> None:
    async with world.database.unit_of_work() as session:
        await jobs.schedule(session, "reminder", "one", START + timedelta(hours=1))
    clock.disturb("back")
    assert await _lease_keys(world, clock.wait(hours=1.5)) == []
    assert await _lease_keys(world, clock.disturb("forward")) == ["one"]


@disturbed
async def test_a_failed_job_is_run_again_after_its_seconds(
    world: AuthorityHarness, clock: MovingClock, how: str
) -> None:
    async def fail(_row: Job, _now: datetime) -> None:
        raise RuntimeError

    worker = JobWorker(world.database, {}, {"kind": fail})
    async with world.database.unit_of_work() as session:
        await jobs.schedule(session, "kind", "one", clock.now())
    assert await worker.run_due(clock.now()) == 0
    clock.disturb(how)
    assert await _lease_keys(world, clock.wait(seconds=29)) == []
    assert await _lease_keys(world, clock.wait(seconds=1)) == ["one"]


async def _lease_keys(world: AuthorityHarness, now: datetime) -> list[str]:
    async with world.database.unit_of_work() as session:
        return [row.key for row in await jobs.lease_due(session, now)]


@disturbed
async def test_a_grant_lasts_ten_minutes(
    world: AuthorityHarness, clock: MovingClock, how: str
) -> None:
    holder = world.person()
    await holder.applies(clock.now())
    grant = await holder.obtain_grant(AuthorityOperation.STATUS, Proof.CODE, now=clock.now())
    clock.disturb(how)
    await _find_grant(world, grant.id, clock.wait(minutes=9, seconds=59))
    with pytest.raises(GrantExpiredError):
        await _find_grant(world, grant.id, clock.wait(seconds=1))


async def _find_grant(world: AuthorityHarness, grant_id: str, now: datetime) -> None:
    async with world.database.unit_of_work() as session:
        await grants.find_grant(session, grant_id, CHAT, now)


@disturbed
async def test_a_one_time_code_lasts_ten_minutes(
    world: AuthorityHarness, clock: MovingClock, how: str
) -> None:
    holder = world.person()
    await holder.applies(clock.now())
    challenges = [await _ask(holder, clock.now()) for _ in range(2)]
    clock.disturb(how)
    await _answer(world, challenges[0], clock.wait(minutes=9, seconds=59))
    with pytest.raises(OneTimeCodeExpiredError):
        await _answer(world, challenges[1], clock.wait(seconds=1))


async def _ask(holder: Applicant, now: datetime) -> Challenge:
    credentials = holder.world.authority.credentials
    async with holder.world.database.unit_of_work() as session:
        return await credentials.request_one_time_code(
            session,
            holder.ui_number,
            holder.data.birth_date,
            AuthorityOperation.RETRIEVE,
            CHAT,
            now,
        )


async def _answer(world: AuthorityHarness, challenge: Challenge, now: datetime) -> None:
    code = world.authority.one_time_codes.derive(challenge.id)
    await world.authority.credentials.check_one_time_code(challenge.id, code, CHAT, now)


@disturbed
async def test_a_pause_and_a_window_last_as_long_as_they_were_promised(
    world: AuthorityHarness, clock: MovingClock, how: str
) -> None:
    await _guess(world, clock.now())
    now = clock.disturb(how)
    with pytest.raises(RateLimitedError) as paused:
        await _guess(world, now)
    assert paused.value.until == clock.wall + timedelta(minutes=5)
    await _guess(world, clock.wait(minutes=5))
    with pytest.raises(RateLimitedError):
        await _guess(world, clock.wait(minutes=54))
    await _guess(world, clock.wait(minutes=1, seconds=1))


async def _guess(world: AuthorityHarness, now: datetime) -> None:
    async with world.database.unit_of_work() as session:
        await rate_limit.consume(session, GUESSES, b"somebody", now)


@disturbed
async def test_one_payment_is_under_way_for_ten_minutes(
    world: AuthorityHarness, clock: MovingClock, how: str
) -> None:
    holder = world.person()
    await holder.applies(clock.now())
    first, second = [await holder.open_invoice(clock.now()) for _ in range(2)]
    await holder.approve_checkout(first, clock.now())
    now = clock.disturb(how)
    with pytest.raises(CheckoutRefusedError):
        await holder.approve_checkout(second, now)
    await holder.approve_checkout(second, clock.wait(minutes=10))


async def test_a_payment_under_way_holds_the_application_open_though_the_clock_is_set_forward(
    world: AuthorityHarness, clock: MovingClock
) -> None:
    holder = world.person()
    applied = await holder.applies(clock.now())
    clock.wall = applied.deadline - MINUTE
    checkout = await holder.open_invoice(clock.now())
    await holder.approve_checkout(checkout, clock.now())
    now = clock.disturb("a day forward")
    assert (await world.authority.expire_overdue(now)).applications == ()
    assert (await holder.record_charge(checkout, now=now)).matched


class TestAcrossARestart:
    """A new process on the same database, some seconds later."""

    async def test_a_message_for_seconds_is_due_at_once_and_the_rest_goes_on(
        self, world: AuthorityHarness, clock: MovingClock
    ) -> None:
        holder = world.person()
        await holder.applies(clock.now())
        grant = await holder.obtain_grant(AuthorityOperation.STATUS, now=clock.now())
        await _schedule_erasure(world, clock)
        clock.wait(seconds=3)
        now = await self._restart(world, clock)
        assert "erase" in await _lease_keys(world, now)
        await _find_grant(world, grant.id, now)

    async def test_a_job_that_has_to_wait_still_waits(
        self, world: AuthorityHarness, clock: MovingClock
    ) -> None:
        await _schedule_erasure(world, clock)
        async with world.database.unit_of_work() as session:
            await session.execute(update(Job).values(attempts=1))  # Telegram said: not yet
        now = await self._restart(world, clock)
        assert await _lease_keys(world, now) == []

    @pytest.mark.parametrize("how", ["back", "a day back"])
    async def test_where_the_clock_is_behind_what_was_promised_is_done_at_once(
        self, world: AuthorityHarness, clock: MovingClock, how: str
    ) -> None:
        holder = world.person()
        await holder.applies(clock.now())
        grant = await holder.obtain_grant(AuthorityOperation.STATUS, now=clock.now())
        challenge = await _ask(holder, clock.now())
        await _schedule_erasure(world, clock)
        clock.disturb(how)
        now = await self._restart(world, clock)
        assert "erase" in await _lease_keys(world, now)
        refused: list[type[AuthorityError]] = [GrantExpiredError, OneTimeCodeExpiredError]
        with pytest.raises(refused[0]):
            await _find_grant(world, grant.id, now)
        with pytest.raises(refused[1]):
            await _answer(world, challenge, now)

    async def test_where_the_clock_was_set_back_while_it_ran_the_next_process_notices(
        self, world: AuthorityHarness, clock: MovingClock
    ) -> None:
        clock.disturb("back")
        holder = world.person()
        await holder.applies(clock.wait(minutes=20))
        grant = await holder.obtain_grant(AuthorityOperation.STATUS, now=clock.now())
        now = await self._restart(world, clock)
        with pytest.raises(GrantExpiredError):
            await _find_grant(world, grant.id, now)

    async def test_setting_the_clock_back_gives_no_guesses_and_takes_none_for_long(
        self, world: AuthorityHarness, clock: MovingClock
    ) -> None:
        await _guess(world, clock.now())
        clock.disturb("a day back")
        now = await self._restart(world, clock)
        with pytest.raises(RateLimitedError):
            await _guess(world, now)
        await _guess(world, clock.wait(minutes=5))

    async def test_the_second_restart_is_an_ordinary_one(
        self, world: AuthorityHarness, clock: MovingClock
    ) -> None:
        clock.disturb("back")
        now = await self._restart(world, clock)
        holder = world.person()
        await holder.applies(now)
        grant = await holder.obtain_grant(AuthorityOperation.STATUS, now=clock.now())
        clock.wait(seconds=3)
        await _find_grant(world, grant.id, await self._restart(world, clock))

    async def test_every_time_that_is_counted_is_ended(
        self, world: AuthorityHarness, clock: MovingClock
    ) -> None:
        holder = world.person()
        await holder.applies(clock.now())
        await holder.obtain_grant(AuthorityOperation.STATUS, now=clock.now())
        await _ask(holder, clock.now())
        await holder.approve_checkout(await holder.open_invoice(clock.now()), clock.now())
        clock.disturb("back")
        now = await self._restart(world, clock)
        counted = [
            column
            for table in Base.metadata.sorted_tables
            for column in table.columns
            if column.info.get(STEADY)
        ]
        assert GrantRecord.__table__.c.expires_at in counted
        async with world.database.unit_of_work() as session:
            for column in counted:
                later = await session.execute(select(column).where(column > steady_time(now)))
                assert later.all() == [], column

    async def _restart(self, world: AuthorityHarness, clock: MovingClock) -> datetime:
        """End the process after its last record, and start another."""
        async with world.database.unit_of_work() as session:
            await record_moment(session, clock.now())
        clock.clock = clock.start_process()
        await resume_counting(world.database, clock.clock)
        async with world.database.unit_of_work() as session:
            assert await read_last_moment(session) == steady_time(clock.now())
        return clock.now()


async def _schedule_erasure(world: AuthorityHarness, clock: MovingClock) -> None:
    async with world.database.unit_of_work() as session:
        await jobs.schedule_after(session, "erase", "erase", MINUTE, clock.now())
