"""Triage: from "something is wrong" to the right conversation in two or three taps.

Things that are easily confused are asked about: code or PIN, 停用 or 廢止, 復用 or 解碼.
"""

from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.official_page.pasted_texts import explain
from handlers.screen.text import N_

TRIAGE = Conversation(
    name="triage",
    title=N_("🛟 I have a problem"),
    initial="trouble",
    explain=explain,
    steps={
        "trouble": Step(
            N_("<b>What is the problem?</b>"),
            (
                ButtonTransition("lost", N_("🚨 I lost my card"), "lost"),
                ButtonTransition("forgot", N_("🔑 I forgot code or PIN"), "forgot"),
                ButtonTransition("pay", N_("💳 I can't pay"), "cannot_pay"),
                ButtonTransition("card", N_("🪪 Card doesn't work"), "card_fails"),
            ),
        ),
        "lost": Step(
            N_(
                "<b>Do you think you can still find the card?</b>\n"
                "⏸ You can undo a suspension (停用). 🗑 You can't undo a revocation (廢止). Not "
                "sure? Suspend it first: it's online and quick."
            ),
            (
                ButtonTransition("maybe", N_("⏸ Maybe: suspend it"), "suspend/ready"),
                ButtonTransition("gone", N_("🗑 No: revoke it"), "suspend/revoke"),
                ButtonTransition("found", N_("▶️ Found it again"), "resume/safe"),
            ),
        ),
        "forgot": Step(
            N_(
                "<b>Subscriber code or PIN?</b>\n"
                "🔑 <b>Subscriber code</b> (用戶代碼): {code_length} on the application form; to "
                "pay, activate, suspend or unlock.\n"
                "🔢 <b>PIN</b> (PIN碼): {pin_length} you chose at activation; for daily use."
            ),
            (
                ButtonTransition("code", N_("🔑 Subscriber code"), "retrieve/form"),
                ButtonTransition("pin", N_("🔢 PIN"), "unlock/ready"),
                ButtonTransition("code_locked", N_("🔒 The code is locked"), "unlock/code_locked"),
            ),
        ),
        "cannot_pay": Step(
            N_("<b>What happens?</b>"),
            (
                ButtonTransition("no_data", N_("🔎 No data found"), "pay/no_data"),
                ButtonTransition("code", N_("🔑 I forgot the code"), "retrieve/form"),
                ButtonTransition("late", N_("⏳ The {pay_days} are over"), "retrieve/overdue"),
                ButtonTransition("refused", N_("💳 Card payment declined"), "pay/card"),
                ButtonTransition("not_applied", N_("❔ Not applied yet"), "retrieve/not_applied"),
                ButtonTransition("how", N_("❓ I don't know how"), "pay/ready"),
            ),
        ),
        "card_fails": Step(
            N_("<b>What's wrong with the card?</b>"),
            (
                ButtonTransition("new", N_("🆕 New, not activated"), "activate/ready"),
                ButtonTransition("post", N_("📮 Paid, not arrived"), "status/on_its_way"),
                ButtonTransition("pin", N_("🔢 PIN wrong or locked"), "unlock/ready"),
                ButtonTransition("stopped", N_("⏸ Suspended or locked?"), "resume/which"),
                ButtonTransition("reader", N_("🔌 PC can't read the card"), "reader"),
                ButtonTransition("ended", N_("⌛ Expired or revoked"), "ended"),
            ),
        ),
        "ended": Step(
            N_("<b>Expired or revoked?</b>\nNot sure? Check the card status."),
            (
                ButtonTransition("expired", N_("⌛ Expired (過期)"), "status/expired"),
                ButtonTransition("revoked", N_("🗑 Revoked (廢止)"), "resume/revoked"),
                ButtonTransition("look", N_("🔍 Check the status"), "status/issued"),
            ),
        ),
        "reader": Step(
            N_(
                "<b>Computer and card</b>\n"
                "What would you like to do? First we check the computer: reader, card "
                "software, pop-ups, browser. You can also type an error code here."
            ),
            (
                ButtonTransition("activate", N_("🆕 Activate"), "activate/computer"),
                ButtonTransition("unlock", N_("🔓 Unlock"), "unlock/computer"),
                ButtonTransition("change", N_("🔢 Change the PIN"), "change_pin/computer"),
            ),
        ),
    },
)
