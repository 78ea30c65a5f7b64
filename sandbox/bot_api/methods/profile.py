"""Methods about the bot itself."""

import re
from typing import TYPE_CHECKING

from sandbox.bot_api.access import find_chat
from sandbox.bot_api.method_registry import method
from sandbox.bot_api.params.chat_params import (
    CommandsOf,
    GetChatMenuButton,
    InLanguage,
    Nothing,
    SetChatMenuButton,
    SetMyCommands,
    SetMyDescription,
    SetMyName,
    SetMyShortDescription,
)
from sandbox.bot_api.params.objects import BotCommand
from sandbox.errors import bad_request
from sandbox.types import Json
from sandbox.world.bot_profile import CommandKey

if TYPE_CHECKING:
    from sandbox.engine import Engine

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_LANGUAGE = re.compile(r"([a-z]{2})?")
_WIDE_SCOPES = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators")
_CHAT_SCOPES = ("chat", "chat_administrators", "chat_member")
MAX_COMMANDS = 100
MAX_NAME = 64
MAX_DESCRIPTION = 512
MAX_SHORT_DESCRIPTION = 120


@method("getMe", Nothing)
def get_me(engine: "Engine", p: Nothing) -> Json:
    """Say who the bot is."""
    return engine.bot.full_user()


@method("setMyCommands", SetMyCommands)
def set_my_commands(engine: "Engine", p: SetMyCommands) -> bool:
    """Set a command menu."""
    key = _menu_key(engine, p)
    commands = [_command(command) for command in p.commands or ()]
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    engine.bot.commands[key] = commands
    engine.changed("bot")
    return True


@method("getMyCommands", CommandsOf)
def get_my_commands(engine: "Engine", p: CommandsOf) -> list[Json]:
    """Give a command menu exactly as it was set."""
    return engine.bot.commands.get(_menu_key(engine, p), [])


@method("deleteMyCommands", CommandsOf)
def delete_my_commands(engine: "Engine", p: CommandsOf) -> bool:
    """Delete a command menu, so that a wider one shows."""
    engine.bot.commands.pop(_menu_key(engine, p), None)
    engine.changed("bot")
    return True


def _command(given: BotCommand) -> Json:
    command = given["command"].strip().removeprefix("/")
    description = given["description"].strip()
    if not command:
        raise bad_request("Command must be non-empty")
    if len(command) > 32:
        raise bad_request("Command length must not exceed 32")
    if not _COMMAND.fullmatch(command):
        raise bad_request("BOT_COMMAND_INVALID")
    if not description:
        raise bad_request("Command description must be non-empty")
    if len(description) > 256:
        raise bad_request("Command description length must not exceed 256")
    return {"command": command, "description": description}


def _menu_key(engine: "Engine", p: CommandsOf) -> CommandKey:
    language = _language(p)
    scope: Json = dict(p.scope or {"type": "default"})
    kind = scope["type"]
    if kind in _WIDE_SCOPES:
        return kind, "", 0, language
    if kind not in _CHAT_SCOPES:
        raise bad_request("Can't parse BotCommandScope: Unsupported type specified")
    if not scope.get("chat_id"):
        raise bad_request("Can't parse BotCommandScope: Can't find field \"chat_id\"")
    user_id = scope.get("user_id", 0)
    if kind == "chat_member" and user_id <= 0:
        raise bad_request("Can't parse BotCommandScope: Invalid user_id specified")
    chat = find_chat(engine, str(scope["chat_id"]))
    if chat.private and kind != "chat":
        raise bad_request("Can't use specified scope in private chats")
    return kind, str(chat.id), user_id if kind == "chat_member" else 0, language


def _language(p: CommandsOf | InLanguage) -> str:
    """Give the language code: two letters or none."""
    if not _LANGUAGE.fullmatch(p.language_code):
        raise bad_request("Invalid language code specified")
    return p.language_code


def _set(engine: "Engine", texts: dict[str, str], p: InLanguage, text: str, limit: int) -> bool:
    language = _language(p)
    if len(text) > limit:
        raise bad_request("BOT_TEXT_TOO_LONG" if limit > MAX_NAME else "BOT_TITLE_INVALID")
    if text:
        texts[language] = text
    elif language or limit > MAX_NAME:
        texts.pop(language, None)
    engine.changed("bot")
    return True


def _get(texts: dict[str, str], p: InLanguage) -> str:
    return texts.get(_language(p)) or texts.get("", "")


@method("setMyName", SetMyName)
def set_my_name(engine: "Engine", p: SetMyName) -> bool:
    """Set the bot's name in a language."""
    _set(engine, engine.bot.names, p, p.name, MAX_NAME)
    engine.bot.refresh()
    return True


@method("getMyName", InLanguage)
def get_my_name(engine: "Engine", p: InLanguage) -> Json:
    """Give the bot's name in a language."""
    return {"name": _get(engine.bot.names, p)}


@method("setMyDescription", SetMyDescription)
def set_my_description(engine: "Engine", p: SetMyDescription) -> bool:
    """Set what an empty chat with the bot shows."""
    return _set(engine, engine.bot.descriptions, p, p.description, MAX_DESCRIPTION)


@method("getMyDescription", InLanguage)
def get_my_description(engine: "Engine", p: InLanguage) -> Json:
    """Give what an empty chat with the bot shows."""
    return {"description": _get(engine.bot.descriptions, p)}


@method("setMyShortDescription", SetMyShortDescription)
def set_my_short_description(engine: "Engine", p: SetMyShortDescription) -> bool:
    """Set what the bot's profile shows."""
    texts = engine.bot.short_descriptions
    return _set(engine, texts, p, p.short_description, MAX_SHORT_DESCRIPTION)


@method("getMyShortDescription", InLanguage)
def get_my_short_description(engine: "Engine", p: InLanguage) -> Json:
    """Give what the bot's profile shows."""
    return {"short_description": _get(engine.bot.short_descriptions, p)}


@method("setChatMenuButton", SetChatMenuButton)
def set_chat_menu_button(engine: "Engine", p: SetChatMenuButton) -> bool:
    """Set the button beside the input field, for one person or for all."""
    _check_user(engine, p)
    button: Json = dict(p.menu_button or {"type": "default"})
    if button["type"] not in ("default", "commands", "web_app"):
        raise bad_request("Can't parse menu button: MenuButton has unsupported type")
    if button["type"] == "web_app":
        if not button.get("text") or not button.get("web_app"):
            raise bad_request("Menu button text must be non-empty")
        if not button["web_app"]["url"].startswith("https://"):
            raise bad_request("Menu button Web App URL is invalid: Only HTTPS links are allowed")
    engine.bot.menu_buttons[p.chat_id or 0] = button
    engine.changed("bot")
    return True


@method("getChatMenuButton", GetChatMenuButton)
def get_chat_menu_button(engine: "Engine", p: GetChatMenuButton) -> Json:
    """Give the button beside the input field."""
    _check_user(engine, p)
    buttons = engine.bot.menu_buttons
    default = buttons.get(0, {"type": "commands"})
    own = buttons.get(p.chat_id or 0, default)
    return default if own["type"] == "default" and own is not default else own


def _check_user(engine: "Engine", p: GetChatMenuButton) -> None:
    if p.chat_id is not None and p.chat_id not in engine.people:
        raise bad_request("user not found")
