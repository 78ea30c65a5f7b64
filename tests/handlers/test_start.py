"""/start, /help, /language, /faq, deep links, old and forged buttons."""

import pytest

from tests import phrases
from tests.bot_harness import BotHarness
from tests.faq_titles import title


@pytest.mark.parametrize(
    ("code", "greeting"),
    [
        ("en", "Welcome to Kaika"),
        ("vi", "Welcome to Kaika"),
        (None, "Welcome to Kaika"),
        ("zh", "歡迎使用 Kaika"),
        ("zh-hans", "歡迎使用 Kaika"),
        ("zh-TW", "歡迎使用 Kaika"),
    ],
)
async def test_the_client_decides_the_first_language(
    harness: BotHarness, code: str | None, greeting: str
) -> None:
    anna = harness.add_user(language=code)
    await anna.starts()
    anna.sees(greeting)


async def test_the_language_is_changed_with_one_tap_and_remembered(harness: BotHarness) -> None:
    anna = harness.add_user(language="en")
    await anna.starts()
    await anna.presses(phrases.LANGUAGE_NAME.chinese)
    anna.sees("歡迎使用 Kaika")
    await anna.says("/help")
    anna.sees(phrases.HELP.chinese)
    await harness.kaika.languages.load()
    assert harness.kaika.languages.resolve(anna.person.id, "en") == "zh_Hant"

    await anna.says("/language")
    assert "✓ 繁體中文" in anna.labels
    await anna.presses("English")
    anna.sees("Welcome to Kaika")


async def test_every_entry_can_be_reached_by_browsing_and_back(harness: BotHarness) -> None:
    anna = harness.add_user()
    entries = harness.kaika.application.bot_data["services"].entries
    await anna.says("/faq")
    seen = []
    for section in anna.labels:
        await anna.presses(section)
        while True:
            seen += [lb for lb in anna.labels if not lb.startswith(("‹", "«", "Page "))]
            if not any(label.startswith("Page ") for label in anna.labels):
                break
            await anna.presses(next(lb for lb in anna.labels if lb.startswith("Page ")))
        await anna.presses("« All topics")
    assert sorted(seen) == sorted(entry.title for entry in entries.all("en"))
    assert len(anna.bot_messages) == 1, "browsing edits one message"


async def test_a_deep_link_leads_to_its_entry(harness: BotHarness) -> None:
    anna = harness.add_user(language="zh-hant")
    await anna.starts("faq-fee")
    anna.sees("278", title("fee", "zh_Hant"))


@pytest.mark.parametrize("payload", ["faq-no-such-entry", "faq-"])
async def test_a_deep_link_to_nothing_says_so(harness: BotHarness, payload: str) -> None:
    anna = harness.add_user()
    await anna.starts(payload)
    anna.sees(phrases.NO_LONGER_HERE)


async def test_faq_with_words_is_a_question(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("/faq how much does the card cost")
    anna.sees("278")


async def test_an_unknown_command_is_answered_with_help(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("/nonsense")
    anna.sees(phrases.UNKNOWN_COMMAND, "/faq")


@pytest.mark.parametrize(
    "data",
    [
        "v0:faq:fee.en",
        "v1:nosuch:x",
        "v1:faq:no-such.en",
        "v1:faq:fee.xx",
        "v1:faq:fee",
        "v1:browse:en.nosuch.0",
        "v1:browse:en.code.x",
        "v1:browse:xx",
        "v1:language:xx",
        "v1:delete:x",
        "v1:inline:fee",
        "nonsense",
        "v1:faq:" + "x" * 57,
        "🙂",
    ],
)
async def test_an_old_or_forged_button_gets_a_friendly_word(harness: BotHarness, data: str) -> None:
    anna = harness.add_user()
    await anna.says("/faq")
    before = anna.last["text"]
    await anna.forges(anna.last["message_id"], data)
    assert "no longer works" in (anna.toast or "")
    assert anna.last["text"] == before


async def test_a_page_beyond_the_last_is_the_last(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.says("/faq")
    await anna.forges(anna.last["message_id"], "v1:browse:en.card.999")
    anna.sees("The card and the certificate")
    assert len(anna.labels) > 1


async def test_the_same_button_twice_is_answered_twice_and_changes_nothing(
    harness: BotHarness,
) -> None:
    anna = harness.add_user()
    await anna.says("/faq")
    message_id = anna.last["message_id"]
    for _ in range(2):
        await anna.forges(message_id, "v1:browse:en.card.0")
    anna.sees("The card and the certificate")
    assert len(anna.bot_messages) == 1
