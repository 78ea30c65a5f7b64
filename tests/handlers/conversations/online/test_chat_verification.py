"""Verifying the person: a chat that may not try the code for now goes on the same evening."""

import pytest

from tests import phrases
from tests.bot_harness import BotHarness, ChatUser, buttons
from tests.handlers.clock import current_time
from tests.handlers.conversations.online.cardholders import (
    Cardholder,
    Office,
    is_deleted,
    read_one_time_code,
    wrong_code,
)
from tests.handlers.conversations.online.linked_chats import link_chat
from tests.handlers.conversations.online.step_walker import enter_wrong_code, exhaust_guesses
from tests.handlers.engine.navigation import press, state, step_keys

STRANGERS = (21, 21, 22, 22)


async def is_wrong_three_times(anna: ChatUser, holder: Cardholder, conversation: str) -> None:
    await anna.starts(f"do-{conversation}")
    await anna.says(f"{holder.ui_number_text} {wrong_code(holder)}")
    for _ in range(2):
        await anna.says(wrong_code(holder))


@pytest.mark.parametrize(
    ("language", "said", "verified"),
    [
        ("en", "no attempts left until", "You're verified"),
        ("zh-hant", "沒有輸入機會了", "身分驗證完成"),
    ],
)
async def test_three_wrong_codes_and_the_right_one_still_pays_today(
    harness: BotHarness, office: Office, language: str, said: str, verified: str
) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user(language=language)
    await is_wrong_three_times(anna, holder, "pay")
    anna.sees(said, holder.ui_number.mask())
    typed = await anna.says(holder.birth_date)
    assert is_deleted(anna, typed)
    await anna.says(await read_one_time_code(harness, holder))
    anna.sees(verified, holder.ui_number.mask())
    assert "grant" not in (await state(anna)).data, "there is nothing it would be good for"
    await anna.says(holder.code_text)
    anna.sees("NT$278")


@pytest.mark.parametrize("conversation", ["pay", "status", "resume-who"])
async def test_who_has_to_verify_can_suspend_first_or_say_that_the_code_is_forgotten(
    harness: BotHarness, office: Office, conversation: str
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await is_wrong_three_times(anna, holder, conversation)
    anna.sees("incorrect")
    assert anna.labels[0] == phrases.CARD_LOST
    assert "forgotten" in step_keys(anna)
    await anna.says(holder.birth_date)
    assert (await state(anna)).step == "verify_mailed"
    assert anna.labels[0] == phrases.CARD_LOST
    await press(anna, "back")
    await press(anna, "forgotten")
    assert (await state(anna)).conversation == "retrieve"


async def test_wrong_three_times_more_the_chat_waits(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    await is_wrong_three_times(anna, holder, "pay")
    await anna.says(holder.birth_date)
    await anna.says(await read_one_time_code(harness, holder))
    for left in (3, 2):
        await anna.says(wrong_code(holder))
        anna.sees(f"Attempts left: {left}")
    await anna.says(wrong_code(holder))
    anna.sees("Too many attempts", "did not use up an attempt")  # a minute after five
    await exhaust_guesses(holder, anna.person.id + 1)


async def test_for_somebody_else_the_chat_still_waits(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    other = await office.cardholder("submitted", seed=2)
    await is_wrong_three_times(anna, holder, "pay")
    await anna.says(holder.birth_date)
    await anna.says(await read_one_time_code(harness, holder))
    await anna.says(other.number_and_code)
    anna.sees("no attempts left until", "the code was not checked", other.ui_number.mask())
    assert (await state(anna)).step == "verify"


async def test_strangers_cannot_keep_a_linked_chat_from_the_code(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    await anna.starts()
    await link_chat(holder, anna, current_time(harness))
    for chat in STRANGERS:
        await enter_wrong_code(holder, chat)
    await harness.run_due_jobs(current_time(harness))
    anna.sees("typed wrong four times", "It still works here")
    await anna.starts("do-status")
    await anna.says(holder.code_text)
    anna.sees("Application status")


async def test_where_strangers_tried_somebody_and_nobody_read_the_same(
    harness: BotHarness, office: Office
) -> None:
    holder = await office.cardholder("submitted")
    read = []
    for turn, number in enumerate((holder.ui_number_text, "A800000014")):
        for name in ("Bình", "Citra"):
            stranger = harness.add_user(f"{name} {turn}")
            await stranger.starts("do-pay")
            await stranger.says(f"{number} {wrong_code(holder)}")
            await stranger.says(wrong_code(holder))
        anna = harness.add_user(f"Anna {turn}")
        await anna.starts("do-pay")
        await anna.says(f"{number} {holder.code_text}")
        anna.sees(phrases.CODE_IS_PROTECTED)
        masked = (await state(anna)).data["masked"]
        read.append(anna.last["text"].replace(masked, "•"))
        await anna.says(holder.birth_date)
        read.append(anna.last["text"])
    assert read[:2] == read[2:]


async def test_the_owner_of_a_protected_code_verifies_and_pays(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    for chat in STRANGERS:
        await enter_wrong_code(holder, chat)
    await anna.starts("do-pay")
    await anna.says(holder.number_and_code)
    anna.sees(phrases.CODE_IS_PROTECTED)
    await anna.says(holder.birth_date)
    await anna.says(await read_one_time_code(harness, holder))
    await anna.says(holder.code_text)
    anna.sees("NT$278")


@pytest.mark.parametrize("conversation", ["pay", "status", "resume-who"])
async def test_who_forgot_the_code_is_led_on(
    harness: BotHarness, office: Office, conversation: str
) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    await anna.starts(f"do-{conversation}")
    assert "forgotten" in step_keys(anna)
    await anna.says(holder.ui_number_text)
    await press(anna, "forgotten")
    anna.sees("After activation")
    assert "gone" in step_keys(anna)
    assert buttons(anna.last)
