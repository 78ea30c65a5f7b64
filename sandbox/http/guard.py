"""Who may talk to the sandbox: this machine, from its own page, with the token."""

import hmac
import ipaddress
from urllib.parse import urlsplit

from aiohttp import web

HEADER = "X-Sandbox-Token"


def is_loopback(host: str) -> bool:
    """Say whether `host` is this machine under a name that nobody can point elsewhere."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_of(netloc: str) -> str:
    """Give the host of ``host:port``."""
    return urlsplit(f"//{netloc}").hostname or ""


def from_this_machine(request: web.BaseRequest) -> bool:
    """Say whether the request names this machine, which a rebound DNS name does not."""
    try:
        return is_loopback(host_of(request.headers.get("Host", "")))
    except ValueError:
        return False


def from_our_page(request: web.BaseRequest) -> bool:
    """Say whether a browser sent the request from the sandbox's page, or no browser did."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or origin == f"http://{request.headers.get('Host', '')}"


def cookie_name(request: web.BaseRequest) -> str:
    """Name the cookie after the port: browsers share cookies between the ports of a host."""
    port = request.headers.get("Host", "").rpartition(":")[2]
    return f"kaika_sandbox_{port}" if port.isdigit() else "kaika_sandbox"


def carries_token(request: web.BaseRequest, token: str) -> bool:
    """Say whether the request has the token in its header, its query or its cookie."""
    given = (
        request.headers.get(HEADER)
        or request.query.get("token")
        or request.cookies.get(cookie_name(request))
        or ""
    )
    return hmac.compare_digest(given.encode(), token.encode())
