"""The check of the words that people read finds what it is there for."""

import pytest

from locales import facts
from tools import words


def test_every_text_follows_the_rules_or_is_allowed_for_now() -> None:
    keys = {violation.key for violation in words.find_violations()}
    assert keys - set(words.read_allowed()) == set(), "run: python -m tools.words"


def test_nothing_is_allowed_for_nothing() -> None:
    allowed = words.read_allowed()
    assert sorted(set(allowed)) == allowed
    assert set(allowed) - {violation.key for violation in words.find_violations()} == set()


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Start it anew.", "old: again"),
        ("Send /unpair at once.", "old: right away, at the same time"),
        ("It does not work any more.", "old: no longer"),
        ("Valid, good until 2030", "old: valid until"),
        ("Nothing is lost.", "your data is safe"),
        ("Nothing was changed.", "no changes were made"),
        ("This try was not counted.", "did not use up an attempt"),
        ("Go on at your PC", "continue"),
        ("Where does it stand?", "status"),
        ("Who are you?", "verify your identity"),
        ("Resume it now", "reactivate"),
        ("Tries left: 2", "attempt"),
        ("You are told by e-mail.", "we tell you, you get"),
        ("We found no official word.", "not confirmed"),
    ],
)
def test_english_that_is_not_written(text: str, rule: str) -> None:
    assert rule in words.find_words(text, "en")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("請輸入代碼", "用戶代碼"),
        ("請輸入 PIN碼，不是PIN 碼", "PIN碼"),
        ("插入讀卡器", "讀卡機"),
        ("您沒有任何損失", "不受影響"),
        ("什麼都沒有變動", "未變更任何資料"),
        ("這次沒有計次", "不計入錯誤次數"),
        ("我們私下辦吧", "私人聊天室"),
        ("我聽不懂錄音", "目前無法處理"),
        ("代碼不被接受", "錯誤、失敗"),
        ("我們沒有找到官方說明", "尚未確認"),
    ],
)
def test_chinese_that_is_not_written(text: str, rule: str) -> None:
    assert rule in words.find_words(text, "zh_Hant")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Type the subscriber code. In order to pay, go online.", "en"),
        ("請輸入用戶代碼。錯誤代碼在下方，PIN碼不要輸入。", "zh_Hant"),
    ],
)
def test_good_words_pass(text: str, language: str) -> None:
    assert list(words.find_words(text, language)) == []


def test_a_message_is_measured_without_its_tags() -> None:
    assert list(words.find_lengths("", f"<b>{'x' * 350}</b>", "en")) == []
    assert list(words.find_lengths("", "x" * 351, "en")) == ["at most 350 characters"]
    assert list(words.find_lengths("", "字" * 161, "zh_Hant")) == ["at most 160 characters"]
    help_page = words.PAGES[1]
    assert list(words.find_lengths(help_page, "x" * 351, "en")) == []


def test_a_message_is_measured_with_its_facts() -> None:
    assert list(words.find_lengths("", "x" * 340 + "{hotline}", "en")) != []
    assert list(words.find_lengths("", "x" * 330 + "{hotline}{days}", "en")) == []
    assert list(words.find_long_labels("⏳ Over: {pay_days}", {})) == []
    assert list(words.find_long_labels("⏳ No payment was made for {pay_days}", {})) != []


@pytest.mark.parametrize(
    ("text", "language", "rules"),
    [
        ("Pay NT$278.", "en", ["a fact by its name, {fee}"]),
        ("請撥 0800-080-117。", "zh_Hant", ["a fact by its name, {hotline}"]),
        ('<a href="https://moica.nat.gov.tw/x">Page</a>', "en", ["a fact by its name, {site}"]),
        ("Pay NT$99.", "en", ["a fact of its own, NT$99"]),
        ("Pay {fee} in {pay_days}: {site}, {number}.", "en", []),
    ],
)
def test_a_fact_is_named_and_not_spelled_out(text: str, language: str, rules: list[str]) -> None:
    assert list(words.find_facts(text, language)) == rules


def test_a_button_is_measured_after_its_sign() -> None:
    too_long = "a button has at most 24 characters"
    assert list(words.find_long_labels(f"⏸ {'x' * 24}", {"zh_Hant": "⏸ 停用"})) == []
    assert list(words.find_long_labels(f"⏸ {'x' * 25}", {"zh_Hant": "⏸ 停用"})) == [too_long]
    assert list(words.find_long_labels("⏸ Suspend", {"zh_Hant": f"⏸ {'停' * 13}"})) == [
        "a button has at most 12 characters"
    ]


def test_labels_of_buttons_are_found_in_code() -> None:
    source = (
        'ButtonTransition("a", N_("✅ Yes"), "b")\n'
        'button(label(language, "🔔 Remind me"), "pay")\n'
        'say(language, "No button")\n'
    )
    assert words.find_labels(source) == {"✅ Yes", "🔔 Remind me"}


@pytest.mark.parametrize(
    "source",
    [
        'self.start_button("again", N_("🔁 Start again"))',
        'operation.restart_button(key, label=N_("🔁 Start again"))',
        'replace(button, key="again", label=N_("🔁 Start again"))',
        'page_step(TEXT, "next", done_label=N_("🔁 Start again"))',
        'Step(TEXT, title=N_("🔁 Start again"))',
        'RESTART_LABEL = N_("🔁 Start again")',
    ],
)
def test_no_way_to_name_a_button_escapes(source: str) -> None:
    assert words.find_labels(source) == {"🔁 Start again"}


@pytest.mark.parametrize(
    ("label", "is_good"),
    [
        ("⏸ Suspend now", True),
        ("✅ I have both", True),
        ("🚨 Card lost", True),
        ("🙋 #{number}", True),
        ("ℹ️ Already activated", True),
        ("💳 Payment", False),
        ("Certificate Operations", False),
    ],
)
def test_a_button_begins_with_a_verb_unless_it_is_an_answer(label: str, is_good: bool) -> None:
    assert (list(words.find_missing_verbs(label)) == []) is is_good


def test_every_choice_is_on_some_button() -> None:
    shown = " | ".join(facts.fill_in(label, "en") for label in words.read_labels())
    assert [each for each in words.CHOICES if each not in shown] == []
