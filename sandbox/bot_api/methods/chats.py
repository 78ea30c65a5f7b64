"""Methods about chats and who is in them."""

from sandbox.bot_api.method_registry import api_method
from sandbox.bot_api.params.chat_params import ChatParams, GetChatAdministrators, GetChatMember
from sandbox.bot_api.target_lookup import find_chat, require_group
from sandbox.errors import bad_request
from sandbox.types import Json
from sandbox.world.membership import chat_member, set_bot_status
from sandbox.world.world import World

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


@api_method("getChat", ChatParams)
def get_chat(world: World, params: ChatParams) -> Json:
    """Return a ChatFullInfo."""
    chat = find_chat(world, params.chat_id)
    full: Json = {
        **chat.json,
        "accent_color_id": abs(chat.id) % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": _NO_GIFTS,
    }
    if chat.is_private:
        if "username" in chat.json:
            full["active_usernames"] = [chat.json["username"]]
    else:
        full["permissions"] = _PERMISSIONS
    if chat.pinned_ids:
        full["pinned_message"] = chat.messages[chat.pinned_ids[-1]].message
    return full


@api_method("getChatMember", GetChatMember)
def get_chat_member(world: World, params: GetChatMember) -> Json:
    """Return the status of somebody in a chat."""
    chat = find_chat(world, params.chat_id)
    if params.user_id <= 0:
        raise bad_request("Invalid user_id specified")
    if params.user_id != world.bot.id and params.user_id not in world.accounts:
        raise bad_request("user not found")
    if chat.is_private:
        inside = params.user_id in (world.bot.id, chat.id)
        return chat_member(world, params.user_id, "member" if inside else "left")
    return chat_member(world, params.user_id, chat.members.get(params.user_id, "left"))


@api_method("getChatMemberCount", ChatParams)
def get_chat_member_count(world: World, params: ChatParams) -> int:
    """Return how many are in a chat, the bot included."""
    chat = find_chat(world, params.chat_id)
    if chat.is_private:
        return 2
    return sum(status not in ("left", "kicked") for status in chat.members.values())


@api_method("getChatAdministrators", GetChatAdministrators)
def get_chat_administrators(world: World, params: GetChatAdministrators) -> list[Json]:
    """Return the administrators of a group."""
    chat = find_chat(world, params.chat_id)
    require_group(chat, "there are no administrators in the private chat")
    return [
        chat_member(world, user_id, status)
        for user_id, status in chat.members.items()
        if status in ("creator", "administrator")
    ]


@api_method("leaveChat", ChatParams)
def leave_chat(world: World, params: ChatParams) -> bool:
    """Leave a group."""
    chat = find_chat(world, params.chat_id)
    require_group(chat, "chat member status can't be changed in private chats")
    set_bot_status(world, chat, "left", by=world.bot.user)
    return True
