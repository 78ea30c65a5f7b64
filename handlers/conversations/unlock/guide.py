"""Unlocking (鎖卡解碼) a card on the official page (docs/facts.md §1.4, §2.2)."""

from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.official_page import menus
from handlers.official_page.pasted_texts import explain
from handlers.official_page.step_builders import environment, on_page, page_step, text_to_show
from handlers.screen.text import N_

_CHINESE = "我忘記PIN碼或鎖卡了，想在網路上解碼，但是有一個地方我不會操作，請幫我。"
_MEANING = N_(
    "My PIN is forgotten or locked and I cannot get on with the unlock page. Please help."
)

UNLOCK = Conversation(
    name="unlock",
    title=N_("🔓 Unlock the card, new PIN (鎖卡解碼)"),
    initial="which",
    explain=explain,
    steps={
        "which": Step(
            N_(
                "<b>Code or PIN?</b>\n"
                "🔢 <b>PIN</b> (PIN碼): 6–8 characters you chose at activation, typed when you use "
                "the card.\n"
                "🔑 <b>Subscriber code</b> (用戶代碼): 6–10 characters on the application form.\n\n"
                "Which one is locked or forgotten?"
            ),
            (
                ButtonTransition("pin", N_("🔢 The PIN"), "ready"),
                ButtonTransition("code", N_("🔑 I forgot the code"), "retrieve/form"),
                ButtonTransition("code_locked", N_("🔒 The code is locked"), "code_locked"),
                ButtonTransition("suspended", N_("⏸ Neither: it is suspended"), "resume/safe"),
            ),
        ),
        "ready": Step(
            N_(
                "<b>Have ready</b>\n"
                "• the card\n"
                "• a Windows PC or Mac with a card reader\n"
                "• the subscriber code (用戶代碼) from your application form\n"
                "• a new PIN in mind: 6–8 characters, letters and digits mixed, no spaces\n\n"
                "🛑 Do not try the PIN again. Tell neither code nor PIN to me or anybody."
            ),
            (
                ButtonTransition("all", N_("✅ I have everything"), "computer"),
                ButtonTransition("code", N_("🔑 I no longer have the code"), "no_code"),
            ),
        ),
        "computer": environment("open"),
        "open": page_step(
            on_page(
                N_(
                    "<b>Open the page</b>\nPut the card in, go to {site} and choose:\n\n{menu}\n\n"
                    "Use only this official page: other unlock software can lock the card for "
                    "good."
                ),
                menus.UNLOCK,
            ),
            "fill",
            stuck=N_("Look for the characters 鎖卡解碼 under 憑證作業."),
            chinese=_CHINESE,
            meaning=_MEANING,
        ),
        "fill": page_step(
            N_(
                "<b>Code, then the new PIN, on the page</b>\n"
                "1. The subscriber code exactly as printed; pages for citizens say that capital "
                "and small letters matter.\n"
                "2. When it is accepted: your new PIN."
            ),
            "done",
            stuck=N_(
                "• The code is refused: do not guess. Error tables show that wrong codes are "
                "counted too; the lock of the code is another one than the lock of the PIN.\n"
                "• Nothing happens: check the reader, the browser and the pop-ups."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
            done_label=N_("✅ The new PIN is set"),
        ),
        "done": Step(N_("✅ <b>Unlocked.</b> Remember the new PIN: nobody keeps it for you.")),
        "no_code": Step(
            N_(
                "🔑 <b>The unlock page does not work without the code</b>, and after activation "
                "nobody can read it back. You remember the PIN and it is not locked? Then you can "
                "still change it. Otherwise ask 0800-080-117 or an NIA station; the last resort, "
                "as we see it: revoke and apply anew, NT$278."
            ),
            info_buttons=(
                text_to_show(
                    "我的卡片PIN碼鎖住了，也沒有用戶代碼，請問有什麼辦法？",
                    N_("My PIN is locked and I have no subscriber code. What can I do?"),
                ),
            ),
            links=("change_pin",),
        ),
        "code_locked": Step(
            N_(
                "🔒 <b>The subscriber code is locked</b>\n"
                "Error tables show this after several wrong tries. How alien citizens get it "
                "unlocked, we found nowhere: call 0800-080-117. It is another lock than that of "
                "the PIN."
            ),
            info_buttons=(
                text_to_show(
                    "我的用戶代碼輸入錯誤太多次被鎖住了，請問要怎麼處理？",
                    N_("My subscriber code is locked after too many wrong tries. What can I do?"),
                ),
            ),
            links=("suspend/fax",),
        ),
    },
)
