"""Methods that send and fetch files."""

from collections.abc import Mapping

from sandbox.bot_api.image_size import read_image_size
from sandbox.bot_api.method_registry import api_method
from sandbox.bot_api.methods.messages import parse_caption
from sandbox.bot_api.methods.sending import send_to_chat
from sandbox.bot_api.params.chat_params import GetFile
from sandbox.bot_api.params.message_params import SendDocument, SendPhoto, SendSticker
from sandbox.errors import bad_request
from sandbox.types import Json
from sandbox.world.file_store import StoredFile, UploadedFile
from sandbox.world.world import World

Uploads = Mapping[str, UploadedFile]


@api_method("sendPhoto", SendPhoto, uploads=("photo",))
def send_photo(world: World, params: SendPhoto, files: Uploads) -> Json:
    """Send a picture."""
    content = parse_caption(params.caption, params.parse_mode, params.caption_entities)
    stored = _resolve_file(world, "photo", params.photo, files)
    if "width" not in stored.details:
        raise bad_request("IMAGE_PROCESS_FAILED")
    content = {"photo": [{**stored.as_json(), **stored.details}], **content}
    if params.has_spoiler:
        content["has_media_spoiler"] = True
    if params.show_caption_above_media and "caption" in content:
        content["show_caption_above_media"] = True
    return send_to_chat(world, params, content).message


@api_method("sendDocument", SendDocument, uploads=("document", "thumbnail"))
def send_document(world: World, params: SendDocument, files: Uploads) -> Json:
    """Send a file."""
    content = parse_caption(params.caption, params.parse_mode, params.caption_entities)
    stored = _resolve_file(world, "document", params.document, files)
    document = {
        "file_name": stored.upload.name,
        "mime_type": stored.upload.mime_type,
        **stored.as_json(),
    }
    return send_to_chat(world, params, {"document": document, **content}).message


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
    return stored
