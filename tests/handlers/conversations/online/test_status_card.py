"""/status: what a linked chat sees without typing anything."""

import pytest

from tests import phrases
from tests.bot_harness import BotHarness, buttons
from tests.handlers.clock import current_time
from tests.handlers.conversations.online.cardholders import CARD_STATES, Office
from tests.handlers.conversations.online.step_walker import expire_certificates
from tests.handlers.engine.navigation import press, state

CARDS = {
    "submitted": ("👉 Payment (繳費)", "Next: pay NT$278", "💳 Pay the card fee"),
    "paid": ("👉 Card production (製卡)", "Next: wait for the card", "📮 When does it arrive?"),
    "issued": ("👉 Posting (寄送)", "Next: wait for the card", "📮 When does it arrive?"),
    "posted": ("👉 Activation (開卡)", "Next: activate the card", "🆕 Activate my card"),
    "active": ("Certificate: valid (有效)", phrases.NOTHING_TO_DO, phrases.CARD_LOST),
    "suspended": ("suspended (停用) since", "Next: found the card?", "▶️ Reactivate (復用)"),
    "revoked": ("revoked (廢止) on", "apply in person", "🏢 Where to apply"),
    "expired": ("expired (過期) on", "apply in person", "🏢 Where to apply"),
}
CHINESE = {
    "submitted": ("👉 繳費", "下一步：繳費 NT$278", "💳 線上繳費"),
    "active": ("憑證：有效", "不需要辦理任何事項", phrases.CARD_LOST.chinese),
    "suspended": ("憑證：停用", "下一步：找到卡片了嗎", "▶️ 恢復使用（復用）"),
}


def test_no_state_is_left_out() -> None:
    assert set(CARDS) == {*CARD_STATES, "expired"}


@pytest.mark.parametrize(
    ("language", "reached"), [("en", each) for each in CARDS] + [("zh-hant", e) for e in CHINESE]
)
async def test_a_linked_chat_sees_state_next_step_and_one_button(
    harness: BotHarness, office: Office, language: str, reached: str
) -> None:
    holder = await office.cardholder("active" if reached == "expired" else reached)
    if reached == "expired":
        await expire_certificates(holder)
    anna = harness.add_user(language=language)
    await anna.starts()
    await holder.links(anna.person.id, current_time(harness))
    count_before = len(anna.bot_messages)
    await anna.says("/status")
    expected, advice, button = (CARDS if language == "en" else CHINESE)[reached]
    anna.sees(holder.ui_number.mask(), expected, advice)
    assert len(anna.bot_messages) == count_before + 1
    assert [label.strip() for label in anna.labels] == [button]
    assert holder.ui_number_text not in anna.last["text"]
    await anna.presses(button)
    assert len(anna.bot_messages) == count_before + 2, "what follows stands below the card"


async def test_each_person_of_a_chat_has_a_card(harness: BotHarness, office: Office) -> None:
    first, second = await office.cardholder("active", 1), await office.cardholder("submitted", 2)
    anna = harness.add_user()
    await anna.starts()
    for holder in (first, second):
        await holder.links(anna.person.id, current_time(harness))
    await anna.says("/status")
    cards = anna.bot_messages[-2:]
    for holder, card in zip((first, second), cards, strict=True):
        assert holder.ui_number.mask() in card["text"]
        assert len(buttons(card)) == 1


async def test_a_chat_that_is_not_linked_verifies_first(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.says("/status")
    anna.sees(phrases.WHO_ARE_YOU)
    assert (await state(anna)).conversation == "status"
    await anna.says(holder.number_and_code)
    anna.sees(phrases.STATUS_TITLE)


async def test_the_card_comes_between_and_the_step_stays(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts()
    await holder.links(anna.person.id, current_time(harness))
    await anna.starts("do-resume")
    before = await state(anna)
    await anna.says("/status")
    assert phrases.NOTHING_TO_DO in anna.bot_messages[-2]["text"]
    assert await state(anna) == before
    await press(anna, "unlock")


async def test_in_a_group_nobodys_status_is_shown(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await anna.starts()
    await holder.links(anna.person.id, current_time(harness))
    group = harness.engine.add_group("Tea", [anna.person], bot_is_admin=True)
    there = anna.within(group.id)
    await there.says("/status")
    there.sees("private chat")
    assert holder.ui_number.mask() not in there.last["text"]
