"""Methods about the topics of a forum."""

from sandbox.bot_api.method_registry import api_method
from sandbox.bot_api.params.chat_params import CreateForumTopic, EditForumTopic, TopicParams
from sandbox.bot_api.target_lookup import find_chat, is_bot_admin
from sandbox.errors import bad_request
from sandbox.types import Json
from sandbox.world.chats import ChatState, ForumTopic
from sandbox.world.delivery import post_message
from sandbox.world.topics import ICON_COLORS, MAX_TOPIC_NAME_LENGTH, create_topic
from sandbox.world.world import World


@api_method("createForumTopic", CreateForumTopic)
def create_forum_topic(world: World, params: CreateForumTopic) -> Json:
    """Create a topic."""
    chat = _find_forum(world, params.chat_id, "create a topic")
    if params.icon_color and params.icon_color not in ICON_COLORS:
        raise bad_request("Invalid icon color specified")
    topic = create_topic(
        world, chat, world.bot.user, params.name, params.icon_color, params.icon_custom_emoji_id
    )
    return topic.as_json()


@api_method("editForumTopic", EditForumTopic)
def edit_forum_topic(world: World, params: EditForumTopic) -> bool:
    """Change the name or the icon of a topic."""
    chat, topic = _find_topic(world, params, "edit the topic")
    name = params.name.strip()[:MAX_TOPIC_NAME_LENGTH] or topic.name
    emoji = (
        topic.icon_custom_emoji_id
        if params.icon_custom_emoji_id is None
        else params.icon_custom_emoji_id
    )
    changes: Json = {}
    if name != topic.name:
        changes["name"] = name
    if emoji != topic.icon_custom_emoji_id:
        changes["icon_custom_emoji_id"] = emoji
    if not changes:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.name, topic.icon_custom_emoji_id = name, emoji
    _post_notice(world, chat, topic, "forum_topic_edited", changes)
    return True


@api_method("closeForumTopic", TopicParams)
def close_forum_topic(world: World, params: TopicParams) -> bool:
    """Close a topic."""
    return _set_closed(world, params, closed=True)


@api_method("reopenForumTopic", TopicParams)
def reopen_forum_topic(world: World, params: TopicParams) -> bool:
    """Open a closed topic."""
    return _set_closed(world, params, closed=False)


def _set_closed(world: World, params: TopicParams, *, closed: bool) -> bool:
    chat, topic = _find_topic(world, params, "close or open the topic")
    if topic.is_closed == closed:
        raise bad_request("TOPIC_NOT_MODIFIED")
    topic.is_closed = closed
    _post_notice(world, chat, topic, "forum_topic_closed" if closed else "forum_topic_reopened", {})
    return True


@api_method("deleteForumTopic", TopicParams)
def delete_forum_topic(world: World, params: TopicParams) -> bool:
    """Delete a topic with all that was said in it."""
    chat, topic = _find_topic(world, params, "delete the topic")
    del chat.topics[topic.id]
    gone = [
        stored.id
        for stored in chat.messages.values()
        if stored.message.get("message_thread_id") == topic.id
    ]
    for message_id in gone:
        del chat.messages[message_id]
    chat.deleted_ids.extend(gone)
    world.changes.record("topics", chat)
    return True


def _post_notice(
    world: World, chat: ChatState, topic: ForumTopic, kind: str, content: Json
) -> None:
    post_message(world, chat, world.bot.user, {kind: content}, thread=topic.id, is_service=True)


def _find_forum(world: World, chat_id: str, what: str) -> ChatState:
    chat = find_chat(world, chat_id)
    if not chat.is_forum:
        reason = "a forum" if chat.is_private else "a supergroup forum"
        raise bad_request(f"The chat is not {reason}")
    if not is_bot_admin(world, chat):
        raise bad_request(f"not enough rights to {what}")
    return chat


def _find_topic(world: World, params: TopicParams, what: str) -> tuple[ChatState, ForumTopic]:
    chat = _find_forum(world, params.chat_id, what)
    topic = chat.topics.get(params.message_thread_id)
    if topic is None:
        raise bad_request("TOPIC_ID_INVALID")
    return chat, topic
