"""Sharing a group with the bot by a button that asks for one."""

from sandbox.client.messages import send_content
from sandbox.client.session import AccountSession
from sandbox.errors import PersonError
from sandbox.types import Json
from sandbox.world.chats import ChatState
from sandbox.world.membership import make_member, set_member


def share_chat(session: AccountSession, chat: ChatState, button: Json, shared: ChatState) -> Json:
    """Share a group, and give the bot the rights there that the button asks for.

    :param button: the button that was pressed in `chat`.
    :raises PersonError: where a client would not offer the group.
    """
    request: Json = button.get("request_chat") or {}
    if not request:
        raise PersonError(400, "not_a_request", "This key asks for no group.")
    session.check_can_write(chat)
    _check_kind(session, request, shared)
    _check_bot(session, request, shared)
    content: Json = {"request_id": request["request_id"], "chat_id": shared.id}
    for field in ("title", "username"):
        if request.get(f"request_{field}") and field in shared.json:
            content[field] = shared.json[field]
    _grant_rights(session, request, shared)
    return send_content(session, chat, {"chat_shared": content}, is_service=True)


def _check_kind(session: AccountSession, request: Json, shared: ChatState) -> None:
    """Refuse a group of another kind than asked for, or where the person has too few rights."""
    member = shared.find_member(session.id)
    rights = _requested_rights(request, "user_administrator_rights")
    problems = {
        "channels only": request["chat_is_channel"],
        "groups with topics, or without": request.get("chat_is_forum", shared.is_forum)
        != shared.is_forum,
        "public groups, or private ones": request.get("chat_has_username", _is_public(shared))
        != _is_public(shared),
        "groups of their own": request.get("chat_is_created") and member.status != "creator",
        "groups where they have the rights": not all(map(member.has_right, rights)),
    }
    _refuse_unless_offered(problems)


def _check_bot(session: AccountSession, request: Json, shared: ChatState) -> None:
    """Refuse a group that the bot must be in already, or where the person cannot promote it."""
    bot = shared.find_member(session.world.bot.id)
    missing = _requested_rights(request, "bot_administrator_rights") - bot.rights
    may_promote = shared.find_member(session.id).has_right("can_promote_members")
    problems = {
        "groups that the bot is in": request.get("bot_is_member") and not bot.is_inside,
        "groups where they may promote the bot": missing and not may_promote,
    }
    _refuse_unless_offered(problems)


def _refuse_unless_offered(problems: Json) -> None:
    for offered, is_other in problems.items():
        if is_other:
            raise PersonError(403, "chat_not_offered", f"The button offers {offered}.")


def _is_public(shared: ChatState) -> bool:
    return "username" in shared.json


def _requested_rights(request: Json, field: str) -> set[str]:
    """Return the rights that a button asks for; every administrator has ``can_manage_chat``."""
    rights = {right for right, given in request.get(field, {}).items() if given}
    return rights - {"is_anonymous", "can_manage_chat"}


def _grant_rights(session: AccountSession, request: Json, shared: ChatState) -> None:
    """Make the bot an administrator with what it has and what the button asks for."""
    bot = session.world.bot
    old = shared.find_member(bot.id)
    rights = _requested_rights(request, "bot_administrator_rights")
    if rights - old.rights:
        member = make_member("administrator", old.rights | rights)
        set_member(session.world, shared, bot.user, member, session.user)
