"""Every language says everything, with the same placeholders and the same markup."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

import locales
from services.faq import entries
from tests import phrases
from tests.form_retention_text import lets_go, stays_needed, tells_to_keep
from tools.catalogues import KEYWORDS, ROOMS, ROOT, extract_messages, update

TRANSLATED = [language for language in locales.LANGUAGES if language != locales.DEFAULT]
TAG = re.compile(r"</?[a-z]+>")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("domain", ROOMS)
@pytest.mark.parametrize("language", TRANSLATED)
def test_no_string_is_missing_or_left_over(language: str, domain: str) -> None:
    assert set(locales.catalogue(domain, language)) == extract_messages(domain)


@pytest.mark.parametrize("domain", ROOMS)
def test_every_text_in_the_code_is_extracted(domain: str) -> None:
    written = {
        text
        for room in ROOMS[domain]
        for path in ([ROOT / room] if room.endswith(".py") else (ROOT / room).rglob("*.py"))
        for text in texts_in(path)
    }
    lost = "Babel reads no argument that stands in parentheses of its own"
    assert written - extract_messages(domain) == set(), lost


def texts_in(path: Path) -> Iterator[str]:
    """Return the texts that a file of Python asks of its catalogue."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id not in KEYWORDS:
            continue
        (position,) = KEYWORDS[node.func.id] or (1,)
        argument = node.args[position - 1] if len(node.args) >= position else None
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value


@pytest.mark.parametrize("domain", ROOMS)
@pytest.mark.parametrize("language", TRANSLATED)
def test_placeholders_and_markup_are_the_same(language: str, domain: str) -> None:
    for original, text in locales.catalogue(domain, language).items():
        assert placeholders(original) == placeholders(text), original
        assert sorted(TAG.findall(original)) == sorted(TAG.findall(text)), original


def texts(language: str) -> list[str]:
    """Return every text of the bot, the counter and the bridge in a language."""
    catalogues = [locales.catalogue(domain, TRANSLATED[0]) for domain in (*ROOMS, "authority")]
    if language == locales.DEFAULT:
        return [original for words in catalogues for original in words]
    return [text for words in catalogues for text in words.values()]


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_nobody_is_told_that_the_form_may_go_after_activation(language: str) -> None:
    keeping = [text for text in texts(language) if tells_to_keep(text, language)]
    assert len(keeping) > 8
    assert [text for text in texts(language) if lets_go(text, language)] == []
    assert [text for text in keeping if not stays_needed(text, language)] == []
    bodies = {entry.id: entry.body for entry in entries.load_entries().all(language)}
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


TESTS = Path(__file__).parent
_MAX_FILES_FOR_A_TEXT = 2
_MAX_MESSAGES_OF_A_QUOTE = 2
"""What stands in more messages is a term, such as *subscriber code*, and no quotation."""
_TYPED_BY_PEOPLE = {"I lost my card"}
"""What a person types in several scenarios, and a button says as well."""
_LONG_ENOUGH = {
    "en": re.compile(r"(?=.{12}).*\w \w.*", re.DOTALL),
    "zh_Hant": re.compile(r".*[\u4e00-\u9fff]{4}.*", re.DOTALL),
}


@cache
def strings_in_tests() -> Mapping[str, set[str]]:
    """The strings in tests, docstrings apart, with the files in which they stand."""
    found = defaultdict(set)
    for path in sorted(TESTS.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in docstrings
                and node.value not in _TYPED_BY_PEOPLE
            ):
                found[node.value].add(str(path.relative_to(TESTS)))
    return found


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_a_text_is_quoted_in_few_test_files(language: str) -> None:
    messages = {TAG.sub("", text) for text in texts(language)}
    everything = "\0".join(messages)
    places: dict[str, set[str]] = defaultdict(set)
    for quote, files in strings_in_tests().items():
        if not _LONG_ENOUGH[language].fullmatch(quote) or quote not in everything:
            continue
        found = [each for each in messages if quote in each]
        if len(found) <= _MAX_MESSAGES_OF_A_QUOTE:
            for message in found:
                places[message] |= files - {"phrases.py"}
    often = {text: files for text, files in places.items() if len(files) > _MAX_FILES_FOR_A_TEXT}
    assert often == {}, "put what the tests look for into tests/phrases.py"


@pytest.mark.parametrize(
    "phrase",
    [phrase for phrase in vars(phrases).values() if isinstance(phrase, phrases.Phrase)],
)
def test_a_phrase_is_part_of_a_message_and_of_its_translation(phrase: phrases.Phrase) -> None:
    plain = [
        (TAG.sub("", original), TAG.sub("", text))
        for domain in (*ROOMS, "authority")
        for original, text in locales.catalogue(domain, TRANSLATED[0]).items()
    ]
    assert [text for original, text in plain if phrase in original and phrase.chinese in text]


CATALOGUE = """\
msgid ""
msgstr "Language: zh_Hant\\n"

# A note of the translator.
msgid "kept"
msgstr "留著"

msgid "removed"
msgstr "移除"
"""


def test_an_update_adds_what_is_new_and_leaves_the_rest_as_it_is() -> None:
    long = "a {placeholder} in a text\n" * 5
    updated = update(CATALOGUE, {"kept", "added", long})
    assert "removed" not in updated
    assert '# A note of the translator.\nmsgid "kept"\nmsgstr "留著"\n' in updated
    assert 'msgid "added"\nmsgstr ""\n' in updated
    assert '#, python-brace-format\nmsgid ""\n"a {placeholder} in a text\\n"' in updated
    assert update(updated, {"kept", "added", long}) == updated


@pytest.mark.parametrize("domain", ROOMS)
@pytest.mark.parametrize("language", TRANSLATED)
def test_the_catalogues_are_as_the_command_leaves_them(language: str, domain: str) -> None:
    path = locales.ROOT / language / "LC_MESSAGES" / f"{domain}.po"
    text = path.read_text(encoding="utf-8")
    assert update(text, extract_messages(domain)) == text, "run: make generate"
