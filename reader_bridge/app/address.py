"""The server's address as a person types it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from unicodedata import normalize

from yarl import URL

from reader_bridge.client.websocket import is_loopback
from reader_bridge.protocol.limits import DEFAULT_PATH

MAX_ADDRESS_LENGTH = 2000
MAX_TYPED_LENGTH = 512
"""Characters that an input field takes."""
_SCHEMES = {"wss": "wss", "https": "wss", "ws": "ws", "http": "ws"}
_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*)(\.[a-z0-9_][a-z0-9_-]*)*\.?", re.IGNORECASE
)
_PORTS = {"wss": 443, "ws": 80}


class AddressFault(StrEnum):
    """Why an address is refused."""

    EMPTY = "empty"
    NOT_AN_ADDRESS = "not_an_address"
    SCHEME = "scheme"
    PLAIN_NOT_LOOPBACK = "plain_not_loopback"
    CREDENTIALS = "credentials"
    EXTRAS = "extras"


class AddressError(ValueError):
    """The address is refused.

    :ivar fault: why.
    """

    def __init__(self, fault: AddressFault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The address of a server.

    :ivar url: what is dialled.
    :ivar host: as the person is shown it: other scripts as punycode, so that a look-alike name is
        noticed; with its port where that is not the default one.
    """

    url: str
    host: str


def parse_address(text: str) -> ServerAddress:
    """Parse an address: `kaika.example`, `https://kaika.example`, `ws://localhost:8443/bridge/v1`.

    :raises AddressError: the address is invalid, or `ws` on another machine.
    """
    text = text.strip()
    if not text:
        raise AddressError(AddressFault.EMPTY)
    if len(text) > MAX_ADDRESS_LENGTH or len(normalize("NFKC", text)) > MAX_ADDRESS_LENGTH:
        raise AddressError(AddressFault.NOT_AN_ADDRESS)
    url = _parse_url(text if "://" in text else f"wss://{text}")
    scheme = _SCHEMES.get(url.scheme)
    if scheme is None:
        raise AddressError(AddressFault.SCHEME)
    if url.user is not None or url.password is not None:
        raise AddressError(AddressFault.CREDENTIALS)
    if url.raw_query_string or url.raw_fragment:
        raise AddressError(AddressFault.EXTRAS)
    if scheme == "ws" and not is_loopback(url.raw_host or ""):
        raise AddressError(AddressFault.PLAIN_NOT_LOOPBACK)
    path = url.raw_path if url.raw_path not in ("", "/") else DEFAULT_PATH
    authority = _authority(url, scheme)
    return ServerAddress(f"{scheme}://{authority}{path}", authority)


def _parse_url(text: str) -> URL:
    try:
        url = URL(text)
        url.port  # noqa: B018 - read for its errors
    except (ValueError, UnicodeError) as error:
        raise AddressError(AddressFault.NOT_AN_ADDRESS) from error
    if not _is_host(url.raw_host or "") or url.explicit_port == 0:
        raise AddressError(AddressFault.NOT_AN_ADDRESS)
    return url


def _is_host(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return _NAME.fullmatch(text) is not None


def _authority(url: URL, scheme: str) -> str:
    host = url.raw_host or ""
    host = f"[{host}]" if ":" in host else host
    port = url.explicit_port
    return host if port in (None, _PORTS[scheme]) else f"{host}:{port}"
