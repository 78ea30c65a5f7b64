"""HTML as the Bot API server reads it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import ApiError
from sandbox.markup import count_utf16_units, parse_formatted_text
from sandbox.types import Entity


def parse(source: str) -> tuple[str, list[tuple[str, int, int]]]:
    """Return the text and the entities as (type, offset, length)."""
    text, entities = parse_formatted_text(source, "HTML")
    return text, [(one["type"], one["offset"], one["length"]) for one in entities]


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("plain", "plain", []),
        ("a &lt;b&gt; &amp;amp; &quot;&#39;&#x4e2d;", "a <b> &amp; \"'中", []),
        ("&nbsp; &unknown; & &#0; a&", "&nbsp; &unknown; & &#0; a&", []),
        ("<B>x</b>", "x", [("bold", 0, 1)]),
        ("<b >x</b >", "x", [("bold", 0, 1)]),
        ("<b>x</>", "x", [("bold", 0, 1)]),
        ("<b></b>x", "x", []),
        ("😀<u>x</u>", "😀x", [("underline", 2, 1)]),
        (
            "<s>a</s><del>b</del> <ins>c</ins>",
            "ab c",
            [("strikethrough", 0, 2), ("underline", 3, 1)],
        ),
        ('<span class="tg-spoiler">x</span>', "x", [("spoiler", 0, 1)]),
        ("<tg-spoiler>x</tg-spoiler>", "x", [("spoiler", 0, 1)]),
        ("<blockquote>x</blockquote>", "x", [("blockquote", 0, 1)]),
        ("<blockquote expandable>x</blockquote>", "x", [("expandable_blockquote", 0, 1)]),
        ("<pre>x</pre>", "x", [("pre", 0, 1)]),
        ("<code>x</code>", "x", [("code", 0, 1)]),
        ('<code class="language-sh">x</code>', "x", [("code", 0, 1)]),
        ("<b><code>x</code></b>", "x", [("code", 0, 1)]),
        ("<b>a<i>b</i></b>", "ab", [("bold", 0, 1), ("bold", 1, 1), ("italic", 1, 1)]),
        ("<b>a</b><b>b</b>", "ab", [("bold", 0, 2)]),
        (" <b>x </b> ", "x", [("bold", 0, 1)]),
        ("a\tb\rc", "a bc", []),
        ("<a>moica.nat.gov.tw</a>", "moica.nat.gov.tw", [("text_link", 0, 16)]),
        ("<a href='tg://user?id=5'>x</a>", "x", [("text_mention", 0, 1)]),
        ("<a href=moica.tw>x</a>", "x", [("text_link", 0, 1)]),
        ("<a href='nowhere'>x</a>", "x", []),
        ("<a href='mailto:a@b.tw'>x</a>", "x", [("text_link", 0, 1)]),
        ("see <b>a.tw</b>", "see a.tw", [("url", 4, 4), ("bold", 4, 4)]),
    ],
)
def test_markup_becomes_entities(
    source: str, text: str, entities: list[tuple[str, int, int]]
) -> None:
    assert parse(source) == (text, entities)


def test_links_and_languages_are_kept() -> None:
    link = parse_formatted_text("<a href='HTTPS://Moica.nat.gov.tw?a=1&amp;b=2'>x</a>", "HTML")[1][
        0
    ]
    assert link["url"] == "https://moica.nat.gov.tw/?a=1&b=2"
    for source in (
        '<pre><code class="language-sh">x</code></pre>',
        '<code class="language-sh"><pre>x</pre></code>',
    ):
        (code,) = parse_formatted_text(source, "HTML")[1]
        assert (code["type"], code["language"]) == ("pre", "sh")


def test_custom_emoji_and_times() -> None:
    source = '<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji> <tg-time unix=7>x</tg-time>'
    emoji, time = parse_formatted_text(source, "HTML")[1]
    assert (emoji["custom_emoji_id"], emoji["length"]) == ("5368324170671202286", 2)
    assert (time["type"], time["unix_time"]) == ("date_time", 7)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("開<br>", 'Unsupported start tag "br" at byte offset 3'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("1 <2> 3", 'Unsupported start tag "2" at byte offset 2'),
        ("a <b", "Unclosed start tag at byte offset 2"),
        ("a <b ", 'Empty attribute name in the tag "b" at byte offset 2'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("<a href", 'Unclosed start tag "a" at byte offset 0'),
        ("<a href=", 'Unclosed start tag "a" at byte offset 0'),
        ("<a href='x", "Unclosed start tag at byte offset 0"),
        ("<a href=x_y>", "Unexpected end of name token at byte offset 8"),
        ("<a =x>", 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<tg-emoji emoji-id='x'>y</tg-emoji>", "Invalid custom emoji identifier specified"),
    ],
)
def test_bad_markup_is_refused_in_telegrams_words(source: str, reason: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_formatted_text(source, "HTML")
    assert caught.value.description == f"Bad Request: can't parse entities: {reason}"


def test_markdown_and_unknown_modes_are_refused() -> None:
    for mode, words in (("MarkdownV2", "does not read Markdown"), ("x", "nsupported parse_mode")):
        with pytest.raises(ApiError, match=words):
            parse_formatted_text("x", mode)
    with pytest.raises(ApiError, match="text is too long"):
        parse_formatted_text("x" * 40_000)


@given(st.text())
def test_escaped_text_comes_out_as_plain_text_does(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert parse_formatted_text(escaped, "HTML") == parse_formatted_text(text)


@given(st.text(alphabet="<>/&;ab= '\"span 開😀\n", max_size=40))
def test_any_text_is_either_refused_or_gives_entities_within_it(source: str) -> None:
    text = ""
    entities: list[Entity] = []
    with suppress(ApiError):
        text, entities = parse_formatted_text(source, "HTML")
    for entity in entities:
        assert entity["length"] > 0
        assert 0 <= entity["offset"] <= count_utf16_units(text) - entity["length"]
