"""What people send that is no text: believable content for every kind."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.client.messages import send_content
from sandbox.client.session import AccountSession
from sandbox.errors import PersonError
from sandbox.limits import CAPTIONED_KINDS, MAX_ALBUM_SIZE, MAX_CAPTION_LENGTH
from sandbox.markup import parse_typed_text
from sandbox.types import Json
from sandbox.world.chats import ChatState, StoredMessage
from sandbox.world.file_store import FileStore, StoredFile, UploadedFile

_PIXEL = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89"
    b"\0\0\0\rIDATx\x9cc\xf8\xff\xff?\0\x05\xfe\x02\xfe\r\xefF\xb8\0\0\0\0IEND\xaeB`\x82"
)
_ALBUMS = ({"photo", "video"}, {"document"}, {"audio"})
"""What may be together in an album."""
_MEASURES: tuple[str, ...] = ("duration", "width", "height")
_FILES = {
    "sticker": ("sticker.webp", "image/webp"),
    "voice": ("voice.ogg", "audio/ogg"),
    "video": ("video.mp4", "video/mp4"),
    "video_note": ("note.mp4", "video/mp4"),
    "animation": ("animation.mp4", "video/mp4"),
    "audio": ("audio.mp3", "audio/mpeg"),
    "document": ("document.pdf", "application/pdf"),
}


def send_media(
    session: AccountSession,
    chat: ChatState,
    kind: str,
    caption: str | None = None,
    thread: int = 0,
    details: Mapping[str, Any] | None = None,
    reply_to: StoredMessage | None = None,
) -> Json:
    """Send something that is no text.

    :param details: what differs from the usual, such as ``phone_number`` of a contact.
    """
    content = build_media(session.world.files, session.user, kind, caption, dict(details or {}))
    return send_content(session, chat, content, thread, reply_to)


def send_album(
    session: AccountSession,
    chat: ChatState,
    kinds: Sequence[str],
    caption: str | None = None,
    thread: int = 0,
) -> list[Json]:
    """Send several files as one album; its caption is that of the first.

    :raises PersonError: where they cannot be an album.
    """
    _check_album_kinds(kinds)
    album = {"media_group_id": session.world.allocate_album_id()}
    captions = [caption, *[None] * (len(kinds) - 1)]
    contents = [
        build_media(session.world.files, session.user, kind, words, {})
        for kind, words in zip(kinds, captions, strict=True)
    ]
    return [send_content(session, chat, {**content, **album}, thread) for content in contents]


def _check_album_kinds(kinds: Sequence[str]) -> None:
    if not 2 <= len(kinds) <= MAX_ALBUM_SIZE:
        raise PersonError(400, "bad_album", f"2 to {MAX_ALBUM_SIZE} files make an album.")
    if not any(set(kinds) <= allowed for allowed in _ALBUMS):
        raise PersonError(
            400, "bad_album", "Photos and videos make an album, or documents, or songs."
        )


def build_media(
    files: FileStore, user: Json, kind: str, caption: str | None, details: dict[str, Any]
) -> Json:
    """Return what a message of this kind says.

    :raises PersonError: where the kind is unknown or takes no caption.
    """
    make = _BUILDERS.get(kind)
    if make is None:
        raise PersonError(400, "unknown_kind", f"One of {', '.join(sorted(_BUILDERS))}.")
    content = make(files, user, kind, details)
    if caption:
        if kind not in CAPTIONED_KINDS:
            raise PersonError(400, "no_caption", f"A {kind} has no caption.")
        content.update(_parse_caption(caption))
    return content


def _parse_caption(caption: str) -> Json:
    text, entities = parse_typed_text(caption)
    if len(text) > MAX_CAPTION_LENGTH:
        raise PersonError(400, "caption_too_long", f"At most {MAX_CAPTION_LENGTH} characters.")
    return {"caption": text, "caption_entities": entities} if entities else {"caption": text}


def _store_file(files: FileStore, kind: str, details: dict[str, Any]) -> StoredFile:
    name, mime_type = _FILES[kind]
    name = details.get("file_name", name)
    upload = UploadedFile(name, f"A {kind} of the sandbox.".encode(), mime_type)
    known = {key: _DETAILS[kind][key] for key in _MEASURES if key in _DETAILS[kind]}
    return files.add(f"{kind}s", upload, known)


def _build_file(files: FileStore, user: Json, kind: str, details: dict[str, Any]) -> Json:
    stored = _store_file(files, kind, details)
    shape = {**stored.as_json(), **_DETAILS[kind], **details}
    if kind in ("document", "audio", "video", "animation"):
        shape["file_name"] = stored.upload.name
    if kind not in ("sticker", "video_note"):
        shape["mime_type"] = stored.upload.mime_type
    content: Json = {kind: shape}
    if kind == "animation":
        content["document"] = {
            key: shape[key]
            for key in ("file_id", "file_unique_id", "file_size", "file_name", "mime_type")
        }
    return content


def _build_photo(files: FileStore, user: Json, kind: str, details: dict[str, Any]) -> Json:
    sizes = []
    for width, height in ((90, 67), (800, 600)):
        size = {"width": width, "height": height}
        stored = files.add("photos", UploadedFile("photo.png", _PIXEL, "image/png"), size)
        sizes.append({**stored.as_json(), **size})
    return {"photo": sizes}


def _build_contact(files: FileStore, user: Json, kind: str, details: dict[str, Any]) -> Json:
    contact: Json = {"phone_number": "886912345678", "first_name": user["first_name"]}
    return {"contact": {**contact, "user_id": user["id"], **details}}


def _build_location(files: FileStore, user: Json, kind: str, details: dict[str, Any]) -> Json:
    return {"location": {"latitude": 25.0375, "longitude": 121.5637, **details}}


def _build_venue(files: FileStore, user: Json, kind: str, details: dict[str, Any]) -> Json:
    place = _build_location(files, user, kind, {})["location"]
    venue = {"location": place, "title": "Taipei City Hall", "address": "Xinyi, Taipei"}
    return {"location": place, "venue": {**venue, **details}}


def _build_dice(files: FileStore, user: Json, kind: str, details: dict[str, Any]) -> Json:
    return {"dice": {"emoji": "🎲", "value": 4, **details}}


def _build_poll(files: FileStore, user: Json, kind: str, details: dict[str, Any]) -> Json:
    options = [
        {"persistent_id": str(number), "text": text, "voter_count": 0}
        for number, text in enumerate(("Yes", "No"))
    ]
    poll = {
        "id": str(5_100_000_000_000_000_000 + user["id"]),
        "question": "Is this a poll?",
        "options": options,
        "total_voter_count": 0,
        "is_closed": False,
        "is_anonymous": True,
        "type": "regular",
        "allows_multiple_answers": False,
        "allows_revoting": True,
        "members_only": False,
    }
    return {"poll": {**poll, **details}}


_DETAILS: dict[str, Json] = {
    "sticker": {
        "type": "regular",
        "width": 512,
        "height": 512,
        "is_animated": False,
        "is_video": False,
        "emoji": "👍",
        "set_name": "SandboxStickers",
    },
    "voice": {"duration": 3},
    "video": {"width": 640, "height": 480, "duration": 5},
    "video_note": {"length": 240, "duration": 5},
    "animation": {"width": 320, "height": 240, "duration": 2},
    "audio": {"duration": 180, "title": "A song", "performer": "Somebody"},
    "document": {},
}
_BUILDERS: dict[str, Callable[[FileStore, Json, str, dict[str, Any]], Json]] = {
    **dict.fromkeys(_DETAILS, _build_file),
    "photo": _build_photo,
    "contact": _build_contact,
    "location": _build_location,
    "venue": _build_venue,
    "dice": _build_dice,
    "poll": _build_poll,
}
MEDIA_KINDS = frozenset(_BUILDERS)
