"""Methods about the topics of a forum."""

from sandbox.bot_api.method_registry import api_method
from sandbox.bot_api.params.chat_params import (
    ChatParams,
    CreateForumTopic,
    EditForumTopic,
    EditGeneralForumTopic,
    NoParams,
    TopicParams,
)
from sandbox.bot_api.target_lookup import find_chat, has_bot_right
from sandbox.errors import bad_request
from sandbox.types import Json
from sandbox.world.chats import ChatState, ForumTopic
from sandbox.world.topics import (
    ICON_COLORS,
    create_topic,
    delete_topic,
    edit_topic,
    set_general_hidden,
    set_topic_closed,
)
from sandbox.world.world import World

_ICONS = "📰💡⚡🎙🔝🗣🆒❗📝📆📁🔎📣🔥❤❓📈📉💎💰💸🪙💱"
_FIRST_ICON_ID = 5_434_144_690_511_290_129


@api_method("createForumTopic", CreateForumTopic)
def create_forum_topic(world: World, params: CreateForumTopic) -> Json:
    """Create a topic."""
    chat = _find_forum(world, params.chat_id)
    if not has_bot_right(world, chat, "can_manage_topics"):
        raise bad_request("not enough rights to create a topic")
    if params.icon_color and params.icon_color not in ICON_COLORS:
        raise bad_request("Invalid icon color specified")
    world.count_change(chat)
    topic = create_topic(
        world, chat, world.bot.user, params.name, params.icon_color, params.icon_custom_emoji_id
    )
    return topic.as_json()


@api_method("editForumTopic", EditForumTopic)
def edit_forum_topic(world: World, params: EditForumTopic) -> bool:
    """Change the name or the icon of a topic; nothing given changes nothing."""
    chat, topic = _find_managed_topic(world, params, "edit the topic")
    if params.name or params.icon_custom_emoji_id is not None:
        world.count_change(chat)
        edit_topic(
            world, chat, topic, world.bot.user, params.name or None, params.icon_custom_emoji_id
        )
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
    chat, topic = _find_managed_topic(world, params, "close or open the topic")
    world.count_change(chat)
    set_topic_closed(world, chat, topic, world.bot.user, closed=closed)
    return True


@api_method("deleteForumTopic", TopicParams)
def delete_forum_topic(world: World, params: TopicParams) -> bool:
    """Delete a topic with all that was said in it."""
    chat = _find_forum(world, params.chat_id)
    topic = _find_topic(chat, params.message_thread_id)
    may = has_bot_right(world, chat, "can_delete_messages") or topic.creator_id == world.bot.id
    if not may:
        raise bad_request("not enough rights to delete the topic")
    delete_topic(world, chat, topic)
    return True


def _find_forum(world: World, chat_id: str) -> ChatState:
    chat = find_chat(world, chat_id)
    if not chat.is_forum:
        reason = "a forum" if chat.is_private else "a supergroup forum"
        raise bad_request(f"The chat is not {reason}")
    return chat


def _find_topic(chat: ChatState, thread: int) -> ForumTopic:
    topic = chat.topics.get(thread)
    if topic is None:
        chat.vanished_topic_ids.discard(thread)
        raise bad_request("TOPIC_ID_INVALID")
    return topic


def _find_managed_topic(
    world: World, params: TopicParams, what: str
) -> tuple[ChatState, ForumTopic]:
    """Return a topic that the bot may rename and close.

    :param what: what it is about to do, for the refusal.
    """
    chat = _find_forum(world, params.chat_id)
    topic = _find_topic(chat, params.message_thread_id)
    if not chat.can_manage_topic(topic, world.bot.id):
        raise bad_request(f"not enough rights to {what}")
    return chat, topic


@api_method("getForumTopicIconStickers", NoParams)
def get_forum_topic_icon_stickers(world: World, params: NoParams) -> list[Json]:
    """Return the stickers that everybody may use as icons of topics."""
    return [_icon_sticker(world, number, emoji) for number, emoji in enumerate(_ICONS)]


def _icon_sticker(world: World, number: int, emoji: str) -> Json:
    return {
        "file_id": f"SANDBOX-icon-{number}",
        "file_unique_id": f"SBicon{number}",
        "type": "custom_emoji",
        "width": 100,
        "height": 100,
        "is_animated": True,
        "is_video": False,
        "emoji": emoji,
        "set_name": "Topics",
        "custom_emoji_id": str(_FIRST_ICON_ID + number),
    }


@api_method("editGeneralForumTopic", EditGeneralForumTopic)
def edit_general_forum_topic(world: World, params: EditGeneralForumTopic) -> bool:
    """Rename the general topic."""
    chat, general = _find_general(world, params, "edit the topic")
    world.count_change(chat)
    edit_topic(world, chat, general, world.bot.user, params.name)
    return True


@api_method("closeGeneralForumTopic", ChatParams)
def close_general_forum_topic(world: World, params: ChatParams) -> bool:
    """Close the general topic."""
    return _set_general_closed(world, params, closed=True)


@api_method("reopenGeneralForumTopic", ChatParams)
def reopen_general_forum_topic(world: World, params: ChatParams) -> bool:
    """Open the general topic, and show it if it was hidden."""
    return _set_general_closed(world, params, closed=False)


def _set_general_closed(world: World, params: ChatParams, *, closed: bool) -> bool:
    chat, general = _find_general(world, params, "close or open the topic")
    world.count_change(chat)
    set_topic_closed(world, chat, general, world.bot.user, closed=closed)
    return True


@api_method("hideGeneralForumTopic", ChatParams)
def hide_general_forum_topic(world: World, params: ChatParams) -> bool:
    """Hide the general topic, and close it if it was open."""
    return _set_general_hidden(world, params, hidden=True)


@api_method("unhideGeneralForumTopic", ChatParams)
def unhide_general_forum_topic(world: World, params: ChatParams) -> bool:
    """Show the general topic again."""
    return _set_general_hidden(world, params, hidden=False)


def _set_general_hidden(world: World, params: ChatParams, *, hidden: bool) -> bool:
    chat, general = _find_general(world, params, "close or open the topic")
    world.count_change(chat)
    set_general_hidden(world, chat, general, world.bot.user, hidden=hidden)
    return True


def _find_general(world: World, params: ChatParams, what: str) -> tuple[ChatState, ForumTopic]:
    chat = _find_forum(world, params.chat_id)
    if chat.general is None or not chat.can_manage_topic(chat.general, world.bot.id):
        raise bad_request(f"not enough rights to {what}")
    return chat, chat.general


@api_method("unpinAllForumTopicMessages", TopicParams)
def unpin_all_forum_topic_messages(world: World, params: TopicParams) -> bool:
    """Unpin all messages of a topic."""
    chat = _find_forum(world, params.chat_id)
    return _unpin_all(world, chat, _find_topic(chat, params.message_thread_id).id)


@api_method("unpinAllGeneralForumTopicMessages", ChatParams)
def unpin_all_general_forum_topic_messages(world: World, params: ChatParams) -> bool:
    """Unpin all messages of the general topic."""
    return _unpin_all(world, _find_forum(world, params.chat_id), 0)


def _unpin_all(world: World, chat: ChatState, thread: int) -> bool:
    if not has_bot_right(world, chat, "can_pin_messages"):
        raise bad_request("not enough rights to manage pinned messages in the chat")
    chat.pinned_ids = [one for one in chat.pinned_ids if chat.messages[one].topic_id != thread]
    world.changes.record("pinned", chat)
    return True
