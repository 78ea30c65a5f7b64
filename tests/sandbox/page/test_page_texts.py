"""What the page says: every word has its translation, and nothing comes from elsewhere."""

import re
from pathlib import Path

import pytest

import locales
import sandbox

PAGE = Path(sandbox.__file__).parent / "page"
SCRIPTS = sorted(PAGE.glob("*.js"))
_CALL = re.compile(r'\bt\(\s*"([^"]+)"')
_MARK = re.compile(r'data-t(?:-label)?="([^"]+)"')
_PLACEHOLDER = re.compile(r"\{\w+\}")


def find_page_messages() -> set[str]:
    """Return every message the page asks a translation for."""
    said = {words for path in SCRIPTS for words in _CALL.findall(path.read_text())}
    return said | set(_MARK.findall((PAGE / "index.html").read_text()))


@pytest.mark.parametrize("language", [code for code in locales.LANGUAGES if code != "en"])
def test_every_word_is_translated_and_no_translation_is_left_over(language: str) -> None:
    assert find_page_messages() == set(locales.catalogue("sandbox", language))


@pytest.mark.parametrize("language", [code for code in locales.LANGUAGES if code != "en"])
def test_translations_have_the_same_placeholders(language: str) -> None:
    for english, words in locales.catalogue("sandbox", language).items():
        assert sorted(_PLACEHOLDER.findall(english)) == sorted(_PLACEHOLDER.findall(words))


def test_the_words_are_found_where_the_page_says_them() -> None:
    words = find_page_messages()
    assert "Hidden text. Press to show it." in words
    assert "Everything here stays on this computer." in words


@pytest.mark.parametrize("path", sorted(PAGE.iterdir()), ids=lambda path: path.name)
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    addresses = set(re.findall(r"https?://[\w.-]+", text))
    assert addresses <= {"http://www.w3.org", "https://t.me"}
    assert "innerHTML" not in text


def test_the_html_has_neither_scripts_nor_styles_in_itself() -> None:
    html = (PAGE / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html)


@pytest.mark.parametrize("path", sorted(PAGE.iterdir()), ids=lambda path: path.name)
def test_files_stay_readable(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300
