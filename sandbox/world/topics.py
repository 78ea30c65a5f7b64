"""The topics of forums."""

from sandbox.errors import bad_request
from sandbox.types import Json
from sandbox.world.chats import ChatState, ForumTopic
from sandbox.world.delivery import post_message
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
    chat.topics[topic.id] = topic
    created: Json = {"name": name, "icon_color": topic.icon_color}
    if emoji:
        created["icon_custom_emoji_id"] = emoji
    notice = {"forum_topic_created": created}
    stored = post_message(world, chat, creator, notice, thread=topic.id, is_service=True)
    if creator["id"] != world.bot.id:
        world.send_update("message", stored.message)
    return topic
