"""The facts that texts are filled in with are those of docs/facts.md and of the code."""

import re
from datetime import date
from pathlib import Path

import pytest

import locales
from locales import facts
from services.authority.data_types import FeeKind
from services.authority.embedded.payments.applications import FEES
from services.calendar import PAYMENT_DAYS
from services.faq.error_codes import load_table

PAGE = (Path(__file__).parents[1] / "docs" / "facts.md").read_text(encoding="utf-8")
PLAIN = PAGE.replace("**", "")
FACTS = facts.load_facts()


@pytest.mark.parametrize("name", FACTS)
def test_a_fact_stands_in_its_section_of_the_page(name: str) -> None:
    fact = FACTS[name]
    begin = re.search(rf"^###? {re.escape(fact.section)}[. ]", PAGE, re.MULTILINE)
    assert begin is not None
    figures = {
        figure
        for value in fact.values.values()
        for figure in re.findall(r"\d[\d–:-]*\d|\d|[a-z@-]+\.[a-z.]+", value)
    }
    assert figures
    assert [figure for figure in figures if figure not in PLAIN] == []


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_words_belong_to_facts_and_none_is_left_out(language: str) -> None:
    words = facts.load_words(language)
    assert set(words) <= set(FACTS)
    assert set(words) == set(facts.load_words(locales.DEFAULT))


def test_every_day_of_a_check_is_one() -> None:
    assert all(type(fact.checked) is date for fact in FACTS.values())


def test_the_code_charges_and_counts_what_the_texts_say() -> None:
    amounts = {kind: f"NT${amount // 100}" for kind, amount in FEES.items()}
    assert FACTS["card_fee"].values["en"] == amounts[FeeKind.CARD]
    assert FACTS["postage"].values["en"] == amounts[FeeKind.POSTAGE]
    assert FACTS["pay_days"].values["en"] == f"{PAYMENT_DAYS} days"


def test_the_fee_is_that_for_the_card_and_the_postage() -> None:
    fee, card, postage = (
        int(FACTS[name].values["en"].removeprefix("NT$")) for name in ("fee", "card_fee", "postage")
    )
    assert fee == card + postage


def catalogue_texts(language: str, *domains: str) -> list[str]:
    """Every text of some catalogues in a language."""
    translated = next(each for each in locales.LANGUAGES if each != locales.DEFAULT)
    return [
        original if language == locales.DEFAULT else text
        for domain in domains
        for original, text in locales.catalogue(domain, translated).items()
    ]


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_the_app_on_the_pc_spells_out_the_facts_as_they_are(language: str) -> None:
    found = [
        (value, name, text)
        for text in catalogue_texts(language, "bridge")
        for value, name in facts.find_spelled_out(text, language)
    ]
    assert found
    assert [(value, text) for value, name, text in found if not name] == []


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_the_bot_and_the_mails_name_the_facts(language: str) -> None:
    texts = catalogue_texts(language, "kaika", "authority")
    assert sum(facts.fill_in(text, language) != text for text in texts) > 80
    assert [text for text in texts if any(facts.find_spelled_out(text, language))] == []
    for codes in load_table(language).values():
        assert not any(facts.find_unknown(codes.meaning + codes.advice))


def test_a_message_is_filled_in_with_its_values_and_with_facts() -> None:
    message = "{name}: {fee} in {pay_days}"
    assert facts.format_message(message, "en", {"name": "A"}) == "A: NT$278 in 15 days"
    assert facts.format_message(message, "en", {"name": "A", "fee": 5}) == "A: 5 in 15 days"
    with pytest.raises(KeyError):
        facts.format_message(message, "en", {})


def test_names_are_filled_in_and_nothing_else() -> None:
    text = "Call {hotline}, {name}: {code_length}, `$(id -u)`."
    filled_in = "Call 0800-080-117, {name}: 6–10 characters, `$(id -u)`."
    assert facts.fill_in(text, "en") == filled_in
    assert facts.fill_in("{pay_days}", "zh_Hant") == "15 天"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NT$278, not 278", [("NT$278", "fee")]),
        ("NT$28", [("NT$28", "postage")]),
        ("https://moica.nat.gov.tw/rac_plugin.html", []),
        ("115 days, 2015 days", []),
        ("{fee} {hotline}", []),
        ("call 0800-024-111", [("0800-024-111", "")]),
        ("0800080118", [("0800080118", "")]),
        ("300 dollars, 300 NTD", [("300 dollars", ""), ("300 NTD", "")]),
    ],
)
def test_what_is_spelled_out_is_found(text: str, found: list[tuple[str, str]]) -> None:
    assert list(facts.find_spelled_out(text, "en")) == found
