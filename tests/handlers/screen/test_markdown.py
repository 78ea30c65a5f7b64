"""Markdown becomes HTML that Telegram takes, cut between paragraphs only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.screen import markdown
from handlers.screen.text import Markup, say
from sandbox.markup.formatting import parse_formatted_text


def test_each_form_has_its_html() -> None:
    first = "First **bold** `a<b` [link](https://a.b/?x=1&y=2)\nsecond"
    source = f"{first}\n\n## Steps\n1. one\n2. two\n\n- dot"
    assert markdown.render(source) == [
        'First <b>bold</b> <code>a&lt;b</code> <a href="https://a.b/?x=1&amp;y=2">link</a>\nsecond',
        "<b>Steps</b>\n1. one\n2. two",
        "• dot",
    ]


@pytest.mark.parametrize("source", ["> quote", "```\ncode\n```", "---", "- a\n  - b", "![i](x)"])
def test_what_telegram_has_no_form_for_is_refused(source: str) -> None:
    with pytest.raises(markdown.MarkdownError):
        markdown.render(source)


@given(st.text(max_size=300))
def test_whatever_is_rendered_telegram_can_read(source: str) -> None:
    try:
        blocks = markdown.render(source)
    except markdown.MarkdownError:
        return
    for block in blocks:
        parse_formatted_text(block, "HTML")


@pytest.mark.parametrize(("emoji", "is_refused"), [(2047, False), (2048, True)])
def test_what_is_longer_than_a_message_is_refused(emoji: int, is_refused: bool) -> None:
    blocks = ["😀" * emoji, ""]
    if is_refused:
        with pytest.raises(ValueError, match="longer than a message"):
            markdown.join_blocks(blocks)
    else:
        assert markdown.join_blocks(blocks) == "😀" * emoji + "\n\n"


def test_values_are_escaped_and_markup_is_not() -> None:
    said = say("en", "<b>Error code {code}</b>", code="<script>&")
    assert said == "<b>Error code &lt;script&gt;&amp;</b>"
    assert say("en", "{code}", code=Markup("<i>x</i>")) == "<i>x</i>"
