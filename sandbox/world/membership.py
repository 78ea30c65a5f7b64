"""Who is in a chat: the statuses of members, and the updates that tell the bot of them."""

from sandbox.types import Json
from sandbox.world.chats import ChatState
from sandbox.world.delivery import post_message
from sandbox.world.world import World

_ABSENT = ("left", "kicked")
_ADMIN_RIGHTS: Json = {
    "can_be_edited": False,
    "is_anonymous": False,
    "can_manage_chat": True,
    "can_delete_messages": True,
    "can_manage_video_chats": True,
    "can_restrict_members": True,
    "can_promote_members": False,
    "can_change_info": True,
    "can_invite_users": True,
    "can_post_stories": False,
    "can_edit_stories": False,
    "can_delete_stories": False,
    "can_send_welcome_messages": False,
    "can_pin_messages": True,
    "can_manage_topics": True,
}


def chat_member(world: World, user_id: int, status: str) -> Json:
    """Return the ChatMember object of a person or the bot."""
    user = world.bot.user if user_id == world.bot.id else world.accounts[user_id].user
    shape: Json = {"user": user, "status": status}
    if status == "creator":
        shape["is_anonymous"] = False
    elif status == "administrator":
        shape.update(_ADMIN_RIGHTS)
    elif status == "kicked":
        shape["until_date"] = 0
    return shape


def send_member_update(
    world: World, kind: str, chat: ChatState, user_id: int, statuses: tuple[str, str], *, by: Json
) -> None:
    """Tell the bot that somebody's status changed.

    :param kind: ``chat_member``, or ``my_chat_member`` where it is the bot's own.
    :param statuses: the old and the new one.
    :param by: the User object of who did it.
    """
    old, new = statuses
    world.send_update(
        kind,
        {
            "chat": chat.json,
            "from": by,
            "date": world.timestamp(),
            "old_chat_member": chat_member(world, user_id, old),
            "new_chat_member": chat_member(world, user_id, new),
        },
    )


def set_bot_status(world: World, chat: ChatState, status: str, by: Json) -> None:
    """Let the bot come to a group, leave it, or become an administrator.

    :param by: the User object of who does it.
    """
    bot = world.bot
    old = chat.members.get(bot.id, "left")
    if old == status:
        return
    chat.members[bot.id] = status
    send_member_update(world, "my_chat_member", chat, bot.id, (old, status), by=by)
    if old in _ABSENT and status not in _ABSENT:
        post_member_notice(world, chat, by, {"new_chat_members": [bot.user]})
    elif status in _ABSENT and old not in _ABSENT:
        post_message(world, chat, by, {"left_chat_member": bot.user}, is_service=True)
    world.changes.record("groups", chat)


def post_member_notice(world: World, chat: ChatState, by: Json, content: Json) -> None:
    """Post a service message about a member, and let the bot have it if it is in the group."""
    stored = post_message(world, chat, by, content, is_service=True)
    if chat.has_member(world.bot.id):
        world.send_update("message", stored.message)
