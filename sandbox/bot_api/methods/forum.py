"""Methods about the topics of a forum."""

from typing import TYPE_CHECKING

from sandbox.bot_api.access import find_chat, is_admin
from sandbox.bot_api.method_registry import method
from sandbox.bot_api.params.chat_params import CreateForumTopic, EditForumTopic, OneTopic
from sandbox.errors import bad_request
from sandbox.types import Json
from sandbox.world.chats import Chat, Topic
from sandbox.world.delivery import post

if TYPE_CHECKING:
    from sandbox.engine import Engine

ICON_COLORS = (7322096, 16766590, 13338331, 9367192, 16749490, 16478047)
MAX_NAME = 128


@method("createForumTopic", CreateForumTopic)
def create_forum_topic(engine: "Engine", p: CreateForumTopic) -> Json:
    """Make a topic."""
    chat = _forum(engine, p.chat_id, "create a topic")
    if p.icon_color and p.icon_color not in ICON_COLORS:
        raise bad_request("Invalid icon color specified")
    topic = make_topic(engine, chat, engine.bot.user, p.name, p.icon_color, p.icon_custom_emoji_id)
    return topic.as_json()


def make_topic(
    engine: "Engine", chat: Chat, maker: Json, name: str, color: int = 0, emoji: str = ""
) -> Topic:
    """Make a topic and the service message it begins with.

    :raises ApiError: where the name is empty.
    """
    name = name.strip()[:MAX_NAME]
    if not name:
        raise bad_request("Name must be non-empty")
    topic = Topic(chat.last_id + 1, name, color or ICON_COLORS[0], emoji)
    chat.topics[topic.id] = topic
    created: Json = {"name": name, "icon_color": topic.icon_color}
    if emoji:
        created["icon_custom_emoji_id"] = emoji
    notice = {"forum_topic_created": created}
    stored = post(engine, chat, maker, notice, thread=topic.id, service=True)
    if maker["id"] != engine.bot.id:
        engine.emit("message", stored.message)
    return topic


@method("editForumTopic", EditForumTopic)
def edit_forum_topic(engine: "Engine", p: EditForumTopic) -> bool:
    """Change the name or the icon of a topic."""
    chat, topic = _topic(engine, p, "edit the topic")
    name = p.name.strip()[:MAX_NAME] or topic.name
    emoji = topic.icon_custom_emoji_id if p.icon_custom_emoji_id is None else p.icon_custom_emoji_id
    changes: Json = {}
    if name != topic.name:
        changes["name"] = name
    if emoji != topic.icon_custom_emoji_id:
        changes["icon_custom_emoji_id"] = emoji
    if not changes:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.name, topic.icon_custom_emoji_id = name, emoji
    _note(engine, chat, topic, "forum_topic_edited", changes)
    return True


@method("closeForumTopic", OneTopic)
def close_forum_topic(engine: "Engine", p: OneTopic) -> bool:
    """Close a topic."""
    return _set_closed(engine, p, closed=True)


@method("reopenForumTopic", OneTopic)
def reopen_forum_topic(engine: "Engine", p: OneTopic) -> bool:
    """Open a closed topic."""
    return _set_closed(engine, p, closed=False)


def _set_closed(engine: "Engine", p: OneTopic, *, closed: bool) -> bool:
    chat, topic = _topic(engine, p, "close or open the topic")
    if topic.closed == closed:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.closed = closed
    _note(engine, chat, topic, "forum_topic_closed" if closed else "forum_topic_reopened", {})
    return True


@method("deleteForumTopic", OneTopic)
def delete_forum_topic(engine: "Engine", p: OneTopic) -> bool:
    """Delete a topic with all that was said in it."""
    chat, topic = _topic(engine, p, "delete the topic")
    del chat.topics[topic.id]
    gone = [
        stored.id
        for stored in chat.messages.values()
        if stored.message.get("message_thread_id") == topic.id
    ]
    for message_id in gone:
        del chat.messages[message_id]
    chat.deleted.extend(gone)
    engine.changed("topics", chat)
    return True


def _note(engine: "Engine", chat: Chat, topic: Topic, kind: str, content: Json) -> None:
    post(engine, chat, engine.bot.user, {kind: content}, thread=topic.id, service=True)


def _forum(engine: "Engine", chat_id: str, what: str) -> Chat:
    chat = find_chat(engine, chat_id)
    if not chat.is_forum:
        reason = "a forum" if chat.private else "a supergroup forum"
        raise bad_request(f"The chat is not {reason}")
    if not is_admin(engine, chat):
        raise bad_request(f"not enough rights to {what}")
    return chat


def _topic(engine: "Engine", p: OneTopic, what: str) -> tuple[Chat, Topic]:
    chat = _forum(engine, p.chat_id, what)
    topic = chat.topics.get(p.message_thread_id)
    if topic is None:
        raise bad_request("TOPIC_ID_INVALID")
    return chat, topic
