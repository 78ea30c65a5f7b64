"""What is open notices that its goal was reached elsewhere: nobody is asked to finish it."""

from datetime import timedelta

from services.bridge.events import CardTaskSucceeded, PinSetResult
from services.bridge.operations.card_task import CardTask
from tests import phrases
from tests.bot_harness import BotHarness, ChatUser
from tests.handlers.clock import NOW
from tests.handlers.conversations.online.bridge_harness import BridgeHarness
from tests.handlers.conversations.online.cardholders import Cardholder, Office, read_one_time_code
from tests.handlers.conversations.online.linked_chats import link_chat
from tests.handlers.conversations.online.payments import invoices, pay_invoice
from tests.handlers.engine.navigation import press, state

LATER = NOW + timedelta(minutes=1)


async def links_chat(harness: BotHarness, holder: Cardholder) -> ChatUser:
    """Return a person who gets the alerts of a cardholder."""
    anna = harness.add_user()
    await anna.starts()
    await link_chat(holder, anna)
    await harness.run_due_jobs(NOW)
    return anna


async def is_free(anna: ChatUser, payload: str = "do-status") -> bool:
    """Whether another conversation starts without a question about the one before."""
    await anna.starts(payload)
    return phrases.UNFINISHED not in anna.last["text"] and "was closed" not in anna.last["text"]


async def test_a_fee_that_was_paid_at_the_counter(harness: BotHarness, office: Office) -> None:
    holder = await office.cardholder("submitted")
    anna = await links_chat(harness, holder)
    await anna.starts("do-pay")
    await anna.says(holder.code_text)
    anna.sees("To pay")
    asked = anna.last["message_id"]
    pay = next(
        button["callback_data"]
        for row in anna.last["reply_markup"]["inline_keyboard"]
        for button in row
        if button["callback_data"].endswith(".pay")
    )
    await holder.pays(LATER)
    await harness.run_due_jobs(LATER)
    anna.sees("The fee was paid")
    await anna.forges(asked, pay)
    assert "already done" in next(m["text"] for m in anna.messages if m["message_id"] == asked)
    assert invoices(anna) == []
    assert await is_free(anna)


async def test_a_certificate_that_the_counter_suspended_and_reactivated(
    harness: BotHarness, office: Office
) -> None:
    holder = await office.cardholder()
    anna = await links_chat(harness, holder)
    await anna.says("/lost")
    await anna.says(holder.code_text)
    await press(anna, "mail")
    await office.counter.suspend(holder.ui_number, LATER)
    await harness.run_due_jobs(LATER)
    anna.sees("was suspended")
    assert await is_free(anna)
    await anna.starts("do-resume-who")
    await anna.says(holder.code_text)
    await office.counter.resume(holder.ui_number, LATER)
    await harness.run_due_jobs(LATER)
    anna.sees("was reactivated")
    assert await is_free(anna)


async def test_who_answers_that_it_was_not_them_has_nothing_left_to_suspend(
    harness: BotHarness, office: Office
) -> None:
    holder = await office.cardholder()
    anna = await links_chat(harness, holder)
    await links_chat(harness, holder)
    asked = anna.last
    anna.sees("Another chat now gets your alerts")
    await anna.says("/lost")
    await anna.says(holder.code_text)
    no = asked["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    await anna.forges(asked["message_id"], no)
    assert await holder.certificate_state() == "suspended"
    assert await is_free(anna)


async def test_what_is_about_somebody_else_stays_open(harness: BotHarness, office: Office) -> None:
    holder, other = await office.cardholder(), await office.cardholder(seed=2)
    anna = await links_chat(harness, holder)
    await anna.says("/lost")
    await anna.says(other.number_and_code)
    await office.counter.suspend(holder.ui_number, LATER)
    await harness.run_due_jobs(LATER)
    anna.sees("was suspended")
    assert (await state(anna)).step == "proof"
    await press(anna, "mail")
    await anna.says(await read_one_time_code(harness, other))
    await anna.presses(phrases.SUSPEND_BUTTON)
    assert await other.certificate_state() == "suspended"


async def test_of_two_people_only_the_one_who_is_shown(harness: BotHarness, office: Office) -> None:
    holder, other = await office.cardholder(), await office.cardholder(seed=2)
    anna = await links_chat(harness, holder)
    await link_chat(other, anna)
    await anna.says("/lost")
    await anna.says(other.ui_number_text)
    await office.counter.suspend(holder.ui_number, LATER)
    await harness.run_due_jobs(LATER)
    assert (await state(anna)).step == "code"
    await office.counter.suspend(other.ui_number, LATER)
    await harness.run_due_jobs(LATER)
    assert not (await state(anna)).is_open


async def test_an_invoice_of_before_that_was_paid_while_another_was_asked_for(
    harness: BotHarness, office: Office
) -> None:
    holder, anna = await office.cardholder("submitted"), harness.add_user()
    for _ in range(2):
        await anna.starts("do-pay")
        await anna.says(holder.number_and_code)
        if not invoices(anna):
            await press(anna, "pay")
            await anna.says("/cancel")
    assert (await state(anna)).step == "owed"
    await pay_invoice(anna, invoices(anna)[0])
    anna.sees(phrases.PAYMENT_RECEIVED)
    assert await is_free(anna)


async def test_an_activation_that_ended_in_the_background(bridge_harness: BridgeHarness) -> None:
    office = bridge_harness.office
    holder, anna = await office.cardholder("posted"), bridge_harness.harness.add_user()
    await anna.starts("do-activate-who")
    await anna.says(holder.ui_number_text)
    assert (await state(anna)).step == "code"
    done = PinSetResult(changed=True)
    await bridge_harness.deliver(
        CardTaskSucceeded(anna.person.id, "an operation", CardTask.ACTIVATE, done)
    )
    anna.sees(phrases.ACTIVATED)
    assert await is_free(anna)
