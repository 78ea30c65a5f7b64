"""Answers of agents that are held back."""

import pytest

from services.desk.answer_check import HoldReason, check_answer, find_spoken, is_unreadable
from services.secret_detection import SecretDetector

DETECTOR = SecretDetector((), lambda _text: False)


@pytest.mark.parametrize(
    ("text", "links", "reason"),
    [
        ("You can pay until Friday.", (), None),
        ("Never send your PIN to anybody.", (), None),
        ("請勿提供 PIN 碼給任何人。", (), None),
        ("Open https://moica.nat.gov.tw", ("https://moica.nat.gov.tw",), None),
        ("See faq.example", ("faq.example",), None),
        ("Please send me your PIN", (), HoldReason.ASKS),
        ("What is your subscriber code?", (), HoldReason.ASKS),
        ("請提供您的用戶代碼", (), HoldReason.ASKS),
        ("您的PIN碼是多少？", (), HoldReason.ASKS),
        ("Your PIN is 83472615", (), HoldReason.REVEALS),
        ("Look here: http://moica.example.com", ("http://moica.example.com",), HoldReason.LINK),
        ("here", ("https://evil.example/nat.gov.tw",), HoldReason.LINK),
    ],
)
def test_what_an_agent_writes_is_held_only_where_it_may_harm(
    text: str, links: tuple[str, ...], reason: HoldReason | None
) -> None:
    assert check_answer(text, links, DETECTOR, {"faq.example"}) is reason


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("請明天到櫃台", "en"),
        ("กรุณารอสักครู่", "en"),
        ("Please come to the counter", "zh_Hant"),
        ("กรุณารอสักครู่", "zh_Hant"),
    ],
)
def test_a_text_in_another_script_is_unreadable(text: str, language: str) -> None:
    assert is_unreadable(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Please choose 憑證停用 in the menu", "en"),
        ("Vui lòng chờ", "en"),
        ("0800-080-117", "en"),
        ("請按 Suspend now", "zh_Hant"),
        ("OK", "zh_Hant"),
        ("https://moica.nat.gov.tw/other/faq_in.html", "zh_Hant"),
        ("MOICA HiCOS", "zh_Hant"),
        ("👍", "zh_Hant"),
        ("", "en"),
    ],
)
def test_a_text_that_quotes_another_script_is_readable(text: str, language: str) -> None:
    assert not is_unreadable(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("my card does not work", "en"),
        ("我的卡不能用", "zh_Hant"),
        ("PIN碼 locked", "zh_Hant"),
        ("OK", None),
        ("ARC?", None),
        ("thanks!", None),
        ("ลืม PIN", None),
    ],
)
def test_only_a_sentence_shows_which_language_is_spoken(text: str, language: str | None) -> None:
    assert find_spoken(text) == language
