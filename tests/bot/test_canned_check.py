"""`kaika faq check` names what is wrong with a canned answer."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import locales
from bot.cli import faq_check
from services.faq import entries

TODAY = date(2026, 11, 29)
GOOD = "---\nid: case\ncode: ref\n---\n# Passed on\n\nThe number is {detail}.\n"


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All texts as they are, with a canned answer more."""
    folder = tmp_path_factory.mktemp("copied")
    shutil.copytree(locales.ROOT, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture
def texts(copied: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder with the texts that are checked."""
    monkeypatch.setattr(locales, "folder", lambda language, name: copied / language / name)
    monkeypatch.setattr("bot.cli.faq_check.phrasings.find_led_astray", lambda *_, **__: [])
    entries.load_entries.cache_clear()
    yield copied
    for language in locales.LANGUAGES:
        (copied / language / "canned" / "case.md").unlink(missing_ok=True)
        (copied / language / "canned" / "fee.md").unlink(missing_ok=True)
    entries.load_entries.cache_clear()


def check(texts: Path, english: str | None, chinese: str | None, name: str = "case") -> str:
    """Return the errors where there is this canned answer, too."""
    for language, text in (("en", english), ("zh_Hant", chinese)):
        if text is not None:
            path = texts / language / "canned" / f"{name}.md"
            path.write_text(text, encoding="utf-8")
    found = faq_check.find_problems(TODAY)
    return "\n".join(str(each) for each in found if not each.is_warning)


def test_a_good_one_passes(texts: Path) -> None:
    assert check(texts, GOOD, GOOD) == ""


@pytest.mark.parametrize(
    ("english", "chinese", "problem"),
    [
        (GOOD, None, "zh_Hant/canned/case.md: error: case is missing in zh_Hant"),
        (GOOD, GOOD.replace("{detail}", "x"), "variables differ"),
        (
            GOOD.replace("{detail}", "{name}"),
            GOOD,
            "case.md:7: error: {name} is neither",
        ),
        (GOOD, GOOD.replace("code: ref", "code: refx"), "code differ"),
        (GOOD.replace("ref", "lost"), GOOD.replace("ref", "lost"), "code 'lost' is that of"),
        (GOOD.replace("ref", "undo"), GOOD.replace("ref", "undo"), "/undo is another command"),
        (GOOD.replace("id: case", "id: other"), GOOD, "differs from the file's name"),
        (GOOD + "\n> quoted", GOOD, "cannot be shown in Telegram: blockquote_open"),
        (GOOD + "x" * 5000, GOOD, "cannot be shown in Telegram: longer"),
        (GOOD.replace("# Passed on", "# " + "x" * 61), GOOD, "longer than 60"),
        (GOOD.split("\n\n", maxsplit=1)[0] + "\n", GOOD, "there is no text below the title"),
    ],
)
def test_what_is_wrong_is_named(
    texts: Path, english: str, chinese: str | None, problem: str
) -> None:
    assert problem in check(texts, english, chinese)


def test_no_canned_answer_is_called_like_an_entry(texts: Path) -> None:
    text = GOOD.replace("id: case", "id: fee")
    assert "fee is an FAQ entry, too" in check(texts, text, text, "fee")


def test_more_codes_than_a_menu_holds_are_too_many(
    texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faq_check, "MAX_COMMANDS", 60)
    assert "there are more than 60 codes and commands" in check(texts, GOOD, GOOD)
