"""Parameters of the methods about the bot itself, chats, topics, files and updates."""

from sandbox.bot_api.params.objects import BotCommand, BotCommandScope, MenuButton
from sandbox.bot_api.params.parsing import FromJson, Params


class NoParams(Params):
    """No parameters."""


class GetUpdates(Params):
    """Parameters of getUpdates."""

    offset: int = 0
    limit: int = 100
    timeout: int = 0
    allowed_updates: FromJson[list[str] | None] = None


class SetWebhook(Params):
    """Parameters of setWebhook."""

    url: str = ""
    certificate: str = ""
    ip_address: str = ""
    max_connections: int = 40
    allowed_updates: FromJson[list[str] | None] = None
    drop_pending_updates: bool = False
    secret_token: str = ""


class DeleteWebhook(Params):
    """Parameters of deleteWebhook."""

    drop_pending_updates: bool = False


class CommandScopeParams(Params):
    """Which command menu is meant."""

    scope: FromJson[BotCommandScope | None] = None
    language_code: str = ""


class SetMyCommands(CommandScopeParams):
    """Parameters of setMyCommands."""

    commands: FromJson[list[BotCommand] | None] = None


class LanguageParams(Params):
    """Which language is meant; none is the default for all."""

    language_code: str = ""


class SetMyName(LanguageParams):
    """Parameters of setMyName."""

    name: str = ""


class SetMyDescription(LanguageParams):
    """Parameters of setMyDescription."""

    description: str = ""


class SetMyShortDescription(LanguageParams):
    """Parameters of setMyShortDescription."""

    short_description: str = ""


class ChatParams(Params):
    """A chat."""

    chat_id: str = ""


class GetChatAdministrators(ChatParams):
    """Parameters of getChatAdministrators."""

    return_bots: bool = False


class GetChatMember(ChatParams):
    """Parameters of getChatMember."""

    user_id: int = 0


class CreateForumTopic(ChatParams):
    """Parameters of createForumTopic."""

    name: str = ""
    icon_color: int = 0
    icon_custom_emoji_id: str = ""


class TopicParams(ChatParams):
    """A topic of a forum."""

    message_thread_id: int = 0


class EditForumTopic(TopicParams):
    """Parameters of editForumTopic."""

    name: str = ""
    icon_custom_emoji_id: str | None = None


class EditGeneralForumTopic(ChatParams):
    """Parameters of editGeneralForumTopic."""

    name: str = ""


class GetChatMenuButton(Params):
    """Parameters of getChatMenuButton."""

    chat_id: int | None = None


class SetChatMenuButton(GetChatMenuButton):
    """Parameters of setChatMenuButton."""

    menu_button: FromJson[MenuButton | None] = None


class GetFile(Params):
    """Parameters of getFile."""

    file_id: str = ""
