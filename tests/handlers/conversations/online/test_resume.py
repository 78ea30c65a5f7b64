"""Resuming: everything is shown, everyone is told, and only then it is done."""

from datetime import timedelta

import pytest

from tests import phrases
from tests.bot_harness import BotHarness, ChatUser, buttons
from tests.handlers.clock import current_time, set_time
from tests.handlers.conversations.online.cardholders import (
    Cardholder,
    Office,
    is_deleted,
    read_newest_mail,
    read_one_time_code,
)
from tests.handlers.engine.navigation import press, state

WORDS = {
    "en": {"card": "IC card number", "tell": "Before we reactivate", "told": phrases.THEY_ARE_TOLD,
           "done": "Reactivated.", "already": "is not suspended", "stay": "keep it suspended"},
    "zh-hant": {"card": "IC卡卡號", "tell": "復用前", "told": "通知已送出",
                "done": "已復用", "already": "憑證沒有停用", "stay": "維持停用"},
}  # fmt: skip
languages = pytest.mark.parametrize("language", WORDS)


async def identify_fully(anna: ChatUser, holder: Cardholder) -> None:
    """Go to the step before everyone is told."""
    await anna.starts("do-resume")
    await press(anna, "resume")
    await press(anna, "yes")
    await anna.says(holder.number_and_code)
    await anna.says(await holder.read_card_number())
    await press(anna, "mail")
    await anna.says(await read_one_time_code(anna.harness, holder))


@languages
async def test_it_is_resumed_once_everyone_was_told(
    harness: BotHarness, office: Office, language: str
) -> None:
    holder, anna = await office.cardholder("suspended"), harness.add_user(language=language)
    said = WORDS[language]
    other = harness.add_user("Bình")
    await other.starts()
    await holder.links(other.person.id, current_time(harness))
    await identify_fully(anna, holder)
    anna.sees(said["tell"])
    await press(anna, "tell")
    anna.sees(said["told"])
    assert await holder.certificate_state() == "suspended", "not before the last yes"
    mail = await read_newest_mail(harness, holder)
    assert "asked to reactivate" in mail
    link = f"https://t.me/{harness.kaika.application.bot.username}?start=do-suspend"
    assert mail.count(link) == 2, "in both languages"
    assert "reactivate" in other.last["text"]
    await press(anna, "resume")
    anna.sees(said["done"])
    assert await holder.certificate_state() == "active"


@languages
async def test_the_card_number_is_needed_and_deleted(
    harness: BotHarness, office: Office, language: str
) -> None:
    holder, anna = await office.cardholder("suspended"), harness.add_user(language=language)
    await anna.starts("do-resume-who")
    await anna.says(holder.number_and_code)
    anna.sees(WORDS[language]["card"])
    sent = await anna.says("GP00000000000000")
    assert is_deleted(anna, sent)
    assert (await state(anna)).step == "card"
    for _ in range(3):
        await anna.says("GP00000000000000")
    assert (await state(anna)).step == "who", "the grant is over after three"
    assert await holder.certificate_state() == "suspended"


@languages
async def test_what_is_active_stays_so(harness: BotHarness, office: Office, language: str) -> None:
    holder, anna = await office.cardholder("active"), harness.add_user(language=language)
    await anna.starts("do-resume-who")
    await anna.says(holder.number_and_code)
    anna.sees(WORDS[language]["already"])
    assert not (await state(anna)).is_open
    assert await holder.certificate_state() == "active"


async def test_what_somebody_else_resumes_meanwhile_is_not_resumed_again(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder("suspended"), harness.add_user()
    await identify_fully(anna, holder)
    await press(anna, "tell")
    bob = harness.add_user("Bob")
    await identify_fully(bob, holder)
    await press(bob, "tell")
    await press(bob, "resume")
    bob.sees("Reactivated.")
    await press(anna, "resume")
    anna.sees("is not suspended")
    assert await holder.certificate_state() == "active"


@languages
async def test_an_unsafe_card_stays_suspended(harness: BotHarness, language: str) -> None:
    anna = harness.add_user(language=language)
    await anna.starts("do-resume-safe")
    await press(anna, "no")
    anna.sees(WORDS[language]["stay"])
    assert "v1:do:suspend.revoke" in [b["callback_data"] for b in buttons(anna.last)]


async def test_a_locked_pin_is_another_thing(harness: BotHarness) -> None:
    anna = harness.add_user()
    await anna.starts("do-resume")
    await press(anna, "unlock")
    assert (await state(anna)).conversation == "unlock"


async def test_what_is_revoked_is_not_resumed(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder("revoked"), harness.add_user()
    await anna.starts("do-resume-who")
    await anna.says(holder.number_and_code)
    anna.sees("be reactivated")
    assert not (await state(anna)).is_open


async def test_after_ten_minutes_it_begins_again(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder("suspended"), harness.add_user()
    await identify_fully(anna, holder)
    await press(anna, "tell")
    set_time(harness, current_time(harness) + timedelta(minutes=11))
    await press(anna, "resume")
    anna.sees(phrases.TEN_MINUTES_PASSED, phrases.TYPE_BOTH_AGAIN)
    assert await holder.certificate_state() == "suspended"


async def test_somebody_may_stop_after_they_were_told(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder("suspended"), harness.add_user()
    await identify_fully(anna, holder)
    await press(anna, "tell")
    await press(anna, "stay")
    assert await holder.certificate_state() == "suspended"
