"""Known questions whose answer changes are listed with both answers."""

from pathlib import Path

import pytest

from bot.cli import faq_comparison
from bot.cli.faq_comparison import FoundAnswer, NoCheckoutError


def test_only_what_changed_is_listed() -> None:
    fee, pay = FoundAnswer("fee", True), FoundAnswer("pay-how", True)
    unsure = FoundAnswer("fee", False)
    (entry, confidence) = faq_comparison.differences(
        ["a", "b", "c"], [fee, fee, fee], [fee, pay, unsure]
    )
    assert (entry.question, entry.before, entry.after) == ("b", fee, pay)
    assert str(confidence.after) == "fee (not sure)"


def test_a_revision_is_asked_in_a_process_of_its_own(tmp_path: Path) -> None:
    asked = ["how much does the card cost", "費用多少", "I lost my card"]
    faq_comparison._extract("HEAD", tmp_path)
    answers = faq_comparison._ask(tmp_path, asked)
    assert [answer.entry_id for answer in answers] == ["fee", "fee", "lost-card"]
    assert all(answer.is_confident for answer in answers)


def test_a_revision_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoCheckoutError):
        faq_comparison.compare_with("no-such-revision")


def test_known_are_the_phrasings_and_the_questions_that_may_be_looked_at() -> None:
    known = faq_comparison.known_questions()
    assert "how much does the card cost" in known
    assert "whats 17 times 23" in known
    assert len(known) == len(set(known))
