"""Half a day at the desk: two agents, five subscribers, and everything that goes wrong there.

Everything that was delivered is searched for in the database and the log at the end.
"""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from telegram.error import NetworkError

from sandbox.world.chats import ForumTopic
from sandbox.world.fault_injection import InjectedFault
from services.desk.models import DeskAuditEntry, DeskCall
from tests import phrases
from tests.bot_harness import ChatUser
from tests.handlers.desk.desk_harness import DeskHarness

SECRETS = ("83472615", "A123456789")
DELIVERED = (
    "sings at night", "Which song", "the anthem of Wanhua", "the old anthem of Wanhua",
    "my reader blinks", "Try the other port", "I will be late", "lost in Keelung",
    "a colleague's guess", "wrong answer to take back",
)  # fmt: skip
"""Words that were written on either side."""


def texts_of(user: ChatUser) -> list[str]:
    """What the bot wrote to somebody."""
    return [message.get("text") or message.get("caption") or "" for message in user.bot_messages]


async def people(desk: DeskHarness, *names: str) -> list[ChatUser]:
    """Let subscribers start the bot."""
    found = [desk.harness.add_user(name) for name in names]
    for each in found:
        await each.starts()
    return found


def topic_of(desk: DeskHarness, name: str) -> ForumTopic:
    """The topic of a subscriber."""
    return next(topic for topic in desk.topics if name in topic.name)


async def test_half_a_day(
    desk: DeskHarness,
    bo: ChatUser,
    cai: ChatUser,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await desk.set_up(bo, cai)
    anna, dora, emil, finn, gita = await people(desk, "Anna", "Dora", "Emil", "Finn", "Gita")
    singing = await desk.asks(anna, "my card sings at night")
    blinking = await desk.asks(dora, "my reader blinks")
    late = await desk.asks(emil, "I will be late")

    await race_for_a_ticket(desk, bo, cai, singing)
    await answer_in_order_through_a_refusal(desk, anna, bo, singing)
    await change_undo_and_note(desk, anna, bo, cai, singing)
    await send_an_album_and_a_secret(desk, dora, cai, blinking)
    await die_amid_a_message(desk, dora, cai, blinking, monkeypatch)
    await lose_a_topic(desk, dora, cai, blinking)
    await be_blocked(desk, emil, bo, late)
    await write_as_the_group(desk, anna, singing)
    await report_a_lost_card(desk, finn)
    await leave_at_night(desk, gita, anna, bo, singing)

    await desk.work(61)
    log = capsys.readouterr()
    await search_for_words(desk, tmp_path, log.out + log.err)


async def race_for_a_ticket(
    desk: DeskHarness, bo: ChatUser, cai: ChatUser, topic: ForumTopic
) -> None:
    assert desk.group is not None
    card = desk.all_in(topic)[1]["message_id"] if len(desk.all_in(topic)) > 1 else topic.id + 1
    for agent in (bo, cai):
        agent.person.press(card, "v1:staff:take.1", chat_id=desk.group.id, forge=True)
    await desk.work()
    assert await desk.presses_in(cai, topic, "take over") == "OK"
    assert await desk.presses_in(bo, topic, "take over") == "OK"


async def answer_in_order_through_a_refusal(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    faults = desk.harness.engine.world.faults
    faults.add(InjectedFault("sendmessage", 429, retry_after=9))
    await desk.says_in(bo, topic, "Which song one")
    await desk.says_in(bo, topic, "Which song two")
    await desk.work(10)
    await anna.says("the anthem of Wanhua")
    await desk.work(61)
    answers = [text for text in texts_of(anna) if text.startswith("Which song")]
    assert answers == ["Which song one", "Which song two"]
    assert desk.messages_in(topic)[-1] == "👤 the anthem of Wanhua"


async def change_undo_and_note(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, cai: ChatUser, topic: ForumTopic
) -> None:
    assert desk.group is not None
    before = len(texts_of(anna))
    await desk.says_in(bo, topic, "wrong answer to take back")
    await desk.says_in(bo, topic, "/undo")
    await desk.says_in(cai, topic, "a colleague's guess")
    await desk.says_in(bo, topic, "// a colleague's guess, too")
    assert len(texts_of(anna)) == before
    own = [m for m in anna.messages if m.get("text") == "the anthem of Wanhua"]
    await anna.edits(own[-1]["message_id"], "the old anthem of Wanhua")
    await desk.work(61)
    assert "👤 the old anthem of Wanhua" in desk.messages_in(topic)


async def send_an_album_and_a_secret(
    desk: DeskHarness, dora: ChatUser, cai: ChatUser, topic: ForumTopic
) -> None:
    await desk.presses_in(cai, topic, "Take")
    await dora.sends_album("photo", "photo", caption="my reader blinks")
    await dora.presses(phrases.SEND_TO_STAFF)
    for secret in SECRETS:
        await dora.says(f"my code is {secret}" if secret.isdecimal() else secret)
    await desk.work(61)
    await desk.work(61)
    shown = str(desk.all_in(topic))
    assert shown.count("has_media_spoiler") == 2
    assert not [secret for secret in SECRETS if secret in shown]
    assert shown.count(phrases.WITHHELD) == 2


async def die_amid_a_message(
    desk: DeskHarness,
    dora: ChatUser,
    cai: ChatUser,
    topic: ForumTopic,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process ends between Telegram's yes and the note of it."""
    note = "handlers.desk.subscriber_calls.SubscriberCaller._note"

    async def end(*_: object) -> None:
        raise NetworkError("the process was killed here")

    with monkeypatch.context() as patch:
        patch.setattr(note, end)
        await desk.says_in(cai, topic, "Try the other port")
    for _ in range(3):
        await desk.work(5)
    assert 1 <= texts_of(dora).count("Try the other port") <= 2
    async with desk.harness.kaika.database.unit_of_work() as session:
        assert list(await session.scalars(select(DeskCall).where(DeskCall.lane == "private"))) == []


async def lose_a_topic(desk: DeskHarness, dora: ChatUser, cai: ChatUser, topic: ForumTopic) -> None:
    assert desk.group is not None
    desk.group.delete_topic(topic.id, desk.admin.person)
    await dora.says("my reader blinks red")
    for _ in range(4):
        await desk.work(61)
    again = topic_of(desk, "Dora")
    assert again.id != topic.id
    assert desk.messages_in(again)[-1] == "👤 my reader blinks red"
    await desk.says_in(cai, again, "Which song? None, I see")
    dora.sees("None, I see")


async def be_blocked(desk: DeskHarness, emil: ChatUser, bo: ChatUser, topic: ForumTopic) -> None:
    await desk.presses_in(bo, topic, "Take")
    emil.person.block()
    await desk.says_in(bo, topic, "Come whenever you can")
    await desk.work(61)
    assert "has blocked the bot" in desk.messages_in(topic)[-1]


async def write_as_the_group(desk: DeskHarness, anna: ChatUser, topic: ForumTopic) -> None:
    assert desk.group is not None
    before = len(texts_of(anna))
    mask = desk.harness.engine.add_person("Eve", "en")
    desk.group.add(mask)
    desk.group.set_status(mask, "administrator", desk.admin.person, is_anonymous=True)
    mask.send("I am nobody", desk.group.id, topic.id)
    await desk.work(61)
    assert "Remain anonymous" in desk.messages_in(topic)[-1]
    assert len(texts_of(anna)) == before


async def report_a_lost_card(desk: DeskHarness, finn: ChatUser) -> None:
    await finn.says("I lost my card")
    await finn.presses("Not helpful")
    await finn.presses(phrases.ASK_PERSON)
    finn.sees("Suspend the card first")
    await finn.presses(phrases.ASK_PERSON)
    await finn.presses(phrases.YES_ASK_PERSON)
    await finn.says("lost in Keelung")
    await desk.work(61)
    assert topic_of(desk, "Finn").name.startswith("🚨")


async def leave_at_night(
    desk: DeskHarness, gita: ChatUser, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    """Anna's ticket is put aside and comes back; what nobody answers waits again."""
    await desk.presses_in(bo, topic, "Tomorrow")
    desk.later += timedelta(days=4)
    await desk.harness.run_due_jobs(desk.now)
    await desk.work(61)
    assert "put aside" in str(desk.messages_in(topic))
    await gita.says("/person")
    gita.sees("Hours: Mon–Fri 9:00–12:00, 13:30–18:00")
    await desk.presses_in(bo, topic, "Resolve")
    await desk.presses_in(bo, topic, "Reader, software")
    assert "Was this helpful?" in str(texts_of(anna))


async def search_for_words(desk: DeskHarness, folder: Path, log: str) -> None:
    """Look for secrets and delivered words wherever the bot keeps something."""
    async with desk.harness.kaika.database.unit_of_work() as session:
        acts = [f"{e.act} {e.about}" for e in await session.scalars(select(DeskAuditEntry))]
    assert "resolved " in acts
    words = (*SECRETS, *DELIVERED)
    kept = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert any(re.search(r"\.db", path.name) for path in kept), "there is a database to search"
    for word in words:
        found = [path.name for path, content in kept.items() if word.encode() in content]
        assert found == [], word
        assert word not in log
        assert word not in " ".join(acts)
