"""A lost card: how many taps, typed entries and messages it takes, and where it begins."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.telegram import command_menus
from sandbox.engine import Engine
from tests import phrases
from tests.bot_harness import BotHarness, ChatUser, buttons
from tests.handlers.conversations.online.cardholders import (
    Office,
    open_online_harness,
    read_one_time_code,
    wrong_code,
)

LANGUAGES = ("en", "zh-hant")
Beginning = Callable[[ChatUser], Awaitable[None]]


class CountingUser(ChatUser):
    """Counts taps and typed entries."""

    taps = typed = 0

    async def forges(self, message_id: int, data: str) -> None:
        self.taps += 1
        await super().forges(message_id, data)

    async def says(self, text: str, reply_to: int | None = None, quote: str | None = None) -> int:
        if not text.startswith("/"):
            self.typed += 1
        return await super().says(text, reply_to, quote)

    def reads(self, phrase: phrases.Phrase) -> str:
        """Return a phrase in the person's language."""
        is_chinese = self.person.account.language_code == "zh-hant"
        return phrase.chinese if is_chinese else str(phrase)


def add_user(harness: BotHarness, language: str) -> CountingUser:
    return CountingUser(harness, harness.engine.add_person("Anna", language))


async def presses_start_and_the_first_button(anna: CountingUser) -> None:
    await anna.starts()
    await presses_first_button(anna)


async def asks_for_help_and_presses_the_first_button(anna: CountingUser) -> None:
    await anna.says("/help")
    await presses_first_button(anna)


async def sends_the_command(anna: CountingUser) -> None:
    await anna.says("/lost")


async def presses_first_button(anna: CountingUser) -> None:
    first = buttons(anna.last)[0]
    assert first["text"] == anna.reads(phrases.CARD_LOST)
    await anna.forges(anna.last["message_id"], first["callback_data"])


BEGINNINGS = (
    presses_start_and_the_first_button,
    asks_for_help_and_presses_the_first_button,
    sends_the_command,
)
beginnings = pytest.mark.parametrize("begin", BEGINNINGS, ids=lambda each: each.__name__)
languages = pytest.mark.parametrize("language", LANGUAGES)


@beginnings
@languages
async def test_a_person_whose_chat_is_not_linked_suspends_in_three_taps_and_three_entries(
    engine: Engine, tmp_path: Path, language: str, begin: Beginning
) -> None:
    async with open_online_harness(engine, tmp_path) as harness:
        holder = await Office.open_for(harness, tmp_path).cardholder()
        anna = add_user(harness, language)
        await begin(anna)
        await anna.says(holder.ui_number_text)
        await anna.says(holder.code_text)
        await anna.presses(anna.reads(phrases.SEND_ONE_TIME_CODE))
        await anna.says(await read_one_time_code(harness, holder))
        anna.sees(anna.reads(phrases.SUSPEND_NOW))
        await anna.presses(anna.reads(phrases.SUSPEND_BUTTON))
        anna.sees(anna.reads(phrases.SUSPENDED))
        assert await holder.certificate_state() == "suspended"
        assert (anna.taps <= 3, anna.typed <= 3) == (True, True), (anna.taps, anna.typed)
        assert len(anna.bot_messages) <= 5, [m["text"] for m in anna.bot_messages]


@beginnings
@languages
async def test_the_guide_is_at_the_official_page_after_two_taps(
    harness: BotHarness, language: str, begin: Beginning
) -> None:
    anna = add_user(harness, language)
    await begin(anna)
    await anna.presses("✅")
    assert "moica.nat.gov.tw" in anna.last["text"]
    assert "停用" in anna.last["text"]
    assert anna.taps <= 2


async def test_the_command_is_the_first_in_the_list(harness: BotHarness) -> None:
    await command_menus.publish(harness.kaika.application.bot)
    for code in (None, "zh"):
        answer = await harness.engine.call("getMyCommands", {"language_code": code or ""})
        assert answer["result"][0]["command"] == "lost"


@pytest.mark.parametrize("conversation", ["pay", "status", "resume-who"])
@languages
async def test_every_wrong_code_offers_to_suspend_first(
    engine: Engine, tmp_path: Path, language: str, conversation: str
) -> None:
    async with open_online_harness(engine, tmp_path) as harness:
        holder = await Office.open_for(harness, tmp_path).cardholder()
        anna = add_user(harness, language)
        await anna.starts(f"do-{conversation}")
        await anna.says(f"{holder.ui_number_text} {wrong_code(holder)}")
        assert "❌" in anna.last["text"]
        assert anna.labels[0] == anna.reads(phrases.CARD_LOST)
        await anna.says(holder.code_text)
        assert anna.reads(phrases.CARD_LOST) not in anna.labels


@languages
async def test_the_first_question_of_a_lost_card_fits_a_phone(
    engine: Engine, tmp_path: Path, language: str
) -> None:
    async with open_online_harness(engine, tmp_path) as harness:
        anna = add_user(harness, language)
        await anna.says("/lost")
        assert len(anna.last["text"]) <= {"en": 350, "zh-hant": 160}[language]
