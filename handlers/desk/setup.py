"""/desk: an admin chooses the staff group, in private.

The group is picked with a button, which also asks for the rights of the bot: a typed id is often
wrong.
"""

from collections.abc import Mapping

import structlog
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    ChatAdministratorRights,
    ChatMemberAdministrator,
    KeyboardButton,
    KeyboardButtonRequestChat,
    Message,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    Update,
)
from telegram.constants import ChatType, ParseMode
from telegram.error import BadRequest, Forbidden, TelegramError

from handlers import fallbacks
from handlers.context import Context
from handlers.desk.library_answers import library_of
from handlers.screen.text import N_, Markup, label, say
from services.desk import staff
from services.desk.desk import SupportDesk
from services.desk.library import AnswerLibrary

COMMAND = "desk"
MAX_COMMANDS = 100
"""Commands that a menu holds (Bot API)."""
_REQUEST = 1
_RIGHTS: Mapping[str, str] = {
    "can_manage_topics": N_("Manage topics"),
    "can_delete_messages": N_("Delete messages"),
    "can_pin_messages": N_("Pin messages"),
}
"""The rights that the bot needs, as Telegram's clients name them."""
STAFF_COMMANDS: Mapping[str, str] = {
    "take": N_("Take this ticket, also from a colleague"),
    "resolve": N_("It's resolved"),
    "release": N_("Let somebody else take it"),
    "snooze": N_("Put it aside until the next working day"),
    "reopen": N_("Take it up again"),
    "undo": N_("Remove my last answer, or the one I reply to"),
    "mute": N_("No messages of this subscriber for a day"),
    "unmute": N_("Let the subscriber write again"),
    "role": N_("Reply to a colleague with: agent, editor, admin"),
}
"""The bot's commands in the staff group."""

_log = structlog.get_logger()


async def on_desk(update: Update, context: Context) -> None:
    """/desk: show the state of the desk, and the button that picks the group."""
    desk, chat, user = context.services.desk, update.effective_chat, update.effective_user
    is_admin = desk is not None and user is not None and user.id in desk.admins
    if desk is None or chat is None or chat.type != ChatType.PRIVATE or not is_admin:
        await fallbacks.on_unknown_command(update, context)
        return
    language = context.language(update)
    if desk.group_id is None:
        text = say(
            language,
            "<b>Set up the support desk</b>\n"
            "Make a private group with topics for your staff, then choose it below. Telegram asks "
            "you to make me an administrator there.",
        )
    else:
        text = await _describe_group(context.bot, desk.group_id, language)
    await context.bot.send_message(
        chat.id, text, parse_mode=ParseMode.HTML, reply_markup=_group_picker(language)
    )


async def on_chat_shared(update: Update, context: Context) -> None:
    """Use the group that an admin has chosen."""
    desk, message, user = context.services.desk, update.effective_message, update.effective_user
    if desk is None or user is None or user.id not in desk.admins:
        return
    if not isinstance(message, Message) or message.chat_shared is None:
        return
    language, chat_id = context.language(update), message.chat_shared.chat_id
    problem = await _find_problem(context.bot, chat_id, language)
    if problem is None and not await _use_group(update, context, desk, chat_id):
        problem = say(
            language,
            "There are open tickets in another group. Resolve them first, then choose again.",
        )
    if problem is None:
        await publish_staff_commands(context.bot, desk, library_of(context.services))
        await context.services.publish_menus()  # asking for a person is in them from now on
        text = say(
            language,
            "✅ <b>The support desk is ready.</b> Everybody in the group is now an agent. In that "
            "group I answer nobody's questions.",
        )
    else:
        text = problem
    await context.bot.send_message(
        message.chat.id, text, parse_mode=ParseMode.HTML, reply_markup=ReplyKeyboardRemove()
    )


async def report_readiness(bot: Bot, desk: SupportDesk, library: AnswerLibrary) -> None:
    """Log at the start whether the desk can work, and set the commands of its group."""
    if desk.group_id is None:
        _log.warning("desk_not_set_up", next="send /desk to the bot")
        return
    problem = await _find_problem(bot, desk.group_id, desk.language)
    if problem is not None:
        _log.error("desk_not_ready", problem=problem)
        return
    _log.info("desk_ready")
    await publish_staff_commands(bot, desk, library)


async def publish_staff_commands(bot: Bot, desk: SupportDesk, library: AnswerLibrary) -> None:
    """Set the command menu of the staff group, with the answers; a failure is only logged."""
    assert desk.group_id is not None
    scope = BotCommandScopeChat(desk.group_id)
    commands = [
        BotCommand(name, label(desk.language, text)) for name, text in STAFF_COMMANDS.items()
    ]
    codes = [BotCommand(each.code, each.title(desk.language)) for each in library.answers]
    commands = [*commands, *codes][:MAX_COMMANDS]
    try:
        await bot.set_my_commands(commands, scope=scope)
    except TelegramError as error:
        _log.warning("staff_menu_not_set", error=type(error).__name__)


def _group_picker(language: str) -> ReplyKeyboardMarkup:
    """Return the button that lets an admin choose a forum group and give the bot its rights."""
    rights = ChatAdministratorRights(
        is_anonymous=False,
        can_manage_chat=True,
        can_delete_messages=True,
        can_manage_video_chats=False,
        can_restrict_members=False,
        can_promote_members=False,
        can_change_info=False,
        can_invite_users=False,
        can_post_stories=False,
        can_edit_stories=False,
        can_delete_stories=False,
        can_pin_messages=True,
        can_manage_topics=True,
        api_kwargs={"can_send_welcome_messages": False},  # newer than PTB
    )
    request = KeyboardButtonRequestChat(
        _REQUEST,
        chat_is_channel=False,
        chat_is_forum=True,
        chat_has_username=False,
        user_administrator_rights=rights,
        bot_administrator_rights=rights,
    )
    choose = KeyboardButton(label(language, "👥 Choose the staff group"), request_chat=request)
    return ReplyKeyboardMarkup([[choose]], resize_keyboard=True, one_time_keyboard=True)


async def _use_group(update: Update, context: Context, desk: SupportDesk, chat_id: int) -> bool:
    """Make a group that of the staff; `False` where tickets are open in another."""
    user, services = update.effective_user, context.services
    assert user is not None
    async with services.database.unit_of_work() as session:
        is_other = desk.group_id not in (None, chat_id)
        if is_other and await desk.has_open_tickets(session):
            return False
        language = context.language(update)
        await staff.set_up_group(session, chat_id, language, user.id, services.now())
        group = await staff.find_group(session)
    assert group is not None
    desk.use_group(group)
    return True


async def _describe_group(bot: Bot, chat_id: int, language: str) -> Markup:
    problem = await _find_problem(bot, chat_id, language)
    if problem is not None:
        return problem
    chat = await bot.get_chat(chat_id)
    return say(
        language,
        "✅ The support desk works in <b>{title}</b>. To use another group, choose it below.",
        title=chat.title or "",
    )


async def _find_problem(bot: Bot, chat_id: int, language: str) -> Markup | None:
    """Return what has to be changed before the desk can use a group; `None` if it can."""
    try:
        chat = await bot.get_chat(chat_id)
        member = await bot.get_chat_member(chat_id, bot.id)
    except (BadRequest, Forbidden):
        return say(language, "I am not in this group. Add me as an administrator first.")
    if chat.type != ChatType.SUPERGROUP or not chat.is_forum:
        return say(language, "This group has no topics. Turn on <b>Topics</b> in its settings.")
    if chat.username:
        return say(
            language,
            "This group is public: everybody could read what people write. Make it private, then "
            "choose it again.",
        )
    missing = [
        label(language, name)
        for right, name in _RIGHTS.items()
        if not (isinstance(member, ChatMemberAdministrator) and getattr(member, right))
    ]
    if missing:
        return say(
            language,
            "I still need these rights in the group: <b>{rights}</b>. Give them to me under "
            "Administrators, then choose the group again.",
            rights=", ".join(missing),
        )
    return None
