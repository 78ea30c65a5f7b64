"""/start, /help, /language, and the bot being added to a chat or removed from it."""

from telegram import ChatMember, Message, Update
from telegram.constants import ChatType

import locales
from handlers import lost_card
from handlers.context import Context
from handlers.conversations.registry import is_guide
from handlers.engine import start_handler
from handlers.engine.session import conversations_of, open_view
from handlers.faq import answers
from handlers.faq.browse import section_name
from handlers.identity.records_notice import records_notice
from handlers.screen.text import N_, Markup, label, say
from handlers.screen.view import View, button, send, show, view
from services.authority.interface.authority import Authority
from services.faq.entries import SECTIONS
from services.people.chats import close_chat, move_chat, open_chat

_DEEP_LINK = "faq-"
_GONE = (ChatMember.LEFT, ChatMember.BANNED)
_HERE = N_(
    "I can also do these things for you here: retrieve your subscriber code, pay the card fee, "
    "check your application status, suspend a lost card, and reactivate it."
)
_NO_PAYING_HERE = N_(
    "I can also do these things for you here: retrieve your subscriber code, check your "
    "application status, suspend a lost card, and reactivate it."
)


async def on_start(update: Update, context: Context) -> None:
    """Greet, or follow a deep link to an entry (``faq-<id>``) or a conversation (``do-<name>``)."""
    chat, services, language = update.effective_chat, context.services, context.language(update)
    assert chat is not None
    if chat.type == ChatType.PRIVATE:
        async with services.database.unit_of_work() as session:
            await open_chat(session, chat.id, chat.type, services.now())
    payload = context.args[0] if context.args else ""
    if payload.startswith(_DEEP_LINK):
        entry_id = payload.removeprefix(_DEEP_LINK)
        shown = answers.find_answer(context, entry_id, language)
        await send(update, context, shown or _unknown_link(language))
    elif payload.startswith(start_handler.DEEP_LINK):
        if not await start_handler.on_link(update, context, payload):
            await send(update, context, _unknown_link(language))
    else:
        await send(update, context, greeting(context, language))


async def on_lost(update: Update, context: Context) -> None:
    """/lost: begin to suspend the certificate."""
    await start_handler.on_go(update, context, [lost_card.CONVERSATION])


async def on_help(update: Update, context: Context) -> None:
    """/help: show what the bot can do."""
    language = context.language(update)
    await send(update, context, help_view(context, language))


async def on_language(update: Update, context: Context) -> None:
    """/language: show the languages."""
    context.step_shown = True  # the open step follows once a language is chosen
    await send(update, context, _languages(context.language(update)))


async def on_choose_language(update: Update, context: Context, parts: list[str]) -> str | None:
    """Store a language ``[language]``, then show the open step or the greeting in it."""
    user = update.effective_user
    if len(parts) != 1 or parts[0] not in locales.LANGUAGES or user is None:
        return None
    language = parts[0]
    await context.services.languages.choose(user.id, language, context.services.now())
    step = await open_view(update, context)
    await show(update, context, step or greeting(context, language))
    return label(language, "I'll use English now.")


async def on_membership(update: Update, context: Context) -> None:
    """Store whether the bot may write to a chat, and introduce it in a new group."""
    change, services = update.my_chat_member, context.services
    assert change is not None
    is_gone = change.new_chat_member.status in _GONE
    was_gone = change.old_chat_member.status in _GONE
    async with services.database.unit_of_work() as session:
        if is_gone:
            await close_chat(session, change.chat.id, services.now())
        else:
            await open_chat(session, change.chat.id, change.chat.type, services.now())
    desk = services.desk
    if desk is not None and change.chat.is_forum and change.from_user.id in desk.admins:
        return  # they are about to make it the group of the staff
    if was_gone and not is_gone and change.chat.type in (ChatType.GROUP, ChatType.SUPERGROUP):
        language = context.language(update)
        text = say(
            language,
            "Hello, I'm Kaika. I answer questions about the alien citizen natural person "
            "certificate. Mention me as @{name}, or reply to one of my messages.\n"
            "🔒 Never write a subscriber code, PIN, card number or UI No. in a group.",
            name=context.bot.username,
        )
        await send(update, context, view(text))


async def on_migration(update: Update, context: Context) -> None:
    """Follow a group that became a supergroup."""
    message, services = update.effective_message, context.services
    if not isinstance(message, Message):
        return
    old_id = message.migrate_from_chat_id or message.chat.id
    new_id = message.migrate_to_chat_id or message.chat.id
    async with services.database.unit_of_work() as session:
        await move_chat(session, old_id, new_id)


def greeting(context: Context, language: str) -> View:
    """Return the greeting, with the sections and the other language as buttons."""
    other = locales.other(language)
    text = _welcome_text(context, language)
    rows = [[button(section_name(s, language), "browse", language, s, "0")] for s in SECTIONS]
    pairs = [rows[i] + rows[i + 1] for i in range(0, len(rows) - 1, 2)]
    guides = button(label(language, "🧭 Step-by-step guides"), "guides", language)
    lost = [lost_card.lost_card_button(language)]
    return view(text, lost, [guides], *pairs, [button(f"🌐 {own_name(other)}", "language", other)])


def _welcome_text(context: Context, language: str) -> str:
    authority = context.services.authority
    if authority is None:
        return say(
            language,
            "<b>Welcome to Kaika 開卡</b>\n"
            "\n"
            "I answer questions about Taiwan's alien citizen natural person certificate "
            "(外來人口自然人憑證): subscriber code, payment, activation, PIN, lost card.\n"
            "\n"
            "<b>Just type your question</b>, in English or Chinese, or choose a topic.\n"
            "\n"
            "🔒 I never ask for your subscriber code, PIN, card number or UI No. Never send "
            "them here.",
        )
    pays_here = not is_guide(conversations_of(context)["pay"])
    text = say(
        language,
        "<b>Welcome to Kaika 開卡</b>\n"
        "\n"
        "I answer questions about Taiwan's alien citizen natural person certificate "
        "(外來人口自然人憑證). {here}\n"
        "\n"
        "<b>Just type your question</b>, in English or Chinese, or choose a topic.\n"
        "\n"
        "🔒 I ask for your UI No. and subscriber code only in a step you started, in this "
        "private chat, and delete them right away. <b>I never ask for your PIN in a chat.</b>",
        here=say(language, _HERE if pays_here else _NO_PAYING_HERE),
    )
    return f"{text}\n\n{records_notice(authority, language)}"


def help_view(context: Context, language: str, above: Markup | None = None) -> View:
    """Return what the bot can do.

    :param above: what to say first.
    """
    text = "\n\n".join([*([] if above is None else [above]), _help_text(context, language)])
    lost = [lost_card.lost_card_button(language)]
    return view(Markup(text), lost, answers.more_row(language))


def _help_text(context: Context, language: str) -> Markup:
    authority = context.services.authority
    if authority is not None:
        return _online_help_text(authority, language)
    return say(
        language,
        "<b>What I can do</b>\n"
        "• Type a question, in English or Chinese: I answer with the source.\n"
        "• Type an error code, such as <code>0x76000006</code>: I explain it.\n"
        "• /guide: guides for the official website, step by step\n"
        "• /faq: all questions by topic\n"
        "• /language: change the language\n"
        "• In any chat, type my name and a question to send an answer there.\n"
        "\n"
        "<b>A person</b> answers at the MOICA hotline {hotline} or {email}.\n"
        "\n"
        "🔒 Never send a subscriber code, PIN, card number or UI No. to any chat.",
    )


def _online_help_text(authority: Authority, language: str) -> Markup:
    text = say(
        language,
        "<b>What I can do</b>\n"
        "• Type a question, in English or Chinese: I answer with the source.\n"
        "• Type an error code, such as <code>0x76000006</code>.\n"
        "• /guide: get your code back, pay, suspend and more\n"
        "• /privacy: your data and linked chats\n"
        "• /faq: all questions by topic\n"
        "• In any chat, type my name and a question to send an answer there.\n"
        "\n"
        "<b>A person</b> answers at the MOICA hotline {hotline} or {email}.\n"
        "\n"
        "🔒 I ask for your UI No. and subscriber code only in a step you started, and delete "
        "them right away. <b>I never ask for your PIN in a chat.</b>",
    )
    return Markup(f"{text}\n\n{records_notice(authority, language)}")


def own_name(language: str) -> str:
    """Return a language's name for itself."""
    return label(language, "English")


def _languages(language: str) -> View:
    rows = [
        [button(("✓ " if known == language else "") + own_name(known), "language", known)]
        for known in locales.LANGUAGES
    ]
    return view(say(language, "Which language do you prefer?"), *rows)


def _unknown_link(language: str) -> View:
    text = say(language, "This answer is no longer available.")
    hint = say(language, "Type your question, or see all questions.")
    return view(f"{text} {hint}", answers.more_row(language))
