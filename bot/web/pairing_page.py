"""The page that hands a pairing code to the bridge on the same PC.

Buttons in Telegram open http(s) only, so one opens this page, which opens ``kaika://pair``. The
code stands in the fragment of the address, which a browser sends to no server. The page is static,
loads nothing, and may not be framed or stored.
"""

import hashlib
from base64 import b64encode
from importlib.resources import files
from typing import Final

from aiohttp import web

from handlers.card.pairing_steps import PAGE_PATH

_HTML: Final = files("bot.web").joinpath("pairing_page.html").read_text(encoding="utf-8")


def _digest_of(element: str) -> str:
    """Return the CSP source of the page's one inline script or style (CSP 3 §2.3.1)."""
    content = _HTML.partition(f"<{element}>")[2].partition(f"</{element}>")[0]
    return f"'sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_digest_of('script')}; style-src {_digest_of('style')}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def pairing_page_routes() -> list[web.RouteDef]:
    """The route, for the public application."""
    return [web.get(PAGE_PATH, _show_page)]


async def _show_page(_request: web.Request) -> web.Response:
    return web.Response(text=_HTML, content_type="text/html", headers=_HEADERS)
