"""Answers of agents that are held back."""

import pytest

from services.desk.answer_check import HoldReason, check_answer
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
