"""Tokenisation, spelling correction and ideas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.faq.features import (
    DuplicateTermError,
    FeatureReader,
    Lexicon,
    count_words,
    fold,
    split_units,
    stem,
)
from services.faq.spelling import Spelling
from services.faq.training_data import load_lexicon


def test_both_scripts_fold_to_the_same() -> None:
    assert fold("用戶代碼，讀卡機，頭髮發財，臺灣裡面") == fold(
        "用户代码，读卡机，头发发财，台湾里面"
    )


def test_width_and_case_fold_away() -> None:
    assert (
        split_units("ＰＩＮ Code １２３") == split_units("pin code 123") == ["pin", "code", "123"]
    )


def test_han_characters_are_units_of_their_own() -> None:
    assert split_units("PIN碼locked了") == ["pin", "码", "locked", "了"]


def test_any_error_code_is_the_same_unit() -> None:
    assert split_units("0x76000006") == split_units("0xA4") == ["0x"]


@pytest.mark.parametrize(
    "forms",
    [
        ("I cannot pay", "I can not pay", "I can't pay", "I can’t pay", "i cant pay"),
        ("it does not work", "it doesn't work", "it doesnt work"),
        ("it will not open", "it won't open", "it wont open"),
    ],
)
def test_the_ways_to_write_a_negation_are_one(forms: tuple[str, ...]) -> None:
    assert len({tuple(split_units(form)) for form in forms}) == 1


def test_a_word_that_only_ends_like_a_negation_is_left_alone() -> None:
    assert split_units("I want the current tenant knot") == [
        "i",
        "want",
        "the",
        "current",
        "tenant",
        "knot",
    ]


@pytest.mark.parametrize(
    "forms",
    [
        ("activate", "activated", "activates", "activating", "activation"),
        ("card", "cards", "card's"),
        ("code", "codes"),
        ("expire", "expired", "expires", "expiring"),
        ("apply", "applies", "applied"),
        ("stop", "stopped", "stopping"),
        ("address", "addresses"),
        ("unlock", "unlocked", "unlocks", "unlocking"),
    ],
)
def test_the_forms_of_a_word_share_a_stem(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


@given(st.from_regex("[a-z]{1,20}", fullmatch=True))
def test_a_stem_is_never_empty(word: str) -> None:
    assert stem(word)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("subcriber", "subscriber"),
        ("subscirber", "subscriber"),
        ("subbscriber", "subscriber"),
        ("subscriper", "subscriber"),
        ("crad", "card"),
        ("subscriber", "subscriber"),
        ("sub", "sub"),
        ("banana", "banana"),
    ],
)
def test_a_typing_error_is_mended(typed: str, meant: str) -> None:
    assert Spelling({"subscriber": 9, "card": 5, "car": 2}).correct(typed) == meant


def test_of_two_near_words_the_more_frequent_is_meant() -> None:
    assert Spelling({"locked": 9, "looked": 2}).correct("lcked") == "locked"
    assert Spelling({"locked": 2, "looked": 9}).correct("loked") == "looked"


def ideas(terms: dict[str, list[str]], text: str) -> list[str]:
    return Lexicon(terms).ideas([stem(unit) for unit in split_units(text)])


def test_the_longest_term_wins() -> None:
    terms = {"CODE": ["code"], "ERROR": ["error code", "錯誤代碼"], "WRONG": ["錯誤"]}
    assert ideas(terms, "which error codes") == ["ERROR"]
    assert ideas(terms, "錯誤代碼，錯誤，code") == ["ERROR", "WRONG", "CODE"]


def test_a_heading_may_name_several_ideas() -> None:
    terms = {"NOT_PAID + PAY": ["have not paid"], "CARD": ["卡"]}
    assert ideas(terms, "I have not paid, 卡") == ["NOT_PAID", "PAY", "CARD"]


def test_an_unfinished_term_does_not_count() -> None:
    assert ideas({"A": ["one two three"], "B": ["two"]}, "one two four") == ["B"]


def test_a_term_under_two_headings_is_refused() -> None:
    with pytest.raises(DuplicateTermError) as refused:
        Lexicon({"A": ["lost card"], "B": ["card", "Lost cards"]})
    assert refused.value.ideas == ("A", "B")


def test_the_lexicon_holds_each_term_once() -> None:
    terms = load_lexicon()
    assert Lexicon(terms).ideas(split_units("用户代码")) == ["CODE"]
    assert all(listed and len(listed) == len(set(listed)) for listed in terms.values())


def test_features_are_units_ideas_and_neighbours() -> None:
    terms = {"FORGET": ["forgot"], "PIN": ["pin"]}
    reader = FeatureReader(count_words([["i", "forgot", "my", "pin"]], terms), terms)
    assert reader.features(reader.normalise(split_units("forgot PIN"))) == {
        "forgot",
        "pin",
        "forgot pin",
        "#FORGET",
        "#PIN",
        "#FORGET#PIN",
    }
    assert "#FORGET#PIN" in reader.features(reader.normalise(split_units("my PIN, I forgto")))
