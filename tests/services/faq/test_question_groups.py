"""Unanswered questions are grouped by what they ask, each language by itself."""

from datetime import UTC, datetime

from services.faq import unanswered
from services.faq.question_groups import group_alike
from services.faq.search import FaqSearch
from services.storage.models import UnansweredQuestion

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _row(question: str, count: int = 1, language: str = "en") -> UnansweredQuestion:
    text = unanswered.normalise(question)
    return UnansweredQuestion(
        question=text, language=language, count=count, first_asked_at=NOW, last_asked_at=NOW
    )


def _texts(search: FaqSearch, *rows: UnansweredQuestion) -> list[list[str]]:
    asked = sorted(rows, key=lambda row: -row.count)
    return [[row.question for row in group.questions] for group in group_alike(asked, search)]


def test_alike_questions_are_one_group_with_their_sum(search: FaqSearch) -> None:
    rows = [
        _row("can my dog travel with me on the high speed rail", 5),
        _row("do you sell umbrellas", 4),
        _row("may dogs travel on the high speed rail", 3),
    ]
    groups = group_alike(rows, search)
    assert [group.count for group in groups] == [8, 4]
    assert [len(group.questions) for group in groups] == [2, 1]
    assert groups[0].questions[0] is rows[0]


def test_chinese_questions_are_grouped_too(search: FaqSearch) -> None:
    rows = [
        _row("高鐵可以帶狗嗎", 3, "zh_Hant"),
        _row("請問高鐵能帶狗搭乘嗎", 2, "zh_Hant"),
        _row("附近有停車場嗎", 1, "zh_Hant"),
    ]
    assert _texts(search, *rows) == [
        ["高鐵可以帶狗嗎", "請問高鐵能帶狗搭乘嗎"],
        ["附近有停車場嗎"],
    ]


def test_languages_are_apart(search: FaqSearch) -> None:
    rows = [_row("umbrella shop", 2, "en"), _row("umbrella shop", 2, "vi")]
    assert {group.language for group in group_alike(rows, search)} == {"en", "vi"}


def test_what_is_answered_by_now_is_left_out(search: FaqSearch) -> None:
    assert group_alike([_row("how much does the card cost", 9)], search) == []


def test_the_nearest_entries_count_how_often_each_question_was_asked(search: FaqSearch) -> None:
    often = _row("what would a parrot of my aunt cost", 20)
    (group,) = group_alike([often], search)
    assert len(group.nearest) == 3
    assert "fee" in [hit.id for hit in group.nearest]
    scores = [hit.score for hit in group.nearest]
    assert scores == sorted(scores, reverse=True)


def test_nothing_asked_is_no_group(search: FaqSearch) -> None:
    assert group_alike([], search) == []
