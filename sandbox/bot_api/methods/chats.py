"""Methods about chats and who is in them."""

from typing import TYPE_CHECKING

from sandbox.bot_api.access import find_chat, require_group
from sandbox.bot_api.method_registry import method
from sandbox.bot_api.params.chat_params import GetChatAdministrators, GetChatMember, OneChat
from sandbox.errors import bad_request
from sandbox.types import Json

if TYPE_CHECKING:
    from sandbox.engine import Engine

_NO_GIFTS: Json = {
    "unlimited_gifts": False,
    "limited_gifts": False,
    "unique_gifts": False,
    "premium_subscription": False,
    "gifts_from_channels": False,
}
_PERMISSIONS: Json = dict.fromkeys(
    (
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
        "can_change_info",
        "can_invite_users",
        "can_pin_messages",
        "can_manage_topics",
    ),
    True,
)


@method("getChat", OneChat)
def get_chat(engine: "Engine", p: OneChat) -> Json:
    """Give all there is to know of a chat."""
    chat = find_chat(engine, p.chat_id)
    full: Json = {
        **chat.json,
        "accent_color_id": abs(chat.id) % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": _NO_GIFTS,
    }
    if chat.private:
        if "username" in chat.json:
            full["active_usernames"] = [chat.json["username"]]
    else:
        full["permissions"] = _PERMISSIONS
    if chat.pinned:
        full["pinned_message"] = chat.messages[chat.pinned[-1]].message
    return full


@method("getChatMember", GetChatMember)
def get_chat_member(engine: "Engine", p: GetChatMember) -> Json:
    """Say what somebody is in a chat."""
    chat = find_chat(engine, p.chat_id)
    if p.user_id <= 0:
        raise bad_request("Invalid user_id specified")
    if p.user_id != engine.bot.id and p.user_id not in engine.people:
        raise bad_request("user not found")
    if chat.private:
        inside = p.user_id in (engine.bot.id, chat.id)
        return member(engine, p.user_id, "member" if inside else "left")
    return member(engine, p.user_id, chat.members.get(p.user_id, "left"))


@method("getChatMemberCount", OneChat)
def get_chat_member_count(engine: "Engine", p: OneChat) -> int:
    """Count who is in a chat."""
    chat = find_chat(engine, p.chat_id)
    if chat.private:
        return 2
    return sum(status not in ("left", "kicked") for status in chat.members.values())


@method("getChatAdministrators", GetChatAdministrators)
def get_chat_administrators(engine: "Engine", p: GetChatAdministrators) -> list[Json]:
    """Give the administrators of a group."""
    chat = find_chat(engine, p.chat_id)
    require_group(chat, "there are no administrators in the private chat")
    return [
        member(engine, user_id, status)
        for user_id, status in chat.members.items()
        if status in ("creator", "administrator")
    ]


@method("leaveChat", OneChat)
def leave_chat(engine: "Engine", p: OneChat) -> bool:
    """Leave a group."""
    chat = find_chat(engine, p.chat_id)
    require_group(chat, "chat member status can't be changed in private chats")
    engine.groups[chat.id].change_bot("left", by=engine.bot.user)
    return True


def member(engine: "Engine", user_id: int, status: str) -> Json:
    """Give a ChatMember."""
    user = engine.bot.user if user_id == engine.bot.id else engine.people[user_id].user
    shape: Json = {"user": user, "status": status}
    if status == "creator":
        shape["is_anonymous"] = False
    elif status == "administrator":
        shape.update(_RIGHTS)
    elif status == "kicked":
        shape["until_date"] = 0
    return shape


_RIGHTS: Json = {
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
