"""How much one person may ask for."""

import pytest

from services import request_limits
from services.request_limits import RequestLimit, RequestLimiter, RequestLimits

ANNA, MEI = 1, 2


def limiter() -> RequestLimiter:
    return RequestLimiter(RequestLimit(3, 60.0, pause=30.0))


def test_so_many_are_granted_within_the_window_and_then_there_is_a_pause() -> None:
    texts = limiter()
    assert [texts.grants(ANNA, second) for second in range(5)] == [True, True, True, False, False]
    assert texts.is_paused(ANNA, 32.9)
    assert not texts.grants(ANNA, 32.9)
    assert [texts.grants(ANNA, 33.0 + n) for n in range(4)] == [True, True, True, False]


def test_whoever_asks_slowly_never_has_to_pause() -> None:
    texts = limiter()
    assert all(texts.grants(ANNA, second) for second in range(0, 3600, 21))


def test_what_is_asked_during_a_pause_does_not_prolong_it() -> None:
    texts = limiter()
    for tenth in range(300):
        texts.grants(ANNA, tenth / 10)
    assert texts.grants(ANNA, 40.0)


def test_one_person_does_not_use_up_what_another_has() -> None:
    texts = limiter()
    for second in range(10):
        texts.grants(ANNA, second)
    assert texts.grants(MEI, 10)


def test_a_pause_is_told_once() -> None:
    texts = limiter()
    for second in range(4):
        texts.grants(ANNA, second)
    assert not texts.is_told(ANNA)
    assert texts.mark_told(ANNA, by=4)
    assert texts.is_told(ANNA)
    assert not texts.mark_told(ANNA, by=5)
    assert texts.mark_told(ANNA, by=4), "where it could not be sent"
    for second in range(33, 37):
        texts.grants(ANNA, second)
    assert not texts.is_told(ANNA), "of the next pause"


def test_what_comes_out_of_order_is_counted_all_the_same() -> None:
    texts = limiter()
    assert [texts.grants(ANNA, moment) for moment in (10, 5, 10, 4)] == [True, True, True, False]


def test_nobody_is_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_limits, "_MAX_PEOPLE", 10)
    texts = limiter()
    for person in range(1000):
        texts.grants(person, person * 10.0)
    assert len(texts._people) < 20
    for _ in range(4):
        texts.grants(MEI, 20_000.0)
    texts.grants(3, 20_001.0)
    assert texts.is_paused(MEI, 20_002.0)


def test_no_limit_is_no_limit() -> None:
    texts = RequestLimits.from_texts(0).texts
    assert all(texts.grants(ANNA, 0.0) for _ in range(1000))
    assert not texts.is_paused(ANNA, 0.0)
