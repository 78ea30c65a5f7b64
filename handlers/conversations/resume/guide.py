"""Resuming (復用) a suspended certificate on the official page (docs/facts.md §1.6)."""

from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.official_page import menus
from handlers.official_page.pasted_texts import explain
from handlers.official_page.step_builders import on_page, page_step, text_to_show
from handlers.screen.text import N_

_CHINESE = "我的憑證之前停用了，現在想復用，但是有一個地方我不會操作，請幫我。"
_MEANING = N_(
    "My certificate is suspended and I can't reactivate it on the website. Please help me."
)

RESUME = Conversation(
    name="resume",
    title=N_("▶️ Reactivate (復用)"),
    initial="which",
    explain=explain,
    steps={
        "which": Step(
            N_(
                "<b>Suspended or locked?</b>\n"
                "▶️ <b>Reactivate (復用)</b> if the certificate was suspended (停用).\n"
                "🔓 <b>Unlock (鎖卡解碼)</b> if you forgot the PIN or typed it wrong too often."
            ),
            (
                ButtonTransition("resume", N_("▶️ It was suspended"), "safe"),
                ButtonTransition("unlock", N_("🔓 PIN locked/forgotten"), "unlock/ready"),
                ButtonTransition("revoked", N_("🗑 It was revoked"), "revoked"),
            ),
        ),
        "safe": Step(
            N_(
                "<b>Is the card safe?</b>\n"
                "Do you have it back, and are you sure that no one else knows the PIN?"
            ),
            (
                ButtonTransition("yes", N_("✅ Yes"), "ready"),
                ButtonTransition("no", N_("❌ No, or not sure"), "stay"),
            ),
        ),
        "ready": Step(
            N_(
                "<b>Have ready</b>\n"
                "• your subscriber code (用戶代碼) from the application form\n"
                "• the IC card number (IC卡卡號), which the page probably asks for too\n"
                "\n"
                "Don't type them in this chat."
            ),
            (
                ButtonTransition("both", N_("✅ I have both"), "open"),
                ButtonTransition("code", N_("🔑 I lost the code"), "no_code"),
            ),
            picture="numbers",
        ),
        "open": page_step(
            on_page(
                N_(
                    "<b>Open the page</b>\n"
                    "Go to {site} and choose:\n"
                    "\n"
                    "{menu}\n"
                    "\n"
                    "Some pages call it “recovery”. The words on the page may differ a little."
                ),
                menus.RESUME,
            ),
            "fill",
            stuck=N_("Look for 復用 under 憑證作業."),
            chinese=_CHINESE,
            meaning=_MEANING,
        ),
        "fill": page_step(
            N_(
                "<b>Fill in and confirm</b>\n"
                "Type the subscriber code exactly as printed, and the other details the page "
                "asks for."
            ),
            "check",
            stuck=N_(
                "Wrong code? Stop after two attempts. Too many wrong codes lock the subscriber "
                "code."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
            picture="numbers",
        ),
        "check": page_step(
            on_page(N_("<b>Is it valid again?</b>\nCheck here:\n\n{menu}"), menus.ISSUANCE),
            "done",
            stuck=N_(
                "It may take {citizen_suspension_time} (from the citizens' card; may differ)."
            ),
            chinese="我剛才在網路上辦理復用，想確認憑證是不是已經恢復使用了。",
            meaning=N_("I've just reactivated my certificate online. Is it valid again?"),
            more_buttons=(ButtonTransition("not_yet", N_("⏳ Not yet"), "later"),),
            done_label=N_("✅ It's valid again"),
        ),
        "done": Step(
            N_("✅ <b>Reactivated.</b> You can use the certificate again."), links=("suspend",)
        ),
        "later": Step(
            N_(
                "⏳ <b>Check again later.</b> It may take {citizen_suspension_time} (from the "
                "citizens' card; may differ). No change? Call {hotline}."
            ),
        ),
        "stay": Step(
            N_(
                "🛑 <b>Then keep it suspended.</b> No one can use it while it's suspended. If "
                "you find the card, come back. If you can't find it, revoke it at any NIA "
                "service station and apply again, {fee}."
            ),
            links=("suspend/revoke",),
        ),
        "no_code": Step(
            N_(
                "🔑 <b>You need the subscriber code to reactivate, and no one can give it back "
                "to you after activation.</b> Ask {hotline} or an NIA service station what "
                "you can do. The last option is probably to revoke the certificate and apply "
                "again, {fee}."
            ),
            info_buttons=(
                text_to_show(
                    "我的憑證停用了，我想復用，但是沒有用戶代碼，請問有什麼辦法？",
                    N_(
                        "My certificate is suspended and I don't have the code to reactivate "
                        "it. What can I do?"
                    ),
                ),
            ),
        ),
        "revoked": Step(
            N_(
                "🗑 <b>A revoked certificate can't be reactivated.</b> Apply again in person at "
                "any NIA service station with your original chip-embedded ARC. The new card "
                "costs {fee}."
            ),
        ),
    },
)
