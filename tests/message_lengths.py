"""An observer of the sandbox that measures every message as it is sent: what a phone shows of it.

A step is measured with what stands above it; an answer of the FAQ, a page that somebody asked for
and a text with something to copy may be longer.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from html import unescape

import locales
from handlers.faq import answers
from locales import facts
from services.faq.entries import Entry, Mode, load_entries
from tests.bot_harness import Json
from tools import words

_TAG = re.compile(r"<[^>]+>")
_HAN = re.compile("[\u3400-\u9fff]")
_METHODS = ("sendmessage", "editmessagetext")
_TO_COPY = re.compile(r"<pre>|<blockquote>|<code>(?:kaika-bridge window|pip install)")
_TOOK_OVER = re.compile(r"\A⏹ [^\n]*\n+")
"""That another conversation was closed, above a whole first step."""
_OWN_DATA = ("🔎 Your data", "🔎 系統保存的資料")
"""The beginning of /privacy, which lists everything."""
_MOSTLY_CHINESE = 0.4


class LengthGuard:
    """Records the messages that are too long."""

    def __init__(self) -> None:
        self.too_long: list[str] = []

    def on_call(self, method: str, params: Mapping[str, object], envelope: Json) -> None:
        text = params.get("text")
        if method.lower() in _METHODS and envelope.get("ok") and isinstance(text, str):
            self.too_long += find_problems(text)

    def on_update(self, update: Json) -> None:
        """Measure nothing: people write as much as they like."""


def find_problems(text: str) -> Iterator[str]:
    """Yield what is wrong with the length of a message.

    :param text: Telegram HTML.
    """
    plain = unescape(_TAG.sub("", _TOOK_OVER.sub("", text)))
    language = "zh_Hant" if len(_HAN.findall(plain)) > _MOSTLY_CHINESE * len(plain) else "en"
    limit = _limit(text, plain)[language]
    if len(plain) > limit:
        yield f"{len(plain)} of {limit} characters: {plain}"


def _limit(text: str, plain: str) -> Mapping[str, int]:
    if text in _more_texts() or plain.startswith(_OWN_DATA):
        return {"en": 4096, "zh_Hant": 4096}
    if text in _answer_texts():
        return words.ANSWER
    is_page = any(page in plain for page in _page_beginnings())
    return words.PAGE if is_page or _TO_COPY.search(text) else words.MESSAGE


@cache
def _answer_texts() -> frozenset[str]:
    return frozenset(answers.answer_text(*each) for each in _entries())


@cache
def _more_texts() -> frozenset[str]:
    return frozenset(answers.more_text(*each) for each in _entries())


def _entries() -> Iterator[tuple[Entry, Mode]]:
    for language in locales.LANGUAGES:
        for entry in load_entries().all(language):
            for mode in Mode:
                yield entry, mode


@cache
def _page_beginnings() -> tuple[str, ...]:
    found = []
    for language in locales.LANGUAGES:
        messages = locales.catalogue("kaika", "zh_Hant")
        for original, text in messages.items():
            if original.startswith(words.PAGES):
                shown = original if language == locales.DEFAULT else text
                first = facts.fill_in(shown, language).split("\n")[0]
                found.append(unescape(_TAG.sub("", first)))
    return tuple(found)
