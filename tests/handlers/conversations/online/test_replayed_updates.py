"""Replayed updates, concurrent processes, a crash in between: nothing is done twice."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from handlers.engine.transitions import ConversationMachine
from services.authority.embedded.models import AuditEntry, OneTimeChallenge
from services.authority.errors import CheckQueueFullError
from services.conversations import ConversationChangedError
from services.messaging.outbox import OutboxMessage
from tests import phrases
from tests.bot_harness import BotHarness
from tests.handlers.captured_updates import deliver_update, take_button_update, take_text_update
from tests.handlers.clock import current_time
from tests.handlers.conversations.online.cardholders import Office, read_one_time_code, wrong_code
from tests.handlers.engine.navigation import press, state


def crash_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> Callable[[], None]:
    """Make every call of `owner.name` fail; return a function that undoes it."""

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the process was killed")

    monkeypatch.setattr(owner, name, fail)
    return monkeypatch.undo


async def count_audit_entries(harness: BotHarness, act: str) -> int:
    async with harness.kaika.database.unit_of_work() as session:
        query = select(AuditEntry).where(AuditEntry.act == act)
        return len((await session.scalars(query)).all())


async def test_a_wrong_code_that_comes_again_costs_one_try(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    raw = await take_text_update(anna, f"{holder.ui_number_text} {wrong_code(holder)}")
    for _ in range(3):
        await deliver_update(harness, raw)
        anna.sees("Attempts left: 3")
    assert await count_audit_entries(harness, "code_wrong") == 1


async def test_killed_between_the_try_and_the_move_it_costs_one_try(
    harness: BotHarness, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    before = await state(anna)
    raw = await take_text_update(anna, f"{holder.ui_number_text} {wrong_code(holder)}")
    for _ in range(3):
        undo = crash_at(monkeypatch, ConversationMachine, "follow")
        await deliver_update(harness, raw)
        undo()
        assert await state(anna) == before
    await deliver_update(harness, raw)
    anna.sees("Attempts left: 3")
    assert await count_audit_entries(harness, "code_wrong") == 1


async def test_the_last_try_of_strangers_counts_once(
    harness: BotHarness, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = await office.cardholder()
    for name in ("Bình", "Citra", "Dewi"):
        other = harness.add_user(name)
        await other.starts("do-status")
        await other.says(f"{holder.ui_number_text} {wrong_code(holder)}")
    anna = harness.add_user()
    await anna.starts("do-suspend")
    raw = await take_text_update(anna, f"{holder.ui_number_text} {wrong_code(holder)}")
    undo = crash_at(monkeypatch, ConversationMachine, "follow")
    await deliver_update(harness, raw)
    undo()
    for _ in range(2):
        await deliver_update(harness, raw)
        anna.sees(phrases.CODE_IS_PROTECTED)
    assert await count_audit_entries(harness, "code_guarded") == 1


@pytest.mark.parametrize("is_right", [True, False])
async def test_a_one_time_code_that_comes_again_is_answered_in_the_same_way(
    harness: BotHarness, office: Office, monkeypatch: pytest.MonkeyPatch, is_right: bool
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    await press(anna, "mail")
    right = await read_one_time_code(harness, holder)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    raw = await take_text_update(anna, right if is_right else wrong)
    for _ in range(2):
        undo = crash_at(monkeypatch, ConversationMachine, "follow")
        await deliver_update(harness, raw)
        undo()
    await deliver_update(harness, raw)
    anna.sees(phrases.SUSPEND_NOW if is_right else "Attempts left: 4")
    async with harness.kaika.database.unit_of_work() as session:
        (challenge,) = (await session.scalars(select(OneTimeChallenge))).all()
        assert challenge.tries == 1


async def test_a_card_number_that_comes_again_costs_one_try(
    harness: BotHarness, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    raw = await take_text_update(anna, "GP00000000000000")
    undo = crash_at(monkeypatch, ConversationMachine, "follow")
    await deliver_update(harness, raw)
    undo()
    await deliver_update(harness, raw)
    anna.sees("Attempts left: 2")


async def test_suspended_once_though_the_tap_comes_again(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    await anna.says(await holder.read_card_number())
    raw = await take_button_update(anna, "suspend")
    for _ in range(3):
        await deliver_update(harness, raw)
        anna.sees(phrases.SUSPENDED)
        assert "already" not in anna.last["text"]
    assert await count_audit_entries(harness, "suspended") == 1
    async with harness.kaika.database.unit_of_work() as session:
        waiting = (await session.scalars(select(OutboxMessage))).all()
    assert [m.message for m in waiting].count("suspended") == 1


async def test_a_mail_is_sent_once_though_the_tap_comes_again(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    await anna.says(holder.number_and_code)
    raw = await take_button_update(anna, "mail")
    for _ in range(3):
        await deliver_update(harness, raw)
    await harness.run_due_jobs(current_time(harness))
    assert (
        sum(phrases.ONE_TIME_CODE_MAIL in mail.text for mail in harness.engine.world.mailbox.mails)
        == 1
    )


async def test_of_two_processes_one_moves(
    harness: BotHarness, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process takes the same text while this one checks the code."""
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    raw = await take_text_update(anna, f"{holder.ui_number_text} {wrong_code(holder)}")
    check, calls = harness.authority.codes.check, []

    async def meanwhile(*args: Any) -> bool:
        calls.append(args)
        if len(calls) == 1:
            await deliver_update(harness, raw)
        return await check(*args)

    monkeypatch.setattr(harness.authority.codes, "check", meanwhile)
    before = await state(anna)
    await deliver_update(harness, raw)
    assert len(calls) == 2
    assert (await state(anna)).version == before.version + 1
    anna.sees("Attempts left: 3")
    assert await count_audit_entries(harness, "code_wrong") == 1


async def test_a_tap_another_process_took_shows_where_the_person_is(
    harness: BotHarness, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")
    shown = anna.last["text"]

    async def lose_race(*_: object) -> None:
        raise ConversationChangedError

    monkeypatch.setattr(ConversationMachine, "follow", lose_race)
    await anna.says(holder.number_and_code)
    anna.sees(shown)


async def test_too_busy_counts_nothing(
    harness: BotHarness, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts("do-suspend")

    async def busy(*_: object) -> bool:
        raise CheckQueueFullError

    monkeypatch.setattr(harness.authority.codes, "check", busy)
    for _ in range(4):
        await anna.says(f"{holder.ui_number_text} {wrong_code(holder)}")
        anna.sees("did not use up an attempt")
    monkeypatch.undo()
    await anna.says(wrong_code(holder))
    anna.sees("Attempts left: 3")


async def test_a_code_shown_is_sent_again_when_the_update_does(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    await anna.starts("do-retrieve")
    await press(anna, "gone")
    await anna.says(f"{holder.ui_number_text} {holder.birth_date}")
    await anna.says(await read_one_time_code(harness, holder))
    raw = await take_button_update(anna, "show")
    for _ in range(2):
        await deliver_update(harness, raw)
    (copy,) = [m for m in anna.messages if holder.code_text in m.get("text", "")]
    assert copy["message_id"] == max(m["message_id"] for m in anna.messages)
    assert await count_audit_entries(harness, "code_revealed") == 1
