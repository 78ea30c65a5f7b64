"""Methods that forward and copy messages."""

from collections import Counter

from sandbox.bot_api.method_registry import api_method
from sandbox.bot_api.methods.messages import parse_caption
from sandbox.bot_api.methods.sending import send_to_chat
from sandbox.bot_api.params.message_params import (
    CopyMessage,
    CopyMessages,
    ForwardMessage,
    ForwardMessages,
)
from sandbox.bot_api.target_lookup import (
    find_chat,
    find_message,
    find_writable_chat,
    refuse_unsupported,
    resolve_thread,
)
from sandbox.errors import bad_request
from sandbox.types import Json
from sandbox.world.chats import ChatState, StoredMessage
from sandbox.world.delivery import post_message
from sandbox.world.forwarding import forwarded_content, message_content
from sandbox.world.world import World

MAX_MESSAGES = 100


@api_method("forwardMessage", ForwardMessage)
def forward_message(world: World, params: ForwardMessage) -> Json:
    """Forward a message, unless it is protected."""
    refuse_unsupported(**params.unsupported_features())
    source = _find_source(world, params.from_chat_id, params.message_id, "message to forward")
    if not _is_forwardable(source):
        raise bad_request("The message can't be forwarded")
    chat = find_writable_chat(world, params.chat_id)
    thread = resolve_thread(world, chat, params.message_thread_id)
    world.count_message(chat)
    return _post_forward(world, chat, thread, source, protect=params.protect_content).message


@api_method("forwardMessages", ForwardMessages)
def forward_messages(world: World, params: ForwardMessages) -> list[Json]:
    """Forward several messages, with their albums; what is not there or protected is left out."""
    chat, thread, sources = _find_sources(world, params)
    sources = [source for source in sources if _is_forwardable(source)]
    _count_all(world, chat, sources)
    albums = _renumber_albums(world, sources)
    sent = []
    for source in sources:
        copy = _post_forward(world, chat, thread, source, protect=params.protect_content)
        _join_album(copy, source, albums)
        sent.append({"message_id": copy.id})
    return sent


def _is_forwardable(source: StoredMessage) -> bool:
    return not source.is_service and not source.message.get("has_protected_content")


def _post_forward(
    world: World, chat: ChatState, thread: int, source: StoredMessage, *, protect: bool
) -> StoredMessage:
    content = forwarded_content(source, world.bot.username)
    if protect:
        content["has_protected_content"] = True
    stored = post_message(world, chat, world.bot.user, content, thread=thread)
    stored.is_forward = True
    world.invoices.add_copy(source.message, stored.message)
    return stored


def _find_source(world: World, chat_id: str, message_id: int, what: str) -> StoredMessage:
    if not chat_id:
        raise bad_request('Parameter "from_chat_id" is required')
    return find_message(find_chat(world, chat_id), message_id, what)


@api_method("copyMessage", CopyMessage)
def copy_message(world: World, params: CopyMessage) -> Json:
    """Send what a message says as a new one, without a trace of where it is from."""
    source = _find_source(world, params.from_chat_id, params.message_id, "message to copy")
    if not _is_copyable(source):
        raise bad_request("The message can't be copied")
    content = message_content(source.message)
    if params.caption is not None and "text" not in content:
        content.pop("caption", None)
        content.pop("caption_entities", None)
        content.update(parse_caption(params.caption, params.parse_mode, params.caption_entities))
    return {"message_id": send_to_chat(world, params, content).id}


@api_method("copyMessages", CopyMessages)
def copy_messages(world: World, params: CopyMessages) -> list[Json]:
    """Copy several messages, with their albums; what is not there or cannot go is left out."""
    chat, thread, sources = _find_sources(world, params)
    sources = [source for source in sources if _is_copyable(source)]
    _count_all(world, chat, sources)
    albums = _renumber_albums(world, sources)
    sent = []
    for source in sources:
        content = message_content(source.message)
        if params.remove_caption:
            content.pop("caption", None)
            content.pop("caption_entities", None)
        if params.protect_content:
            content["has_protected_content"] = True
        copy = post_message(world, chat, world.bot.user, content, thread=thread)
        _join_album(copy, source, albums)
        sent.append({"message_id": copy.id})
    return sent


def _is_copyable(source: StoredMessage) -> bool:
    return not source.is_service and "invoice" not in source.message


def _find_sources(
    world: World, params: ForwardMessages
) -> tuple[ChatState, int, list[StoredMessage]]:
    """Return the chat and topic to send to, and those of the messages that are there."""
    ids = params.message_ids or []
    if not params.from_chat_id:
        raise bad_request('Parameter "from_chat_id" is required')
    if not ids:
        raise bad_request("Message identifiers are not specified")
    if len(ids) > MAX_MESSAGES:
        raise bad_request("Too many message identifiers specified")
    if min(ids) <= 0:
        raise bad_request("Invalid message identifier specified")
    if ids != sorted(set(ids)):
        raise bad_request("Message identifiers must be in a strictly increasing order")
    refuse_unsupported(**params.unsupported_features())
    chat = find_writable_chat(world, params.chat_id)
    thread = resolve_thread(world, chat, params.message_thread_id)
    source = find_chat(world, params.from_chat_id)
    found = [source.messages[message_id] for message_id in ids if message_id in source.messages]
    if not found:
        raise bad_request("There are no messages to forward")
    return chat, thread, found


def _count_all(world: World, chat: ChatState, sources: list[StoredMessage]) -> None:
    if not sources:
        raise bad_request("Messages can't be forwarded")
    world.count_message(chat, len(sources))


def _renumber_albums(world: World, sources: list[StoredMessage]) -> dict[str, str]:
    """Return a new album id for each album of which at least two messages go."""
    sizes = Counter(source.message.get("media_group_id", "") for source in sources)
    return {album: world.allocate_album_id() for album, size in sizes.items() if album and size > 1}


def _join_album(copy: StoredMessage, source: StoredMessage, albums: dict[str, str]) -> None:
    album = albums.get(source.message.get("media_group_id", ""))
    if album:
        copy.message["media_group_id"] = album
