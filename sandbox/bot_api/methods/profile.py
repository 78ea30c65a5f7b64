"""Methods about the bot itself."""

import re

from sandbox.bot_api.method_registry import api_method
from sandbox.bot_api.params.chat_params import (
    CommandScopeParams,
    GetChatMenuButton,
    LanguageParams,
    NoParams,
    SetChatMenuButton,
    SetMyCommands,
    SetMyDescription,
    SetMyName,
    SetMyShortDescription,
)
from sandbox.bot_api.params.objects import BotCommand
from sandbox.bot_api.target_lookup import find_chat
from sandbox.errors import bad_request
from sandbox.types import Json
from sandbox.world.bot_profile import CommandKey
from sandbox.world.world import World

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_LANGUAGE = re.compile(r"([a-z]{2})?")
_WIDE_SCOPES = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators")
_CHAT_SCOPES = ("chat", "chat_administrators", "chat_member")
MAX_COMMANDS = 100
MAX_NAME = 64
MAX_DESCRIPTION = 512
MAX_SHORT_DESCRIPTION = 120


@api_method("getMe", NoParams)
def get_me(world: World, params: NoParams) -> Json:
    """Return the bot's own User object."""
    return world.bot.full_user()


@api_method("setMyCommands", SetMyCommands)
def set_my_commands(world: World, params: SetMyCommands) -> bool:
    """Set a command menu."""
    key = _find_menu_key(world, params)
    commands = [_parse_command(command) for command in params.commands or ()]
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    world.bot.commands[key] = commands
    world.changes.record("bot")
    return True


@api_method("getMyCommands", CommandScopeParams)
def get_my_commands(world: World, params: CommandScopeParams) -> list[Json]:
    """Return a command menu exactly as it was set."""
    return world.bot.commands.get(_find_menu_key(world, params), [])


@api_method("deleteMyCommands", CommandScopeParams)
def delete_my_commands(world: World, params: CommandScopeParams) -> bool:
    """Delete a command menu, so that a wider one shows."""
    world.bot.commands.pop(_find_menu_key(world, params), None)
    world.changes.record("bot")
    return True


def _parse_command(given: BotCommand) -> Json:
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


def _find_menu_key(world: World, params: CommandScopeParams) -> CommandKey:
    language = _check_language(params)
    scope: Json = dict(params.scope or {"type": "default"})
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
    chat = find_chat(world, str(scope["chat_id"]))
    if chat.is_private and kind != "chat":
        raise bad_request("Can't use specified scope in private chats")
    return kind, str(chat.id), user_id if kind == "chat_member" else 0, language


def _check_language(params: CommandScopeParams | LanguageParams) -> str:
    """Return the language code: two letters or none.

    :raises ApiError: where it is anything else.
    """
    if not _LANGUAGE.fullmatch(params.language_code):
        raise bad_request("Invalid language code specified")
    return params.language_code


def _set_text(
    world: World, texts: dict[str, str], params: LanguageParams, text: str, limit: int
) -> bool:
    language = _check_language(params)
    if len(text) > limit:
        raise bad_request("BOT_TEXT_TOO_LONG" if limit > MAX_NAME else "BOT_TITLE_INVALID")
    if text:
        texts[language] = text
    elif language or limit > MAX_NAME:
        texts.pop(language, None)
    world.changes.record("bot")
    return True


def _get_text(texts: dict[str, str], params: LanguageParams) -> str:
    return texts.get(_check_language(params)) or texts.get("", "")


@api_method("setMyName", SetMyName)
def set_my_name(world: World, params: SetMyName) -> bool:
    """Set the bot's name in a language."""
    _set_text(world, world.bot.names, params, params.name, MAX_NAME)
    world.bot.rebuild_user()
    return True


@api_method("getMyName", LanguageParams)
def get_my_name(world: World, params: LanguageParams) -> Json:
    """Return the bot's name in a language."""
    return {"name": _get_text(world.bot.names, params)}


@api_method("setMyDescription", SetMyDescription)
def set_my_description(world: World, params: SetMyDescription) -> bool:
    """Set what an empty chat with the bot shows."""
    return _set_text(world, world.bot.descriptions, params, params.description, MAX_DESCRIPTION)


@api_method("getMyDescription", LanguageParams)
def get_my_description(world: World, params: LanguageParams) -> Json:
    """Return what an empty chat with the bot shows."""
    return {"description": _get_text(world.bot.descriptions, params)}


@api_method("setMyShortDescription", SetMyShortDescription)
def set_my_short_description(world: World, params: SetMyShortDescription) -> bool:
    """Set what the bot's profile shows."""
    texts = world.bot.short_descriptions
    return _set_text(world, texts, params, params.short_description, MAX_SHORT_DESCRIPTION)


@api_method("getMyShortDescription", LanguageParams)
def get_my_short_description(world: World, params: LanguageParams) -> Json:
    """Return what the bot's profile shows."""
    return {"short_description": _get_text(world.bot.short_descriptions, params)}


@api_method("setChatMenuButton", SetChatMenuButton)
def set_chat_menu_button(world: World, params: SetChatMenuButton) -> bool:
    """Set the button beside the input field, for one person or for all."""
    _check_private_chat(world, params)
    button: Json = dict(params.menu_button or {"type": "default"})
    if button["type"] not in ("default", "commands", "web_app"):
        raise bad_request("Can't parse menu button: MenuButton has unsupported type")
    if button["type"] == "web_app":
        if not button.get("text") or not button.get("web_app"):
            raise bad_request("Menu button text must be non-empty")
        if not button["web_app"]["url"].startswith("https://"):
            raise bad_request("Menu button Web App URL is invalid: Only HTTPS links are allowed")
    world.bot.menu_buttons[params.chat_id or 0] = button
    world.changes.record("bot")
    return True


@api_method("getChatMenuButton", GetChatMenuButton)
def get_chat_menu_button(world: World, params: GetChatMenuButton) -> Json:
    """Return the button beside the input field."""
    _check_private_chat(world, params)
    buttons = world.bot.menu_buttons
    default = buttons.get(0, {"type": "commands"})
    own = buttons.get(params.chat_id or 0, default)
    return default if own["type"] == "default" and own is not default else own


def _check_private_chat(world: World, params: GetChatMenuButton) -> None:
    if params.chat_id is not None and params.chat_id not in world.accounts:
        raise bad_request("user not found")
