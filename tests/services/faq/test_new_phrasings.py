"""A question becomes a phrasing only where it can be one."""

import pytest

from services.faq.entries import MAX_PHRASING_CHARACTERS, Entries
from services.faq.new_phrasings import PhrasingProblem, PhrasingRefusedError, propose_phrasing
from services.faq.vocabulary import make_secret_detector
from services.secret_detection import SecretDetector


@pytest.fixture(scope="module")
def detector(entries: Entries) -> SecretDetector:
    return make_secret_detector(entries)


@pytest.mark.parametrize(
    ("question", "entry_id", "problem"),
    [
        ("what would my parrot pay", "no-such-entry", PhrasingProblem.UNKNOWN_ENTRY),
        ("?!… 🙏", "fee", PhrasingProblem.NO_WORDS),
        ("word " * (MAX_PHRASING_CHARACTERS // 5 + 1), "fee", PhrasingProblem.TOO_LONG),
        ("# how much for a parrot", "fee", PhrasingProblem.COMMENT),
        ("บัตรราคาเท่าไหร่", "fee", PhrasingProblem.LANGUAGE),
        ("my code is k7Qm2x9 how much", "fee", PhrasingProblem.CONFIDENTIAL),
        ("A800000014 要多少錢", "fee", PhrasingProblem.CONFIDENTIAL),
        ("write to me@example.com what the parrot costs", "fee", PhrasingProblem.PERSONAL),
        ("what is https://example.com about", "fee", PhrasingProblem.PERSONAL),
        ("why did i pay <number> for it", "fee", PhrasingProblem.PERSONAL),
        ("call 0912 345 678 about the price", "fee", PhrasingProblem.PERSONAL),
        ("How much does the card cost?", "fee", PhrasingProblem.KNOWN),
        ("How much does the card cost?", "refund", PhrasingProblem.OF_ANOTHER_ENTRY),
        ("費用多少？", "refund", PhrasingProblem.OF_ANOTHER_ENTRY),
        (
            "how much is the national health insurance fee per month",
            "fee",
            PhrasingProblem.OFF_TOPIC,
        ),
        ("it does not work", "fee", PhrasingProblem.VAGUE),
    ],
)
def test_nonsense_is_refused(
    entries: Entries,
    detector: SecretDetector,
    question: str,
    entry_id: str,
    problem: PhrasingProblem,
) -> None:
    with pytest.raises(PhrasingRefusedError) as refused:
        propose_phrasing(question, entry_id, entries, detector)
    assert refused.value.problem is problem


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("what  would my\nparrot pay for it", "en"),
        ("我的鸚鵡也要付錢嗎", "zh_Hant"),
    ],
)
def test_a_question_goes_to_its_language_on_one_line(
    entries: Entries, detector: SecretDetector, question: str, language: str
) -> None:
    new = propose_phrasing(question, "fee", entries, detector)
    ((name, text),) = new.draft().items()
    assert name == f"{language}/faq/fee.phrasings.txt"
    assert text.endswith(f"\n{' '.join(question.split())}\n")
