"""Converts Markdown to the HTML subset of Telegram (Bot API, "HTML style").

Telegram has no headings, lists or paragraphs; they become bold lines, bullets and blank lines.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

LIMIT = 4096
"""Longest message in UTF-16 units (Bot API); counted with tags here, which is never too few."""

_PARSER = MarkdownIt("commonmark", {"html": False})
_INLINE = {
    "strong_open": "<b>",
    "strong_close": "</b>",
    "em_open": "<i>",
    "em_close": "</i>",
    "link_close": "</a>",
    "softbreak": "\n",
    "hardbreak": "\n",
}
_LIST_OPEN = frozenset({"bullet_list_open", "ordered_list_open"})
_IGNORED = _LIST_OPEN | {"paragraph_open", "heading_open"}


class MarkdownError(Exception):
    """The text uses Markdown that has no equivalent in Telegram.

    :ivar kind: markdown-it's name of the construct.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def render(markdown: str) -> list[str]:
    """Return the blocks of a text as Telegram HTML; a heading stays with the block below it.

    :raises MarkdownError: for a table, an image, a quote, a nested list or the like.
    """
    blocks: list[str] = []
    heading = ""
    for kind, block in _blocks(_PARSER.parse(markdown)):
        if kind == "heading":
            heading = f"{block}\n"
        else:
            blocks.append(heading + block)
            heading = ""
    return [*blocks, heading.strip()] if heading else blocks


def join_blocks(blocks: Iterable[str]) -> str:
    """Return the message of some blocks.

    :raises ValueError: where it is longer than a message may be.
    """
    message = "\n\n".join(blocks)
    if utf16_length(message) > LIMIT:
        raise ValueError("longer than a message may be")
    return message


def utf16_length(text: str) -> int:
    """Return the length in UTF-16 code units, which Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


def _blocks(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    items: list[str] = []
    bullet = ""
    for index, token in enumerate(tokens):
        if token.type in _LIST_OPEN and token.level > 0:
            raise MarkdownError("nested list")
        if token.type in ("bullet_list_close", "ordered_list_close"):
            yield "list", "\n".join(items)
            items = []
        elif token.type == "list_item_open":
            bullet = f"{token.info}. " if token.info else "• "
        elif token.type == "inline":
            text = _inline(token.children or [])
            if token.level > 1:
                items.append(bullet + text)
                bullet = "    "  # a second paragraph of the same item
            elif tokens[index - 1].type == "heading_open":
                yield "heading", f"<b>{text}</b>"
            else:
                yield "paragraph", text
        elif token.type not in _IGNORED and not token.type.endswith("_close"):
            raise MarkdownError(token.type)


def _inline(children: Sequence[Token]) -> str:
    return "".join(map(_inline_token, children))


def _inline_token(token: Token) -> str:
    if token.type == "text":
        return escape(token.content, quote=False)
    if token.type == "code_inline":
        return f"<code>{escape(token.content, quote=False)}</code>"
    if token.type == "link_open":
        return f'<a href="{escape(str(token.attrGet("href")))}">'
    if token.type in _INLINE:
        return _INLINE[token.type]
    raise MarkdownError(token.type)
