"""The rule for a PIN is the same in the chat, in the app on the PC and in the FAQ."""

import re

import pytest

import locales
from locales import facts
from reader_bridge.app.prompt_texts import pin_rules_text
from reader_bridge.card.profiles.base import CardProfile
from services.faq import entries
from services.formats.subscriber_code import LONGEST, SHORTEST
from tools.catalogues import extract_messages

RULE = CardProfile.new_pin_rules
LENGTHS = {
    "en": f"{RULE.min_length}–{RULE.max_length} letters and digits, best mixed, no spaces",
    "zh_Hant": f"{RULE.min_length}–{RULE.max_length} 碼英文字母與數字，最好混合，不可有空格",
}
"""How the chat says it."""
CHOOSING = re.compile("new PIN that you choose|old PIN, and a new one|old PIN, new PIN, new PIN")
"""Of the messages to somebody who is about to choose a PIN."""
RANGE = re.compile(r"(\d+)(?:–|-| to | 到 | 至 )(\d+) ?(?:letters|characters|碼|個字)")


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_whoever_chooses_a_pin_reads_one_rule(language: str) -> None:
    messages = [each for each in extract_messages("kaika") if CHOOSING.search(each)]
    assert len(messages) > 4
    for message in messages:
        assert LENGTHS[language] in facts.fill_in(locales.translate(message, language), language)


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_the_app_gives_the_rule_of_the_chat(language: str) -> None:
    shown = pin_rules_text(RULE, language, new=True)
    assert LENGTHS[language] in re.sub(r"(\d) (?:to|到) (\d)", r"\1–\2", shown)


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_no_text_has_another_length_of_a_pin_or_a_code(language: str) -> None:
    messages = [locales.translate(each, language) for each in extract_messages("kaika")]
    texts = [facts.fill_in(message, language) for message in messages]
    texts += [entry.body for entry in entries.load_entries().all(language)]
    found = {
        tuple(map(int, pair)) for text in texts if "PIN" in text for pair in RANGE.findall(text)
    }
    assert (RULE.min_length, RULE.max_length) in found
    assert found <= {(RULE.min_length, RULE.max_length), (SHORTEST, LONGEST)}
