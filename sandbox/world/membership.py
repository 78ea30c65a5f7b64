"""Who is in a chat: the statuses of members, and the updates that tell the bot of them."""

from collections.abc import Iterable

from sandbox.types import Json
from sandbox.world.chats import ChatState, GroupMember
from sandbox.world.delivery import ANONYMOUS_ADMIN, post_message, post_service_message
from sandbox.world.world import World

ADMIN_RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_send_welcome_messages",
    "can_pin_messages",
    "can_manage_topics",
)
_USUAL_RIGHTS = frozenset(
    {
        "can_delete_messages",
        "can_manage_video_chats",
        "can_restrict_members",
        "can_change_info",
        "can_invite_users",
        "can_pin_messages",
        "can_manage_topics",
    }
)
"""What clients offer for a new administrator."""
PERMISSIONS = (
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_react_to_messages",
    "can_edit_tag",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
)


def make_member(
    status: str,
    rights: Iterable[str] | None = None,
    *,
    is_anonymous: bool = False,
    title: str = "",
) -> GroupMember:
    """Return a member of this status.

    :param rights: of an administrator; None is what clients usually give.
    """
    if status != "administrator":
        return GroupMember(status)
    given = frozenset(_USUAL_RIGHTS if rights is None else rights) | {"can_manage_chat"}
    return GroupMember(status, given, is_anonymous, title)


def chat_member(world: World, user_id: int, member: GroupMember) -> Json:
    """Return the ChatMember object of a person or the bot."""
    shape: Json = {"user": find_user(world, user_id), "status": member.status}
    if member.status == "creator":
        shape["is_anonymous"] = False
    elif member.status == "administrator":
        shape |= {right: right in member.rights for right in ADMIN_RIGHTS}
        shape |= {"can_be_edited": False, "is_anonymous": member.is_anonymous}
    elif member.status == "restricted":
        shape |= {**dict.fromkeys(PERMISSIONS, False), "is_member": True, "until_date": 0}
    elif member.status == "kicked":
        shape["until_date"] = 0
    if member.title:
        shape["custom_title"] = member.title
    return shape


def find_user(world: World, user_id: int) -> Json | None:
    """Return the User object of a person, of the bot, or of anonymous administrators."""
    for user in (world.bot.user, ANONYMOUS_ADMIN):
        if user["id"] == user_id:
            return user
    account = world.accounts.get(user_id)
    return account.user if account else None


def send_member_update(
    world: World,
    kind: str,
    chat: ChatState,
    user_id: int,
    members: tuple[GroupMember, GroupMember],
    *,
    by: Json,
) -> None:
    """Tell the bot that somebody's status changed.

    :param kind: ``chat_member``, or ``my_chat_member`` where it is the bot's own.
    :param members: how they stood before, and how they stand now.
    :param by: the User object of who did it.
    """
    old, new = members
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


def set_member(world: World, chat: ChatState, user: Json, member: GroupMember, by: Json) -> None:
    """Let somebody come, go, rise or fall in a group, with what Telegram says about it.

    :param user: the User object of a person or the bot.
    :param by: the User object of who does it.
    """
    old = chat.find_member(user["id"])
    if old == member:
        return
    chat.members[user["id"]] = member
    if user["id"] == world.bot.id:
        send_member_update(world, "my_chat_member", chat, user["id"], (old, member), by=by)
    elif chat.find_member(world.bot.id).is_admin:
        send_member_update(world, "chat_member", chat, user["id"], (old, member), by=by)
    _post_member_notice(world, chat, user, by, (old, member))
    world.changes.record("groups", chat)


def _post_member_notice(
    world: World, chat: ChatState, user: Json, by: Json, members: tuple[GroupMember, GroupMember]
) -> None:
    """Say in the group that somebody came or left; the bot hears nothing of its own leaving."""
    old, new = members
    if old.is_inside == new.is_inside:
        return
    if new.is_inside:
        post_service_message(world, chat, by, {"new_chat_members": [user]})
        return
    notice = {"left_chat_member": user}
    if user["id"] == world.bot.id:
        post_message(world, chat, by, notice, is_service=True)
    else:
        post_service_message(world, chat, by, notice)
