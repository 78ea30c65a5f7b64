"""Topics."""

from collections.abc import Callable
from functools import partial

import pytest

from sandbox.client.groups import Group
from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.errors import PersonError
from tests.sandbox.conftest import BotCaller


@pytest.fixture
async def forum(
    bot: BotCaller, engine: Engine, ann: TelegramClient, stranger: TelegramClient
) -> Group:
    """A forum the bot administers."""
    forum = engine.add_group("Staff", [ann, stranger], is_forum=True, bot_is_admin=True)
    await bot.take_updates()
    return forum


async def test_a_topic_is_made_and_written_in(
    bot: BotCaller, forum: Group, ann: TelegramClient
) -> None:
    topic = await bot.call("createForumTopic", chat_id=forum.id, name="  Bo · lost card ")
    assert topic["name"] == "Bo · lost card"
    thread = topic["message_thread_id"]
    sent = await bot.call(
        "sendMessage", chat_id=forum.id, message_thread_id=thread, text="He wrote:"
    )
    assert (sent["message_thread_id"], sent["is_topic_message"]) == (thread, True)
    theirs = ann.send("I take it", forum.id, thread)
    assert theirs["message_thread_id"] == thread
    assert "forum_topic_created" in theirs["reply_to_message"], "as Telegram has it"
    answered = ann.send("and this", forum.id, reply_to_message_id=sent["message_id"])
    assert answered["message_thread_id"] == thread
    in_general = ann.send("hello", forum.id)
    assert "message_thread_id" not in in_general


async def test_the_thread_must_be_there(bot: BotCaller, forum: Group, ann: TelegramClient) -> None:
    for thread in (1, 77):
        refusal = await bot.call_refused(
            "sendMessage", chat_id=forum.id, message_thread_id=thread, text="x"
        )
        assert refusal == "Bad Request: message thread not found"
    with pytest.raises(PersonError, match="no topic 77"):
        ann.send("x", forum.id, 77)


async def test_whatever_a_person_sends_goes_into_the_topic_they_look_at(
    bot: BotCaller, forum: Group, ann: TelegramClient
) -> None:
    thread = (await bot.call("createForumTopic", chat_id=forum.id, name="Bo"))["message_thread_id"]
    query_id = ann.query_inline("lost", forum.id)
    found = {"type": "article", "id": "a", "title": "A"}
    results = [{**found, "input_message_content": {"message_text": "Lost card"}}]
    await bot.call("answerInlineQuery", inline_query_id=query_id, results=results)
    keys = {"keyboard": [[{"text": "Yes"}]]}
    call = {"chat_id": forum.id, "message_thread_id": thread}
    await bot.call("sendMessage", **call, text="Well?", reply_markup=keys)
    own = ann.send("from my own chat")
    sent = [
        ann.choose_result(query_id, "a", message_thread_id=thread),
        ann.forward(own["message_id"], forum.id, message_thread_id=thread),
        ann.press_key("Yes", forum.id, thread),
    ]
    assert [message["text"] for message in sent] == ["Lost card", "from my own chat", "Yes"]
    assert {message["message_thread_id"] for message in sent} == {thread}
    nowhere: list[Callable[..., object]] = [
        partial(ann.choose_result, query_id, "a"),
        partial(ann.forward, own["message_id"], forum.id),
        partial(ann.press_key, "Yes", forum.id),
    ]
    for act in nowhere:
        with pytest.raises(PersonError, match="no topic 77"):
            act(message_thread_id=77)


async def test_outside_a_forum_the_thread_is_passed_over(
    bot: BotCaller, engine: Engine, ann: TelegramClient
) -> None:
    group = engine.add_group("Friends", [ann])
    sent = await bot.call("sendMessage", chat_id=group.id, message_thread_id=7, text="x")
    assert "message_thread_id" not in sent


async def test_a_topic_is_renamed_closed_and_opened(
    bot: BotCaller, forum: Group, ann: TelegramClient
) -> None:
    made = await bot.call("createForumTopic", chat_id=forum.id, name="Bo", icon_color=9367192)
    topic = {"chat_id": forum.id, "message_thread_id": made["message_thread_id"]}
    await bot.call("editForumTopic", **topic, name="Bo ✓", icon_custom_emoji_id="5")
    await bot.call("closeForumTopic", **topic)
    assert forum.as_json()["topics"] == [
        {
            "message_thread_id": made["message_thread_id"],
            "name": "Bo ✓",
            "icon_color": 9367192,
            "icon_custom_emoji_id": "5",
            "is_closed": True,
        }
    ]
    kinds = [set(m) & _KINDS for m in ann.transcript(forum.id)["messages"]]
    assert [kind for kind in kinds if kind] == [
        {"forum_topic_created"},
        {"forum_topic_edited"},
        {"forum_topic_closed"},
    ]
    assert await bot.call_refused("closeForumTopic", **topic) == "Bad Request: TOPIC_NOT_MODIFIED"
    same = await bot.call_refused("editForumTopic", **topic, name="Bo ✓")
    assert same == "Bad Request: TOPIC_NOT_MODIFIED"
    assert await bot.call("editForumTopic", **topic) is True, "nothing given changes nothing"
    assert await bot.call_refused("editForumTopic", **topic, name=" ") == (
        "Bad Request: title must be non-empty"
    )
    await bot.call("sendMessage", **topic, text="an administrator may")
    await bot.call("reopenForumTopic", **topic)


_KINDS = {"forum_topic_created", "forum_topic_edited", "forum_topic_closed"}


async def test_a_closed_topic_takes_no_members_message(
    bot: BotCaller, forum: Group, ann: TelegramClient, stranger: TelegramClient
) -> None:
    topic = forum.create_topic("Bo", ann)
    await bot.call("closeForumTopic", chat_id=forum.id, message_thread_id=topic.id)
    ann.send("the creator may", forum.id, topic.id)
    with pytest.raises(PersonError, match="is closed"):
        stranger.send("x", forum.id, topic.id)
    forum.set_bot_status("member", by=ann.user)
    refusal = await bot.call_refused(
        "sendMessage", chat_id=forum.id, message_thread_id=topic.id, text="x"
    )
    assert refusal == "Bad Request: TOPIC_CLOSED"


async def test_a_deleted_topic_takes_its_messages_along(
    bot: BotCaller, forum: Group, ann: TelegramClient
) -> None:
    topic = forum.create_topic("Bo", ann)
    inside = ann.send("x", forum.id, topic.id)["message_id"]
    outside = ann.send("y", forum.id)["message_id"]
    call = {"chat_id": forum.id, "message_thread_id": topic.id}
    await bot.call("deleteForumTopic", **call)
    ids = [message["message_id"] for message in ann.transcript(forum.id)["messages"]]
    assert inside not in ids
    assert outside in ids
    assert await bot.call_refused("deleteForumTopic", **call) == "Bad Request: TOPIC_ID_INVALID"
    assert "thread not found" in await bot.call_refused("sendMessage", **call, text="x")


async def test_a_person_makes_a_topic_and_the_bot_hears(
    bot: BotCaller, forum: Group, ann: TelegramClient
) -> None:
    topic = forum.create_topic("Question", ann)
    ((kind, message),) = await bot.take_updates()
    assert (kind, message["message_thread_id"]) == ("message", topic.id)
    assert message["forum_topic_created"]["name"] == "Question"
    with pytest.raises(PersonError, match="must be non-empty"):
        forum.create_topic(" ", ann)


async def test_who_may_make_topics_and_where(
    bot: BotCaller, engine: Engine, forum: Group, ann: TelegramClient
) -> None:
    group = engine.add_group("Friends", [ann])

    async def refused(chat_id: int, **more: object) -> str:
        return await bot.call_refused("createForumTopic", chat_id=chat_id, **{"name": "x", **more})

    assert await refused(group.id) == "Bad Request: the chat is not a supergroup forum"
    assert await refused(ann.id) == "Bad Request: the chat is not a forum"
    assert await refused(forum.id, name=" ") == "Bad Request: name must be non-empty"
    assert await refused(forum.id, icon_color=5) == "Bad Request: invalid icon color specified"
    forum.set_bot_status("member", by=ann.user)
    assert await refused(forum.id) == "Bad Request: not enough rights to create a topic"
    with pytest.raises(PersonError, match="has no topics"):
        group.create_topic("x", ann)


async def test_a_topic_begins_with_a_message_nobody_can_delete(
    bot: BotCaller, forum: Group, ann: TelegramClient
) -> None:
    topic = forum.create_topic("Bo", ann)
    refusal = await bot.call_refused("deleteMessage", chat_id=forum.id, message_id=topic.id)
    assert refusal == "Bad Request: message can't be deleted"


async def test_the_bot_hears_of_its_own_doings(
    bot: BotCaller, forum: Group, ann: TelegramClient
) -> None:
    thread = (await bot.call("createForumTopic", chat_id=forum.id, name="Bo"))["message_thread_id"]
    topic = {"chat_id": forum.id, "message_thread_id": thread}
    sent = await bot.call("sendMessage", **topic, text="x")
    await bot.call("pinChatMessage", chat_id=forum.id, message_id=sent["message_id"])
    await bot.call("editForumTopic", **topic, name="Bo ✓")
    await bot.call("closeForumTopic", **topic)
    await bot.call("reopenForumTopic", **topic)
    messages = [message for _, message in await bot.take_updates()]
    own = [message["from"]["id"] == bot.engine.world.bot.id for message in messages]
    assert own == [True] * 5
    assert {message["message_thread_id"] for message in messages} == {thread}
    for message, kind in zip(messages, _SERVICE, strict=True):
        assert kind in message
    assert messages[2]["forum_topic_edited"] == {"name": "Bo ✓"}


_SERVICE = (
    "forum_topic_created",
    "pinned_message",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
)


async def test_people_rename_close_and_reopen_topics(
    bot: BotCaller, forum: Group, ann: TelegramClient, stranger: TelegramClient
) -> None:
    thread = (await bot.call("createForumTopic", chat_id=forum.id, name="Bo"))["message_thread_id"]
    await bot.take_updates()
    forum.rename_topic(thread, "Bo, again", ann)
    forum.close_topic(thread, ann)
    forum.reopen_topic(thread, ann)
    messages = [message for _, message in await bot.take_updates()]
    assert [message["from"]["id"] for message in messages] == [ann.id] * 3
    assert messages[0]["forum_topic_edited"] == {"name": "Bo, again"}
    assert "forum_topic_closed" in messages[1]
    assert "forum_topic_reopened" in messages[2]
    with pytest.raises(PersonError, match="TOPIC_NOT_MODIFIED"):
        forum.reopen_topic(thread, ann)
    with pytest.raises(PersonError, match="non-empty"):
        forum.rename_topic(thread, " ", ann)
    for act in (forum.close_topic, forum.delete_topic):
        with pytest.raises(PersonError, match="This takes the right"):
            act(thread, stranger)
    own = forum.create_topic("A member's own", stranger)
    forum.close_topic(own.id, stranger)


async def test_after_people_deleted_a_topic_three_words_say_so(
    bot: BotCaller, forum: Group, ann: TelegramClient
) -> None:
    thread = (await bot.call("createForumTopic", chat_id=forum.id, name="Bo"))["message_thread_id"]
    topic = {"chat_id": forum.id, "message_thread_id": thread}
    sent = await bot.call("sendMessage", **topic, text="x")
    await bot.take_updates()
    forum.delete_topic(thread, ann)
    assert await bot.take_updates() == [], "bots are not told"
    on_its_way = await bot.call_refused("sendMessage", **topic, text="y")
    assert on_its_way == "Bad Request: TOPIC_DELETED"
    later = await bot.call_refused("sendMessage", **topic, text="y")
    assert later == "Bad Request: message thread not found"
    for method in ("closeForumTopic", "reopenForumTopic", "deleteForumTopic"):
        assert await bot.call_refused(method, **topic) == "Bad Request: TOPIC_ID_INVALID"
    edit = {"chat_id": forum.id, "message_id": sent["message_id"], "text": "z"}
    assert (
        await bot.call_refused("editMessageText", **edit)
        == "Bad Request: message to edit not found"
    )
    assert await bot.call("sendChatAction", **topic, action="typing") is True, "never checked"
    with pytest.raises(PersonError, match="no topic"):
        forum.delete_topic(thread, ann)


async def test_a_reply_in_general_has_a_thread_that_is_no_topic(
    bot: BotCaller, forum: Group, ann: TelegramClient
) -> None:
    root = ann.send("hello", forum.id)
    reply = ann.send("hi", forum.id, reply_to_message_id=root["message_id"])
    nested = ann.send("ho", forum.id, reply_to_message_id=reply["message_id"])
    own = await bot.call(
        "sendMessage",
        chat_id=forum.id,
        text="x",
        reply_parameters={"message_id": nested["message_id"]},
    )
    for message in (reply, nested, own):
        assert message["message_thread_id"] == root["message_id"]
        assert "is_topic_message" not in message
    call = {"chat_id": forum.id, "message_thread_id": root["message_id"], "text": "x"}
    refusal = await bot.call_refused("sendMessage", **call)
    assert refusal == "Bad Request: message thread not found"


async def test_a_reply_stays_in_the_topic_replied_in(
    bot: BotCaller, forum: Group, ann: TelegramClient, stranger: TelegramClient
) -> None:
    topic = forum.create_topic("Bo", stranger)
    theirs = ann.send("x", forum.id, topic.id)
    reply = {"message_id": theirs["message_id"]}
    call = {"chat_id": forum.id, "text": "y", "reply_parameters": reply}
    assert (await bot.call("sendMessage", **call))["message_thread_id"] == topic.id
    forum.close_topic(topic.id, ann)
    forum.set_bot_status("administrator", ann.user, rights=[])
    assert await bot.call_refused("sendMessage", **call) == "Bad Request: TOPIC_CLOSED"


@pytest.mark.parametrize(
    ("method", "right", "words"),
    [
        ("createForumTopic", "can_manage_topics", "create a topic"),
        ("editForumTopic", "can_manage_topics", "edit the topic"),
        ("closeForumTopic", "can_manage_topics", "close or open the topic"),
        ("deleteForumTopic", "can_delete_messages", "delete the topic"),
        ("pinChatMessage", "can_pin_messages", "manage pinned messages in the chat"),
        ("deleteMessage", "can_delete_messages", None),
    ],
)
async def test_each_right_of_the_bot_counts_by_itself(
    bot: BotCaller,
    forum: Group,
    ann: TelegramClient,
    method: str,
    right: str,
    words: str | None,
) -> None:
    topic = forum.create_topic("Bo", ann)
    said = ann.send("x", forum.id, topic.id)["message_id"]
    parameters: dict[str, dict[str, object]] = {
        "createForumTopic": {"name": "x"},
        "pinChatMessage": {"message_id": said},
        "deleteMessage": {"message_id": said},
        "editForumTopic": {"message_thread_id": topic.id, "name": "y"},
    }
    call = {"chat_id": forum.id, **parameters.get(method, {"message_thread_id": topic.id})}
    every = {"can_manage_topics", "can_delete_messages", "can_pin_messages"}
    forum.set_bot_status("administrator", ann.user, rights=sorted(every - {right}))
    refusal = await bot.call_refused(method, **call)
    expected = f"not enough rights to {words}" if words else "message can't be deleted"
    assert refusal == f"Bad Request: {expected}"
    forum.set_bot_status("administrator", ann.user, rights=[right])
    await bot.call(method, **call)


async def test_who_made_a_topic_may_edit_it_without_rights(
    bot: BotCaller, forum: Group, ann: TelegramClient
) -> None:
    thread = (await bot.call("createForumTopic", chat_id=forum.id, name="Bo"))["message_thread_id"]
    forum.set_bot_status("administrator", ann.user, rights=[])
    topic = {"chat_id": forum.id, "message_thread_id": thread}
    await bot.call("editForumTopic", **topic, name="Bo ✓")
    await bot.call("closeForumTopic", **topic)
    await bot.call("deleteForumTopic", **topic)


async def test_the_general_topic_is_renamed_closed_and_hidden(
    bot: BotCaller, forum: Group, ann: TelegramClient, stranger: TelegramClient
) -> None:
    chat = {"chat_id": forum.id}
    await bot.call("editGeneralForumTopic", **chat, name="Board")
    await bot.call("closeGeneralForumTopic", **chat)
    with pytest.raises(PersonError, match="is closed"):
        stranger.send("x", forum.id)
    ann.send("the creator may", forum.id)
    await bot.call("sendMessage", **chat, text="an administrator may")
    await bot.call("reopenGeneralForumTopic", **chat)
    stranger.send("x", forum.id)
    await bot.call("hideGeneralForumTopic", **chat)
    again = await bot.call_refused("hideGeneralForumTopic", **chat)
    assert again == "Bad Request: TOPIC_NOT_MODIFIED"
    general = forum.as_json()["general"]
    assert (general["name"], general["is_closed"]) == ("Board", True)
    await bot.call("unhideGeneralForumTopic", **chat)
    messages = [message for _, message in await bot.take_updates()]
    assert not any("message_thread_id" in message for message in messages)
    notices = [kind for message in messages for kind in _GENERAL if kind in message]
    assert notices == [
        "forum_topic_edited",
        "forum_topic_closed",
        "forum_topic_reopened",
        "general_forum_topic_hidden",
        "general_forum_topic_unhidden",
    ]
    forum.set_bot_status("administrator", ann.user, rights=[])
    for method in ("editGeneralForumTopic", "reopenGeneralForumTopic", "hideGeneralForumTopic"):
        assert "not enough rights" in await bot.call_refused(method, **chat)
    assert await bot.call_refused("sendMessage", **chat, text="x") == "Bad Request: TOPIC_CLOSED"
    forum.reopen_topic(1, ann)
    await bot.call("sendMessage", **chat, text="x")
    with pytest.raises(PersonError, match="stays"):
        forum.delete_topic(1, ann)


_GENERAL = (
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "general_forum_topic_hidden",
    "general_forum_topic_unhidden",
)


async def test_all_pins_of_a_topic_go(bot: BotCaller, forum: Group, ann: TelegramClient) -> None:
    topic = forum.create_topic("Bo", ann)
    inside = ann.send("x", forum.id, topic.id)["message_id"]
    outside = ann.send("y", forum.id)["message_id"]
    for message_id in (inside, outside):
        ann.pin(message_id, forum.id)
    chat = {"chat_id": forum.id}
    await bot.call("unpinAllForumTopicMessages", **chat, message_thread_id=topic.id)
    assert ann.transcript(forum.id)["pinned"] == [outside]
    await bot.call("unpinAllGeneralForumTopicMessages", **chat)
    assert ann.transcript(forum.id)["pinned"] == []
    forum.set_bot_status("administrator", ann.user, rights=[])
    refusal = await bot.call_refused("unpinAllGeneralForumTopicMessages", **chat)
    assert "not enough rights" in refusal


async def test_icons_are_listed(bot: BotCaller) -> None:
    icons = await bot.call("getForumTopicIconStickers")
    assert len({icon["custom_emoji_id"] for icon in icons}) == len(icons) > 10


async def test_inline_buttons_do_nothing_in_topics(
    bot: BotCaller, engine: Engine, forum: Group, ann: TelegramClient
) -> None:
    topic = forum.create_topic("Bo", ann)
    button = {"text": "Search", "switch_inline_query_current_chat": "lost "}
    call = {"chat_id": forum.id, "text": "x", "reply_markup": {"inline_keyboard": [[button]]}}
    inside = await bot.call("sendMessage", **call, message_thread_id=topic.id)
    outside = await bot.call("sendMessage", **call)
    assert ann.press_inline_switch(inside["message_id"], "Search", forum.id) is None
    assert ann.press_inline_switch(outside["message_id"], "Search", forum.id) == "lost "
    engine.world.change_options(inline_buttons_in_topics=True)
    assert ann.press_inline_switch(inside["message_id"], "Search", forum.id) == "lost "
    with pytest.raises(PersonError, match="No button"):
        ann.press_inline_switch(inside["message_id"], "Find", forum.id)
