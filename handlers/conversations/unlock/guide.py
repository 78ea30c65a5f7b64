"""Unlocking (鎖卡解碼) a card on the official page (docs/facts.md §1.4, §2.2)."""

from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.official_page import menus
from handlers.official_page.pasted_texts import explain
from handlers.official_page.step_builders import environment, on_page, page_step, text_to_show
from handlers.screen.text import N_

_CHINESE = "我忘記PIN碼或鎖卡了，想在網路上解碼，但是有一個地方我不會操作，請幫我。"
_MEANING = N_("My PIN is forgotten or locked and the unlock page doesn't work for me. Please help.")

UNLOCK = Conversation(
    name="unlock",
    title=N_("🔓 Unlock my card"),
    initial="which",
    explain=explain,
    steps={
        "which": Step(
            N_(
                "<b>PIN or subscriber code?</b>\n"
                "🔢 <b>PIN</b> (PIN碼): {pin_length} you chose at activation and type when you "
                "use the card.\n"
                "🔑 <b>Subscriber code</b> (用戶代碼): {code_length} on the application form.\n"
                "\n"
                "Which one is locked or forgotten?"
            ),
            (
                ButtonTransition("pin", N_("🔢 PIN"), "ready"),
                ButtonTransition("code", N_("🔑 I forgot the code"), "retrieve/form"),
                ButtonTransition("code_locked", N_("🔒 The code is locked"), "code_locked"),
                ButtonTransition("suspended", N_("⏸ It's suspended"), "resume/safe"),
            ),
        ),
        "ready": Step(
            N_(
                "<b>Have ready</b>\n"
                "• the card\n"
                "• a Windows PC or Mac with a card reader\n"
                "• your subscriber code (用戶代碼) from the application form\n"
                "• a new PIN that you choose: {pin_rule}, best mixed, no spaces\n"
                "\n"
                "🛑 Don't try the old PIN again. Never type the code or PIN in this chat."
            ),
            (
                ButtonTransition("all", N_("✅ I have everything"), "computer"),
                ButtonTransition("code", N_("🔑 I lost the code"), "no_code"),
            ),
            picture="numbers",
        ),
        "computer": environment("open"),
        "open": page_step(
            on_page(
                N_(
                    "<b>Open the page</b>\n"
                    "Put the card in, go to {site} and choose:\n"
                    "\n"
                    "{menu}\n"
                    "\n"
                    "Use only this official page: other unlock software can lock the card "
                    "permanently."
                ),
                menus.UNLOCK,
            ),
            "fill",
            stuck=N_("Look for 鎖卡解碼 under 憑證作業."),
            chinese=_CHINESE,
            meaning=_MEANING,
        ),
        "fill": page_step(
            N_(
                "<b>On the page: first the code, then a new PIN</b>\n"
                "1. Type the subscriber code exactly as printed: capital and small letters "
                "matter.\n"
                "2. Then set your new PIN."
            ),
            "done",
            stuck=N_(
                "• Wrong code: don't guess. Too many wrong codes lock the subscriber code too; "
                "that lock is separate from the PIN's.\n"
                "• Nothing happens: check the reader, the browser and pop-ups."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
            done_label=N_("✅ The new PIN is set"),
            picture="numbers",
        ),
        "done": Step(
            N_("✅ <b>Unlocked.</b> Remember the new PIN: no one can tell it to you later."),
            links=("status",),
        ),
        "no_code": Step(
            N_(
                "🔑 <b>You need the subscriber code to unlock, and after activation no one can "
                "give it back.</b> If you remember the PIN and it's not locked, you can still "
                "change it. If not, ask {hotline} or an NIA station; the last option is "
                "probably to revoke and apply again, {fee}."
            ),
            info_buttons=(
                text_to_show(
                    "我的卡片PIN碼鎖住了，也沒有用戶代碼，請問有什麼辦法？",
                    N_("My PIN is locked and I don't have the subscriber code. What can I do?"),
                ),
            ),
            links=("change_pin",),
        ),
        "code_locked": Step(
            N_(
                "🔒 <b>The subscriber code is locked</b>\n"
                "This happens after several wrong attempts. How foreign residents can unlock "
                "it is not confirmed. Call {hotline}. This lock is separate from the PIN's."
            ),
            info_buttons=(
                text_to_show(
                    "我的用戶代碼輸入錯誤太多次被鎖住了，請問要怎麼處理？",
                    N_(
                        "My subscriber code is locked after too many wrong attempts. What can I do?"
                    ),
                ),
            ),
            links=("suspend/fax",),
        ),
    },
)
