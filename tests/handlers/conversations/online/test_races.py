"""The same update twice, two processes at once, a crash in between: nothing is done twice."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from telegram import Update

from handlers.engine.transitions import ConversationMachine
from services.authority.embedded.models import AuditEntry, OneTimeChallenge
from services.authority.errors import CheckQueueFullError
from services.conversations import ConversationChangedError
from services.messaging.outbox import OutboxMessage
from tests.chat import Json, Stage, Subscriber
from tests.handlers.conversations.online.people import Office, clock, one_time_code, wrong_code
from tests.handlers.engine.walking import button_data, press, state


async def typed(anna: Subscriber, text: str) -> Json:
    """Let somebody type a text, and give its update without handing it to the bot."""
    anna.person.send(text)
    (raw,) = await anna.stage.updates()
    return raw


async def tapped(anna: Subscriber, key: str) -> Json:
    """Let somebody press a button, and give its update without handing it to the bot."""
    anna.person.press(anna.last["message_id"], button_data(anna, key))
    (raw,) = await anna.stage.updates()
    return raw


async def comes(stage: Stage, raw: Json) -> None:
    """Hand an update to the bot as the inbox does, also after it was done."""
    application = stage.kaika.application
    await application.process_update(Update.de_json(raw, application.bot))


def cut(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> Callable[[], None]:
    """Let the process die where `name` is called; gives what undoes that."""

    async def dies(*_: object, **__: object) -> None:
        raise RuntimeError("the process was killed")

    monkeypatch.setattr(owner, name, dies)
    return monkeypatch.undo


async def audited(stage: Stage, act: str) -> int:
    """Count the entries of an act."""
    async with stage.kaika.database.unit_of_work() as session:
        query = select(AuditEntry).where(AuditEntry.act == act)
        return len((await session.scalars(query)).all())


async def test_a_wrong_code_that_comes_again_costs_one_try(stage: Stage, office: Office) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    await anna.starts("do-suspend")
    raw = await typed(anna, f"{holder.number} {wrong_code(holder)}")
    for _ in range(3):
        await comes(stage, raw)
        anna.sees("Tries left: 3")
    assert await audited(stage, "code_wrong") == 1


async def test_killed_between_the_try_and_the_move_it_costs_one_try(
    stage: Stage, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    await anna.starts("do-suspend")
    before = await state(anna)
    raw = await typed(anna, f"{holder.number} {wrong_code(holder)}")
    for _ in range(3):
        undo = cut(monkeypatch, ConversationMachine, "follow")
        await comes(stage, raw)
        undo()
        assert await state(anna) == before
    await comes(stage, raw)
    anna.sees("Tries left: 3")
    assert await audited(stage, "code_wrong") == 1


async def test_the_try_that_locks_locks_once(
    stage: Stage, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = await office.someone()
    for name in ("Bình", "Citra", "Dewi"):
        other = stage.subscriber(name)
        await other.starts("do-status")
        await other.says(f"{holder.number} {wrong_code(holder)}")
    anna = stage.subscriber()
    await anna.starts("do-suspend")
    raw = await typed(anna, f"{holder.number} {wrong_code(holder)}")
    undo = cut(monkeypatch, ConversationMachine, "follow")
    await comes(stage, raw)
    undo()
    for _ in range(2):
        await comes(stage, raw)
        anna.sees("This code is locked")
    assert await audited(stage, "code_locked") == 1


@pytest.mark.parametrize("is_right", [True, False])
async def test_a_one_time_code_that_comes_again_is_answered_in_the_same_way(
    stage: Stage, office: Office, monkeypatch: pytest.MonkeyPatch, is_right: bool
) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    await anna.starts("do-suspend")
    await anna.says(holder.both)
    await press(anna, "mail")
    right = await one_time_code(stage, holder)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    raw = await typed(anna, right if is_right else wrong)
    for _ in range(2):
        undo = cut(monkeypatch, ConversationMachine, "follow")
        await comes(stage, raw)
        undo()
    await comes(stage, raw)
    anna.sees("Suspend now?" if is_right else "Tries left: 4")
    async with stage.kaika.database.unit_of_work() as session:
        (challenge,) = (await session.scalars(select(OneTimeChallenge))).all()
        assert challenge.tries == 1


async def test_a_card_number_that_comes_again_costs_one_try(
    stage: Stage, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    await anna.starts("do-suspend")
    await anna.says(holder.both)
    raw = await typed(anna, "GP00000000000000")
    undo = cut(monkeypatch, ConversationMachine, "follow")
    await comes(stage, raw)
    undo()
    await comes(stage, raw)
    anna.sees("Tries left: 2")


async def test_suspended_once_though_the_tap_comes_again(stage: Stage, office: Office) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    await anna.starts("do-suspend")
    await anna.says(holder.both)
    await anna.says(await holder.card_number())
    raw = await tapped(anna, "suspend")
    for _ in range(3):
        await comes(stage, raw)
        anna.sees("Suspended.")
        assert "already" not in anna.last["text"]
    assert await audited(stage, "suspended") == 1
    async with stage.kaika.database.unit_of_work() as session:
        waiting = (await session.scalars(select(OutboxMessage))).all()
    assert [m.message for m in waiting].count("suspended") == 1


async def test_a_mail_is_sent_once_though_the_tap_comes_again(stage: Stage, office: Office) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    await anna.starts("do-suspend")
    await anna.says(holder.both)
    raw = await tapped(anna, "mail")
    for _ in range(3):
        await comes(stage, raw)
    await stage.works_off(clock(stage))
    assert sum("one-time code is" in mail.text for mail in stage.engine.world.mailbox.mails) == 1


async def test_of_two_processes_one_moves(
    stage: Stage, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process takes the same text while this one checks the code."""
    holder, anna = await office.someone(), stage.subscriber()
    await anna.starts("do-suspend")
    raw = await typed(anna, f"{holder.number} {wrong_code(holder)}")
    check, calls = stage.authority.codes.check, []

    async def meanwhile(*args: Any) -> bool:
        calls.append(args)
        if len(calls) == 1:
            await comes(stage, raw)
        return await check(*args)

    monkeypatch.setattr(stage.authority.codes, "check", meanwhile)
    before = await state(anna)
    await comes(stage, raw)
    assert len(calls) == 2
    assert (await state(anna)).version == before.version + 1
    anna.sees("Tries left: 3")
    assert await audited(stage, "code_wrong") == 1


async def test_a_tap_another_process_took_shows_where_the_person_is(
    stage: Stage, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    await anna.starts("do-suspend")
    shown = anna.last["text"]

    async def taken(*_: object) -> None:
        raise ConversationChangedError

    monkeypatch.setattr(ConversationMachine, "follow", taken)
    await anna.says(holder.both)
    anna.sees(shown)


async def test_too_busy_counts_nothing(
    stage: Stage, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, anna = await office.someone(), stage.subscriber()
    await anna.starts("do-suspend")

    async def busy(*_: object) -> bool:
        raise CheckQueueFullError

    monkeypatch.setattr(stage.authority.codes, "check", busy)
    for _ in range(4):
        await anna.says(f"{holder.number} {wrong_code(holder)}")
        anna.sees("Nothing was counted")
    monkeypatch.undo()
    await anna.says(wrong_code(holder))
    anna.sees("Tries left: 3")


async def test_a_code_shown_is_sent_again_when_the_update_does(
    stage: Stage, office: Office
) -> None:
    holder, anna = await office.someone("submitted"), stage.subscriber()
    await anna.starts("do-retrieve")
    await press(anna, "gone")
    await anna.says(f"{holder.number} {holder.born}")
    await anna.says(await one_time_code(stage, holder))
    raw = await tapped(anna, "show")
    for _ in range(2):
        await comes(stage, raw)
    (copy,) = [m for m in anna.messages if holder.secret in m.get("text", "")]
    assert copy["message_id"] == max(m["message_id"] for m in anna.messages)
    assert await audited(stage, "code_revealed") == 1
