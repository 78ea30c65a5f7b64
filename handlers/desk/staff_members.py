"""Who of the staff group acts: members, checked with Telegram, and those who leave."""

from telegram import ChatMember, Update
from telegram.error import BadRequest

from handlers.context import Context
from services.desk import staff
from services.desk.ticket_states import StaffActor

_GONE = (ChatMember.LEFT, ChatMember.BANNED)


async def find_staff_actor(context: Context, user_id: int, name: str) -> StaffActor | None:
    """Return who acts; once an hour Telegram is asked whether they are still in the group."""
    desk, services = context.services.desk, context.services
    assert desk is not None
    assert desk.group_id is not None
    now = services.now()
    async with services.database.unit_of_work() as session:
        actor = await staff.find_actor(session, user_id, desk.admins, now)
    if actor is not None:
        return actor
    try:
        member = await context.bot.get_chat_member(desk.group_id, user_id)
        is_there = _is_member(member)
    except BadRequest:  # Telegram knows nobody there by this id
        is_there = False
    async with services.database.unit_of_work() as session:
        if not is_there:
            await staff.note_departure(session, user_id)
            return None
        await staff.note_member(session, user_id, name, now)
        return await staff.find_actor(session, user_id, desk.admins, now)


async def on_staff_membership(update: Update, context: Context) -> None:
    """Take the role from whoever leaves."""
    change = update.chat_member
    assert change is not None
    member = change.new_chat_member
    if not _is_member(member):
        await remove_role(context, member.user.id)


async def remove_role(context: Context, user_id: int) -> None:
    """Take the role from somebody who has left."""
    async with context.services.database.unit_of_work() as session:
        await staff.note_departure(session, user_id)


def _is_member(member: ChatMember) -> bool:
    """Whether somebody is in the group; whoever is restricted need not be."""
    return member.status not in _GONE and getattr(member, "is_member", True)
