"""Files of mode 600 in folders of mode 700, written atomically and synced to disk."""

import os
from contextlib import suppress
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Create a folder that nobody else can enter, unless it exists."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def close_to_everybody(path: Path) -> None:
    """Set mode 600 on a file that everybody can read; one for a group stays as it is."""
    if os.name == "posix":
        with suppress(FileNotFoundError, PermissionError):
            if path.stat().st_mode & 0o007:
                path.chmod(0o600)


def create_private_file(path: Path, content: str | bytes) -> None:
    """Create a file atomically, unless it exists."""
    make_folder(path.parent)
    beside = _write_beside(path, content)
    try:
        put_in_place(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def replace(path: Path, content: str | bytes) -> None:
    """Replace a file atomically: a crash leaves the old one or the new one."""
    _write_beside(path, content).replace(path)
    sync_folder(path.parent)


def _write_beside(path: Path, content: str | bytes) -> Path:
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    return beside


def put_in_place(written: Path, path: Path) -> bool:
    """Rename a complete file; `False` where another file has the name."""
    try:
        os.link(written, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if path.exists():
            return False
        written.rename(path)
    return True


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
