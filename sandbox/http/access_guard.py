"""Who may use the sandbox: this machine, from its own page, with the token."""

import hmac
from urllib.parse import urlsplit

from aiohttp import web

from sandbox.loopback import is_loopback

TOKEN_HEADER = "X-Sandbox-Token"  # noqa: S105 (the name of a header)


def is_from_this_machine(request: web.BaseRequest) -> bool:
    """Return whether the request names this machine, which a rebound DNS name does not."""
    try:
        return is_loopback(_host_name(request.headers.get("Host", "")))
    except ValueError:
        return False


def _host_name(netloc: str) -> str:
    """Return the host of ``host:port``."""
    return urlsplit(f"//{netloc}").hostname or ""


def is_from_own_page(request: web.BaseRequest) -> bool:
    """Return whether a browser sent the request from the sandbox's page, or no browser did."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or origin == f"http://{request.headers.get('Host', '')}"


def cookie_name(request: web.BaseRequest) -> str:
    """Return a name with the port in it: browsers share cookies between the ports of a host."""
    port = request.headers.get("Host", "").rpartition(":")[2]
    return f"kaika_sandbox_{port}" if port.isdigit() else "kaika_sandbox"


def has_token(request: web.BaseRequest, token: str) -> bool:
    """Return whether the request has the token in its header, its query or its cookie."""
    given = (
        request.headers.get(TOKEN_HEADER)
        or request.query.get("token")
        or request.cookies.get(cookie_name(request))
        or ""
    )
    return hmac.compare_digest(given.encode(), token.encode())
