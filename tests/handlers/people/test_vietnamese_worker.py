"""A Vietnamese worker with basic English, whose Telegram speaks Vietnamese."""

from tests import phrases
from tests.bot_harness import BotHarness
from tests.handlers.conversations.online.cardholders import (
    Office,
    read_one_time_code,
    wrong_code,
)
from tests.handlers.people.person import HOTLINE, OFFICIAL_PAGE, Person


async def test_the_lost_card_is_suspended_from_a_question_in_vietnamese(embedded: Office) -> None:
    harness, holder = embedded.harness, await embedded.cardholder()
    linh = Person(harness, "Linh", "vi")
    await linh.types("Tôi bị mất thẻ rồi, phải làm sao?")
    linh.reads("tiếng Anh", "1990")
    await linh.taps("Mất thẻ")
    linh.reads("Verify your identity", "UI No.", "application form")
    await linh.types("hủy")
    linh.reads("Suspend the card, or stop here?")
    await linh.taps(phrases.SUSPEND_CARD)
    await linh.types("what is UI No")
    linh.reads("UI No.", "Verify your identity")
    await linh.types(holder.ui_number_text.lower())
    await linh.types(wrong_code(holder))
    linh.reads("UI No. or code is incorrect", "Attempts left", "capital and small letters matter")
    sent = await linh.types(holder.code_text)
    assert linh.is_gone(sent)
    linh.reads("The code is correct")
    await linh.taps("Send a one-time code")
    await linh.types("no email come")
    await linh.types(await read_one_time_code(harness, holder))
    await linh.taps("Suspend now")
    linh.reads("Suspended.", "To reactivate it")
    assert await holder.certificate_state() == "suspended"


async def test_the_guide_explains_what_the_official_page_says_in_chinese(guide: BotHarness) -> None:
    linh = Person(guide, "Linh", "vi")
    await linh.types("Tôi muốn kích hoạt thẻ mới")
    await linh.taps("Kích hoạt thẻ")
    linh.reads("Have ready", "subscriber code")
    await linh.taps(phrases.HAVE_EVERYTHING)
    await linh.types("I use phone ok?")
    while "Done" in " ".join(linh.labels):
        await linh.taps("Done")
    await linh.types("用戶代碼錯誤，請重新輸入")
    linh.reads("code")
    await linh.types("never mind")
    linh.reads("I stopped")
    await linh.types("cảm ơn")


async def test_the_guide_reaches_the_page_for_paying_and_a_person(guide: BotHarness) -> None:
    linh = Person(guide, "Linh", "vi")
    await linh.types("how pay money for card")
    await linh.taps("How to pay")
    await linh.taps("Step by step")
    await linh.taps(phrases.HAVE_EVERYTHING)
    linh.reads(OFFICIAL_PAGE)
    await linh.taps("No data found")
    linh.reads(HOTLINE)
    await linh.types("i want talk to a person")
    linh.reads(HOTLINE)
