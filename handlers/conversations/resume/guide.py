"""Resuming (復用) a suspended certificate on the official page (docs/facts.md §1.6)."""

from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.official_page import menus
from handlers.official_page.pasted_texts import explain
from handlers.official_page.step_builders import on_page, page_step, text_to_show
from handlers.screen.text import N_

_CHINESE = "我的憑證之前停用了，現在想復用，但是有一個地方我不會操作，請幫我。"
_MEANING = N_("My certificate is suspended and I cannot get on with resuming it. Please help me.")

RESUME = Conversation(
    name="resume",
    title=N_("▶️ Resume after a suspension (復用)"),
    initial="which",
    explain=explain,
    steps={
        "which": Step(
            N_(
                "<b>Suspended or locked?</b>\n"
                "▶️ <b>Resume (復用)</b> undoes a suspension (停用).\n"
                "🔓 <b>Unlock (鎖卡解碼)</b> is for a card whose PIN was wrong too often or is "
                "forgotten."
            ),
            (
                ButtonTransition("resume", N_("▶️ It was suspended"), "safe"),
                ButtonTransition("unlock", N_("🔓 The PIN is locked or forgotten"), "unlock/ready"),
                ButtonTransition("revoked", N_("🗑 It was revoked (廢止)"), "revoked"),
            ),
        ),
        "safe": Step(
            N_(
                "<b>Is the card safe?</b>\nYou have it back in your hands, and nobody else knows "
                "the PIN?"
            ),
            (
                ButtonTransition("yes", N_("✅ Yes"), "ready"),
                ButtonTransition("no", N_("❌ No, or not sure"), "stay"),
            ),
        ),
        "ready": Step(
            N_(
                "<b>Have ready</b>\n"
                "• the subscriber code (用戶代碼) from your application form\n"
                "• the IC card number (IC卡卡號): pages for citizens ask for it too\n\n"
                "Do not send them to me."
            ),
            (
                ButtonTransition("both", N_("✅ I have both"), "open"),
                ButtonTransition("code", N_("🔑 I no longer have the code"), "no_code"),
            ),
        ),
        "open": page_step(
            on_page(
                N_(
                    "<b>Open the page</b>\nGo to {site} and choose:\n\n{menu}\n\n"
                    "Some pages say “recovery” for it. We have not seen this menu itself."
                ),
                menus.RESUME,
            ),
            "fill",
            stuck=N_("Look for the characters 復用 under 憑證作業."),
            chinese=_CHINESE,
            meaning=_MEANING,
        ),
        "fill": page_step(
            N_(
                "<b>Fill in and confirm</b>\n"
                "The subscriber code exactly as printed, and what else the page asks for."
            ),
            "check",
            stuck=N_(
                "The code is refused: stop after two tries. Error tables show that wrong codes "
                "are counted and that the code is locked in the end."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
        ),
        "check": page_step(
            on_page(N_("<b>Is it valid again?</b>\nLook here:\n\n{menu}"), menus.ISSUANCE),
            "done",
            stuck=N_(
                "Pages for citizens say 1 working day. We found no such time for alien citizens."
            ),
            chinese="我剛才在網路上辦理復用，想確認憑證是不是已經恢復使用了。",
            meaning=N_("I have just resumed my certificate online. Is it valid again?"),
            more_buttons=(ButtonTransition("not_yet", N_("⏳ Not yet"), "later"),),
            done_label=N_("✅ It is valid again"),
        ),
        "done": Step(N_("✅ <b>Resumed.</b> The certificate can be used again.")),
        "later": Step(
            N_(
                "⏳ <b>Look again later.</b> Pages for citizens say 1 working day; for alien "
                "citizens we found no time. Nothing changes? Call 0800-080-117."
            ),
        ),
        "stay": Step(
            N_(
                "🛑 <b>Then leave it suspended.</b> That keeps others from using it. Found the "
                "card later? Come back. Gone for good? Revoke it at any NIA service station and "
                "apply anew, NT$278."
            ),
            links=("suspend/revoke",),
        ),
        "no_code": Step(
            N_(
                "🔑 <b>Resuming needs the code, and after activation nobody can read it back.</b> "
                "Ask 0800-080-117 or an NIA service station what is possible; we found no other "
                "way. The last resort, as we see it: revoke and apply anew, NT$278."
            ),
            info_buttons=(
                text_to_show(
                    "我的憑證停用了，我想復用，但是沒有用戶代碼，請問有什麼辦法？",
                    N_("My certificate is suspended and I have no code to resume it. What now?"),
                ),
            ),
        ),
        "revoked": Step(
            N_(
                "🗑 <b>A revocation cannot be undone.</b> Apply anew in person at any NIA service "
                "station, with the original of your chip-embedded ARC. The new card costs NT$278."
            ),
        ),
    },
)
