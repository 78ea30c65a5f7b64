"""The proxy between this PC and the server, as the environment or the system names it."""

import asyncio
from dataclasses import dataclass, replace
from typing import Final
from urllib.request import getproxies, proxy_bypass

from aiohttp_socks import ProxyType
from yarl import URL

from reader_bridge.prompter import ProxyLogin

_KINDS: Final = ("wss", "https", "all", "socks", "http")
"""The kinds of address for which a proxy may be named, in the order of RFC 6455 §4.1."""
_SOCKS_TYPES: Final = {
    "socks": ProxyType.SOCKS5,
    "socks5": ProxyType.SOCKS5,
    "socks5h": ProxyType.SOCKS5,
    "socks4": ProxyType.SOCKS4,
    "socks4a": ProxyType.SOCKS4,
}
_PORTS: Final = {"http": 80, "https": 443}
_SOCKS_PORT: Final = 1080


class InvalidProxyError(ValueError):
    """What is named as the proxy cannot be one."""


@dataclass(frozen=True, slots=True)
class ServerProxy:
    """A proxy.

    :ivar url: without the login.
    :ivar socks_type: `None` for a proxy that speaks HTTP.
    :ivar name: host and port, as a person is shown them.
    """

    url: URL
    socks_type: ProxyType | None
    name: str
    login: ProxyLogin | None = None


class ProxySettings:
    """Finds the proxy for a server, and keeps the login that was typed for it in memory.

    A login that was refused is not sent again: many wrong ones would lock the person's account.
    """

    def __init__(self) -> None:
        self._typed: ProxyLogin | None = None
        self._refused: ProxyLogin | None = None

    def use_login(self, login: ProxyLogin) -> None:
        """Log in with what was typed, whatever the settings say."""
        self._typed, self._refused = login, None

    def refuse_login(self, login: ProxyLogin | None) -> None:
        """Take note that the proxy has refused a login."""
        self._refused = login

    async def find_proxy(self, host: str, port: int) -> ServerProxy | None:
        """Return the proxy for a server; `None` where it is reached directly.

        :raises InvalidProxyError: what the settings name cannot be a proxy.
        """
        # asking the settings of Windows may ask a name server
        text = await asyncio.to_thread(_named_proxy, host, port)
        if text is None:
            return None
        proxy = _parse_proxy(text)
        login = self._typed or proxy.login
        return replace(proxy, login=None if login == self._refused else login)


def _named_proxy(host: str, port: int) -> str | None:
    named = getproxies()
    kind = next((kind for kind in _KINDS if named.get(kind)), None)
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if kind is None or proxy_bypass(authority):
        return None
    text = named[kind]
    # macOS names its SOCKS proxy with http://
    return f"socks5://{text.partition('://')[2] or text}" if kind == "socks" else text


def _parse_proxy(text: str) -> ServerProxy:
    try:
        url = URL(text if "://" in text else f"http://{text}")
        host, explicit = url.host, url.explicit_port
    except ValueError:
        raise InvalidProxyError from None
    socks_type = _SOCKS_TYPES.get(url.scheme)
    if not host or explicit == 0 or (socks_type is None and url.scheme not in _PORTS):
        raise InvalidProxyError
    port = explicit or _PORTS.get(url.scheme, _SOCKS_PORT)
    plain = URL.build(scheme=url.scheme, host=host, port=port)
    login = ProxyLogin(url.user, url.password or "") if url.user else None
    return ServerProxy(plain, socks_type, f"{plain.host_subcomponent}:{port}", login)
