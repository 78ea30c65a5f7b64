"""Messages and their copies: changes, removal, quotes, media, and answers that are held."""

import pytest

from sandbox.world.chats import ForumTopic
from sandbox.world.fault_injection import InjectedFault
from tests import phrases
from tests.bot_harness import ChatUser, Json
from tests.handlers.desk.desk_harness import DeskHarness


@pytest.fixture
async def topic(desk: DeskHarness, anna: ChatUser, bo: ChatUser) -> ForumTopic:
    """The topic of Anna's ticket, which Bo has taken."""
    topic = await desk.asks(anna, "my card sings at night")
    await desk.presses_in(bo, topic, "Take")
    return topic


async def edit_in(desk: DeskHarness, agent: ChatUser, message_id: int, text: str) -> None:
    assert desk.group is not None
    agent.person.edit(message_id, text, desk.group.id)
    await desk.work(61)


def with_id(desk: DeskHarness, message_id: int) -> Json:
    assert desk.group is not None
    return desk.group.chat.messages[message_id].message


async def test_an_answer_is_changed_and_removed_at_the_subscribers(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    answer = await desk.says_in(bo, topic, "Which song?")
    count = len(anna.bot_messages)
    await edit_in(desk, bo, answer, "Which song exactly?")
    anna.sees("Which song exactly?")
    assert len(anna.bot_messages) == count
    await desk.says_in(bo, topic, "/undo")
    assert len(anna.bot_messages) == count - 1
    assert "Removed from the subscriber's chat" in desk.messages_in(topic)[-1]
    await desk.says_in(bo, topic, "/undo")
    assert "no answer of yours" in desk.messages_in(topic)[-1]


async def test_delivery_is_shown_by_a_reaction(
    desk: DeskHarness, bo: ChatUser, topic: ForumTopic
) -> None:
    answer = await desk.says_in(bo, topic, "Which song?")
    await desk.work(61)
    assert desk.group is not None
    assert "👌" in str(desk.group.chat.messages[answer].reactions)


async def test_a_blocked_bot_costs_a_message(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    anna.person.block()
    await desk.says_in(bo, topic, "Which song?")
    assert "has blocked the bot" in desk.messages_in(topic)[-1]


async def test_the_newest_message_is_changed_and_of_an_older_one_it_is_said(
    desk: DeskHarness, anna: ChatUser, topic: ForumTopic
) -> None:
    first = await anna.says("the anthem")
    await desk.work(61)
    await anna.edits(first, "the anthem, I think")
    await desk.work(61)
    assert desk.messages_in(topic)[-1] == "👤 the anthem, I think"
    await anna.says("or the other one")
    await desk.work(61)
    await anna.edits(first, "the old anthem")
    await desk.work(61)
    assert "changed this message" in desk.messages_in(topic)[-1]
    assert "the old anthem" in desk.messages_in(topic)[-1]


async def test_a_change_that_holds_a_secret_removes_the_copy(
    desk: DeskHarness, anna: ChatUser, topic: ForumTopic
) -> None:
    message = await anna.says("the anthem")
    await desk.work(61)
    await anna.edits(message, "my PIN is 83472615")
    await desk.work(61)
    shown = desk.messages_in(topic)
    assert "👤 the anthem" not in shown
    assert phrases.WITHHELD in shown[-1]


async def test_a_reply_quotes_the_same_message_on_the_other_side(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    answer = await desk.says_in(bo, topic, "Which song?")
    await anna.says("the anthem", reply_to=anna.last["message_id"])
    await desk.work(61)
    assert desk.group is not None
    copy = desk.group.chat.current_messages()[-1]
    assert (copy["text"], copy["reply_to_message"]["message_id"]) == ("👤 the anthem", answer)
    await desk.says_in(bo, topic, "Oh", reply_to=copy["message_id"])
    assert anna.last["reply_to_message"]["text"] == "the anthem"


async def test_a_picture_is_passed_on_only_once_it_is_said_to_be_harmless(
    desk: DeskHarness, anna: ChatUser, topic: ForumTopic
) -> None:
    before = len(desk.all_in(topic))
    await anna.sends("photo")
    anna.sees("application form")
    await desk.work(61)
    assert len(desk.all_in(topic)) == before
    await anna.presses(phrases.SEND_TO_STAFF)
    await desk.work(61)
    assert "photo" in desk.all_in(topic)[-1]
    await anna.sends("sticker")
    await desk.work(61)
    assert "sticker" in desk.all_in(topic)[-1]


async def test_an_answer_that_asks_for_a_pin_is_held_until_an_editor_agrees(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    count = len(anna.bot_messages)
    await desk.says_in(bo, topic, "Please send me your PIN")
    assert "Held back" in desk.messages_in(topic)[-1]
    assert "has this ticket" in await desk.presses_in(bo, topic, "Send anyway")
    assert len(anna.bot_messages) == count
    assert await desk.presses_in(desk.admin, topic, "Send anyway") == "OK"
    anna.sees("Please send me your PIN")


async def test_a_text_of_the_greatest_length_arrives_whole(
    desk: DeskHarness, anna: ChatUser, topic: ForumTopic
) -> None:
    dora = desk.harness.add_user("Dora")
    await dora.starts()
    long = "why " * 1023 + "why?"
    hers = await desk.asks(dora, long)
    assert long in desk.messages_in(hers)
    await anna.says(long)
    await desk.work(61)
    assert desk.messages_in(topic)[-1] == long


async def test_an_error_of_ours_holds_up_nothing_for_long(
    desk: DeskHarness,
    anna: ChatUser,
    bo: ChatUser,
    topic: ForumTopic,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> str:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("handlers.desk.topic_texts.subscriber_text", fail)
        await anna.says("the anthem")
        for _ in range(3):
            await desk.work(61)
    await anna.says("the other one")
    await desk.work(61)
    assert desk.messages_in(topic)[-1] == "👤 the other one"


async def test_who_writes_as_the_group_is_told_what_to_change(
    desk: DeskHarness, anna: ChatUser, topic: ForumTopic
) -> None:
    assert desk.group is not None
    count = len(anna.bot_messages)
    mask = desk.harness.engine.add_person("Eve", "en")
    desk.group.add(mask)
    creator = desk.admin.person
    desk.group.set_status(mask, "administrator", creator, is_anonymous=True)
    mask.send("I am nobody", desk.group.id, topic.id)
    await desk.work(61)
    assert "Remain anonymous" in desk.messages_in(topic)[-1]
    assert len(anna.bot_messages) == count


async def test_general_and_its_threads_are_no_ticket(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    assert desk.group is not None
    count = len(anna.bot_messages)
    first = bo.person.send("lunch?", desk.group.id)
    bo.person.send("yes", desk.group.id, reply_to_message_id=first["message_id"])
    await desk.work(61)
    assert len(anna.bot_messages) == count


async def test_an_answer_that_is_too_old_to_be_removed_stays_known(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.says_in(bo, topic, "Which song?")
    faults, too_old = desk.harness.engine.world.faults, "Bad Request: message can't be deleted"
    faults.add(InjectedFault("deletemessage", 400, description=too_old))
    await desk.says_in(bo, topic, "/undo")
    assert "48 hours" in desk.messages_in(topic)[-1]
    anna.sees("Which song?")
    await desk.work(61)
    await desk.says_in(bo, topic, "/undo")
    assert "Removed from the subscriber's chat" in desk.messages_in(topic)[-1]
