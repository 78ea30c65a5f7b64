"""Looking up the status (查詢進度) on the official page (docs/facts.md §1.2, §1.6, §2.3)."""

from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.official_page import menus
from handlers.official_page.pasted_texts import explain
from handlers.official_page.step_builders import on_page, page_step
from handlers.screen.text import N_

_CHINESE = "我想查詢憑證的申請進度，但是看不懂網頁上的說明，請幫我。"
_MEANING = N_(
    "I want to know how far my application is and do not understand the page. Please help."
)

STATUS = Conversation(
    name="status",
    title=N_("📍 Where does it stand? (查詢進度)"),
    initial="which",
    explain=explain,
    steps={
        "which": Step(
            N_(
                "<b>The way of your card</b>\n"
                "1️⃣ Apply at an NIA counter (申請)\n"
                "2️⃣ Pay online within 15 days (繳費)\n"
                "3️⃣ The card is made and posted, about 7–10 working days (製卡寄送)\n"
                "4️⃣ Activate it online (開卡)\n\n"
                "What would you like to look up?"
            ),
            (
                ButtonTransition("application", N_("📄 The application"), "login"),
                ButtonTransition("certificate", N_("🪪 The certificate"), "issued"),
            ),
        ),
        "login": page_step(
            on_page(
                N_(
                    "<b>Open the page and log in</b>\nGo to {site} and choose:\n\n{menu}\n\n"
                    "Log in with the UI No. and the subscriber code."
                ),
                menus.PAYMENT,
            ),
            "stage",
            stuck=N_(
                "It finds no data: just applied? Users report that it can take until the next "
                "working day. Not paid for more than 15 days? Then the application is deleted."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
            more_buttons=(ButtonTransition("code", N_("🔑 I forgot the code"), "retrieve/form"),),
        ),
        "stage": Step(
            N_(
                "<b>What does it say?</b>\nWe do not know the page's exact words for each stage. "
                "Which comes nearest?"
            ),
            (
                ButtonTransition("unpaid", N_("Not paid yet"), "pay/ready"),
                ButtonTransition("paid", N_("Paid, being made or posted"), "on_its_way"),
                ButtonTransition("posted", N_("Posted, and I have the card"), "activate/ready"),
                ButtonTransition("gone", N_("It finds no data"), "pay/no_data"),
                ButtonTransition("active", N_("Activated"), "active"),
            ),
        ),
        "issued": page_step(
            on_page(
                N_(
                    "<b>See the certificate's state</b>\nGo to {site} and choose:\n\n{menu}\n\n"
                    "Come back and tell me what it says."
                ),
                menus.ISSUANCE,
            ),
            "certificate",
            stuck=N_("Look for the characters 查詢憑證簽發情形 under 憑證作業."),
            chinese="我想查詢我的憑證現在的狀態，但是看不懂網頁上的說明，請幫我。",
            meaning=N_("I want to know my certificate's state and do not understand the page."),
        ),
        "certificate": Step(
            N_("<b>What does it say?</b>\nWhich comes nearest?"),
            (
                ButtonTransition("valid", N_("Valid (有效)"), "active"),
                ButtonTransition("inactive", N_("Not activated (未開卡)"), "activate/ready"),
                ButtonTransition("suspended", N_("Suspended (停用)"), "resume/safe"),
                ButtonTransition("revoked", N_("Revoked (廢止)"), "resume/revoked"),
                ButtonTransition("expired", N_("Expired (過期)"), "expired"),
            ),
        ),
        "on_its_way": Step(
            N_(
                "📮 <b>Paid.</b> About 7–10 working days after the payment it is delivered; a "
                "page of 2021 says two or three more for the outlying islands. Longer than that? "
                "Call 0800-080-117."
            ),
            links=("activate",),
        ),
        "active": Step(
            N_(
                "✅ <b>In use.</b> It is valid for 5 years; the day it ends is printed on the "
                "card. A change of your UI No. or nationality ends it by itself."
            ),
        ),
        "expired": Step(
            N_(
                "⌛ <b>Expired.</b> We found no extension for alien citizens. Ask 0800-080-117, or "
                "apply anew in person at any NIA service station, NT$278."
            ),
        ),
    },
)
