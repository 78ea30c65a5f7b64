"""Blocking the bot."""

from sandbox.client.session import AccountSession
from sandbox.world.membership import send_member_update


def set_blocked(session: AccountSession, *, blocked: bool) -> None:
    """Block or unblock the bot, which gets ``my_chat_member``."""
    account, world = session.account, session.world
    if account.has_blocked == blocked:
        return
    account.has_blocked = blocked
    chat = world.chats[account.id]
    statuses = ("member", "kicked") if blocked else ("kicked", "member")
    send_member_update(world, "my_chat_member", chat, world.bot.id, statuses, by=account.user)
    world.changes.record("people", chat)
