"""`kaika faq check` names what is wrong with an entry."""

import shutil
from datetime import date
from pathlib import Path

import pytest

import locales
from bot.cli import faq_check
from services.faq import entries

TODAY = date(2026, 11, 29)
ENTRY = """---
id: {id}
code: {code}
section: apply
related: [{related}]
{page}
sources:
  - name: MOICA
    url: https://moica.nat.gov.tw/x.html
    date: 2026-11-23
checked: 2026-11-23
---
# {title}

{body}
"""
EN = {
    "phrasing": "how much",
    "related": "refund",
    "title": "The fee",
    "body": "It costs {fee}.\n\n## Steps\n1. Pay at https://moica.nat.gov.tw/pay.",
}
ZH = {
    "phrasing": "多少錢",
    "related": "refund",
    "title": "工本費",
    "body": "費用是 {fee}。\n\n## 步驟\n1. 在 https://moica.nat.gov.tw/pay 繳費。",
}


def _write_entry(folder: Path, entry_id: str, values: dict[str, str]) -> None:
    page = f"page: {values['page']}" if "page" in values else "# no page"
    code = values.get("code", entry_id[:4])
    text = ENTRY.format(**{**values, "id": entry_id, "code": code, "page": page})
    (folder / f"{entry_id}.md").write_text(text, encoding="utf-8")
    phrasings = folder / f"{entry_id}.phrasings.txt"
    phrasings.write_text(values["phrasing"] + "\n", encoding="utf-8")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Write entries `fee` and `refund` in both languages and check them."""

    def _folder(language: str, name: str) -> Path:
        return tmp_path / language / name

    def _check(en: dict[str, str], zh: dict[str, str] | None) -> list[str]:
        for language, own, sound in (("en", en, EN), ("zh_Hant", zh, ZH)):
            folder = tmp_path / language / "faq"
            folder.mkdir(parents=True, exist_ok=True)
            if own is not None:
                _write_entry(folder, "fee", {**sound, **own})
            other = {"related": "fee", "phrasing": sound["phrasing"] * 2}
            _write_entry(folder, "refund", {**sound, **other})
            shutil.copy(locales.ROOT / language / "faq_terms.yaml", folder.parent)
        entries.load_entries.cache_clear()
        return [str(finding) for finding in faq_check.find_problems(TODAY)]

    monkeypatch.setattr(locales, "folder", _folder)
    monkeypatch.setattr(faq_check, "_error_code_problems", list)
    yield _check
    entries.load_entries.cache_clear()


def test_sound_entries_have_no_problems(write) -> None:  # type: ignore[no-untyped-def]
    assert write({}, {}) == []


@pytest.mark.parametrize(
    ("en", "zh", "problem"),
    [
        ({}, None, "is missing in zh_Hant"),
        ({"body": "It costs {postage}."}, {}, "figures differ"),
        ({"body": EN["body"] + "\n\n## Good to know\nMore."}, {}, "headings differ"),
        ({"body": EN["body"].replace("/pay", "/other")}, {}, "links differ"),
        ({"related": "no-such"}, {"related": "no-such"}, "does not exist"),
        (
            {"body": "It costs NT$278."},
            {},
            "fee.md:15: error: 'NT$278' is spelled out. Write {fee}",
        ),
        ({"body": "It costs NT$300."}, {}, "'NT$300' is spelled out. Write the name of a fact"),
        (
            {},
            {"body": "\n\n費用 300 元"},
            "fee.md:17: error: '300 元' is spelled out. Write the name of a fact",
        ),
        ({"body": "Pay within 15 days."}, {}, "'15 days' is spelled out. Write {pay_days}"),
        (
            {"title": "0800-080-117?"},
            {},
            "fee.md:13: error: '0800-080-117' is spelled out. Write {hot",
        ),
        (
            {"body": "Or call 02-2191-2000."},
            {},
            "'02-2191-2000' is spelled out. Write the name of a fact",
        ),
        ({"body": "Write to cse@moica.nat.gov.tw"}, {}, "is spelled out. Write {email}"),
        ({"body": "Open moica.nat.gov.tw"}, {}, "'moica.nat.gov.tw' is spelled out. Write {site}"),
        ({"body": "Pay {feee}."}, {}, "fee.md:15: error: {feee} is no fact of locales/facts.yaml"),
        ({"page": "http://moica.nat.gov.tw/"}, {}, "is no https address of a .gov.tw site"),
        ({"page": "https://moica.example/"}, {}, "is no https address of a .gov.tw site"),
        ({"page": "https://moica.nat.gov.tw/"}, {}, "official page differ"),
        ({"related": "fee"}, {"related": "fee"}, "is itself"),
        ({"title": "x" * 61}, {}, "longer than 60"),
        ({"code": "Fee"}, {"code": "Fee"}, "fee.md:3: error: code 'Fee' is no word of 2 to 4"),
        ({"code": "price"}, {"code": "price"}, "is no word of 2 to 4"),
        ({"code": "take"}, {"code": "take"}, "/take is another command of the staff"),
        ({"code": "refu"}, {"code": "refu"}, "code 'refu' is that of fee, too"),
        ({"code": "cost"}, {}, "code differ"),
        (
            {"phrasing": "how much\nhow much"},
            {},
            "fee.phrasings.txt:2: error: 'how much' is already",
        ),
        ({"body": EN["body"] + "\n\n## Nonsense\nx"}, {}, "not one of the fixed"),
        ({"body": EN["body"] + "\n\n> a quote"}, {}, "cannot be shown"),
        ({"body": EN["body"] + "\n\n![x](https://a.b/c.png)"}, {}, "cannot be shown"),
        ({"body": EN["body"] + "\n\n- a\n  - b"}, {}, "cannot be shown"),
        ({"body": EN["body"] + "\n\n" + "x" * 5000}, {}, "cannot be shown"),
        ({}, {"body": ZH["body"] + "\n\n**粗體。**字"}, "left over"),
        ({}, {"phrasing": "多少钱"}, "Simplified character 钱"),
        ({}, {"title": "信用卡里的体"}, "Simplified character 体"),
    ],
)
def test_what_is_wrong_is_named(  # type: ignore[no-untyped-def]
    write, en: dict[str, str], zh: dict[str, str] | None, problem: str
) -> None:
    assert any(problem in line for line in write(en, zh))


def test_all_files_that_cannot_be_read_are_named(write) -> None:  # type: ignore[no-untyped-def]
    assert write({"phrasing": ""}, {"phrasing": "費用\n費用"}) == [
        "en/faq/fee.phrasings.txt: error: there is no phrasing in this file. "
        "Write it as docs/translating.md shows.",
        "zh_Hant/faq/fee.phrasings.txt:2: error: '費用' is already in line 1. "
        "Delete one of the two lines.",
    ]


def test_characters_both_scripts_share_are_no_problem() -> None:
    assert faq_check.find_simplified("台灣的里長只才准後面干擾") == set()
    assert faq_check.find_simplified("证书密码") == {"证", "书", "码"}
