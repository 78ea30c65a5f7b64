"""Which addresses Telegram accepts behind a link or a button."""

import re
from urllib.parse import urlsplit

_APP_SCHEME = re.compile(r"(tg|ton|tonsite):(//)?([A-Za-z0-9_.-]+)(.*)", re.IGNORECASE | re.DOTALL)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_USER = re.compile(r"tg:(?://)?user/?\?(?:[^#]*&)?id=(\d+)(?:[&#]|$)", re.IGNORECASE)
_BAD_HOST = re.compile(r"[\s<>\"'\\^`{|}]")


def parse_user_link(link: str) -> int | None:
    """Return the id of the user that ``tg://user?id=…`` names."""
    match = _USER.match(link)
    return int(match[1]) if match else None


def try_normalise_link(link: str) -> str | None:
    """Return `link` as Telegram writes it, or None if Telegram does not accept it."""
    try:
        return normalise_link(link)
    except ValueError:
        return None


def normalise_link(link: str) -> str:
    """Return `link` as Telegram writes it: scheme lowered, ``http`` supplied, path present.

    :raises ValueError: with Telegram's reason.
    """
    if match := _APP_SCHEME.match(link):
        return f"{match[1].lower()}://{match[3]}{match[4]}"
    scheme = _SCHEME.match(link)
    if scheme and scheme[1].lower() not in ("http", "https"):
        raise ValueError("Unsupported URL protocol")
    parts = urlsplit(link if scheme else f"http://{link}")
    host = parts.hostname
    if not host:
        raise ValueError("URL host is empty")
    if _BAD_HOST.search(parts.netloc) or ("." not in host and ":" not in host):
        raise ValueError("Wrong HTTP URL")
    rest = link[scheme.end() :] if scheme else link
    tail = rest[len(parts.netloc) :]
    if not tail.startswith("/"):
        tail = f"/{tail}"
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{tail}"
