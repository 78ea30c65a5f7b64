"""Every language says everything, with the same placeholders and the same markup."""

import re
from string import Formatter

import pytest

import locales
from services.faq import entries
from tests.catalogue import BRIDGE, messages
from tests.form_keeping import lets_go, stays_needed, tells_to_keep

TRANSLATED = [language for language in locales.LANGUAGES if language != locales.DEFAULT]
DOMAINS = ("kaika", BRIDGE)
TAG = re.compile(r"</?[a-z]+>")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", TRANSLATED)
def test_no_string_is_missing_or_left_over(language: str, domain: str) -> None:
    assert set(locales.words(domain, language)) == messages(domain)


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", TRANSLATED)
def test_placeholders_and_markup_are_the_same(language: str, domain: str) -> None:
    for original, text in locales.words(domain, language).items():
        assert placeholders(original) == placeholders(text), original
        assert sorted(TAG.findall(original)) == sorted(TAG.findall(text)), original


def texts(language: str) -> list[str]:
    """Give all that the bot, the counter and the bridge say in a language."""
    catalogues = [locales.words(domain, TRANSLATED[0]) for domain in (*DOMAINS, "authority")]
    if language == locales.DEFAULT:
        return [original for words in catalogues for original in words]
    return [text for words in catalogues for text in words.values()]


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_nobody_is_told_that_the_form_may_go_after_activation(language: str) -> None:
    keeping = [text for text in texts(language) if tells_to_keep(text, language)]
    assert len(keeping) > 8
    assert [text for text in texts(language) if lets_go(text, language)] == []
    assert [text for text in keeping if not stays_needed(text, language)] == []
    bodies = {entry.id: entry.body for entry in entries.load().all(language)}
    assert [name for name, body in bodies.items() if lets_go(body, language)] == []


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
