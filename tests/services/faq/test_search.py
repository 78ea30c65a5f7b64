"""Behaviour of the search besides its accuracy."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import locales
from services.faq.entries import Entries
from services.faq.search import FaqSearch, SearchHit, SearchResult
from services.faq.training_data import load_off_topic_questions

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def first(answer: SearchResult) -> str:
    return answer.results[0].id


@pytest.mark.parametrize(
    ("question", "entry_id"),
    [
        ("what is a subscriber code", "code-what"),
        ("用戶代碼是什麼", "code-what"),
        ("用户代码是什么", "code-what"),
        ("ＰＩＮ碼鎖住了怎麼辦", "pin-forgot"),
        ("PIN碼 locked", "pin-forgot"),
        ("I FORGOT MY PIN", "pin-forgot"),
        ("how to actvate my new crad", "activate-how"),
        ("怎么激活卡", "activate-how"),
        ("我的卡掉了", "lost-card"),
    ],
)
def test_the_same_need_is_found_in_any_script_and_spelling(
    search: FaqSearch, question: str, entry_id: str
) -> None:
    assert first(search.search(question)) == entry_id


@pytest.mark.parametrize(
    ("question", "entry_id"),
    [
        ("activate card", "activate-how"),
        ("i cant pay", "pay-how"),
        ("unable to pay", "pay-how"),
        ("suspend card", "suspend-how"),
        ("unlock card", "pin-forgot"),
        ("resume card", "resume-how"),
        ("is my card active", "application-status"),
        ("啟用卡片", "activate-how"),
        ("繳不了費", "pay-how"),
        ("沒辦法繳費", "pay-how"),
        ("幫我停卡", "suspend-how"),
        ("要怎麼復卡", "resume-how"),
        ("我的卡能用嗎", "application-status"),
    ],
)
def test_two_words_are_enough_to_be_led(search: FaqSearch, question: str, entry_id: str) -> None:
    answer = search.search(question)
    assert answer.confident
    assert first(answer) == entry_id


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("PIN碼 locked", "zh_Hant"),
        ("忘记PIN码", "zh_Hant"),
        ("HiCOS 怎麼裝", "zh_Hant"),
        ("where is 取回用戶代碼", "en"),
        ("I cannot find the menu 憑證停用 on the website", "en"),
        ("retrieve PIN 是什麼意思", "zh_Hant"),
        ("hello", "en"),
        ("", "en"),
        ("🙂", "en"),
    ],
)
def test_a_question_has_the_language_that_carries_it(
    search: FaqSearch, question: str, language: str
) -> None:
    assert search.search(question).language == language


@pytest.mark.parametrize("question", ["", " \n\t", "🙂🙂🙂", "？！…", "\x00\x07\u200b", "\ud800"])
def test_nothing_to_read_gives_nothing(search: FaqSearch, question: str) -> None:
    answer = search.search(question)
    assert answer.results == ()
    assert not answer.confident


def test_words_nobody_knows_are_no_ground_for_confidence(search: FaqSearch) -> None:
    assert not search.search("xyzzy plugh qwfpgj").confident


@pytest.mark.parametrize("filler", ["I lost my card. ", "卡片不見了。", "a", "卡", "0x76000006 "])
def test_a_text_of_ten_thousand_characters_is_answered(search: FaqSearch, filler: str) -> None:
    assert search.search((filler * 10_000)[:10_000]).results


def test_the_question_may_come_before_a_long_signature(search: FaqSearch) -> None:
    assert first(search.search("How can I suspend my card online?" + "\n-- \n" * 3000)) == (
        "suspend-how"
    )


@pytest.mark.parametrize("limit", [-1, 0, 1, 2, 3, 10, 1000])
def test_the_limit_is_kept(search: FaqSearch, entries: Entries, limit: int) -> None:
    for question in ("I forgot my PIN", "last_error 0xA4", "PIN碼忘了"):
        results = search.search(question, limit).results
        assert len(results) == min(max(limit, 0), len(entries.ids))
        assert len({hit.id for hit in results}) == len(results)


def test_scores_fall_and_confidence_begins_at_a_half(search: FaqSearch) -> None:
    for question in ("how much does the card cost", "網路銀行密碼忘了", "fee", "banana"):
        answer = search.search(question, 50)
        scores = [hit.score for hit in answer.results]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)
        assert answer.confident == (scores[0] >= 0.5)


@pytest.mark.parametrize(
    "question",
    [
        "0x76100003",
        "what is ret_code=1979711501",
        "錯誤代碼：76000006",
        "last_error:-2147483647",
        "出現 0x81000204，用戶代碼鎖住了嗎",
    ],
)
def test_a_known_error_code_leads_to_its_explanation(search: FaqSearch, question: str) -> None:
    answer = search.search(question)
    assert answer.confident
    assert first(answer) == "error-code"


def test_the_entry_behind_the_words_follows_the_code(search: FaqSearch) -> None:
    answer = search.search("I want to suspend my lost card online but it says 0x81000301")
    assert answer.results[0] == SearchHit("error-code", 1.0)
    assert {hit.id for hit in answer.results[1:]} & {"suspend-how", "lost-card"}


def test_a_phrasing_typed_word_for_word_surely_finds_its_entry(
    search: FaqSearch, entries: Entries
) -> None:
    astray = [
        (entry.id, phrasing)
        for language in ("en", "zh_Hant")
        for entry in entries.all(language)
        for phrasing in entry.phrasings
        if not (answer := search.search(phrasing)).confident
        or first(answer) not in (entry.id, "error-code")
    ]
    assert astray == []


def test_a_background_question_is_not_answered_with_confidence(search: FaqSearch) -> None:
    asked = [question for kind in load_off_topic_questions().values() for question in kind]
    sure = [question for question in asked if search.search(question).confident]
    assert len(sure) <= len(asked) // 50, sure


@pytest.mark.parametrize(
    "text",
    ["ลืม PIN", "PIN забыл", "PINがロックされました", "บัตร MOICA หาย", "lupa PIN", "quên mã PIN",
     "kartu saya hilang", "nawala ang card ko"],
)  # fmt: skip
def test_a_language_that_is_not_spoken_here_is_never_answered_with_confidence(
    search: FaqSearch, text: str
) -> None:
    answer = search.search(text)
    assert not answer.confident
    assert answer.language not in locales.LANGUAGES


@pytest.mark.parametrize(
    "question", ["外來人口自然人憑證 Mac 可以用嗎", "外籍人士憑證需要讀卡機嗎"]
)
def test_the_full_name_of_the_card_does_not_change_the_answer(
    search: FaqSearch, question: str
) -> None:
    assert search.search(question).results[0].id == "reader-setup"


@pytest.mark.parametrize(
    ("question", "entry_id"),
    [
        ("paid but the system still shows not paid", "payment-not-shown"),
        ("it says already activated but I never did", "already-activated"),
        ("可以用健保卡的讀卡機嗎", "which-reader"),
    ],
)
def test_what_is_asked_often_and_is_near_to_another_entry_has_its_own(
    search: FaqSearch, question: str, entry_id: str
) -> None:
    answer = search.search(question)
    assert answer.confident
    assert first(answer) == entry_id


@pytest.mark.parametrize(
    "question", ["code or pin wrong", "does the card work in the card reader of the bank"]
)
def test_no_answer_is_certain_where_two_fit(search: FaqSearch, question: str) -> None:
    assert not search.search(question).confident


def test_an_answer_is_printed_as_the_command_promises(search: FaqSearch) -> None:
    answer = search.search("忘記PIN碼", 2)
    printed = json.loads(json.dumps(answer.as_json(), ensure_ascii=False))
    assert printed["query"] == "忘記PIN碼"
    assert printed["language"] == "zh_Hant"
    assert printed["confident"] is True
    assert [set(hit) for hit in printed["results"]] == [{"id", "score"}] * 2
    assert list(printed) == ["query", "language", "confident", "results"]


def test_two_searches_built_alike_answer_alike(search: FaqSearch, entries: Entries) -> None:
    other = FaqSearch(entries)
    for question in ("卡片壞了", "pay deadlin", "我的card不能activate", "hotline hours"):
        assert other.search(question, 10) == search.search(question, 10)


@SHARED
@given(question=st.text(max_size=300), limit=st.integers(-3, 60))
def test_no_text_is_too_strange(search: FaqSearch, question: str, limit: int) -> None:
    answer = search.search(question, limit)
    assert answer == search.search(question, limit)
    assert answer.query == question
    assert answer.language
    assert len(answer.results) <= max(limit, 0)


@SHARED
@given(
    st.lists(st.sampled_from(["PIN碼", "0x", "-", "2201", "last_error", "卡", "lost ", "ß", "ﬁ"]))
)
def test_no_mixture_is_too_strange(search: FaqSearch, pieces: list[str]) -> None:
    question = "".join(pieces)
    assert search.search(question) == search.search(question)
