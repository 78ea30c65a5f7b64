"""Parameters of the methods that send, change, delete and answer."""

from sandbox.bot_api.params.objects import (
    InlineQueryResult,
    InlineQueryResultsButton,
    InputMedia,
    LabeledPrice,
    LinkPreviewOptions,
    MessageEntity,
    ReactionType,
    ReplyMarkup,
    ReplyParameters,
)
from sandbox.bot_api.params.parsing import FromJson, Params


class DestinationParams(Params):
    """Where something is sent.

    The sandbox has no business connections, channels' direct messages, suggested posts or
    ephemeral messages; a call that asks for one is refused.
    """

    chat_id: str = ""
    message_thread_id: int = 0
    direct_messages_topic_id: int = 0
    disable_notification: bool = False
    protect_content: bool = False
    allow_paid_broadcast: bool = False
    message_effect_id: str = ""
    reply_parameters: FromJson[ReplyParameters | None] = None

    def unsupported_features(self) -> dict[str, object]:
        """Return what was asked for that the sandbox does not have, by name."""
        return {"direct_messages_topic": self.direct_messages_topic_id}

    def keyboard(self) -> dict[str, object] | None:
        """Return the keyboard that was given, if the method takes one."""
        return None


class SendParams(DestinationParams):
    """Where one message is sent, and with which keyboard."""

    suggested_post_parameters: FromJson[dict[str, object] | None] = None
    reply_markup: FromJson[ReplyMarkup | None] = None

    def unsupported_features(self) -> dict[str, object]:
        """Return what was asked for that the sandbox does not have, by name."""
        return {
            **super().unsupported_features(),
            "suggested_posts": self.suggested_post_parameters,
        }

    def keyboard(self) -> dict[str, object] | None:
        """Return the keyboard that was given, if the method takes one."""
        return dict(self.reply_markup) if self.reply_markup else None


class BusinessSendParams(SendParams):
    """Where something is sent that may also be ephemeral or for a business."""

    business_connection_id: str = ""
    ephemeral_message_parameters: FromJson[dict[str, object] | None] = None
    receiver_user_id: int = 0
    callback_query_id: str = ""

    def unsupported_features(self) -> dict[str, object]:
        """Return what was asked for that the sandbox does not have, by name."""
        return {
            **super().unsupported_features(),
            "business_connection": self.business_connection_id,
            "ephemeral_messages": self.ephemeral_message_parameters
            or self.receiver_user_id
            or self.callback_query_id,
        }


class SendMessage(BusinessSendParams):
    """Parameters of sendMessage."""

    text: str = ""
    parse_mode: str = ""
    entities: FromJson[list[MessageEntity] | None] = None
    link_preview_options: FromJson[LinkPreviewOptions | None] = None


class CaptionedSendParams(BusinessSendParams):
    """What every method that sends a captioned file takes."""

    caption: str = ""
    parse_mode: str = ""
    caption_entities: FromJson[list[MessageEntity] | None] = None


class SendPhoto(CaptionedSendParams):
    """Parameters of sendPhoto."""

    photo: str = ""
    show_caption_above_media: bool = False
    has_spoiler: bool = False


class SendVideo(CaptionedSendParams):
    """Parameters of sendVideo."""

    video: str = ""
    duration: int = 0
    width: int = 0
    height: int = 0
    thumbnail: str = ""
    cover: str = ""
    start_timestamp: int = 0
    show_caption_above_media: bool = False
    has_spoiler: bool = False
    supports_streaming: bool = False


class SendVoice(CaptionedSendParams):
    """Parameters of sendVoice."""

    voice: str = ""
    duration: int = 0


class SendMediaGroup(DestinationParams):
    """Parameters of sendMediaGroup."""

    business_connection_id: str = ""
    media: FromJson[list[InputMedia] | None] = None

    def unsupported_features(self) -> dict[str, object]:
        """Return what was asked for that the sandbox does not have, by name."""
        return {
            **super().unsupported_features(),
            "business_connection": self.business_connection_id,
        }


class SendDocument(CaptionedSendParams):
    """Parameters of sendDocument."""

    document: str = ""
    thumbnail: str = ""
    disable_content_type_detection: bool = False


class SendSticker(BusinessSendParams):
    """Parameters of sendSticker."""

    sticker: str = ""
    emoji: str = ""


class SendInvoice(SendParams):
    """Parameters of sendInvoice."""

    title: str = ""
    description: str = ""
    payload: str = ""
    provider_token: str = ""
    currency: str = ""
    prices: FromJson[list[LabeledPrice] | None] = None
    max_tip_amount: int = 0
    suggested_tip_amounts: FromJson[list[int] | None] = None
    start_parameter: str = ""
    provider_data: str = ""
    photo_url: str = ""
    photo_size: int = 0
    photo_width: int = 0
    photo_height: int = 0
    need_name: bool = False
    need_phone_number: bool = False
    need_email: bool = False
    need_shipping_address: bool = False
    send_phone_number_to_provider: bool = False
    send_email_to_provider: bool = False
    is_flexible: bool = False


class ForwardParams(Params):
    """Where something is forwarded from, and to."""

    chat_id: str = ""
    message_thread_id: int = 0
    direct_messages_topic_id: int = 0
    from_chat_id: str = ""
    disable_notification: bool = False
    protect_content: bool = False

    def unsupported_features(self) -> dict[str, object]:
        """Return what was asked for that the sandbox does not have, by name."""
        return {"direct_messages_topic": self.direct_messages_topic_id}


class ForwardMessage(ForwardParams):
    """Parameters of forwardMessage."""

    video_start_timestamp: int = 0
    message_effect_id: str = ""
    suggested_post_parameters: FromJson[dict[str, object] | None] = None
    message_id: int = 0

    def unsupported_features(self) -> dict[str, object]:
        """Return what was asked for that the sandbox does not have, by name."""
        return {
            **super().unsupported_features(),
            "suggested_posts": self.suggested_post_parameters,
        }


class ForwardMessages(ForwardParams):
    """Parameters of forwardMessages."""

    message_ids: FromJson[list[int] | None] = None


class CopyMessages(ForwardMessages):
    """Parameters of copyMessages."""

    remove_caption: bool = False


class CopyMessage(SendParams):
    """Parameters of copyMessage."""

    from_chat_id: str = ""
    message_id: int = 0
    video_start_timestamp: int = 0
    caption: str | None = None
    parse_mode: str = ""
    caption_entities: FromJson[list[MessageEntity] | None] = None
    show_caption_above_media: bool = False


class SendChatAction(Params):
    """Parameters of sendChatAction."""

    business_connection_id: str = ""
    chat_id: str = ""
    message_thread_id: int = 0
    action: str = ""


class EditParams(Params):
    """Which message an edit is about."""

    business_connection_id: str = ""
    chat_id: str = ""
    message_id: int = 0
    inline_message_id: str = ""
    reply_markup: FromJson[ReplyMarkup | None] = None


class EditMessageText(EditParams):
    """Parameters of editMessageText."""

    text: str = ""
    rich_message: FromJson[dict[str, object] | None] = None
    parse_mode: str = ""
    entities: FromJson[list[MessageEntity] | None] = None
    link_preview_options: FromJson[LinkPreviewOptions | None] = None


class EditMessageCaption(EditParams):
    """Parameters of editMessageCaption."""

    caption: str = ""
    parse_mode: str = ""
    caption_entities: FromJson[list[MessageEntity] | None] = None
    show_caption_above_media: bool = False


class EditMessageReplyMarkup(EditParams):
    """Parameters of editMessageReplyMarkup."""


class MessageParams(Params):
    """A message in a chat."""

    chat_id: str = ""
    message_id: int = 0


class DeleteMessages(Params):
    """Parameters of deleteMessages."""

    chat_id: str = ""
    message_ids: FromJson[list[int] | None] = None


class PinChatMessage(MessageParams):
    """Parameters of pinChatMessage."""

    business_connection_id: str = ""
    disable_notification: bool = False


class UnpinChatMessage(MessageParams):
    """Parameters of unpinChatMessage."""

    business_connection_id: str = ""


class SetMessageReaction(MessageParams):
    """Parameters of setMessageReaction."""

    reaction: FromJson[list[ReactionType] | None] = None
    is_big: bool = False


class AnswerCallbackQuery(Params):
    """Parameters of answerCallbackQuery."""

    callback_query_id: str = ""
    text: str = ""
    show_alert: bool = False
    url: str = ""
    cache_time: int = 0


class AnswerInlineQuery(Params):
    """Parameters of answerInlineQuery."""

    inline_query_id: str = ""
    results: FromJson[list[InlineQueryResult] | None] = None
    cache_time: int = 300
    is_personal: bool = False
    next_offset: str = ""
    button: FromJson[InlineQueryResultsButton | None] = None


class AnswerPreCheckoutQuery(Params):
    """Parameters of answerPreCheckoutQuery."""

    pre_checkout_query_id: str = ""
    ok: bool = False
    error_message: str = ""
