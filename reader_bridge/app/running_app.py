"""The app that runs already: a second process hands it a pairing link.

Over a socket file that only its owner may use, in a folder that only its owner may enter; never
over a network socket. Each side checks that the other belongs to the same user. Where the system
has no such sockets (Windows), nothing runs already.
"""

import asyncio
import contextlib
import os
import socket
import stat
import struct
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from reader_bridge.app.config import config_path
from reader_bridge.app.link_inbox import LinkAnswer
from reader_bridge.app.pairing_link import MAX_LINK_LENGTH

PATIENCE_SECONDS: Final = 2.0
_SOCKET_FILE: Final = "link.socket"
_MAX_ANSWER_BYTES: Final = 32


def socket_path() -> Path:
    """Return the path of the socket file, in the user's runtime folder where there is one."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime) / "kaika-bridge" if runtime else config_path().parent
    return folder / _SOCKET_FILE


def hand_over(link: str) -> LinkAnswer | None:
    """Hand a link to the app that runs already.

    :returns: what became of it; `None` where no app runs.
    """
    if not hasattr(socket, "AF_UNIX"):
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(PATIENCE_SECONDS)
        try:
            client.connect(str(socket_path()))
            if _peer_user(client) != os.getuid():
                return None
            client.sendall(_as_line(link))
            return LinkAnswer(client.recv(_MAX_ANSWER_BYTES).decode("ascii").rstrip("\n"))
        except (OSError, ValueError):
            return None


def _as_line(link: str) -> bytes:
    """Return a link as one line; nothing of one that is none is worth more than its beginning."""
    return link[: MAX_LINK_LENGTH + 1].replace("\n", " ").encode("ascii", "replace") + b"\n"


@asynccontextmanager
async def accept_links(take: Callable[[str], LinkAnswer]) -> AsyncIterator[None]:
    """Accept links from other processes of the same user while the block runs.

    :param take: takes what they say is a link.
    """
    server = await _listen(take)
    try:
        yield
    finally:
        if server is not None:
            server.close()
            with contextlib.suppress(OSError):
                socket_path().unlink()


async def _listen(take: Callable[[str], LinkAnswer]) -> asyncio.Server | None:
    """Open the socket; `None` where another app has it, or the system does not allow it."""
    if not hasattr(socket, "AF_UNIX"):
        return None
    path = socket_path()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _prepare_folder(path.parent)
        if _is_answered(path):
            raise OSError
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.setblocking(False)
        return await asyncio.start_unix_server(
            lambda reader, writer: _serve(reader, writer, take), sock=listener, limit=256
        )
    except OSError:  # then a link starts an app of its own
        listener.close()
        return None


def _prepare_folder(folder: Path) -> None:
    """Make the folder.

    :raises PermissionError: it belongs to somebody else, or others may write to it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError


def _is_answered(path: Path) -> bool:
    """Whether an app listens there; a file that a crash left behind is answered by nobody."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(PATIENCE_SECONDS)
        try:
            client.connect(str(path))
        except OSError:
            return False
        return True


async def _serve(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    take: Callable[[str], LinkAnswer],
) -> None:
    try:
        if _peer_user(writer.get_extra_info("socket")) != os.getuid():
            return
        async with asyncio.timeout(PATIENCE_SECONDS):
            line = await reader.readuntil(b"\n")
        answer = take(line.removesuffix(b"\n").decode("ascii", "replace"))
        writer.write(f"{answer}\n".encode("ascii"))
        await writer.drain()
    except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()


def _peer_user(connection: socket.socket) -> int | None:
    """Return the user id of the process at the other end; `None` where the system does not say."""
    if sys.platform == "linux":
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        user: int = struct.unpack("3i", credentials)[1]
        return user
    if sys.platform == "darwin":
        sol_local, local_peercred = 0, 1
        return int(
            struct.unpack_from("II", connection.getsockopt(sol_local, local_peercred, 76))[1]
        )
    return None
