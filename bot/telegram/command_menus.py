"""The bot's command menus and descriptions in each language."""

from collections.abc import Sequence

import structlog
from telegram import Bot, BotCommand
from telegram.error import TelegramError

import locales
from handlers.screen.text import N_, label

_COMMANDS = {
    "lost": N_("🚨 Card lost: suspend it"),
    "status": N_("Application and card status"),
    "guide": N_("Step-by-step guides"),
    "faq": N_("All questions by topic"),
    "language": N_("Change the language · 切換語言"),
    "pair": N_("Connect your PC to use the card"),
    "unpair": N_("Disconnect your PC"),
    "person": N_("Ask a person"),
    "bot": N_("End the talk with staff, back to me"),
    "privacy": N_("Your data here, and linked chats"),
    "help": N_("What I can do"),
}
_BRIDGE_COMMANDS = frozenset({"pair", "unpair"})
_DESK_COMMANDS = frozenset({"person", "bot"})

_log = structlog.get_logger()


async def publish(
    bot: Bot, *, is_online: bool = False, has_bridge: bool = False, has_desk: bool = False
) -> None:
    """Set menus and descriptions; a failure is only logged, since the bot works without them.

    :param is_online: whether the bot carries operations out, rather than only guides.
    :param has_bridge: whether a PC can be connected.
    :param has_desk: whether a person can be asked.
    """
    missing = (frozenset() if has_bridge else _BRIDGE_COMMANDS) | (
        frozenset() if has_desk else _DESK_COMMANDS
    )
    names = [name for name in _COMMANDS if name not in missing]
    try:
        for language in locales.LANGUAGES:
            await _publish(bot, names, language, locales.primary(language), is_online)
        await _publish(
            bot, names, locales.DEFAULT, None, is_online
        )  # for clients in any other language
    except TelegramError as error:
        _log.warning("menus_not_set", error=type(error).__name__)


async def _publish(
    bot: Bot, names: Sequence[str], language: str, code: str | None, is_online: bool
) -> None:
    commands = [BotCommand(name, label(language, _COMMANDS[name])) for name in names]
    await bot.set_my_commands(commands, language_code=code)
    await bot.set_my_description(_description(language, is_online), language_code=code)
    await bot.set_my_short_description(
        label(language, "Questions about the alien citizen natural person certificate"),
        language_code=code,
    )


def _description(language: str, is_online: bool) -> str:
    """Return the text that a person reads before the first message."""
    if is_online:
        return label(
            language,
            "I answer questions about Taiwan's alien citizen natural person certificate "
            "(外來人口自然人憑證) and handle it for you, in English and Chinese. I ask for your UI "
            "No. and subscriber code only in a step you started, and delete them right away. I "
            "never ask for your PIN in a chat.",
        )
    return label(
        language,
        "I answer questions about Taiwan's alien citizen natural person certificate "
        "(外來人口自然人憑證), in English and Chinese. I never ask for your subscriber code, PIN, "
        "card number or UI No.",
    )
