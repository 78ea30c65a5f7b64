"""The pictures that the bot shows: made of the drawings, easy to read, and with samples only."""

from collections.abc import Callable, Mapping
from itertools import combinations, product
from typing import Any

import pytest
from playwright.async_api import Browser

import locales
from locales.pictures import load_picture_texts, picture_path
from services.formats.card_number import CardNumber
from services.formats.errors import FormatError
from services.formats.hidden import Hidden
from services.formats.subscriber_code import SubscriberCode
from services.formats.ui_number import UiNumber
from tests.browser import chromium
from tools.pictures.__main__ import SCALE, is_current
from tools.pictures.drawing import FOLDER, NAMES, draw
from tools.pictures.png import read_size

EVERY = tuple(product(NAMES, locales.LANGUAGES))
SAMPLES: Mapping[str, Callable[[str], Hidden]] = {
    "Sample01": SubscriberCode.parse,
    "A800000000": UiNumber.parse,
    "AB00000000XXXXXX": CardNumber.parse,
}
MAX_BYTES = 60_000
SMALLEST = 10.0
"""Pixels of CSS; what has to be read is larger."""
_BOXES = """svg => [...svg.querySelectorAll("text")].map((text) => {
  const { left, top, right, bottom } = text.getBoundingClientRect();
  const size = parseFloat(getComputedStyle(text).fontSize);
  return { words: text.textContent, left, top, right, bottom, size };
})"""


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_a_picture_was_made_of_its_drawing(name: str, language: str) -> None:
    drawing, path = draw(name, language), picture_path(name, language)
    assert is_current(drawing), "run make generate"
    width, height = drawing.size
    assert read_size(path.read_bytes()) == (width * SCALE, height * SCALE)
    assert path.stat().st_size < MAX_BYTES


def test_every_language_has_the_same_pictures_and_texts() -> None:
    drawn = [
        {name: sorted(texts.drawn) for name, texts in load_picture_texts(language).items()}
        for language in locales.LANGUAGES
    ]
    assert drawn == [drawn[0]] * len(drawn)
    assert sorted(drawn[0]) == list(NAMES)
    for name, keys in drawn[0].items():
        template = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
        assert [key for key in keys if f">{{{key}}}</text>" not in template] == []


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_a_picture_is_marked_as_a_sample_and_leaves_no_text_open(name: str, language: str) -> None:
    svg = draw(name, language).svg
    body = svg.split("</style>")[1]
    assert "SPECIMEN" in body
    assert "樣本" in body
    assert "{" not in body


@pytest.mark.parametrize("sample", SAMPLES)
def test_no_number_in_a_picture_can_be_a_real_one(sample: str) -> None:
    assert any(sample in draw(name, "en").svg for name in NAMES)
    with pytest.raises(FormatError):
        SAMPLES[sample](sample)


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_a_caption_says_what_the_picture_shows(language: str) -> None:
    for texts in load_picture_texts(language).values():
        assert 60 < len(texts.caption) + 60 * (language != "en") < 1024
        assert texts.button.startswith("🖼 ")


async def test_texts_are_within_the_picture_and_beside_one_another() -> None:
    async with chromium() as browser:
        for name, language in EVERY:
            drawing = draw(name, language)
            boxes = await measure(browser, drawing.svg)
            width, height = drawing.size
            for box in boxes:
                assert box["left"] >= 8, box
                assert box["right"] <= width - 4, (name, language, box)
                assert box["bottom"] <= height - 6, (name, language, box)
                assert box["size"] >= SMALLEST, box
            for one, other in combinations(boxes, 2):
                assert not overlap(one, other), (name, language, one["words"], other["words"])


async def measure(browser: Browser, svg: str) -> list[dict[str, Any]]:
    """Return where each text of a drawing is."""
    page = await browser.new_page()
    await page.set_content(f"<style>body{{margin:0}}</style>{svg}")
    boxes: list[dict[str, Any]] = await page.locator("svg").evaluate(_BOXES)
    await page.close()
    return boxes


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two texts cover the same place; lines have some air, and a stamp is turned."""
    if {one["words"], other["words"]} == {"SPECIMEN", "樣本"}:
        return False
    air = 5
    return bool(
        one["left"] < other["right"] - air
        and other["left"] < one["right"] - air
        and one["top"] < other["bottom"] - air
        and other["top"] < one["bottom"] - air
    )
