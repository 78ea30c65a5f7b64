"""Methods that send and fetch files."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.bot_api.image_size import image_size
from sandbox.bot_api.method_registry import method
from sandbox.bot_api.methods.messages import captioned
from sandbox.bot_api.methods.sending import send
from sandbox.bot_api.params.chat_params import GetFile
from sandbox.bot_api.params.message_params import SendDocument, SendPhoto, SendSticker
from sandbox.errors import bad_request
from sandbox.types import Json
from sandbox.world.file_store import StoredFile, Upload

if TYPE_CHECKING:
    from sandbox.engine import Engine

Uploads = Mapping[str, Upload]


@method("sendPhoto", SendPhoto, uploads=("photo",))
def send_photo(engine: "Engine", p: SendPhoto, files: Uploads) -> Json:
    """Send a picture."""
    content = captioned(p.caption, p.parse_mode, p.caption_entities)
    stored = _file(engine, "photo", p.photo, files)
    if "width" not in stored.shape:
        raise bad_request("IMAGE_PROCESS_FAILED")
    content = {"photo": [{**stored.as_json(), **stored.shape}], **content}
    if p.has_spoiler:
        content["has_media_spoiler"] = True
    if p.show_caption_above_media and "caption" in content:
        content["show_caption_above_media"] = True
    return send(engine, p, content).message


@method("sendDocument", SendDocument, uploads=("document", "thumbnail"))
def send_document(engine: "Engine", p: SendDocument, files: Uploads) -> Json:
    """Send a file."""
    content = captioned(p.caption, p.parse_mode, p.caption_entities)
    stored = _file(engine, "document", p.document, files)
    document = {
        "file_name": stored.upload.name,
        "mime_type": stored.upload.mime_type,
        **stored.as_json(),
    }
    return send(engine, p, {"document": document, **content}).message


@method("sendSticker", SendSticker, uploads=("sticker",))
def send_sticker(engine: "Engine", p: SendSticker, files: Uploads) -> Json:
    """Send a sticker."""
    stored = _file(engine, "sticker", p.sticker, files)
    sticker = {
        **stored.as_json(),
        "type": "regular",
        "width": stored.shape.get("width", 512),
        "height": stored.shape.get("height", 512),
        "is_animated": False,
        "is_video": False,
    }
    if p.emoji:
        sticker["emoji"] = p.emoji
    return send(engine, p, {"sticker": sticker}).message


@method("getFile", GetFile)
def get_file(engine: "Engine", p: GetFile) -> Json:
    """Say where a file can be fetched."""
    stored = engine.files.get(p.file_id)
    return {**stored.as_json(), "file_path": stored.path}


def _file(engine: "Engine", kind: str, given: str, files: Uploads) -> StoredFile:
    """Give the file a parameter means: an upload, or one that is here already."""
    if given.startswith("attach://"):
        upload = files.get(given.removeprefix("attach://"))
        if upload is None:
            raise bad_request(f"there is no {kind} in the request")
        if not upload.content:
            raise bad_request("file must be non-empty")
        size = image_size(upload.content) if kind in ("photo", "sticker") else None
        return engine.files.add(f"{kind}s", upload, size)
    if not given:
        raise bad_request(f"there is no {kind} in the request")
    if given.startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content")
    stored = engine.files.known(given)
    if stored is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    return stored
