"""Paying (線上繳費) on the official page, and deadline reminders (docs/facts.md §1.2, §4)."""

from handlers.conversations.pay.reminders import (
    APPLICATION_DAY,
    days_ago,
    has_reminder_ahead,
    read_application_day,
    set_reminders,
    status_text,
    stop_reminders,
)
from handlers.engine.model import ButtonTransition, Conversation, Step, TextInput
from handlers.official_page import menus
from handlers.official_page.pasted_texts import explain
from handlers.official_page.step_builders import on_page, page_step, text_to_show
from handlers.screen.text import N_

_CHINESE = "我要在網站上繳費，但是有一個地方我不會操作，請幫我。"
_MEANING = N_("I want to pay on the website and cannot get on. Please help me.")

PAY = Conversation(
    name="pay",
    title=N_("💳 Pay for the card (繳費)"),
    initial="ready",
    explain=explain,
    steps={
        "ready": Step(
            N_(
                "<b>Have ready</b>\n"
                "• the number of your ARC: the page says 居留證號碼, almost certainly the UI No. "
                "(統一證號)\n"
                "• the subscriber code (用戶代碼) from your application form\n"
                "• a credit card: NT$278 = 250 card fee + 28 postage. Online only, not at the "
                "counter.\n\n"
                "You have 15 days, else the application is deleted. Type these on the official "
                "page only, never here."
            ),
            (
                ButtonTransition("all", N_("✅ I have everything"), "open"),
                ButtonTransition("code", N_("🔑 I forgot the code"), "retrieve/form"),
                ButtonTransition("remind", N_("⏰ When is my deadline?"), "date"),
            ),
        ),
        "date": Step(
            N_(
                "<b>On which day did you apply?</b>\n"
                "Press a button, or type the day like <code>2026-11-20</code> or "
                "<code>115/11/20</code>. I count the 15 days and remind you five days and one day "
                "before the last one."
            ),
            (
                ButtonTransition("today", N_("Today"), "deadline", days_ago(0)),
                ButtonTransition("yesterday", N_("Yesterday"), "deadline", days_ago(1)),
                ButtonTransition("week", N_("A week ago"), "deadline", days_ago(7)),
            ),
            text_input=TextInput(read_application_day, "deadline", set_reminders),
        ),
        "deadline": Step(
            status_text,
            (
                ButtonTransition("pay", N_("💳 Go on to pay"), "open"),
                ButtonTransition("other", N_("📅 Another day"), "date"),
                ButtonTransition(
                    "off", N_("🔕 No reminders"), "off", stop_reminders, when=has_reminder_ahead
                ),
                ButtonTransition("enough", N_("✅ That is all"), "kept"),
            ),
            requires=(APPLICATION_DAY,),
        ),
        "kept": Step(N_("👍 Come back to pay whenever you like."), links=("pay",)),
        "off": Step(N_("🔕 The reminders are off. The deadline stays as it is."), links=("pay",)),
        "open": page_step(
            on_page(
                N_(
                    "<b>Open the page and log in</b>\nGo to {site} and choose:\n\n{menu}\n\n"
                    "Log in with the UI No. and the subscriber code."
                ),
                menus.PAYMENT,
            ),
            "address",
            stuck=N_(
                "• It finds no data: just applied? Users report that it can take until the next "
                "working day.\n"
                "• The code is refused: capital and small letters, O and 0, I, l and 1. Stop "
                "after two tries, and tell the code to nobody."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
            more_buttons=(ButtonTransition("no_data", N_("🔎 It finds no data"), "no_data"),),
        ),
        "address": page_step(
            N_(
                "<b>Check the mailing address</b>\n"
                "Your card will be sent there. Correct it before you pay."
            ),
            "card",
            stuck=N_("You cannot change the address on the page? Call before you pay."),
            chinese="繳費之前我想更正卡片的郵寄地址，請問要怎麼改？",
            meaning=N_("Before I pay I want to correct the mailing address. How do I do that?"),
        ),
        "card": page_step(
            N_(
                "<b>Pay NT$278 by credit card</b>\n"
                "Look at the address in the browser before you type the credit card number. Which "
                "brands, foreign cards or debit cards are taken, we found nowhere."
            ),
            "done",
            stuck=N_(
                "The credit card is refused: ask your bank about online payments, or try "
                "another one. Before you pay again, look on the page whether the first payment "
                "counted."
            ),
            chinese="我的信用卡付款失敗，請問有沒有扣款成功，可以用哪些卡？",
            meaning=N_("My card payment failed. Was it charged, and which cards are accepted?"),
            done_label=N_("✅ I have paid"),
        ),
        "done": Step(
            N_(
                "✅ <b>Paid?</b> The card is made and posted in about 7–10 working days; a page "
                "of 2021 says two or three more for the outlying islands. Then activate it "
                "(開卡).\n\n"
                "<b>Keep the application form</b>: you need its subscriber code to activate the "
                "card, and later to suspend, resume or unlock it."
            ),
            (
                ButtonTransition(
                    "off", N_("🔕 Paid: stop the reminders"), "thanks", stop_reminders
                ),
                ButtonTransition("wait", N_("✅ That is all"), "thanks"),
            ),
        ),
        "thanks": Step(N_("📮 Now the card is on its way to you."), links=("status", "activate")),
        "no_data": Step(
            N_(
                "🔎 <b>No data about you?</b>\n"
                "• Applied today or yesterday: users report that it took a day or until the next "
                "working day. That is not official.\n"
                "• More than 15 days ago and not paid: the application is deleted; apply again in "
                "person.\n"
                "• Otherwise call 0800-080-117, so that the deadline does not pass meanwhile."
            ),
            (
                ButtonTransition("again", N_("🔁 Try again"), "open"),
                ButtonTransition("remind", N_("⏰ Remind me of the deadline"), "date"),
            ),
            (
                text_to_show(
                    "我已經在移民署申請，但是繳費網頁查不到我的資料，請幫我確認。",
                    N_("I applied at the NIA, but the payment page finds no data. Please check."),
                ),
            ),
        ),
    },
)
