"""Finds web addresses and e-mail addresses in a text."""

import re
from collections.abc import Iterator

_LABEL = r"A-Za-z0-9_\-~\u00c0-\u1fff\u200c\u200d\u2010-\u2015\u2070-\u2fff\u3001-\U0010ffff"
_HOST = re.compile(rf"(?<![{_LABEL}.])[{_LABEL}]++(?:\.[{_LABEL}]++)++(?!@)")
_USER = re.compile(r"[^\s/\[\]{}()'`<>\"@«»]+@$")
_PATH = r"[^\s<>\"«»]"
_REST = re.compile(rf"(?::\d{{1,5}})?(?P<path>[/?#]{_PATH}*)?")
_BEFORE = 300
"""How far before a host its scheme and user may begin."""
_APP_URL = re.compile(rf"(?:tg|ton)://[A-Za-z0-9_-]{{1,253}}(?:[/?#]{_PATH}*)?", re.IGNORECASE)
_EMAIL = re.compile(
    r"(?:[a-z0-9_-]{0,26}[.+]){0,10}[a-z0-9_-]{1,35}"
    r"@(?:[a-z0-9](?:[a-z0-9_-]{0,28}[a-z0-9])?\.){1,6}[a-z]{2,8}",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(?:https?|ftp|tonsite)://$", re.IGNORECASE)
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}")
_TRAILING = ".:;,('?!`"
_PAIRS = {")": "(", "]": "[", "}": "{"}
_TOP_LEVEL_NAMES = (
    "com org net edu gov mil int info biz name pro mobi asia jobs tel travel app dev io "
    "page xyz online site store shop blog cloud club live news tech top wiki work world "
    "zone link email support help guide host space website digital agency media team tools "
    "today care bank insurance health city taipei tokyo london berlin paris google apple 台湾 "
    "台灣 香港 ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm "
    "bn bo br bs bt bv bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de "
    "dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg gh gi gl gm gn gp "
    "gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in iq ir is it je jm jo jp ke kg kh "
    "ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn "
    "mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg "
    "ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn "
    "so sr ss st sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy "
    "uz va vc ve vg vi vn vu wf ws ye yt za zm zw"
)
_TOP_LEVEL = frozenset(_TOP_LEVEL_NAMES.split())


def find_urls(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield ``("url" | "email", start, end)`` for every address in `text`."""
    for match in _APP_URL.finditer(text):
        yield "url", match.start(), match.start() + len(match[0].rstrip(_TRAILING))
    at = 0
    while host := _HOST.search(text, at):
        found = _find_address(text, host)
        if found:
            yield found
        at = found[2] if found else host.end()


def _find_address(text: str, host: re.Match[str]) -> tuple[str, int, int] | None:
    """Return the address around a host, if it is one."""
    before = text[max(0, host.start() - _BEFORE) : host.start()]
    user = _USER.search(before)
    if before.endswith("@") and not user:
        return None
    before = before[: user.start()] if user else before
    scheme = _SCHEME.search(before)
    if not scheme and before and (before[-1].isalnum() or before[-1] in "_/#@"):
        return None
    start = host.start() - (len(user[0]) if user else 0) - (len(scheme[0]) if scheme else 0)
    rest = _REST.match(text, host.end())
    assert rest is not None
    end = rest.start("path") + _trimmed_path_length(rest["path"]) if rest["path"] else rest.end()
    bare = text[start:end].removeprefix("mailto:")
    if _EMAIL.fullmatch(bare):
        return "email", end - len(bare), end
    if not _is_host(host[0], scheme is not None):
        return None
    return "url", start, end


def _trimmed_path_length(path: str) -> int:
    """Return how much belongs to the address: closing brackets must have an opening one."""
    depth = {"(": 0, "[": 0, "{": 0}
    end = len(path)
    for index, character in enumerate(path):
        if character in depth:
            depth[character] += 1
        elif character in _PAIRS:
            depth[_PAIRS[character]] -= 1
            if depth[_PAIRS[character]] < 0:
                end = index
                break
    kept = path[:end].rstrip(_TRAILING)
    return len(kept)


def _is_host(host: str, has_scheme: bool) -> bool:
    if _IPV4.fullmatch(host):
        return True
    labels = host.split(".")
    top = labels[-1]
    if host.replace(".", "").isdigit() or len(top) <= 1 or "_" in labels[-2]:
        return False
    if any(len(label.encode()) >= 64 or label.endswith("-") for label in labels):
        return False
    if top.startswith("xn--"):
        return len(top) > 5 and top[4:].isalnum()
    return "_" not in top and "-" not in top and (has_scheme or top.lower() in _TOP_LEVEL)
