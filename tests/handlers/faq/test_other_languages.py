"""Somebody writes in a language that is not spoken here."""

import pytest
from sqlalchemy import select

import locales
from handlers.faq.other_languages import load_texts
from services.storage.models import UnansweredQuestion
from tests.bot_harness import BotHarness

QUESTIONS = {
    "vi": "tôi bị mất thẻ, phải làm sao",
    "id": "kartu saya hilang, bagaimana",
    "tl": "nawala ang card ko, paano",
    "th": "บัตร MOICA หาย",
    "ja": "カードをなくしました",
    "ko": "카드를 잃어버렸어요",
}


@pytest.mark.parametrize("language", QUESTIONS)
async def test_two_lines_and_the_commonest_guides_are_in_the_language_asked_in(
    harness: BotHarness, language: str
) -> None:
    anna, texts = harness.add_user(language="zh-TW"), load_texts()[language]
    await anna.says(QUESTIONS[language])
    anna.sees(*texts["lines"])
    assert anna.labels == list(texts["buttons"].values())
    async with harness.kaika.application.bot_data["services"].database.unit_of_work() as session:
        asked = (await session.scalars(select(UnansweredQuestion))).all()
    assert [row.language for row in asked] == [language]
    await anna.presses(texts["buttons"]["suspend"])
    assert anna.labels, "the guide to suspending begins"


async def test_a_code_is_explained_whatever_the_language_around_it(harness: BotHarness) -> None:
    anna = harness.add_user(language="en")
    await anna.says("0x76000006 คืออะไร")
    anna.sees("76000006")


async def test_a_language_of_which_we_have_no_lines_gets_suggestions(harness: BotHarness) -> None:
    anna = harness.add_user(language="en")
    await anna.says("Я потерял карту")
    anna.sees("Did you mean")


def test_every_language_says_the_same() -> None:
    texts = load_texts()
    assert set(texts) == set(QUESTIONS)
    assert not set(texts) & set(locales.LANGUAGES)
    for each in texts.values():
        assert set(each) == {"checked", "lines", "buttons"}
        assert len(each["lines"]) == 2
        assert "1990" in each["lines"][1]
        assert list(each["buttons"]) == ["suspend", "activate", "unlock"]
        assert all(len(label) <= 24 for label in each["buttons"].values())
