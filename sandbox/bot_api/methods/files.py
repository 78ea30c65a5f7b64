"""Methods that send and fetch files."""

from collections.abc import Mapping

from sandbox.bot_api.image_size import read_image_size
from sandbox.bot_api.method_registry import api_method
from sandbox.bot_api.methods.messages import parse_caption
from sandbox.bot_api.methods.sending import send_to_chat
from sandbox.bot_api.params.chat_params import GetFile
from sandbox.bot_api.params.message_params import (
    CaptionedSendParams,
    SendDocument,
    SendMediaGroup,
    SendPhoto,
    SendSticker,
    SendVideo,
    SendVoice,
)
from sandbox.bot_api.params.objects import InputMedia
from sandbox.errors import bad_request
from sandbox.limits import MAX_ALBUM_SIZE
from sandbox.types import Json
from sandbox.world.file_store import StoredFile, UploadedFile
from sandbox.world.world import World

Uploads = Mapping[str, UploadedFile]
_OPTIONS = {"has_spoiler", "show_caption_above_media", "duration", "width", "height"}


@api_method("sendPhoto", SendPhoto, uploads=("photo",))
def send_photo(world: World, params: SendPhoto, files: Uploads) -> Json:
    """Send a picture."""
    return _send_file(world, params, "photo", params.photo, files)


@api_method("sendVideo", SendVideo, uploads=("video", "thumbnail", "cover"))
def send_video(world: World, params: SendVideo, files: Uploads) -> Json:
    """Send a video."""
    return _send_file(world, params, "video", params.video, files)


@api_method("sendVoice", SendVoice, uploads=("voice",))
def send_voice(world: World, params: SendVoice, files: Uploads) -> Json:
    """Send a voice message."""
    return _send_file(world, params, "voice", params.voice, files)


@api_method("sendDocument", SendDocument, uploads=("document", "thumbnail"))
def send_document(world: World, params: SendDocument, files: Uploads) -> Json:
    """Send a file."""
    return _send_file(world, params, "document", params.document, files)


def _send_file(
    world: World, params: CaptionedSendParams, kind: str, given: str, files: Uploads
) -> Json:
    caption = parse_caption(params.caption, params.parse_mode, params.caption_entities)
    stored = _resolve_file(world, kind, given, files)
    wanted = params.model_dump(include=_OPTIONS)
    return send_to_chat(world, params, {**_describe(kind, stored, wanted), **caption}).message


@api_method("sendMediaGroup", SendMediaGroup, uploads=("media",))
def send_media_group(world: World, params: SendMediaGroup, files: Uploads) -> list[Json]:
    """Send an album."""
    media = params.media or []
    _check_album([one["type"] for one in media])
    contents = [_parse_media(world, one, files) for one in media]
    album = {"media_group_id": world.allocate_album_id()} if len(media) > 1 else {}
    first, *others = contents
    sent = [send_to_chat(world, params, {**first, **album}, calls=len(media))]
    sent += [send_to_chat(world, params, {**content, **album}, calls=0) for content in others]
    return [stored.message for stored in sent]


def _check_album(kinds: list[str]) -> None:
    """Refuse what cannot be an album: at most ten, and documents and songs among their own."""
    if not kinds:
        raise bad_request("There are no messages to send")
    if len(kinds) > MAX_ALBUM_SIZE:
        raise bad_request("Too many messages to send as an album")
    for kind in kinds:
        if kind not in ("photo", "video", "document", "audio"):
            raise bad_request(
                f"Can't parse InputMedia: type \"{kind}\" can't be used in sendMediaGroup"
            )
        if kind in ("document", "audio") and set(kinds) != {kind}:
            raise bad_request(f"{kind.title()} can't be mixed with other media types")


def _parse_media(world: World, media: InputMedia, files: Uploads) -> Json:
    """Return what one message of an album says."""
    kind = media["type"]
    caption = parse_caption(
        media.get("caption", ""), media.get("parse_mode", ""), media.get("caption_entities")
    )
    stored = _resolve_file(world, kind, media["media"], files)
    return {**_describe(kind, stored, dict(media)), **caption}


def _describe(kind: str, stored: StoredFile, wanted: Json) -> Json:
    """Return the fields of a message that carries a file.

    :param wanted: what the call says of it, such as ``duration`` and ``has_spoiler``.
    """
    content: Json = {kind: {**stored.as_json(), **_file_details(kind, stored, wanted)}}
    if kind == "photo":
        content = {"photo": [content["photo"]]}
    if wanted.get("has_spoiler"):
        content["has_media_spoiler"] = True
    if wanted.get("show_caption_above_media"):
        content["show_caption_above_media"] = True
    return content


def _file_details(kind: str, stored: StoredFile, wanted: Json) -> Json:
    named: Json = {"file_name": stored.upload.name, "mime_type": stored.upload.mime_type}
    given = {key: wanted[key] for key in ("duration", "width", "height") if wanted.get(key)}
    if kind == "photo":
        if "width" not in stored.details:
            raise bad_request("IMAGE_PROCESS_FAILED")
        return stored.details
    if kind == "video":
        return {"width": 640, "height": 480, "duration": 0, **stored.details, **given, **named}
    if kind == "voice":
        del named["file_name"]
    if kind in ("voice", "audio"):
        return {"duration": given.get("duration", stored.details.get("duration", 0)), **named}
    return named


@api_method("sendSticker", SendSticker, uploads=("sticker",))
def send_sticker(world: World, params: SendSticker, files: Uploads) -> Json:
    """Send a sticker."""
    stored = _resolve_file(world, "sticker", params.sticker, files)
    sticker = {
        **stored.as_json(),
        "type": "regular",
        "width": stored.details.get("width", 512),
        "height": stored.details.get("height", 512),
        "is_animated": False,
        "is_video": False,
    }
    if params.emoji:
        sticker["emoji"] = params.emoji
    return send_to_chat(world, params, {"sticker": sticker}).message


@api_method("getFile", GetFile)
def get_file(world: World, params: GetFile) -> Json:
    """Return where a file can be downloaded."""
    stored = world.files.require(params.file_id)
    return {**stored.as_json(), "file_path": stored.path}


def _resolve_file(world: World, kind: str, given: str, files: Uploads) -> StoredFile:
    """Return the file that a parameter means: an upload, or one that is stored already."""
    if given.startswith("attach://"):
        upload = files.get(given.removeprefix("attach://"))
        if upload is None:
            raise bad_request(f"there is no {kind} in the request")
        if not upload.content:
            raise bad_request("file must be non-empty")
        size = read_image_size(upload.content) if kind in ("photo", "sticker") else None
        return world.files.add(f"{kind}s", upload, size)
    if not given:
        raise bad_request(f"there is no {kind} in the request")
    if given.startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content")
    stored = world.files.find(given)
    if stored is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if stored.kind != kind:
        was, wanted = (name.replace("_", " ").title() for name in (stored.kind, kind))
        raise bad_request(f"can't use file of type {was} as {wanted}")
    return stored
