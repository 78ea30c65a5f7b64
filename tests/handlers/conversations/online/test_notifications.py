"""Notices to linked chats."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from sandbox.engine import Engine
from sandbox.world.fault_injection import InjectedFault
from services.authority.data_types import AuthorityOperation
from services.messaging import outbox
from services.storage.models import ChatRow, Job
from tests import phrases
from tests.bot_harness import BotHarness, buttons
from tests.handlers.clock import NOW
from tests.handlers.conversations.online.cardholders import Office
from tests.handlers.conversations.online.linked_chats import (
    link_chat,
    link_two_chats,
    pending_messages,
)


async def test_each_chat_is_told_in_its_language_and_the_one_that_acts_is_not(
    harness: BotHarness, office: Office
) -> None:
    holder, anna, mei = await link_two_chats(harness, office)
    anna.sees("Another chat now gets your alerts", "2027-03-01 12:00", "Was this you?")
    count_before = len(anna.bot_messages)
    grant = await holder.obtain_grant(AuthorityOperation.SUSPEND, chat=anna.person.id, now=NOW)
    async with office.database.unit_of_work() as session:
        await office.authority.certificates.suspend(session, grant.id, anna.person.id, NOW)
    await harness.run_due_jobs(NOW)
    mei.sees(phrases.CERTIFICATE_SUSPENDED.chinese, "2027-03-01 12:00", "是您本人嗎")
    assert mei.labels != []
    assert len(anna.bot_messages) == count_before


async def test_a_chosen_language_comes_before_the_clients(
    harness: BotHarness, office: Office
) -> None:
    holder, anna, _mei = await link_two_chats(harness, office)
    await anna.says("/language")
    await anna.presses(phrases.LANGUAGE_NAME.chinese)
    await office.counter.suspend(holder.ui_number, NOW)
    await harness.run_due_jobs(NOW)
    anna.sees(phrases.CERTIFICATE_SUSPENDED.chinese)


async def test_a_chat_linked_to_two_people_is_told_which_one_masked(
    harness: BotHarness, office: Office
) -> None:
    holder, anna, _mei = await link_two_chats(harness, office)
    other = await office.cardholder(seed=2)
    await link_chat(other, anna)
    await office.counter.suspend(other.ui_number, NOW)
    await harness.run_due_jobs(NOW)
    anna.sees("was suspended", f"UI No. {other.ui_number.mask()}")
    assert holder.ui_number_text not in anna.last["text"]


async def test_news_come_in_order_after_a_pause_of_the_line(
    harness: BotHarness, office: Office, engine: Engine
) -> None:
    holder, anna, _mei = await link_two_chats(harness, office)
    count_before = len(anna.bot_messages)
    engine.world.faults.add(InjectedFault("sendmessage", 502, times=2))
    await office.counter.suspend(holder.ui_number, NOW)
    await harness.run_due_jobs(NOW)
    assert len(anna.bot_messages) == count_before
    await office.counter.resume(holder.ui_number, NOW + timedelta(seconds=10))
    for minutes in (2, 4):
        await harness.run_due_jobs(NOW + timedelta(minutes=minutes))
    told = [message["text"].split("\n")[0] for message in anna.bot_messages[count_before:]]
    assert told == ["⏸ The certificate was suspended", "▶️ The certificate was reactivated"]
    assert await pending_messages(harness) == []


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, "<html>"), (200, '{"ok": true, "result": {"mess'), (403, "<html>"), (400, "<html>")],
)
async def test_news_outlive_an_answer_that_is_not_telegrams(
    harness: BotHarness, office: Office, engine: Engine, status: int, body: str
) -> None:
    holder, anna, _mei = await link_two_chats(harness, office)
    engine.world.faults.add(InjectedFault("sendmessage", status, body=body, times=2))
    await office.counter.suspend(holder.ui_number, NOW)
    await harness.run_due_jobs(NOW)
    assert [row.failed for row in await pending_messages(harness)] == [None, None]
    await harness.run_due_jobs(NOW + timedelta(minutes=1))
    anna.sees("was suspended")
    assert await pending_messages(harness) == []


async def test_a_flood_limit_is_waited_for_exactly(
    harness: BotHarness, office: Office, engine: Engine
) -> None:
    holder, anna, mei = await link_two_chats(harness, office)
    engine.world.faults.add(InjectedFault("sendmessage", 429, retry_after=90, times=2))
    await office.counter.suspend(holder.ui_number, NOW)
    await harness.run_due_jobs(NOW)
    async with harness.kaika.database.unit_of_work() as session:
        query = select(Job.at).where(Job.kind == outbox.JOB_KIND, Job.key.contains("/chat/"))
        moments = set(await session.scalars(query))
    assert moments == {NOW + timedelta(seconds=90)}
    await harness.run_due_jobs(NOW + timedelta(seconds=89))
    assert len(await pending_messages(harness)) == 2
    await harness.run_due_jobs(NOW + timedelta(seconds=90))
    anna.sees("was suspended")
    mei.sees(phrases.CERTIFICATE_SUSPENDED.chinese)


async def test_who_blocked_the_bot_is_not_told_and_holds_nobody_back(
    harness: BotHarness, office: Office
) -> None:
    holder, anna, mei = await link_two_chats(harness, office)
    anna.person.block()
    await office.counter.suspend(holder.ui_number, NOW)
    await harness.run_due_jobs(NOW)
    mei.sees(phrases.CERTIFICATE_SUSPENDED.chinese)
    assert await pending_messages(harness) == []
    async with harness.kaika.database.unit_of_work() as session:
        chat = await session.get(ChatRow, anna.person.id)
        assert chat is not None
        assert chat.closed_at is not None


async def test_a_message_telegram_will_never_take_is_kept_for_the_operator(
    harness: BotHarness, office: Office, engine: Engine
) -> None:
    holder, anna, _mei = await link_two_chats(harness, office)
    engine.world.faults.add(
        InjectedFault("sendmessage", 400, "Bad Request: chat not found", times=2)
    )
    await office.counter.suspend(holder.ui_number, NOW)
    await harness.run_due_jobs(NOW)
    assert {row.failed for row in await pending_messages(harness)} == {"BadRequest"}
    await office.counter.resume(holder.ui_number, NOW)
    await harness.run_due_jobs(NOW + timedelta(minutes=1))
    anna.sees("was reactivated")


async def test_a_chat_that_was_removed_is_told_of_that_and_of_nothing_before(
    harness: BotHarness, office: Office
) -> None:
    holder, anna, mei = await link_two_chats(harness, office)
    count_before = len(mei.bot_messages)
    await office.counter.suspend(holder.ui_number, NOW)
    async with office.database.unit_of_work() as session:
        (person,) = await office.authority.links.list_people(session, anna.person.id)
        unlink = office.authority.links.unlink_chat
        await unlink(session, person.subscriber, mei.person.id, anna.person.id, NOW)
    await harness.run_due_jobs(NOW)
    assert len(mei.bot_messages) == count_before + 1
    mei.sees("這個聊天室不再接收通知")


async def test_every_notice_reads_in_both_languages(harness: BotHarness, office: Office) -> None:
    holder = await office.cardholder("submitted")
    anna, mei = harness.add_user(), harness.add_user("阿美", "zh-hant")
    for person in (anna, mei):
        await person.starts()
        await link_chat(holder, person)
    await holder.pays(datetime.now(UTC))
    await holder.is_issued(NOW)
    await holder.is_posted(NOW)
    await holder.activates(NOW)
    for act in (office.counter.suspend, office.counter.resume):
        await act(holder.ui_number, NOW)
    await holder.is_revoked(NOW)
    await harness.run_due_jobs(NOW)
    for message in (*anna.bot_messages[1:], *mei.bot_messages[1:]):
        assert buttons(message) or "0800-080-117" in message["text"], "there is a way on"
    titles = [message["text"].split("\n")[0] for message in anna.bot_messages[1:]]
    assert titles == [
        "🔗 Another chat now gets your alerts",
        "💳 The fee was paid: NT$278",
        "📮 Your card was posted",
        "✅ The card was activated",
        "⏸ The certificate was suspended",
        "▶️ The certificate was reactivated",
        "⛔ The certificate was revoked",
    ]
    assert [message["text"].split("\n")[0] for message in mei.bot_messages[1:]] == [
        "💳 費用已繳清：新臺幣 278 元",
        "📮 卡片已寄出",
        "✅ 卡片已開卡",
        "⏸ 憑證已停用",
        "▶️ 憑證已復用",
        "⛔ 憑證已廢止",
    ]
    paid = next(
        message["text"] for message in anna.bot_messages if "fee was paid" in message["text"]
    )
    assert "receipt number 20" in paid
