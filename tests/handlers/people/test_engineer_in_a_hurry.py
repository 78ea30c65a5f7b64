"""An engineer in a hurry: commands, double taps, everything in one message, no reading."""

from tests import phrases
from tests.bot_harness import BotHarness
from tests.handlers.clock import current_time
from tests.handlers.conversations.online.cardholders import Office, read_one_time_code
from tests.handlers.people.person import OFFICIAL_PAGE, Person


async def test_the_card_is_found_suspended_and_reactivated(embedded: Office) -> None:
    harness, holder = embedded.harness, await embedded.cardholder("suspended")
    tom = Person(harness, "Tom", "en")
    await tom.types("/status")
    await tom.types(f"ui={holder.ui_number_text} code={holder.code_text}")
    if "Application status" not in tom.last["text"]:
        await tom.types(holder.number_and_code)
    tom.reads("suspended (停用) since", "Reactivate it")
    assert "Reactivate" in tom.labels[0]
    await tom.taps("get alerts")
    await tom.types("/status")
    tom.reads("suspended", "Next")
    await tom.taps("Reactivate")
    await tom.taps("It was suspended")
    await tom.taps("Yes")
    await tom.types("quit")
    tom.reads("I stopped")
    await tom.types("/status")
    await tom.taps("Reactivate")
    await tom.taps("It was suspended")
    await tom.taps("Yes")
    await tom.types(holder.code_text)
    await tom.types("1234")
    number = await holder.read_card_number()
    await tom.types(number.lower())
    await tom.taps("Send a one-time code")
    await tom.types(await read_one_time_code(harness, holder))
    await tom.taps("Notify and continue")
    await tom.taps("Reactivate now", times=2)
    tom.reads("Reactivated.")
    assert await holder.certificate_state() == "active"
    await tom.types("/status")
    tom.reads("valid (有效)", phrases.NOTHING_TO_DO)


async def test_two_phones_suspend_once_and_the_other_one_notices(embedded: Office) -> None:
    harness, holder = embedded.harness, await embedded.cardholder()
    phone, tablet = Person(harness, "Tom", "en"), Person(harness, "Tom at home", "en")
    for device in (phone, tablet):
        await device.types("/status")
        await device.types(holder.number_and_code)
        await device.taps("get alerts")
    for device in (phone, tablet):
        await device.types("/lost")
        await device.types(holder.code_text)
        device.reads("The code is correct")
    await phone.types(await holder.read_card_number())
    await phone.taps("Suspend now")
    phone.reads("Suspended.")
    await harness.run_due_jobs(current_time(harness))
    tablet.reads("was suspended")
    await tablet.taps("It was me")
    await tablet.types("/status")
    tablet.reads("suspended (停用) since")
    tablet.does_not_read(phrases.UNFINISHED)


async def test_the_guide_unlocks_with_an_error_code_in_between(guide: BotHarness) -> None:
    tom = Person(guide, "Tom", "en")
    await tom.types("/status")
    tom.reads("Application status")
    await tom.types("/guide")
    await tom.taps(phrases.UNLOCK_CARD)
    tom.reads("was closed")
    await tom.taps("PIN")
    await tom.taps(phrases.HAVE_EVERYTHING)
    await tom.types("0x76000006")
    tom.reads("0x76000006", "What to do")
    for _ in range(6):
        if OFFICIAL_PAGE in tom.last["text"] and "鎖卡解碼" in tom.last["text"]:
            break
        await tom.taps("✅")
    tom.reads(OFFICIAL_PAGE, "鎖卡解碼")
    await tom.types("exit")
    tom.reads("I stopped")
