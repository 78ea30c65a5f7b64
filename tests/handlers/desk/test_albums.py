"""Albums, captions and hidden pictures, in both directions."""

import pytest

from sandbox.world.chats import ForumTopic
from tests import phrases
from tests.bot_harness import ChatUser, Json
from tests.handlers.desk.desk_harness import DeskHarness


@pytest.fixture
async def topic(desk: DeskHarness, anna: ChatUser, bo: ChatUser) -> ForumTopic:
    """The topic of Anna's ticket, which Bo has taken."""
    topic = await desk.asks(anna, "my card sings at night")
    await desk.presses_in(bo, topic, "Take")
    return topic


def kinds(messages: list[Json]) -> list[str]:
    """What each message is."""
    known = ("photo", "video", "document", "text")
    return [next((kind for kind in known if kind in message), "other") for message in messages]


def album_of(messages: list[Json]) -> list[Json]:
    """The messages of the newest album."""
    newest = next(m["media_group_id"] for m in reversed(messages) if "media_group_id" in m)
    return [message for message in messages if message.get("media_group_id") == newest]


async def test_an_album_of_the_subscriber_is_asked_about_once_and_arrives_hidden(
    desk: DeskHarness, anna: ChatUser, topic: ForumTopic
) -> None:
    before, said = len(desk.all_in(topic)), len(anna.bot_messages)
    await anna.sends_album("photo", "video", "photo", caption="my reader")
    assert len(anna.bot_messages) == said + 1
    await desk.work(61)
    assert len(desk.all_in(topic)) == before
    await anna.presses(phrases.SEND_TO_STAFF)
    await anna.says("that is all")
    await desk.work(61)
    *album, text = desk.all_in(topic)[before:]
    assert kinds([*album, text]) == ["photo", "video", "photo", "text"], "in the order sent"
    assert album_of(desk.all_in(topic)) == album
    assert album[0]["caption"] == "my reader"
    assert all(each.get("has_media_spoiler") for each in album)
    assert all(each.get("has_protected_content") for each in album)


async def test_an_album_that_shows_a_secret_is_deleted_whole(
    desk: DeskHarness, anna: ChatUser, topic: ForumTopic
) -> None:
    before = len(desk.all_in(topic))
    sent = await anna.sends_album("photo", "photo")
    await anna.presses("Delete it")
    anna.sees("Deleted")
    await desk.work(61)
    assert len(desk.all_in(topic)) == before
    assert not {message["message_id"] for message in anna.messages} & set(sent)


async def test_an_album_of_the_agent_arrives_as_one_and_undo_removes_all_of_it(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    assert desk.group is not None
    there = bo.within(desk.group.id, topic.id)
    said = len(anna.bot_messages)
    await there.sends_album("document", "document", caption="both forms")
    await desk.says_in(bo, topic, "Fill in the first one")
    await desk.work(5)
    shown = anna.bot_messages[said:]
    assert kinds(shown) == ["document", "document", "text"]
    assert album_of(anna.bot_messages) == shown[:2]
    assert shown[0]["caption"] == "both forms"
    await desk.says_in(bo, topic, "/undo")
    await desk.says_in(bo, topic, "/undo")
    assert len(anna.bot_messages) == said
    removals = [text for text in desk.messages_in(topic) if "Removed from" in text]
    assert len(removals) == 2, "one for the text and one for the album"


async def test_an_album_with_one_bad_caption_is_held_whole_and_goes_whole(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    assert desk.group is not None
    said = len(anna.bot_messages)
    there = bo.within(desk.group.id, topic.id)
    await there.sends_album("photo", "photo", caption="Please send me your PIN")
    await desk.work(61)
    assert len(anna.bot_messages) == said
    held = [text for text in desk.messages_in(topic) if "Held back" in text]
    assert len(held) == 1
    assert await desk.presses_in(desk.admin, topic, "Send anyway") == "OK"
    assert kinds(anna.bot_messages[said:]) == ["photo", "photo"]


async def test_a_held_answer_goes_once_it_is_mended(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    answer = await desk.says_in(bo, topic, "Please send me your PIN")
    assert desk.group is not None
    bo.person.edit(answer, "Never send anybody your PIN", desk.group.id)
    await desk.work(61)
    anna.sees("Never send anybody your PIN")


async def test_a_changed_caption_changes_on_the_other_side(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    picture = await anna.sends("photo", "my raeder")
    await anna.edits(picture, "my reader")
    await anna.presses(phrases.SEND_TO_STAFF)
    await desk.work(61)
    assert desk.all_in(topic)[-1]["caption"] == "my reader", "changed before it went"
    await anna.edits(picture, "my old reader")
    await desk.work(61)
    assert desk.all_in(topic)[-1]["caption"] == "my old reader"
    assert desk.group is not None
    there = bo.within(desk.group.id, topic.id)
    answer = await there.sends("document", "this from")
    await desk.work(5)
    bo.person.edit(answer, "this form", desk.group.id)
    await desk.work(61)
    assert anna.last["caption"] == "this form"


async def test_a_caption_that_holds_a_secret_removes_the_picture(
    desk: DeskHarness, anna: ChatUser, topic: ForumTopic
) -> None:
    picture = await anna.sends("photo", "my reader")
    await anna.presses(phrases.SEND_TO_STAFF)
    await desk.work(61)
    assert "photo" in desk.all_in(topic)[-1]
    await anna.edits(picture, "my PIN is 83472615")
    await desk.work(61)
    assert not [each for each in desk.all_in(topic) if "photo" in each]
    assert phrases.WITHHELD in desk.messages_in(topic)[-1]


async def test_an_album_counts_as_many_calls_as_it_has_messages(
    desk: DeskHarness, anna: ChatUser, bo: ChatUser, topic: ForumTopic
) -> None:
    await desk.work(61)
    for _ in range(3):
        await anna.sends_album(*["photo"] * 10)
        await anna.presses(phrases.SEND_TO_STAFF)
    arrived = []
    for _ in range(4):
        await desk.work(61)
        arrived.append(kinds(desk.all_in(topic)).count("photo"))
    assert arrived == [10, 20, 30, 30], "no two of them within a minute"
