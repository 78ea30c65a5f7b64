"""Somebody whose wallet was stolen at midnight: card, ARC and the form with the code are gone."""

from datetime import UTC, datetime

from tests import phrases
from tests.bot_harness import BotHarness
from tests.handlers.clock import set_time
from tests.handlers.conversations.online.cardholders import (
    Office,
    read_one_time_code,
    wrong_code,
)
from tests.handlers.people.person import HOTLINE, OFFICIAL_PAGE, Person

MIDNIGHT = datetime(2027, 3, 1, 16, 30, tzinfo=UTC)
"""Half past midnight in Taipei."""


async def test_the_card_is_suspended_without_anything_but_the_mailbox(embedded: Office) -> None:
    harness = embedded.harness
    holder = await embedded.cardholder()
    set_time(harness, MIDNIGHT)
    ravi = Person(harness, "Ravi", "en")
    await ravi.starts()
    await ravi.taps("Card lost")
    await ravi.types("my wallet was stolen!!")
    ravi.reads("Suspend", "Verify your identity")
    await ravi.types("stop")
    ravi.reads("Suspend the card, or stop here?")
    await ravi.taps(phrases.SUSPEND_CARD)
    await ravi.taps("I don't have the code")
    ravi.reads("You can suspend the card without the code")
    await ravi.taps("Suspend by e-mail")
    sent = await ravi.types(holder.ui_number_text)
    assert ravi.is_gone(sent)
    await ravi.types("1961-02-30")
    ravi.reads("date")
    await ravi.types("1961-02-28")
    ravi.reads("No mail after two minutes?", "check the number and date")
    await ravi.taps("Back")
    await ravi.types(holder.birth_date)
    ravi.reads("one-time code")
    await ravi.types("123456")
    ravi.reads("incorrect", "Attempts left")
    code = await read_one_time_code(harness, holder)
    await ravi.types(f"{code[:3]} {code[3:]}")
    ravi.reads("Suspend the card now?", "Without the code, only the counter can")
    await ravi.taps("Suspend now")
    ravi.reads("Suspended.", "No one can use the certificate now")
    assert await holder.certificate_state() == "suspended"
    await ravi.types("is my card really suspended now?")
    await ravi.types("/lost")
    await ravi.taps("Cancel")
    ravi.reads("I stopped")
    assert await holder.certificate_state() == "suspended"


async def test_a_wrong_code_in_another_conversation_is_one_tap_from_suspending(
    embedded: Office,
) -> None:
    holder = await embedded.cardholder()
    ravi = Person(embedded.harness, "Ravi", "en")
    await ravi.types("/status")
    await ravi.types(f"{holder.ui_number_text} {wrong_code(holder)}")
    ravi.reads("incorrect")
    await ravi.taps("Card lost")
    ravi.reads("Check my status", "was closed", "Suspend", "Verify your identity")
    await ravi.taps("I don't have the code")
    await ravi.taps("Suspend by e-mail")
    await ravi.types(f"{holder.ui_number_text} {holder.birth_date}")
    await ravi.types(await read_one_time_code(embedded.harness, holder))
    await ravi.taps("Suspend now", times=2)
    ravi.reads("Suspended.")
    assert await holder.certificate_state() == "suspended"


async def test_the_code_in_the_wrong_place_is_deleted_and_leads_to_the_right_one(
    embedded: Office,
) -> None:
    holder = await embedded.cardholder()
    ravi = Person(embedded.harness, "Ravi", "en")
    sent = await ravi.types(holder.number_and_code)
    assert ravi.is_gone(sent)
    ravi.reads("I deleted your message")
    await ravi.taps("Card lost")
    ravi.reads("Suspend", "Verify your identity")


async def test_the_guide_names_form_fax_and_hotline(guide: BotHarness) -> None:
    ravi = Person(guide, "Ravi", "en")
    await ravi.starts()
    await ravi.taps("Card lost")
    ravi.reads("Suspend the card", "Subscriber code", "IC card number")
    await ravi.types("A800000014")
    ravi.reads("I deleted your message", "Suspend the card")
    await ravi.taps("I'm missing one")
    ravi.reads("緊急停用申請書", HOTLINE)
    await ravi.types("they are closed at night, right?")
    await ravi.taps("I have the form")
    ravi.reads("Fax it", HOTLINE)
    await ravi.taps("Done")
    ravi.reads("on its way", HOTLINE)


async def test_with_both_numbers_at_hand_the_guide_is_at_the_page_right_away(
    guide: BotHarness,
) -> None:
    ravi = Person(guide, "Ravi", "en")
    await ravi.types("/lost")
    await ravi.taps("I have both")
    ravi.reads(OFFICIAL_PAGE, "憑證停用")
    await ravi.types("stop")
    ravi.reads("I stopped")
    await ravi.taps("Start again")
    ravi.reads("Suspend the card")
