"""Looking up the status (查詢進度) on the official page (docs/facts.md §1.2, §1.6, §2.3)."""

from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.official_page import menus
from handlers.official_page.pasted_texts import explain
from handlers.official_page.step_builders import LOG_IN, on_page, page_step
from handlers.screen.text import N_

_CHINESE = "我想查詢憑證的申請進度，但是看不懂網頁上的說明，請幫我。"
_MEANING = N_(
    "I want to know the status of my application, but I don't understand the page. Please help."
)

STATUS = Conversation(
    name="status",
    title=N_("📍 Check my status"),
    initial="which",
    explain=explain,
    steps={
        "which": Step(
            N_(
                "<b>Application status</b>\n"
                "1️⃣ Apply at an NIA counter (申請)\n"
                "2️⃣ Pay online within {pay_days} (繳費)\n"
                "3️⃣ The card is made and posted, about {delivery} (製卡寄送)\n"
                "4️⃣ Activate it online (開卡)\n"
                "\n"
                "What would you like to check?"
            ),
            (
                ButtonTransition("application", N_("📄 Application status"), "login"),
                ButtonTransition("certificate", N_("🪪 Card status"), "issued"),
            ),
        ),
        "login": page_step(
            on_page(LOG_IN, menus.PAYMENT),
            "stage",
            stuck=N_(
                "No data found? If you just applied, it may take until the next working day "
                "(users' reports). Not paid for more than {pay_days}? Then the application is "
                "deleted."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
            more_buttons=(ButtonTransition("code", N_("🔑 I forgot the code"), "retrieve/form"),),
            picture="form",
        ),
        "stage": Step(
            N_("<b>What does the page say?</b>\nThe exact words may differ. Which is closest?"),
            (
                ButtonTransition("unpaid", N_("💳 Not paid yet"), "pay/ready"),
                ButtonTransition("paid", N_("📮 Paid, card on its way"), "on_its_way"),
                ButtonTransition("posted", N_("🆕 I have the card"), "activate/ready"),
                ButtonTransition("gone", N_("🔎 No data found"), "pay/no_data"),
                ButtonTransition("active", N_("Activated"), "active"),
            ),
        ),
        "issued": page_step(
            on_page(
                N_(
                    "<b>Check the card status</b>\n"
                    "Go to {site} and choose:\n"
                    "\n"
                    "{menu}\n"
                    "\n"
                    "Then come back and choose what it says."
                ),
                menus.ISSUANCE,
            ),
            "certificate",
            stuck=N_("Look for 查詢憑證簽發情形 under 憑證作業."),
            chinese="我想查詢我的憑證現在的狀態，但是看不懂網頁上的說明，請幫我。",
            meaning=N_("I want to check my certificate's status, but I don't understand the page."),
        ),
        "certificate": Step(
            N_("<b>What does the page say?</b>\nWhich is closest?"),
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
                "📮 <b>Paid.</b> Your card arrives about {delivery} after the payment "
                "(two or three more on the outlying islands). Longer than that? Call "
                "{hotline}."
            ),
            links=("activate",),
        ),
        "active": Step(
            N_(
                "✅ <b>Valid.</b> It's valid for {validity}; the last day is printed on the card. "
                "If your UI No. or nationality changes, the certificate ends automatically."
            ),
            links=("suspend",),
        ),
        "expired": Step(
            N_(
                "⌛ <b>Expired.</b> An extension is not confirmed for foreign residents. Ask "
                "{hotline}, or apply again in person at any NIA service station, {fee}."
            ),
        ),
    },
)
