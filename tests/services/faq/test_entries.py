"""FAQ entries are read from two files, and a malformed file is named with its line."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import locales
from services.faq import entries
from services.faq.entries import Answer, EntryFormatError, Mode

ENTRY = """---
id: fee
code: fees
section: apply
related: [refund]
sources:
  - name: MOICA
    url: https://moica.nat.gov.tw/x.html
    date: 2026-11-23
checked: 2026-11-23
---
# The fee

It costs {fee}.
"""
MODES = """Both begin.

[embedded]
Pay here.
[guide]
Pay there by {pay_days}.

[both]
Both go on.
[more]
More for both.
[guide]
More there.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one sound entry."""
    folder = tmp_path / "en" / "faq"
    folder.mkdir(parents=True)
    (folder / "fee.md").write_text(ENTRY, encoding="utf-8")
    (folder / "fee.phrasings.txt").write_text("how much\nthe fee\n", encoding="utf-8")
    return folder


@pytest.fixture
def only_english(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let the loader read `folder` and nothing else."""
    monkeypatch.setattr(locales, "LANGUAGES", ("en",))
    monkeypatch.setattr(locales, "folder", lambda language, name: folder)
    entries.load_entries.cache_clear()
    yield folder
    entries.load_entries.cache_clear()


def test_an_entry_is_its_answer_and_its_phrasings(folder: Path) -> None:
    entry = entries.read_entry(folder / "fee.md", "en")
    assert (entry.id, entry.title) == ("fee", "The fee")
    assert entry.answers == dict.fromkeys(Mode, Answer("It costs NT$278.", ""))
    assert entry.phrasings == ("how much", "the fee")


@pytest.mark.parametrize(
    "written",
    [
        "# what it costs\nhow much\n\n  # spelt badly\n  how mutch  \nis it #1 in price",
        "\ufeffhow much\r\nhow mutch\r\nis it #1 in price\r\n",
    ],
    ids=["comments and blank lines", "as a Windows editor saves it"],
)
def test_phrasings_are_the_lines_that_are_no_comments(folder: Path, written: str) -> None:
    path = folder / "fee.phrasings.txt"
    path.write_bytes(written.encode())
    assert entries.read_phrasings(path) == ("how much", "how mutch", "is it #1 in price")


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (b"", ": there is no phrasing in this file"),
        (b"# a comment\n\n", ": there is no phrasing in this file"),
        (b"how much\n\nhow much\n", ":3: 'how much' is already in line 1"),
        (b"how much\n" + b"x" * 301, ":2: longer than 300 characters"),
        ("多少\n多少錢".encode("big5"), ":1: not written in UTF-8"),
        ("how much".encode("utf-16"), ":1: not written in UTF-8"),
        ("how much".encode("utf-16-le"), ":1: a control character, perhaps of UTF-16"),
    ],
)
def test_nonsense_among_the_phrasings_is_named_with_its_line(
    folder: Path, written: bytes, problem: str
) -> None:
    (folder / "fee.phrasings.txt").write_bytes(written)
    with pytest.raises(EntryFormatError) as raised:
        entries.read_entry(folder / "fee.md", "en")
    assert str(raised.value) == f"en/faq/fee.phrasings.txt{problem}"


def test_an_answer_has_parts_for_one_mode_and_parts_behind_more(folder: Path) -> None:
    path = folder / "fee.md"
    path.write_text(ENTRY.replace("It costs {fee}.\n", MODES), encoding="utf-8")
    assert entries.read_entry(path, "en").answers == {
        Mode.EMBEDDED: Answer("Both begin.\n\nPay here.\n\nBoth go on.", "More for both."),
        Mode.GUIDE: Answer(
            "Both begin.\n\nPay there by 15 days.\n\nBoth go on.", "More for both.\n\nMore there."
        ),
    }


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            "[here]\nPay here.",
            ":14: [here] is none of the marks [embedded], [guide], [both], [more]",
        ),
        ("Pay.\n\n[more]\n\n", ":16: nothing follows [more]"),
        ("Pay.\n[guide]\n[both]\nMore.", ":15: nothing follows [guide]"),
        ("Pay.\n[more]\nMore.\n[more]\nAnd more.", ":17: there is a second [more]"),
        ("[more]\nMore.", ":14: there is no answer in embedded mode before [more]"),
        ("[embedded]\nPay here.", ": there is no answer in guide mode before [more]"),
        ("Pay {fee} in {no_such} days.", ":14: {no_such} is no fact of locales/facts.yaml"),
        ("Pay.\n[more]\nCall {hotlin}.", ":16: {hotlin} is no fact of locales/facts.yaml"),
    ],
)
def test_a_mark_or_fact_that_cannot_be_is_named_with_its_line(
    folder: Path, body: str, problem: str
) -> None:
    path = folder / "fee.md"
    path.write_text(ENTRY.replace("It costs {fee}.\n", body), encoding="utf-8")
    with pytest.raises(EntryFormatError) as raised:
        entries.read_entry(path, "en")
    assert str(raised.value) == f"en/faq/fee.md{problem}"


def test_brackets_with_an_address_are_a_link_and_no_mark(folder: Path) -> None:
    path = folder / "fee.md"
    link = "[guide](https://moica.nat.gov.tw/)"
    path.write_text(ENTRY.replace("It costs {fee}.", link), encoding="utf-8")
    assert entries.read_entry(path, "en").answers[Mode.GUIDE].short == link


def test_missing_phrasings_are_named(folder: Path) -> None:
    (folder / "fee.phrasings.txt").unlink()
    with pytest.raises(EntryFormatError, match=r"en/faq/fee\.phrasings\.txt: this file is missing"):
        entries.read_entry(folder / "fee.md", "en")


@pytest.mark.parametrize(
    ("sound", "broken", "problem"),
    [
        (ENTRY, "", "front matter between"),
        (ENTRY, "no front matter", "front matter between"),
        (ENTRY, "---\na: 1\n---\nno title", "'# title' line"),
        ("section: apply", ": [", r"fee\.md:4: front matter: "),
        ("section: apply\n", "", "lacks section"),
        (ENTRY[4 : ENTRY.index("\n---\n# ")], "- a list", "must be 'key: value' lines"),
        ("section: apply", "section: apply\nphrasings: [how much]", "unknown phrasings"),
        ("related: [refund]", "related:", "not iterable"),
        ("    date: 2026-11-23\n", "", "'date'"),
        ("checked: 2026-11-23", "checked: yesterday", "is no date"),
        ("id: fee", "id: refund", "differs from the file's name"),
    ],
)
def test_a_malformed_answer_is_named(folder: Path, sound: str, broken: str, problem: str) -> None:
    path = folder / "fee.md"
    path.write_text(ENTRY.replace(sound, broken), encoding="utf-8")
    with pytest.raises(EntryFormatError, match=problem) as raised:
        entries.read_entry(path, "en")
    assert str(raised.value).startswith("en/faq/fee.md:")


def test_every_bad_file_is_found_and_the_first_one_stops_the_loading(only_english: Path) -> None:
    (only_english / "fee.phrasings.txt").write_text("x\nx\n")
    (only_english / "gone.phrasings.txt").write_text("nobody answers this\n")
    assert [re.sub(r".*/", "", str(error)) for error in entries.find_format_errors()] == [
        "fee.phrasings.txt:2: 'x' is already in line 1",
        "gone.phrasings.txt: there is no gone.md beside it",
    ]
    with pytest.raises(EntryFormatError, match="already in line 1"):
        entries.load_entries()


def test_sound_files_have_no_errors(only_english: Path) -> None:
    assert entries.find_format_errors() == []
    assert entries.load_entries().ids == ("fee",)
