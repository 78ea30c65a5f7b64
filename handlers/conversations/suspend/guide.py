"""Suspending (停用) on the official page: with the code, or by fax (docs/facts.md §1.6)."""

from handlers.engine.model import ButtonTransition, Conversation, Step, StepContext
from handlers.official_page import menus
from handlers.official_page.pasted_texts import explain
from handlers.official_page.step_builders import info_buttons, on_page, page_step, text_to_show
from handlers.screen.text import N_, Markup, say

_CHINESE = "我想暫時停用我的憑證，網頁上有一個地方我不會操作，請幫我。"
_MEANING = N_("I want to suspend my certificate and cannot get on with the page. Please help me.")
_LETTER = (
    "您好：\n我是外來人口自然人憑證的持卡人，卡片遺失，想暫時停用憑證，但是沒有用戶代碼或IC卡卡號。"
    "請寄給我「緊急停用申請書」，並告訴我傳真號碼、要附哪些身分證明文件，以及多久會完成停用。謝謝您。"
)


def _fax_text(ctx: StepContext) -> Markup:
    return say(
        ctx.language,
        "<b>Without the code or the card number: by fax</b>\n"
        "1. Ask for the form 緊急停用申請書 (emergency suspension application form): phone "
        "0800-080-117 or write to cse@moica.nat.gov.tw.\n"
        "2. Ask for the fax number too, and which identity paper to attach.\n\n"
        "What to write (tap to copy):\n<pre>{letter}</pre>\n\n"
        "The official text does not name the subscriber code for this way, so it seems to work "
        "without. That is our reading; ask the hotline.",
        letter=_LETTER,
    )


SUSPEND = Conversation(
    name="suspend",
    title=N_("⏸ Suspend the certificate (停用)"),
    initial="which",
    explain=explain,
    steps={
        "which": Step(
            N_(
                "<b>For now, or for ever?</b>\n"
                "⏸ <b>Suspend (停用, 暫時停用)</b> stops the certificate for now, online. You can "
                "undo it. Right for a lost card that may turn up.\n"
                "🗑 <b>Revoke (廢止)</b> ends it for good, at a counter. A new card costs NT$278."
            ),
            (
                ButtonTransition("suspend", N_("⏸ Suspend it for now"), "ready"),
                ButtonTransition("revoke", N_("🗑 End it for good"), "revoke"),
            ),
        ),
        "ready": Step(
            N_(
                "<b>Do you have these two?</b>\n"
                "• <b>Subscriber code</b> (用戶代碼): 6–10 characters, on your copy of the "
                "application form (申請書).\n"
                "• <b>IC card number</b> (IC卡卡號): pages for citizens say 2 capital letters and "
                "14 digits. It is not the UI No. on your ARC. We found no official word on where "
                "to look it up when the card is lost; ask the hotline.\n\n"
                "The page mentions no card reader and no PIN. Do not send me either number."
            ),
            (
                ButtonTransition("both", N_("✅ I have both"), "open"),
                ButtonTransition("lack", N_("❌ I lack one of them"), "fax"),
            ),
        ),
        "open": page_step(
            on_page(N_("<b>Open the page</b>\nGo to {site} and choose:\n\n{menu}"), menus.SUSPEND),
            "fill",
            stuck=N_(
                "The site calls it suspension on some pages and deactivation on others. Look for "
                "the characters 停用 under 憑證作業."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
        ),
        "fill": page_step(
            N_(
                "<b>Fill in and confirm</b>\n"
                "Type the subscriber code exactly as printed and the IC card number, then "
                "confirm. Pages for citizens say that capital and small letters matter; mind O "
                "and 0, I, l and 1."
            ),
            "check",
            stuck=N_(
                "• Code refused: stop after two tries. Error tables show that wrong codes are "
                "counted and that the code is locked in the end.\n"
                "• Card number refused: 2 capital letters and 14 digits, without spaces.\n"
                "• Go back and choose the way by fax if one of them is missing."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
            more_buttons=(ButtonTransition("fax", N_("📠 Rather by fax"), "fax"),),
        ),
        "check": page_step(
            on_page(
                N_(
                    "<b>Is it suspended?</b>\nSee what the site says about your certificate:\n\n"
                    "{menu}"
                ),
                menus.ISSUANCE,
            ),
            "done",
            stuck=N_(
                "Pages for citizens say that a suspension is done within 1 working day. We found "
                "no such time for alien citizens."
            ),
            chinese="我剛才在網路上辦理停用，想確認憑證是不是已經停用了。",
            meaning=N_("I have just suspended my certificate online. Is it suspended now?"),
            more_buttons=(ButtonTransition("not_yet", N_("⏳ Not yet"), "later"),),
            done_label=N_("✅ It is suspended"),
        ),
        "done": Step(
            N_(
                "✅ <b>Suspended.</b> Nobody can use the certificate until it is resumed.\n\n"
                "<b>To undo it</b> (復用) you need the subscriber code again, so keep the form. "
                "The card is gone for sure? Then revoke it at any NIA service station and apply "
                "anew, NT$278."
            ),
            links=("resume",),
        ),
        "later": Step(
            N_(
                "⏳ <b>Look again later.</b> Pages for citizens say 1 working day; for alien "
                "citizens we found no time. Is it urgent, or nothing changes? Call 0800-080-117."
            ),
            info_buttons=(
                text_to_show(
                    "我已經在網路上辦理停用，但是網頁上還沒有顯示停用，請幫我確認。",
                    N_("I suspended online, but the page does not show it yet. Please check."),
                ),
            ),
        ),
        "fax": Step(
            _fax_text,
            (ButtonTransition("asked", N_("✅ I have the form"), "send"),),
            info_buttons(
                N_(
                    "We found no official word on suspending by phone alone or by e-mail. Ask "
                    "both when you call. A web page of 2021 gives Monday to Friday 07:00–23:00 as "
                    "the hotline's hours; they may have changed."
                ),
                "我的卡片遺失，沒有用戶代碼，想用緊急停用申請書停用憑證，請給我表格和傳真號碼。",
                N_("My card is lost and I have no code. I want the emergency suspension form."),
            ),
        ),
        "send": page_step(
            N_(
                "<b>Send the form</b>\n"
                "1. Fill it in.\n"
                "2. Add a copy of the paper that identifies you, the kind they named.\n"
                "3. Fax it, then phone 0800-080-117: has it arrived, and when is it done? It is "
                "handled within service hours."
            ),
            "faxed",
            stuck=N_("No fax machine? Ask the hotline which other way they accept."),
            chinese="我已經傳真緊急停用申請書，想確認有沒有收到，還有什麼時候會完成停用。",
            meaning=N_("I have faxed the emergency form. Has it arrived, and when is it done?"),
        ),
        "faxed": Step(
            N_(
                "✅ <b>On its way.</b> Resuming (復用) online later needs the subscriber code. If "
                "that is gone too, ask the hotline what is possible before you need the card."
            ),
        ),
        "revoke": Step(
            N_(
                "🗑 <b>Revoke (廢止): at a counter, for good</b>\n"
                "Go in person to any NIA service station (移民署服務站) with the original of your "
                "chip-embedded ARC and fill in the revocation form. It is done within 1 working "
                "day of the approval. A new card is a first application again: NT$278.\n\n"
                "Until then a suspension keeps others from using it."
            ),
            info_buttons=(
                text_to_show(
                    "我想廢止我的憑證，請給我廢止申請的表格。",
                    N_("I want to revoke my certificate. Please give me the form."),
                ),
            ),
            links=("suspend/ready",),
        ),
    },
)
