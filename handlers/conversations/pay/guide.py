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
from handlers.official_page.step_builders import LOG_IN, on_page, page_step, text_to_show
from handlers.screen.text import N_

_CHINESE = "我要在網站上繳費，但是有一個地方我不會操作，請幫我。"
_MEANING = N_("I want to pay on the website, but it doesn't work. Please help me.")

PAY = Conversation(
    name="pay",
    title=N_("💳 Pay the card fee"),
    initial="ready",
    explain=explain,
    steps={
        "ready": Step(
            N_(
                "<b>Have ready</b>\n"
                "• your ARC number (居留證號碼): very likely the UI No. (統一證號)\n"
                "• your subscriber code (用戶代碼) from the application form\n"
                "• a credit card: {fee} = 250 card fee + 28 postage. Online only, not at the "
                "counter.\n"
                "\n"
                "Pay within {pay_days}, or the application is deleted. Type these only on the "
                "official page, never in this chat."
            ),
            (
                ButtonTransition("all", N_("✅ I have everything"), "open"),
                ButtonTransition("code", N_("🔑 I forgot the code"), "retrieve/form"),
                ButtonTransition("remind", N_("⏰ When is my deadline?"), "date"),
            ),
            picture="form",
        ),
        "date": Step(
            N_(
                "<b>When did you apply?</b>\n"
                "Press a button, or type the date, for example <code>2026-11-20</code> or "
                "<code>115/11/20</code>. You'll see your last day to pay, and get reminders "
                "five days and one day before it."
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
                ButtonTransition("pay", N_("💳 Continue to payment"), "open"),
                ButtonTransition("other", N_("📅 Choose another day"), "date"),
                ButtonTransition(
                    "off",
                    N_("🔕 Turn off reminders"),
                    "off",
                    stop_reminders,
                    when=has_reminder_ahead,
                ),
                ButtonTransition("enough", N_("✅ That's all"), "kept"),
            ),
            requires=(APPLICATION_DAY,),
        ),
        "kept": Step(
            N_("👍 You can come back to pay at any time before the deadline."), links=("pay",)
        ),
        "off": Step(N_("🔕 Reminders are off. Your deadline stays the same."), links=("pay",)),
        "open": page_step(
            on_page(LOG_IN, menus.PAYMENT),
            "address",
            stuck=N_(
                "• No data found? If you just applied, wait until the next working day.\n"
                "• Wrong code? Check capital and small letters, O and 0, I, l and 1. Stop "
                "after two attempts. Never tell anyone the code."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
            more_buttons=(ButtonTransition("no_data", N_("🔎 No data found"), "no_data"),),
            picture="form",
        ),
        "address": page_step(
            N_(
                "<b>Check the mailing address</b>\n"
                "Your card will be sent there. Correct it before you pay."
            ),
            "card",
            stuck=N_("Can't change the address on the page? Call {hotline} before you pay."),
            chinese="繳費之前我想更正卡片的郵寄地址，請問要怎麼改？",
            meaning=N_("I want to correct my mailing address before I pay. How do I do that?"),
        ),
        "card": page_step(
            N_(
                "<b>Pay {fee} by credit card</b>\n"
                "Before you type the card number, check the address in the browser. Which "
                "cards work, also foreign or debit cards, is not confirmed. Ask {hotline}."
            ),
            "done",
            stuck=N_(
                "Card declined? Ask your bank about online payments, or try another card. "
                "Before you pay again, check on the page if the first payment went through."
            ),
            chinese="我的信用卡付款失敗，請問有沒有扣款成功，可以用哪些卡？",
            meaning=N_("My card payment failed. Was I charged, and which cards can I use?"),
            done_label=N_("✅ I've paid"),
        ),
        "done": Step(
            N_(
                "✅ <b>After you pay</b>, your card arrives in about {delivery} (two or "
                "three more on the outlying islands). Then activate it (開卡).\n"
                "\n"
                "<b>Keep the application form</b>: you need its subscriber code to activate "
                "the card, and later to suspend, reactivate or unlock it."
            ),
            (
                ButtonTransition("off", N_("🔕 Paid: no reminders"), "thanks", stop_reminders),
                ButtonTransition("wait", N_("✅ That's all"), "posted"),
            ),
        ),
        "thanks": Step(
            N_("📮 Reminders are off. Next, your card comes by post."), links=("status", "activate")
        ),
        "posted": Step(
            N_("📮 Next, your card comes by post, in about {delivery}."),
            links=("status", "activate"),
        ),
        "no_data": Step(
            N_(
                "🔎 <b>Can't find your data?</b>\n"
                "• Applied today or yesterday: it may take until the next working day (users' "
                "reports).\n"
                "• More than {pay_days} ago and not paid: the application is deleted. Apply again "
                "in person.\n"
                "• Other cases: call {hotline} now, so that you don't miss the deadline."
            ),
            (
                ButtonTransition("again", N_("🔁 Try again"), "open"),
                ButtonTransition("remind", N_("⏰ Remind me to pay"), "date"),
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
