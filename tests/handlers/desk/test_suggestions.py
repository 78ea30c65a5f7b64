"""Answers of the FAQ suggested below a subscriber's message, and sent with one tap."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from sandbox.engine import Engine
from sandbox.world.chats import ForumTopic
from services.desk.models import DeskAuditEntry, DeskCall
from services.faq.entries import Entries, load_entries
from tests.bot_harness import BotHarness, ChatUser, Json, buttons
from tests.handlers.desk.desk_harness import DeskHarness

LOST = "I lost my card on the train this morning"
LOST_ZH = "我的卡片掉在捷運上找不到了怎麼辦"


@pytest.fixture
async def topic(desk: DeskHarness, anna: ChatUser) -> ForumTopic:
    """The topic of Anna's ticket, which nobody has taken."""
    return await desk.asks(anna, LOST)


def labels_in(desk: DeskHarness, topic: ForumTopic) -> list[str]:
    """The buttons in a topic."""
    return [each["text"] for message in desk.all_in(topic) for each in buttons(message)]


def find_button(desk: DeskHarness, topic: ForumTopic, code: str) -> tuple[int, str]:
    """The message and the data of the newest button that sends an answer."""
    found = [
        (message["message_id"], each["callback_data"])
        for message in desk.all_in(topic)
        for each in buttons(message)
        if each["text"].endswith(f"/{code}")
    ]
    return found[-1]


def answers_of(user: ChatUser, title: str) -> list[Json]:
    """The answers of the staff that begin with a title; they reply to the question."""
    sent = [each for each in user.bot_messages if "reply_to_message" in each]
    return [each for each in sent if each.get("text", "").startswith(title)]


async def test_one_tap_takes_the_ticket_and_sends_the_answer(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    suggested = [each for each in labels_in(desk, topic) if each.startswith("📤")]
    assert suggested[0] == "📤 I lost my card · /lost"
    assert len(suggested) <= 3
    assert await desk.presses_in(bo, topic, "/lost") == "OK"
    taken, answer = anna.bot_messages[-2:]
    assert "Bo from our staff" in taken["text"]
    assert answer["text"].startswith("I lost my card\n\nSuspend the certificate now.")
    assert [each["text"] for each in buttons(answer)] == [
        *("🏛 Official page", "🧭 Step by step", "📄 More", "🌐 看中文"),
    ]
    assert answer["reply_to_message"]["text"] == LOST
    shown = desk.messages_in(topic)[-1]
    assert shown.startswith("👌 Bo sent this answer:\n\nI lost my card\n\nSuspend")
    await desk.work(61)
    assert any("Bo: take over" in each for each in labels_in(desk, topic))
    assert "📤 I lost my card · /lost" in labels_in(desk, topic), "the others may fit as well"


async def test_a_tap_costs_two_calls_to_the_group(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    before = len(desk.scheduler._made)
    await desk.presses_in(bo, topic, "/lost")
    assert len(desk.scheduler._made) - before == 2


async def test_the_subscriber_reads_their_language_and_the_staff_theirs(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser
) -> None:
    chen = desk.harness.add_user("Chen", "zh-hant")
    await chen.starts()
    await chen.says("/person")
    await chen.presses("找真人")
    await chen.says(LOST_ZH)
    await desk.work()
    topic = desk.topics[-1]
    assert "📤 I lost my card · /lost" in labels_in(desk, topic)
    await desk.presses_in(bo, topic, "/lost")
    chen.sees("卡片遺失", "停用憑證")


async def test_who_writes_chinese_is_answered_in_chinese(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await anna.says(LOST_ZH)
    await desk.work(61)
    await desk.presses_in(bo, topic, "/lost")
    anna.sees("卡片遺失")


async def test_each_further_message_has_suggestions_of_its_own(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.presses_in(bo, topic, "Take")
    await anna.says("how much does a new card cost?")
    await desk.work(61)
    assert any(each["text"].endswith("/fee") for each in buttons(desk.all_in(topic)[-1]))
    fee = await anna.says("thanks")
    await desk.work(61)
    assert buttons(desk.all_in(topic)[-1]) == []
    await anna.edits(fee, "thanks, and where do I pay it?")
    await desk.work(61)
    assert any(each["text"].endswith("/pay") for each in buttons(desk.all_in(topic)[-1]))


async def test_a_double_tap_sends_once(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    message, data = find_button(desk, topic, "lost")
    there = bo.within(topic_group(desk))
    await asyncio.gather(there.forges(message, data), there.forges(message, data))
    await there.forges(message, data)
    assert "sent already" in str(there.toast)
    await desk.work(61)
    assert len(answers_of(anna, "I lost my card")) == 1


async def test_of_two_agents_who_tap_at_the_same_time_one_sends(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, cai: ChatUser, topic: ForumTopic
) -> None:
    message, data = find_button(desk, topic, "lost")
    group = topic_group(desk)
    bo_there, cai_there = bo.within(group), cai.within(group)
    await asyncio.gather(bo_there.forges(message, data), cai_there.forges(message, data))
    await desk.work(61)
    assert sorted([str(bo_there.toast), str(cai_there.toast)])[-1] == "OK"
    assert "has this ticket" in f"{bo_there.toast} {cai_there.toast}"
    assert len(answers_of(anna, "I lost my card")) == 1


async def test_a_suggestion_of_a_resolved_ticket_sends_nothing(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    message, data = find_button(desk, topic, "lost")
    await desk.presses_in(bo, topic, "Take")
    await desk.says_in(bo, topic, "/resolve")
    await desk.work(61)
    count = len(anna.bot_messages)
    there = bo.within(topic_group(desk))
    await there.forges(message, data)
    assert there.toast == "The ticket is resolved."
    await desk.work(61)
    assert len(anna.bot_messages) == count
    assert not any(each.startswith("📤") for each in labels_in(desk, topic))


async def test_an_answer_that_is_deleted_meanwhile_is_not_sent(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    message, data = find_button(desk, topic, "lost")
    known, bot_data = load_entries(), desk.harness.kaika.application.bot_data
    left = {
        (each.id, language): each
        for language in ("en", "zh_Hant")
        for each in known.all(language)
        if each.id != "lost-card"
    }
    bot_data["services"] = replace(bot_data["services"], entries=Entries(left))
    count = len(anna.bot_messages)
    there = bo.within(topic_group(desk))
    await there.forges(message, data)
    assert "no longer exists" in str(there.toast)
    await desk.work(61)
    assert len(anna.bot_messages) == count
    assert any("🙋 Take" in each for each in labels_in(desk, topic)), "it is nobody's still"


async def test_an_answer_is_removed_by_undo_and_can_be_sent_again(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.presses_in(bo, topic, "/lost")
    shown = desk.all_in(topic)[-1]
    await desk.says_in(bo, topic, "/undo", reply_to=shown["message_id"])
    await desk.work(61)
    assert answers_of(anna, "I lost my card") == []
    assert "Removed from the subscriber's chat" in desk.messages_in(topic)[-1]
    assert await desk.presses_in(bo, topic, "/lost") == "OK"
    assert len(answers_of(anna, "I lost my card")) == 1
    await desk.says_in(bo, topic, "/undo")
    assert answers_of(anna, "I lost my card") == []


async def test_a_reply_to_an_answer_quotes_it_in_the_topic(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.presses_in(bo, topic, "/lost")
    shown = desk.all_in(topic)[-1]
    await anna.says("I do not have the code", reply_to=anna.last["message_id"])
    await desk.work(61)
    copy = desk.all_in(topic)[-1]
    assert copy["reply_to_message"]["message_id"] == shown["message_id"]


async def test_a_blocked_bot_is_told(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    anna.person.block()
    await desk.presses_in(bo, topic, "/lost")
    assert desk.messages_in(topic)[-1].startswith("⚠️")
    assert not any("sent this answer" in each for each in desk.messages_in(topic))


async def test_what_was_sent_is_on_record_without_words(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.presses_in(bo, topic, "/lost")
    await desk.work(61)
    async with desk.harness.kaika.database.unit_of_work() as session:
        acts = (await session.scalars(select(DeskAuditEntry))).all()
        waiting = (await session.scalars(select(DeskCall))).all()
    assert ("sent_answer", "lost-card") in {(each.act, each.about) for each in acts}
    assert waiting == []


async def test_the_way_of_this_bot_decides_what_an_answer_says(
    engine: Engine, tmp_path: Path
) -> None:
    admin = engine.add_person("Mei", "en")
    start = BotHarness.start(engine, tmp_path, "embedded", desk_admins=(admin.id,))
    async with start as harness:
        desk = DeskHarness(harness, admin)
        bo, anna = harness.add_user("Bo"), harness.add_user("Anna")
        await desk.set_up(bo)
        await anna.starts()
        topic = await desk.asks(anna, LOST)
        await desk.presses_in(bo, topic, "/lost")
        anna.sees("You can do it here, 24 hours a day")
        assert "⏸ Suspend now" in anna.labels


def topic_group(desk: DeskHarness) -> int:
    """The id of the group of the staff."""
    assert desk.group is not None
    return desk.group.id
