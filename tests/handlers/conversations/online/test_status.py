"""Where it stands: a line of dates that reads well on a phone, and the way on."""

from datetime import timedelta

import pytest

from tests import phrases
from tests.bot_harness import BotHarness, ChatUser, buttons
from tests.handlers.clock import current_time, set_time
from tests.handlers.conversations.online.cardholders import Cardholder, Office
from tests.handlers.conversations.online.step_walker import expire_certificates
from tests.handlers.engine.navigation import press, state, step_keys

DAY = "2027-02-28"
LINES = {
    "submitted": (
        f"✓ {DAY}  Application (申請)",
        "👉 Payment (繳費)",
        "○ Card production",
        "○ Activation",
    ),
    "paid": (f"✓ {DAY}  Payment (繳費)", "👉 Card production (製卡)", "○ Posting"),
    "issued": (f"✓ {DAY}  Card production (製卡)", "👉 Posting (寄送)"),
    "posted": (f"✓ {DAY}  Posting (寄送)", "👉 Activation (開卡)", "Next: activate the card"),
    "active": (
        f"✓ {DAY}  Activation (開卡)",
        "valid (有效)",
        "until Saturday 28 February 2032",
        phrases.NOTHING_TO_DO,
    ),
    "suspended": ("suspended (停用) since Sunday 28 February 2027", "Next: found the card?"),
    "revoked": ("revoked (廢止) on Sunday 28 February 2027", "apply in person"),
}
CHINESE = {
    "submitted": (f"✓ {DAY}  申請", "👉 繳費", "○ 製卡", "下一步：繳費 NT$278", "還有 14 天"),
    "posted": ("👉 開卡", "下一步：收到卡片後開卡"),
    "active": ("憑證：有效", "不需要辦理任何事項"),
    "suspended": ("憑證：停用，自2027年2月28日（週日）起", "下一步：找到卡片了嗎"),
    "revoked": ("憑證：已廢止，2027年2月28日（週日）起", "服務站"),
}
NEXT = {
    "submitted": "pay",
    "posted": "activate",
    "active": "suspend",
    "suspended": "resume",
}


async def look_up_status(anna: ChatUser, holder: Cardholder) -> None:
    """Look up the status, and decline the offer to link the chat, if there is one."""
    await anna.starts("do-status")
    await anna.says(holder.number_and_code)
    if "no" in step_keys(anna):
        await press(anna, "no")


def offered_conversations(anna: ChatUser) -> list[str]:
    """Return the conversations offered below the newest message."""
    found = [b["callback_data"] for b in buttons(anna.last)]
    return [data.removeprefix("v1:do:") for data in found if data.startswith("v1:do:")]


@pytest.mark.parametrize("reached", LINES)
async def test_every_state_has_its_line_and_its_button(
    harness: BotHarness, office: Office, reached: str
) -> None:
    holder, anna = await office.cardholder(reached), harness.add_user()
    await look_up_status(anna, holder)
    anna.sees(phrases.STATUS_TITLE, *LINES[reached])
    assert offered_conversations(anna) == ([NEXT[reached]] if reached in NEXT else [])
    assert not (await state(anna)).is_open
    longest = max(len(line) for line in anna.last["text"].split("\n") if line[:1] in "✓👉○")
    assert longest <= 36, "a line on a phone"


@pytest.mark.parametrize("reached", LINES)
async def test_the_next_step_comes_before_the_offer_of_alerts(
    harness: BotHarness, office: Office, reached: str
) -> None:
    holder, anna = await office.cardholder(reached), harness.add_user()
    await anna.starts("do-status")
    await anna.says(holder.number_and_code)
    offers = [i for i, label in enumerate(anna.labels) if "get alerts" in label]
    expected = {"revoked": [], "paid": [0], "issued": [0], "active": [0]}.get(reached, [1])
    assert offers == expected, anna.labels
    if offers == [1]:
        assert offered_conversations(anna) == [NEXT[reached]]


async def test_nobody_is_offered_alerts_about_an_expired_card(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder(), harness.add_user()
    await expire_certificates(holder)
    await anna.starts("do-status")
    await anna.says(holder.number_and_code)
    anna.sees("expired (過期)", "apply in person")
    assert not any("alerts" in label for label in anna.labels)


async def test_a_status_that_was_read_is_not_posted_again(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    await anna.starts("do-status")
    await anna.says(holder.number_and_code)
    anna.sees(phrases.STATUS_TITLE)
    await anna.says("how much does the card cost")
    anna.sees("278")
    await anna.says("ngA2h345")
    anna.sees("🔒", "/guide")
    await press(anna, "yes")
    assert any("You now get alerts" in message["text"] for message in anna.bot_messages)


@pytest.mark.parametrize("reached", CHINESE)
async def test_the_same_in_chinese(harness: BotHarness, office: Office, reached: str) -> None:
    holder, anna = await office.cardholder(reached), harness.add_user(language="zh-hant")
    await look_up_status(anna, holder)
    anna.sees(phrases.STATUS_TITLE.chinese, *CHINESE[reached])
    assert offered_conversations(anna) == ([NEXT[reached]] if reached in NEXT else [])


async def test_days_left_are_counted_in_taipei(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    set_time(harness, current_time(harness) + timedelta(days=13, hours=11))
    await look_up_status(anna, holder)
    anna.sees("by Monday 15 March 2027 (days left: 1)")


async def test_it_is_read_in_the_language_chosen_later(harness: BotHarness, office: Office) -> None:
    holder, anna = await office.cardholder("suspended"), harness.add_user()
    await anna.starts("do-status")
    await anna.says(holder.number_and_code)
    await press(anna, "lang-zh_Hant")
    anna.sees(phrases.STATUS_TITLE.chinese, "憑證：停用，自2027年2月28日（週日）起")
