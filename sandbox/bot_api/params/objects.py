"""The objects that parameters hold, as the Bot API documents them."""

from typing import Any, Literal, Required

from pydantic import ConfigDict
from typing_extensions import TypedDict

_STRICT = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class WebAppInfo(TypedDict, total=False):
    """Where a Web App lives."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    url: Required[str]


class CopyTextButton(TypedDict, total=False):
    """What a button copies."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    text: Required[str]


class SwitchInlineQueryChosenChat(TypedDict, total=False):
    """In which chats a button offers an inline query."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    query: str
    allow_user_chats: bool
    allow_bot_chats: bool
    allow_group_chats: bool
    allow_channel_chats: bool


class LoginUrl(TypedDict, total=False):
    """A page that logs the person in."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    url: Required[str]
    forward_text: str
    bot_username: str
    request_write_access: bool


class InlineKeyboardButton(TypedDict, total=False):
    """A button under a message."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    text: Required[str]
    icon_custom_emoji_id: str
    style: str
    url: str
    callback_data: str
    web_app: WebAppInfo
    login_url: LoginUrl
    switch_inline_query: str
    switch_inline_query_current_chat: str
    switch_inline_query_chosen_chat: SwitchInlineQueryChosenChat
    copy_text: CopyTextButton
    callback_game: dict[str, Any]
    pay: bool


class ChatAdministratorRights(TypedDict, total=False):
    """What administrators may do."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    is_anonymous: bool
    can_manage_chat: bool
    can_delete_messages: bool
    can_manage_video_chats: bool
    can_restrict_members: bool
    can_promote_members: bool
    can_change_info: bool
    can_invite_users: bool
    can_post_stories: bool
    can_edit_stories: bool
    can_delete_stories: bool
    can_post_messages: bool
    can_edit_messages: bool
    can_pin_messages: bool
    can_manage_topics: bool
    can_manage_direct_messages: bool
    can_manage_tags: bool
    can_send_welcome_messages: bool


class KeyboardButtonRequestChat(TypedDict, total=False):
    """Which groups a button offers to share with the bot."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    request_id: Required[int]
    chat_is_channel: Required[bool]
    chat_is_forum: bool
    chat_has_username: bool
    chat_is_created: bool
    user_administrator_rights: ChatAdministratorRights
    bot_administrator_rights: ChatAdministratorRights
    bot_is_member: bool
    request_title: bool
    request_username: bool
    request_photo: bool


class KeyboardButton(TypedDict, total=False):
    """A button in place of the keyboard."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    text: Required[str]
    icon_custom_emoji_id: str
    style: str
    request_users: dict[str, Any]
    request_chat: KeyboardButtonRequestChat
    request_managed_bot: dict[str, Any]
    request_contact: bool
    request_location: bool
    request_poll: dict[str, Any]
    web_app: WebAppInfo


class ReplyMarkup(TypedDict, total=False):
    """Any of the four kinds of markup; `sandbox.bot_api.keyboards` tells them apart."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    inline_keyboard: list[list[InlineKeyboardButton]]
    keyboard: list[list[KeyboardButton | str]]
    is_persistent: bool
    resize_keyboard: bool
    one_time_keyboard: bool
    input_field_placeholder: str
    selective: bool
    remove_keyboard: bool
    force_reply: bool


class MessageEntity(TypedDict, total=False):
    """A piece of text that means or looks something."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    type: Required[str]
    offset: Required[int]
    length: Required[int]
    url: str
    user: dict[str, Any]
    language: str
    custom_emoji_id: str
    unix_time: int
    date_time_format: str


class ReplyParameters(TypedDict, total=False):
    """Which message is replied to."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    message_id: Required[int]
    chat_id: int | str
    allow_sending_without_reply: bool
    quote: str
    quote_parse_mode: str
    quote_entities: list[MessageEntity]
    quote_position: int
    checklist_task_id: int
    poll_option_id: str


class LinkPreviewOptions(TypedDict, total=False):
    """How a link is previewed."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    is_disabled: bool
    url: str
    prefer_small_media: bool
    prefer_large_media: bool
    show_above_text: bool


class BotCommand(TypedDict, total=False):
    """A line of the command menu."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    command: Required[str]
    description: Required[str]
    is_ephemeral: bool


class BotCommandScope(TypedDict, total=False):
    """Who sees a command menu."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    type: Required[str]
    chat_id: int | str
    user_id: int


class MenuButton(TypedDict, total=False):
    """What the button beside the input field does."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    type: Required[str]
    text: str
    web_app: WebAppInfo


class ReactionType(TypedDict, total=False):
    """A reaction to a message."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    type: Required[Literal["emoji", "custom_emoji", "paid"]]
    emoji: str
    custom_emoji_id: str


class InputMedia(TypedDict, total=False):
    """A file of an album."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    type: Required[str]
    media: Required[str]
    thumbnail: str
    caption: str
    parse_mode: str
    caption_entities: list[MessageEntity]
    show_caption_above_media: bool
    has_spoiler: bool
    width: int
    height: int
    duration: int
    cover: str
    start_timestamp: int
    supports_streaming: bool
    performer: str
    title: str
    disable_content_type_detection: bool


class LabeledPrice(TypedDict, total=False):
    """A line of an invoice, in the smallest unit of the currency."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    label: Required[str]
    amount: Required[int]


class InputTextMessageContent(TypedDict, total=False):
    """The text an inline result sends."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    message_text: Required[str]
    parse_mode: str
    entities: list[MessageEntity]
    link_preview_options: LinkPreviewOptions


class InlineQueryResult(TypedDict, total=False):
    """An inline result that sends text; the sandbox serves no other kind."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    type: Required[str]
    id: Required[str]
    title: Required[str]
    input_message_content: Required[InputTextMessageContent]
    reply_markup: ReplyMarkup
    url: str
    description: str
    thumbnail_url: str
    thumbnail_width: int
    thumbnail_height: int


class InlineQueryResultsButton(TypedDict, total=False):
    """The button above inline results."""

    __pydantic_config__ = _STRICT  # type: ignore[misc]
    text: Required[str]
    web_app: WebAppInfo
    start_parameter: str
