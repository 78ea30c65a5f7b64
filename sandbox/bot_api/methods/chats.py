"""Methods about chats and who is in them."""

from sandbox.bot_api.method_registry import api_method
from sandbox.bot_api.params.chat_params import ChatParams, GetChatAdministrators, GetChatMember
from sandbox.bot_api.target_lookup import find_chat, require_group
from sandbox.errors import bad_request
from sandbox.types import Json
from sandbox.world.membership import (
    PERMISSIONS,
    chat_member,
    find_user,
    make_member,
    set_member,
)
from sandbox.world.world import World

_NO_GIFTS: Json = {
    "unlimited_gifts": False,
    "limited_gifts": False,
    "unique_gifts": False,
    "premium_subscription": False,
    "gifts_from_channels": False,
}
_PERMISSIONS: Json = {name: name != "can_pin_messages" for name in PERMISSIONS}


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
    if find_user(world, params.user_id) is None:
        raise bad_request("user not found")
    if chat.is_private:
        inside = params.user_id in (world.bot.id, chat.id)
        return chat_member(world, params.user_id, make_member("member" if inside else "left"))
    return chat_member(world, params.user_id, chat.find_member(params.user_id))


@api_method("getChatMemberCount", ChatParams)
def get_chat_member_count(world: World, params: ChatParams) -> int:
    """Return how many are in a chat, the bot included."""
    chat = find_chat(world, params.chat_id)
    if chat.is_private:
        return 2
    return sum(member.is_inside for member in chat.members.values())


@api_method("getChatAdministrators", GetChatAdministrators)
def get_chat_administrators(world: World, params: GetChatAdministrators) -> list[Json]:
    """Return the administrators of a group."""
    chat = find_chat(world, params.chat_id)
    require_group(chat, "there are no administrators in the private chat")
    return [
        chat_member(world, user_id, member)
        for user_id, member in chat.members.items()
        if member.is_admin
    ]


@api_method("leaveChat", ChatParams)
def leave_chat(world: World, params: ChatParams) -> bool:
    """Leave a group."""
    chat = find_chat(world, params.chat_id)
    require_group(chat, "chat member status can't be changed in private chats")
    set_member(world, chat, world.bot.user, make_member("left"), by=world.bot.user)
    return True
