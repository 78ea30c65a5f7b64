"""The file of a backup: a tar archive with its checksums as the last member.

``manifest.json`` says what it is and comes first. ``SHA256SUMS`` has the form that ``sha256sum
--check`` reads, so that a file can be looked at and checked without this program.
"""

import hashlib
import json
import os
import re
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Self

from services.backup.errors import BackupError, BackupProblem
from services.backup.progress import BackupStep, OnProgress
from services.storage import private_files

FORMAT = 1
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
_CHUNK = 1024 * 1024
_MAX_TEXT = 1024 * 1024
"""Longest manifest and list of checksums."""
_NAME = re.compile(r"[a-z][a-z0-9.-]{0,63}")
_SUM = re.compile(r"([0-9a-f]{64})  (\S+)")


class BackupKind(StrEnum):
    """What a backup contains; each kind lies apart from the other."""

    DATABASE = "database"
    KEYS = "keys"


@dataclass(frozen=True)
class BackupManifest:
    """What a backup is.

    :ivar version: of Kaika, which made it.
    :ivar engine: of the database: ``sqlite`` or ``postgresql``.
    :ivar revision: of the database's schema.
    :ivar rows: the number of rows of each table.
    :ivar audit_entries: the number of the last entry of the audit.
    :ivar list_number: of the last revocation list; `None` where there is none.
    """

    kind: BackupKind
    made_at: datetime
    version: str
    engine: str | None = None
    revision: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    audit_entries: int | None = None
    list_number: int | None = None

    def to_json(self) -> bytes:
        """Serialise it."""
        values = {**asdict(self), "format": FORMAT, "made_at": self.made_at.isoformat()}
        return json.dumps(values, indent=1).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Parse it.

        :raises ValueError: (or its kin) for anything else.
        """
        values: dict[str, Any] = json.loads(text)
        known = {each.name for each in fields(cls)}
        given = {name: value for name, value in values.items() if name in known}
        made_at, kind = datetime.fromisoformat(given["made_at"]), BackupKind(given["kind"])
        if not isinstance(given.get("rows", {}), dict) or made_at.tzinfo is None:
            raise ValueError
        return cls(**{**given, "made_at": made_at, "kind": kind})


class _HashingReader:
    """Computes the checksum of what is read through it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.hash = hashlib.sha256()
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.hash.update(data)
        self.count += len(data)
        return data


def write_archive(
    path: Path,
    manifest: BackupManifest,
    members: Mapping[str, Path],
    on_progress: OnProgress,
) -> None:
    """Write a backup; the file is there once it is whole and on the disk.

    :param members: the files that go into it, by their names there.
    :raises BackupError: where a file has that name.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                _write_members(tar, manifest, members, on_progress)
            file.flush()
            os.fsync(file.fileno())
        if not private_files.put_in_place(beside, path):
            raise BackupError(BackupProblem.EXISTS, path)
        private_files.sync_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def _write_members(
    tar: tarfile.TarFile,
    manifest: BackupManifest,
    members: Mapping[str, Path],
    on_progress: OnProgress,
) -> None:
    moment = int(manifest.made_at.timestamp())
    sums = [_add(tar, MANIFEST, BytesIO(manifest.to_json()), moment)]
    for name, source in members.items():
        with source.open("rb") as file:
            sums.append(_add(tar, name, file, moment))
        size = source.stat().st_size
        on_progress(BackupStep.WRITE, size, size)
    _add(tar, SUMS, BytesIO("".join(sums).encode()), moment)


def _add(tar: tarfile.TarFile, name: str, file: BinaryIO, moment: int) -> str:
    """Add a member, and return its line in the list of checksums."""
    info = tarfile.TarInfo(name)
    info.size = file.seek(0, os.SEEK_END)
    info.mode, info.mtime = 0o600, moment
    file.seek(0)
    hashing = _HashingReader(file)
    tar.addfile(info, hashing)
    return f"{hashing.hash.hexdigest()}  {name}\n"


@dataclass(frozen=True)
class BackupArchive:
    """The file of a backup, of which nothing but the manifest has been read."""

    path: Path
    manifest: BackupManifest

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read what a file is.

        :raises BackupError: for a file that is no backup, or of a newer version.
        """
        try:
            with tarfile.open(path, "r:") as tar:
                first = tar.next()
                if first is None or first.name != MANIFEST or first.size > _MAX_TEXT:
                    raise BackupError(BackupProblem.NOT_A_BACKUP, path)
                text = _read_text(tar, first)
        except EOFError:
            raise BackupError(BackupProblem.CUT_OFF, path) from None
        except tarfile.TarError:
            raise BackupError(BackupProblem.NOT_A_BACKUP, path) from None
        return cls(path, _parse_manifest(path, text))

    def extract(self, folder: Path, on_progress: OnProgress) -> Mapping[str, Path]:
        """Read the whole file, check it, and write its members into a new folder in another.

        :raises BackupError: where it is cut off or damaged.
        """
        folder = folder / self.manifest.kind
        folder.mkdir(mode=0o700)
        sums: dict[str, str] = {}
        listed: Mapping[str, str] | None = None
        total = self.path.stat().st_size
        try:
            with tarfile.open(self.path, "r:") as tar:
                for info in tar:
                    if not _is_member(info) or info.name in sums:
                        raise BackupError(BackupProblem.NOT_A_BACKUP, self.path)
                    if info.name == SUMS:
                        listed = _parse_sums(_read_text(tar, info))
                        break
                    sums[info.name] = self._extract_member(tar, info, folder)
                    on_progress(BackupStep.READ, info.offset_data + info.size, total)
        except (EOFError, tarfile.TarError):
            raise BackupError(BackupProblem.CUT_OFF, self.path) from None
        if listed is None:
            raise BackupError(BackupProblem.CUT_OFF, self.path)
        if listed != sums:
            raise BackupError(BackupProblem.DAMAGED, self.path)
        return {name: folder / name for name in sums if name != MANIFEST}

    def _extract_member(self, tar: tarfile.TarFile, info: tarfile.TarInfo, folder: Path) -> str:
        """Write one member, and return its checksum."""
        source = tar.extractfile(info)
        assert source is not None
        hashing = _HashingReader(source)  # type: ignore[arg-type]  # it only reads
        handle = os.open(folder / info.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            while data := hashing.read(_CHUNK):
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if hashing.count != info.size:
            raise EOFError
        return hashing.hash.hexdigest()


def _is_member(info: tarfile.TarInfo) -> bool:
    return info.isfile() and (info.name == SUMS or _NAME.fullmatch(info.name) is not None)


def _read_text(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    source = tar.extractfile(info)
    assert source is not None
    text = source.read(_MAX_TEXT)
    if len(text) != info.size:
        raise EOFError
    return text


def _parse_manifest(path: Path, text: bytes) -> BackupManifest:
    try:
        if json.loads(text)["format"] > FORMAT:
            raise BackupError(BackupProblem.NEWER, path)
        return BackupManifest.from_json(text)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BackupError(BackupProblem.NOT_A_BACKUP, path) from None


def _parse_sums(text: bytes) -> Mapping[str, str]:
    lines = text.decode(errors="replace").splitlines()
    found = [_SUM.fullmatch(line) for line in lines]
    return {match[2]: match[1] for match in found if match}
