"""The library of answers: what a query finds, and what is suggested."""

import pytest

import locales
from services.desk.library import MAX_LISTED, AnswerLibrary, load_library
from services.faq.canned import EmptyVariableError, load_canned_answers
from services.faq.entries import load_entries
from services.faq.index import load_index
from services.faq.search import FaqSearch


@pytest.fixture(scope="module")
def search() -> FaqSearch:
    return FaqSearch(load_entries(), load_index(load_entries()))


@pytest.fixture(scope="module")
def library() -> AnswerLibrary:
    return load_library(load_entries())


def test_every_answer_is_reached_by_its_code_in_five_keystrokes(
    library: AnswerLibrary, search: FaqSearch
) -> None:
    for answer in library.answers:
        assert len(f"/{answer.code}") <= 5
        assert library.find(answer.code, search).chosen == answer
        assert set(answer.titles) == set(locales.LANGUAGES)


def test_codes_come_before_titles_and_titles_before_words(
    library: AnswerLibrary, search: FaqSearch
) -> None:
    listed = [each.id for each in library.find("pa", search).listed]
    assert listed[:4] == ["pay-deadline", "pay-how", "pay-no-record", "payment-not-shown"]
    listed = [each.id for each in library.find("digital wallet", search).listed]
    assert listed[0] == "digital-wallet"
    listed = [each.id for each in library.find("somebody stole my card", search).listed]
    assert listed[0] == "lost-card"


def test_a_title_is_found_in_either_chinese_script(
    library: AnswerLibrary, search: FaqSearch
) -> None:
    for typed in ("讀卡機", "读卡机"):
        assert library.find(typed, search).listed[0].id in {"which-reader", "reader-setup"}


def test_words_after_the_code_of_an_entry_make_it_a_search(
    library: AnswerLibrary, search: FaqSearch
) -> None:
    hits = library.find("lost my reader", search)
    assert hits.chosen is None
    hits = library.find("case A-12 b", search)
    assert hits.chosen is not None
    assert (hits.chosen.id, hits.detail) == ("passed-on", "A-12 b")


def test_never_more_are_listed_than_a_phone_shows(
    library: AnswerLibrary, search: FaqSearch
) -> None:
    for typed in ("c", "p", "card", "憑證", ""):
        assert 0 < len(library.find(typed, search).listed) <= MAX_LISTED


def test_greetings_and_other_topics_suggest_nothing(
    library: AnswerLibrary, search: FaqSearch
) -> None:
    assert library.suggest("hello", search) == []
    assert library.suggest("what is the weather in Taichung tomorrow", search) == []
    assert library.suggest("", search) == []
    assert library.suggest("can I talk to a human being please", search) == []


@pytest.mark.parametrize(
    ("text", "answer"),
    [("I lost my card", "lost-card"), ("卡片掉了", "lost-card"), ("0x76000006", "error-code")],
)
def test_what_is_suggested_is_what_the_faq_finds(
    library: AnswerLibrary, search: FaqSearch, text: str, answer: str
) -> None:
    suggested = library.suggest(text, search)
    assert suggested[0] == answer
    assert len(suggested) <= 3


def test_an_empty_variable_stops_a_canned_answer() -> None:
    answer = load_canned_answers()["passed-on", "en"]
    assert answer.fill_in("No. {detail}.", {"detail": "7"}) == "No. 7."
    for empty in ({}, {"detail": ""}, {"detail": "  "}):
        with pytest.raises(EmptyVariableError, match="detail"):
            answer.fill_in(answer.text, empty)
