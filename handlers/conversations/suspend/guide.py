"""Suspending (停用) on the official page: with the code, or by fax (docs/facts.md §1.6)."""

from handlers.engine.model import ButtonTransition, Conversation, Step, StepContext
from handlers.official_page import menus
from handlers.official_page.pasted_texts import explain
from handlers.official_page.step_builders import info_buttons, on_page, page_step, text_to_show
from handlers.screen.text import N_, Markup, say

_CHINESE = "我想暫時停用我的憑證，網頁上有一個地方我不會操作，請幫我。"
_MEANING = N_("I want to suspend my certificate, but the page doesn't work for me. Please help me.")
STOP_QUESTION = N_("<b>Suspend the card, or stop here?</b>")
_LETTER = (
    "您好：\n我是外來人口自然人憑證的持卡人，卡片遺失，想暫時停用憑證，但是沒有用戶代碼或IC卡卡號。"
    "請寄給我「緊急停用申請書」，並告訴我傳真號碼、要附哪些身分證明文件，以及多久會完成停用。謝謝您。"
)


def _fax_text(ctx: StepContext) -> Markup:
    return say(
        ctx.language,
        "<b>No code or card number? Suspend by fax</b>\n"
        "1. Get the form 緊急停用申請書 (emergency suspension): call {hotline} or write to "
        "{email}.\n"
        "2. Ask for the fax number and which ID document to add.\n"
        "\n"
        "You can write (tap to copy):\n"
        "<pre>{letter}</pre>\n"
        "\n"
        "It seems that you don't need the subscriber code. Not confirmed: ask the hotline.",
        letter=_LETTER,
    )


SUSPEND = Conversation(
    name="suspend",
    title=N_("⏸ Suspend my card"),
    initial="ready",
    explain=explain,
    steps={
        "ready": Step(
            N_(
                "⏸ <b>Suspend the card (停用)</b>: online, and you can undo it. Do you have both?\n"
                "• <b>Subscriber code</b> (用戶代碼): {code_length}, on your application form "
                "(申請書).\n"
                "• <b>IC card number</b> (IC卡卡號): {card_number_shape}; not the UI No. on "
                "your ARC. Don't know it? Ask {hotline}.\n"
                "\n"
                "You need no card reader and no PIN. Don't type either number in this chat."
            ),
            (
                ButtonTransition("both", N_("✅ I have both"), "open"),
                ButtonTransition("lack", N_("❌ I'm missing one"), "fax"),
                ButtonTransition("revoke", N_("🗑 Revoke for good"), "revoke"),
            ),
            stop_question=STOP_QUESTION,
            picture="numbers",
        ),
        "open": page_step(
            on_page(N_("<b>Open the page</b>\nGo to {site} and choose:\n\n{menu}"), menus.SUSPEND),
            "fill",
            stuck=N_(
                "Some pages say suspension, others say deactivation. Look for 停用 under 憑證作業."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
        ),
        "fill": page_step(
            N_(
                "<b>Fill in and confirm</b>\n"
                "Type the subscriber code exactly as printed and the IC card number, then "
                "confirm. Capital and small letters matter; check O and 0, I, l and 1."
            ),
            "check",
            stuck=N_(
                "• Wrong code: stop after two attempts. Too many wrong codes lock the "
                "subscriber code.\n"
                "• Wrong card number: {card_number_shape}, no spaces.\n"
                "• Missing one of them? Go back and choose fax."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
            more_buttons=(ButtonTransition("fax", N_("📠 Use fax instead"), "fax"),),
            picture="numbers",
        ),
        "check": page_step(
            on_page(
                N_(
                    "<b>Is it suspended?</b>\n"
                    "Check your certificate's status on the site:\n"
                    "\n"
                    "{menu}"
                ),
                menus.ISSUANCE,
            ),
            "done",
            stuck=N_(
                "A suspension may take {citizen_suspension_time} (from the citizens' card; may "
                "differ)."
            ),
            chinese="我剛才在網路上辦理停用，想確認憑證是不是已經停用了。",
            meaning=N_("I've just suspended my certificate online. Is it suspended now?"),
            more_buttons=(ButtonTransition("not_yet", N_("⏳ Not yet"), "later"),),
            done_label=N_("✅ It's suspended"),
        ),
        "done": Step(
            N_(
                "✅ <b>Suspended.</b> No one can use the certificate now.\n"
                "\n"
                "<b>To reactivate it</b> (復用) you need the subscriber code again, so keep the "
                "form. If you can't find the card, revoke it at any NIA service station and "
                "apply again, {fee}."
            ),
            links=("resume",),
        ),
        "later": Step(
            N_(
                "⏳ <b>Check again later.</b> It may take {citizen_suspension_time} (from the "
                "citizens' card; may differ). Urgent, or no change? Call {hotline}."
            ),
            info_buttons=(
                text_to_show(
                    "我已經在網路上辦理停用，但是網頁上還沒有顯示停用，請幫我確認。",
                    N_(
                        "I suspended my certificate online, but the page doesn't show it yet. "
                        "Please check."
                    ),
                ),
            ),
        ),
        "fax": Step(
            _fax_text,
            (ButtonTransition("asked", N_("✅ I have the form"), "send"),),
            title=N_("📠 Suspend by fax"),
            info_buttons=info_buttons(
                N_(
                    "Can you suspend by phone or e-mail alone? Not confirmed: ask when you "
                    "call. The hotline is probably open {hotline_hours} (as of "
                    "2021)."
                ),
                "我的卡片遺失，沒有用戶代碼，想用緊急停用申請書停用憑證，請給我表格和傳真號碼。",
                N_(
                    "My card is lost and I don't have the code. I need the emergency suspension "
                    "form."
                ),
            ),
        ),
        "send": page_step(
            N_(
                "<b>Send the form</b>\n"
                "1. Fill it in.\n"
                "2. Add a copy of the ID document they asked for.\n"
                "3. Fax it, then call {hotline}: has it arrived, and when will it be done? "
                "Faxes are handled in office hours."
            ),
            "faxed",
            stuck=N_("No fax machine? Ask the hotline how else you can send it."),
            chinese="我已經傳真緊急停用申請書，想確認有沒有收到，還有什麼時候會完成停用。",
            meaning=N_("I've faxed the emergency form. Has it arrived, and when will it be done?"),
        ),
        "faxed": Step(
            N_(
                "✅ <b>Your request is on its way.</b> Call {hotline} to ask when it is done. "
                "To reactivate (復用) online later, you need the subscriber code; without it, ask "
                "there what you can do."
            ),
        ),
        "revoke": Step(
            N_(
                "🗑 <b>Revoke (廢止): at a counter, permanently</b>\n"
                "Go in person to any NIA service station (移民署服務站) with your original "
                "chip-embedded ARC and fill in the revocation form. It's done within "
                "{revocation_time} after approval. A new card costs {fee}.\n"
                "\n"
                "First suspend the card, so that no one else can use it."
            ),
            info_buttons=(
                text_to_show(
                    "我想廢止我的憑證，請給我廢止申請的表格。",
                    N_("I want to revoke my certificate. Please give me the form."),
                ),
            ),
            title=N_("🗑 Revoke for good"),
            links=("suspend/ready",),
        ),
    },
)
