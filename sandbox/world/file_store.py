"""Files that were sent, and where they can be fetched."""

import hashlib
import secrets
from dataclasses import dataclass

from sandbox.errors import bad_request
from sandbox.types import Json

MAX_DOWNLOAD = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file as it comes in."""

    name: str
    content: bytes
    mime_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that has an id."""

    id: str
    unique_id: str
    path: str
    upload: UploadedFile
    details: Json
    """Width, height and the like."""

    @property
    def kind(self) -> str:
        """What it was sent as, such as ``photo``."""
        return self.path.partition("/")[0].removesuffix("s")

    def as_json(self) -> Json:
        """Return what every file object of the Bot API has."""
        return {
            "file_id": self.id,
            "file_unique_id": self.unique_id,
            "file_size": len(self.upload.content),
        }


class FileStore:
    """All files, by id and by path."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(4)  # the ids of another bot, or of another run, are unknown
        self._by_id: dict[str, StoredFile] = {}
        self._by_path: dict[str, StoredFile] = {}

    def add(self, folder: str, upload: UploadedFile, details: Json | None = None) -> StoredFile:
        """Store a file."""
        number = len(self._by_id)
        digest = hashlib.sha256(upload.content + folder.encode()).hexdigest()
        suffix = upload.name.rpartition(".")[2] if "." in upload.name else "bin"
        stored = StoredFile(
            f"SANDBOX-{self._run}-{folder}-{number}-{digest[:24]}",
            f"SB{digest[:14]}",
            f"{folder}/file_{number}.{suffix}",
            upload,
            details or {},
        )
        self._by_id[stored.id] = stored
        self._by_path[stored.path] = stored
        return stored

    def require(self, file_id: str) -> StoredFile:
        """Return the file with this id, for the bot to download.

        :raises ApiError: where there is none, or it is too large.
        """
        if not file_id:
            raise bad_request("file_id not specified")
        if file_id not in self._by_id:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        stored = self._by_id[file_id]
        if len(stored.upload.content) > MAX_DOWNLOAD:
            raise bad_request("file is too big")
        return stored

    def find(self, file_id: str) -> StoredFile | None:
        """Return the file with this id, if any."""
        return self._by_id.get(file_id)

    def find_by_path(self, path: str) -> StoredFile | None:
        """Return the file at this path, if any."""
        return self._by_path.get(path)
