"""The topics of forums."""

from sandbox.errors import bad_request
from sandbox.types import Json
from sandbox.world.chats import ChatState, ForumTopic
from sandbox.world.delivery import post_service_message
from sandbox.world.world import World

ICON_COLORS = (7322096, 16766590, 13338331, 9367192, 16749490, 16478047)
MAX_TOPIC_NAME_LENGTH = 128


def create_topic(
    world: World, chat: ChatState, creator: Json, name: str, color: int = 0, emoji: str = ""
) -> ForumTopic:
    """Create a topic and the service message it begins with.

    :param creator: the User object of who creates it.
    :raises ApiError: where the name is empty.
    """
    name = name.strip()[:MAX_TOPIC_NAME_LENGTH]
    if not name:
        raise bad_request("Name must be non-empty")
    topic = ForumTopic(chat.last_message_id + 1, name, color or ICON_COLORS[0], emoji)
    topic.creator_id = creator["id"]
    chat.topics[topic.id] = topic
    created: Json = {"name": name, "icon_color": topic.icon_color}
    if emoji:
        created["icon_custom_emoji_id"] = emoji
    post_service_message(world, chat, creator, {"forum_topic_created": created}, thread=topic.id)
    world.changes.record("topics", chat)
    return topic


def edit_topic(
    world: World,
    chat: ChatState,
    topic: ForumTopic,
    editor: Json,
    name: str | None,
    emoji: str | None = None,
) -> None:
    """Change the name or the icon of a topic; None leaves it as it is.

    :param editor: the User object of who changes it.
    :raises ApiError: where the name is blank, or nothing changes.
    """
    name = topic.name if name is None else name.strip()[:MAX_TOPIC_NAME_LENGTH]
    if not name:
        raise bad_request("Title must be non-empty")
    changes: Json = {}
    if name != topic.name:
        changes["name"] = name
    if emoji is not None and emoji != topic.icon_custom_emoji_id:
        changes["icon_custom_emoji_id"] = emoji
    if not changes:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.name = name
    topic.icon_custom_emoji_id = changes.get("icon_custom_emoji_id", topic.icon_custom_emoji_id)
    post_service_message(world, chat, editor, {"forum_topic_edited": changes}, thread=topic.id)
    world.changes.record("topics", chat)


def set_topic_closed(
    world: World, chat: ChatState, topic: ForumTopic, actor: Json, *, closed: bool
) -> None:
    """Close or reopen a topic.

    :param actor: the User object of who does it.
    :raises ApiError: where it is that already.
    """
    if topic.is_closed == closed:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.is_closed = closed
    topic.is_hidden = topic.is_hidden and closed
    kind = "forum_topic_closed" if closed else "forum_topic_reopened"
    post_service_message(world, chat, actor, {kind: {}}, thread=topic.id)
    world.changes.record("topics", chat)


def set_general_hidden(
    world: World, chat: ChatState, general: ForumTopic, actor: Json, *, hidden: bool
) -> None:
    """Hide the general topic, which closes it, or show it again.

    :param actor: the User object of who does it.
    :raises ApiError: where it is that already.
    """
    if general.is_hidden == hidden:
        raise bad_request("TOPIC_NOT_MODIFIED")
    general.is_hidden = hidden
    general.is_closed = general.is_closed or hidden
    kind = "general_forum_topic_hidden" if hidden else "general_forum_topic_unhidden"
    post_service_message(world, chat, actor, {kind: {}})
    world.changes.record("topics", chat)


def delete_topic(world: World, chat: ChatState, topic: ForumTopic) -> None:
    """Delete a topic with all that was said in it; bots are never told."""
    del chat.topics[topic.id]
    gone = [
        stored.id
        for stored in chat.messages.values()
        if stored.message.get("message_thread_id") == topic.id
    ]
    for message_id in gone:
        del chat.messages[message_id]
    chat.deleted_ids.extend(gone)
    chat.pinned_ids = [pinned for pinned in chat.pinned_ids if pinned not in gone]
    world.changes.record("topics", chat)
