"""Every language says everything, with the same placeholders and the same markup."""

import re
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.extract import extract_from_dir

import locales

ROOT = Path(__file__).parent.parent
KEYWORDS = {"say": (2,), "label": (2,), "N_": None}
ROOMS = {"kaika": ("bot", "handlers"), "bridge": ("reader_bridge/app",)}
"""The source of each domain."""
TRANSLATED = [language for language in locales.LANGUAGES if language != locales.DEFAULT]
TAG = re.compile(r"</?[a-z]+>")


def extract_messages(domain: str) -> set[str]:
    """Return the msgids that the code asks of a catalogue."""
    found = set()
    for room in ROOMS[domain]:
        for _, _, message, _, _ in extract_from_dir(str(ROOT / room), keywords=KEYWORDS):
            found.add(message if isinstance(message, str) else message[0])
    return found


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("domain", ROOMS)
@pytest.mark.parametrize("language", TRANSLATED)
def test_no_string_is_missing_or_left_over(language: str, domain: str) -> None:
    assert set(locales.words(domain, language)) == extract_messages(domain)


@pytest.mark.parametrize("domain", ROOMS)
@pytest.mark.parametrize("language", TRANSLATED)
def test_placeholders_and_markup_are_the_same(language: str, domain: str) -> None:
    for original, text in locales.words(domain, language).items():
        assert placeholders(original) == placeholders(text), original
        assert sorted(TAG.findall(original)) == sorted(TAG.findall(text)), original


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("zh", "zh_Hant"),
        ("zh-hans", "zh_Hant"),
        ("zh_TW", "zh_Hant"),
        ("ZH-HK", "zh_Hant"),
        ("en", "en"),
        ("vi", "en"),
        ("zha", "en"),
        ("", "en"),
        (None, "en"),
        ("x" * 999, "en"),
    ],
)
def test_a_client_is_spoken_to_in_a_language_we_have(code: str | None, language: str) -> None:
    assert locales.resolve(code) == language
