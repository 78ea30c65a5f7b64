"""What is recognised in a text, and entities given beside one."""

from typing import Any

import pytest

from sandbox.errors import ApiError
from sandbox.markup import parse_formatted_text, parse_typed_text


def recognise(text: str) -> list[tuple[str, str]]:
    """Return the recognised entities as (type, the piece of text)."""
    said, entities = parse_typed_text(text)
    units = said.encode("utf-16-le")
    return [
        (one["type"], units[one["offset"] * 2 :][: one["length"] * 2].decode("utf-16-le"))
        for one in entities
    ]


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("hello", []),
        ("/start faq-x", [("bot_command", "/start")]),
        ("😀 /help@kaika_bot!", [("bot_command", "/help@kaika_bot")]),
        ("a/b //c </d> x/y", []),
        ("/開卡", []),
        ("ask @kaika_bot or @gif, not @ab", [("mention", "@kaika_bot"), ("mention", "@gif")]),
        ("mail a@b.tw, c.d+e@mail.gov.tw", [("email", "a@b.tw"), ("email", "c.d+e@mail.gov.tw")]),
        ("mailto:a@b.tw", [("email", "a@b.tw")]),
        ("#卡片 #12 #a1 x#y", [("hashtag", "#卡片"), ("hashtag", "#a1")]),
        ("$USD $usd $1INCH", [("cashtag", "$USD"), ("cashtag", "$1INCH")]),
        ("+886 2 1234-5678 and 0800-080-117", [("phone_number", "+886 2 1234-5678")]),
        (
            "(https://moica.nat.gov.tw/a_(b)?c=1#d), bye.",
            [("url", "https://moica.nat.gov.tw/a_(b)?c=1#d")],
        ),
        ("moica.nat.gov.tw:443/x.", [("url", "moica.nat.gov.tw:443/x")]),
        ("看 moica.nat.gov.tw。", []),
        ("看https://moica.nat.gov.tw/", [("url", "https://moica.nat.gov.tw/")]),
        ("e.g. file.exe v1.2 1.2.3.4", [("url", "1.2.3.4")]),
        ("999.1.1.1 a..tw -.tw x_.tw a.b_c", []),
        ("gopher://a.tw tg://resolve?domain=x", [("url", "tg://resolve?domain=x")]),
        ("user:secret@a.tw", [("url", "user:secret@a.tw")]),
        ("https://a.bc https://localhost", [("url", "https://a.bc")]),
        ("xn--a.tw a.xn--p1ai a.xn--", [("url", "xn--a.tw"), ("url", "a.xn--p1ai")]),
        ("@name.tw", [("mention", "@name")]),
    ],
)
def test_what_is_recognised(text: str, entities: list[tuple[str, str]]) -> None:
    assert recognise(text) == entities


def test_nothing_overlaps() -> None:
    assert recognise("https://a.tw/@name/#tag") == [("url", "https://a.tw/@name/#tag")]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  x \n", "x"),
        ("a\u2028b\u202ec", "abc"),
        ("a\x00b\x1fc", "a b c"),
        ("\u200b \u2060", ""),
        ("\u3000x", "\u3000x"),
    ],
)
def test_texts_are_cleaned_and_trimmed(text: str, shown: str) -> None:
    assert parse_typed_text(text)[0] == shown


def test_entities_move_with_what_is_taken_out() -> None:
    given: list[Any] = [{"type": "bold", "offset": 3, "length": 2}]
    assert parse_formatted_text("\ra\u202ebcd ", None, given) == (
        "abcd",
        [{"type": "bold", "offset": 1, "length": 2}],
    )


def test_given_entities_are_in_utf16_units() -> None:
    given: list[Any] = [{"type": "italic", "offset": 3, "length": 1}]
    text, entities = parse_formatted_text("😀 x", None, given)
    assert (text, entities) == ("😀 x", given)


@pytest.mark.parametrize(
    ("offset", "length", "words"),
    [
        (-1, 1, "incorrect offset -1"),
        (5, 1, "begins after the end of the text at UTF-16 offset 5"),
        (0, 9, "ends after the end of the text at UTF-16 offset 9"),
        (1, 2, "splits a UTF-16 symbol"),
    ],
)
def test_given_entities_must_fit(offset: int, length: int, words: str) -> None:
    given: list[Any] = [{"type": "bold", "offset": offset, "length": length}]
    with pytest.raises(ApiError, match=words):
        parse_formatted_text("😀 x", None, given)


def test_quotes_hold_links_but_are_not_cut_by_them() -> None:
    source = "<blockquote>see a.tw and</blockquote> b.tw"
    kinds = [(one["type"], one["offset"]) for one in parse_formatted_text(source, "HTML")[1]]
    assert kinds == [("blockquote", 0), ("url", 4), ("url", 13)]


def test_an_entity_half_outside_a_quote_goes() -> None:
    given: list[Any] = [
        {"type": "blockquote", "offset": 0, "length": 3},
        {"type": "code", "offset": 2, "length": 3},
    ]
    assert parse_formatted_text("abcdef", None, given)[1] == given[:1]


def test_links_do_not_nest() -> None:
    source = '<a href="a.tw">x <a href="b.tw">y</a></a>'
    (link,) = parse_formatted_text(source, "HTML")[1]
    assert (link["offset"], link["length"], link["url"]) == (0, 3, "http://a.tw/")
