"""The bot blocked or unblocked, added to a group or removed from it."""

from telegram import ChatMember, Update
from telegram.constants import ChatType

from handlers.context import Context
from handlers.screen.text import say
from handlers.screen.view import send, view
from services.people.chats import close_chat, open_chat

_GONE = (ChatMember.LEFT, ChatMember.BANNED)


async def on_membership(update: Update, context: Context) -> None:
    """Note whether we may write to a chat, and introduce ourselves to a new group."""
    change, services = update.my_chat_member, context.services
    assert change is not None
    is_gone = change.new_chat_member.status in _GONE
    was_gone = change.old_chat_member.status in _GONE
    async with services.database.unit_of_work() as session:
        if is_gone:
            await close_chat(session, change.chat.id, services.now())
        else:
            await open_chat(session, change.chat.id, change.chat.type, services.now())
    if was_gone and not is_gone and change.chat.type in (ChatType.GROUP, ChatType.SUPERGROUP):
        language = context.language(update)
        text = say(
            language,
            "Hello, I am Kaika. I answer questions about the alien citizen natural person "
            "certificate. Mention me as @{name}, or reply to one of my messages.\n"
            "🔒 Never write a subscriber code, PIN, card number or UI No. in a group.",
            name=context.bot.username,
        )
        await send(update, context, view(text))
