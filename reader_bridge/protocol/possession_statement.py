"""The statement of possession: all that the authentication key ever signs for a server.

Each side builds it from what it knows itself. It begins with a text that no other protocol uses, so
that a signature over it is of no use elsewhere; every part has a fixed length, or its length before
it.
"""

import hashlib
from typing import Final
from urllib.parse import urlsplit

from reader_bridge.protocol.enums import Operation
from reader_bridge.protocol.errors import ProtocolError
from reader_bridge.protocol.limits import NONCE_BYTES

CONTEXT: Final = b"Kaika reader bridge: statement of possession, version 1\x00"
_PORTS: Final = {"wss": 443, "ws": 80}
_SECURE: Final = {"https": "wss", "http": "ws", "wss": "wss", "ws": "ws"}


def origin_of(url: str) -> str:
    """Return the origin of a server's address: `wss://host[:port]`.

    In small letters, and without the port where it is the default one. `https` counts as `wss`.

    :raises ProtocolError: the address is invalid.
    """
    try:
        parts = urlsplit(url)
        scheme, host, port = _SECURE[parts.scheme], parts.hostname, parts.port
    except (KeyError, ValueError):
        raise ProtocolError(field="origin") from None
    if not host:
        raise ProtocolError(field="origin")
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" + (f":{port}" if port not in (None, _PORTS[scheme]) else "")


def build_possession_statement(
    origin: str,
    operation: Operation,
    *,
    server_nonce: bytes,
    bridge_nonce: bytes,
    card_serial: str,
) -> bytes:
    """Return the bytes that are signed to prove possession.

    Context, SHA-256 of the origin, the server's nonce, the bridge's nonce; then the operation and
    the card's serial, each with its length before it in one byte.

    :param origin: of the server, as the bridge dialled it; see :func:`origin_of`.
    :param operation: `prove_possession`, or `set_pin` for its receipt.
    """
    if len(server_nonce) != NONCE_BYTES or len(bridge_nonce) != NONCE_BYTES:
        raise ProtocolError(field="nonce")
    said = CONTEXT + hashlib.sha256(origin.encode("utf-8")).digest() + server_nonce + bridge_nonce
    for part in (operation.value.encode("ascii"), card_serial.encode("ascii")):
        said += bytes((len(part),)) + part
    return said
