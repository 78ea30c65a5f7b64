"""Mistakes that an editor of the FAQ makes are named, with the place and the remedy.

Each is made in a copy of all entries, as they are.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

import locales
from bot.cli import faq_check
from locales import facts
from services.faq import entries, index
from services.faq.checks import phrasings
from services.faq.checks.findings import FaqFinding
from services.faq.checks.phrasings import find_led_astray
from services.faq.entries import Entries
from services.faq.index import SearchIndex
from services.faq.search import FaqSearch

TODAY = date(2026, 11, 29)
FEE_PHRASING = {"en": "how much does the card cost", "zh_Hant": "費用多少"}
LIKE_FEE = {
    "en": "what is the fee for the certificate in total",
    "zh_Hant": "辦這張憑證的費用是多少錢",
}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copied")
    shutil.copytree(locales.ROOT, folder, dirs_exist_ok=True)
    return folder


class Memory:
    """Learns, and asks every phrasing, once for the edits that change no phrasing."""

    def __init__(self) -> None:
        self._indexes: dict[str, SearchIndex] = {}
        self._astray: dict[str, list[FaqFinding]] = {}

    def load_index(self, known: Entries) -> SearchIndex:
        key = index.fingerprint(known)
        if key not in self._indexes:
            self._indexes[key] = index.learn(known)
        return self._indexes[key]

    def find_led_astray(
        self, known: Entries, search: FaqSearch, *, every_one: bool
    ) -> list[FaqFinding]:
        key = index.fingerprint(known)
        if key not in self._astray:
            self._astray[key] = list(find_led_astray(known, search, every_one=every_one))
        return self._astray[key]


@pytest.fixture(scope="module")
def memory() -> Memory:
    return Memory()


@pytest.fixture
def copy(
    copied: Path,
    memory: Memory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """A copy of the entries, which the check reads."""
    shutil.copytree(copied, tmp_path / "locales")
    monkeypatch.setattr(locales, "folder", lambda language, name: copy / language / name)
    monkeypatch.setattr(facts, "PATH", tmp_path / "locales" / "facts.yaml")
    monkeypatch.setattr(faq_check, "load_index", memory.load_index)
    monkeypatch.setattr(phrasings, "find_led_astray", memory.find_led_astray)
    copy = tmp_path / "locales"
    for cached in (entries.load_entries, facts.load_facts):
        cached.cache_clear()
    yield copy
    for cached in (entries.load_entries, facts.load_facts):
        cached.cache_clear()


@dataclass(frozen=True)
class Edit:
    """A mistake: `old` becomes `new` in some files of the copy."""

    name: str
    files: tuple[str, ...]
    old: str
    new: str
    place: str
    message: str
    remedy: str
    is_warning: bool = False

    def make(self, copy: Path) -> None:
        for name in self.files:
            path = copy / name
            text = path.read_text(encoding="utf-8")
            assert re.search(self.old, text, re.MULTILINE), f"{name} has no {self.old}"
            path.write_text(
                re.sub(self.old, lambda _: self.new, text, count=1, flags=re.MULTILINE),
                encoding="utf-8",
            )


FEE = ("en/faq/fee.md", "zh_Hant/faq/fee.md")
PAY = ("en/faq/pay-how.md", "zh_Hant/faq/pay-how.md")
CHECKED = r"^checked: .*$"
EDITS = [
    Edit(
        "checked years ago", FEE, CHECKED, "checked: 2019-01-01",
        r"en/faq/fee.md:\d+", "last checked on 2019-01-01, more than 180 days ago",
        "Look at the page, correct what changed, and write the day", is_warning=True,
    ),
    Edit(
        "checked in ten years", FEE, CHECKED, "checked: 2036-11-23",
        r"en/faq/fee.md:\d+", "2036-11-23, which is to come", "2026-11-29 at the latest",
    ),
    Edit(
        "checked yesterday", FEE, CHECKED, "checked: yesterday",
        r"en/faq/fee.md:\d+", "'yesterday' is no date", "Write a day like 2026-11-23",
    ),
    Edit(
        "a source read years ago", FEE, r"^    date: .*$", "    date: 2019-01-01",
        r"en/faq/fee.md:\d+", "last checked on 2019-01-01", "Look at the page", is_warning=True,
    ),
    Edit(
        "a source read next year", FEE, r"^    date: .*$", "    date: 2027-01-01",
        r"en/faq/fee.md:\d+", "2027-01-01, which is to come", "at the latest",
    ),
    Edit(
        "a source that is no address", FEE, r"^    url: .*$", "    url: see website",
        r"en/faq/fee.md:\d+", "source 'see website' is no address", "Write the https address",
    ),
    Edit(
        "a conversation that there is not", PAY, r"^conversation: pay$", "conversation: payy",
        r"en/faq/pay-how.md:\d+", "there is no conversation 'payy'", "pay, activate",
    ),
    Edit(
        "a picture that there is not", PAY, r"^picture: form$", "picture: fomr",
        r"en/faq/pay-how.md:\d+", "there is no picture 'fomr'", "form, cards",
    ),
    Edit(
        "another fee in one entry", FEE, r"\{fee\}", "NT$300",
        r"en/faq/fee.md:\d+", "'NT$300' is spelled out", "locales/facts.yaml",
    ),
    Edit(
        "another fee in other words", FEE, r"\{fee\}", "300 NTD",
        r"en/faq/fee.md:\d+", "'300 NTD' is spelled out", "locales/facts.yaml",
    ),
    Edit(
        "another hotline in one entry", ("en/faq/contact.md", "zh_Hant/faq/contact.md"),
        r"\{hotline\}", "0800-080-118",
        r"en/faq/contact.md:\d+", "'0800-080-118' is spelled out", "locales/facts.yaml",
    ),
    Edit(
        "the first sentence removed", ("en/faq/fee.md",), r"(?<=\n\n)[^#\n].*?\. ", "",
        r"(en|zh_Hant)/faq/fee.md:\d+", "differ|bold", "Say the same in",
    ),
    Edit(
        "the answer removed", FEE, r"(?<=\n\n)(?!---)[^\[]+(?=\[more\])", "",
        r"en/faq/fee.md:\d+", "there is no answer in embedded mode", "Begin with the answer",
    ),
    Edit(
        "cash in one language", ("zh_Hant/faq/fee.md",), "信用卡", "現金",
        r"en/faq/fee.md:\d+", "no word for credit card in zh_Hant",
        "Say the same here and in zh_Hant",
    ),
    Edit(
        "a name with a colon", ("en/faq/fee.md",), r'^  - name: .*$', "  - name: MOICA: the FAQ",
        r"en/faq/fee.md:\d+", "mapping values are not allowed", "",
    ),
    Edit(
        "a fact not looked at", ("facts.yaml",),
        r"(?<=checked: )2026-11-23(?=, max_age_days: 90)", "2026-07-01",
        r".*/locales/facts.yaml:\d+", "fact .fee. was last checked on 2026-07-01, more than 90",
        "Look at the page", is_warning=True,
    ),
    Edit(
        "a misspelt fact", FEE, r"\{fee\}", "{fe}",
        r"en/faq/fee.md:\d+", "{fe} is no fact", "Write the name of a fact",
    ),
]  # fmt: skip


def check() -> list[FaqFinding]:
    return faq_check.find_problems(TODAY)


def test_the_entries_are_in_order(copy: Path) -> None:
    assert [finding for finding in check() if not finding.is_warning] == []


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_a_mistake_is_named_with_file_line_and_remedy(copy: Path, edit: Edit) -> None:
    edit.make(copy)
    found = [
        finding
        for finding in check()
        if re.fullmatch(edit.place, finding.place)
        and (edit.message in finding.message or re.search(edit.message, finding.message))
        and edit.remedy in finding.remedy
    ]
    assert found, check()
    assert {finding.is_warning for finding in found} == {edit.is_warning}
    if edit.new:
        assert found[0].line is not None


def test_a_phrasing_of_another_entry_is_an_error_that_names_both(copy: Path) -> None:
    for language, phrasing in FEE_PHRASING.items():
        path = copy / language / "faq" / "lost-card.phrasings.txt"
        path.write_text(path.read_text(encoding="utf-8") + f"{phrasing}\n", encoding="utf-8")
    errors = [finding for finding in check() if not finding.is_warning]
    assert len(errors) == len(FEE_PHRASING)
    for language, phrasing in FEE_PHRASING.items():
        (found,) = [each for each in errors if each.place.startswith(f"{language}/")]
        assert re.fullmatch(rf"{language}/faq/(fee|lost-card)\.phrasings\.txt:\d+", found.place)
        assert f"{phrasing!r} is a phrasing of" in found.message
        assert "Delete it from the entry that does not answer it" in found.remedy


def test_a_phrasing_that_reads_like_those_of_another_entry_is_a_warning(copy: Path) -> None:
    places = []
    for language, phrasing in LIKE_FEE.items():
        path = copy / language / "faq" / "lost-card.phrasings.txt"
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([*lines, phrasing]) + "\n", encoding="utf-8")
        places.append(f"{language}/faq/lost-card.phrasings.txt:{len(lines) + 1}")
    found = [finding for finding in check() if finding.place in places]
    assert {finding.place for finding in found} == set(places)
    assert all(finding.is_warning for finding in found)
    assert all("reads like a question for fee" in finding.message for finding in found)


def test_a_phrasing_with_a_colon_is_a_phrasing(copy: Path) -> None:
    path = copy / "en" / "faq" / "fee.phrasings.txt"
    path.write_text(
        path.read_text(encoding="utf-8") + "a question about the price: how high is it\n",
        encoding="utf-8",
    )
    assert [finding for finding in check() if "the price" in finding.message] == []
    entry = entries.load_entries().get("fee", "en")
    assert entry is not None
    assert entry.phrasings[-1] == "a question about the price: how high is it"


def test_a_first_sentence_is_missed_in_most_entries(copy: Path) -> None:
    """What is left unsaid is found by terms, figures, emphasis and length."""
    missed = []
    for path in sorted((copy / "en" / "faq").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        shorter = re.sub(r"(^# .*\n\n)[^#\[\n]+?[.!?]\** (?=\S)", r"\1", text, flags=re.MULTILINE)
        if shorter != text:
            path.write_text(shorter, encoding="utf-8")
    places = {finding.path.stem for finding in check()}
    for path in sorted((copy / "en" / "faq").glob("*.md")):
        was = (locales.ROOT / "en" / "faq" / path.name).read_text(encoding="utf-8")
        if path.read_text(encoding="utf-8") != was and path.stem not in places:
            missed.append(path.stem)
    assert len(missed) <= len(places) // 4, missed
