"""Activating (開卡) a new card on the official page (docs/facts.md §1.4, §1.7, §2.4)."""

from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.official_page import menus
from handlers.official_page.pasted_texts import explain
from handlers.official_page.step_builders import environment, on_page, page_step
from handlers.screen.text import N_

_CHINESE = "我收到新卡，想在網路上開卡，但是有一個地方我不會操作，請幫我。"
_MEANING = N_("I have my new card but can't complete the activation. Please help me.")

ACTIVATE = Conversation(
    name="activate",
    title=N_("🆕 Activate my card"),
    initial="ready",
    explain=explain,
    steps={
        "ready": Step(
            N_(
                "<b>Have ready</b>\n"
                "• your new card\n"
                "• a Windows PC or Mac with a card reader\n"
                "• your subscriber code (用戶代碼) from the application form\n"
                "• a new PIN that you choose: {pin_rule}, best mixed, no spaces\n"
                "\n"
                "Activate soon: citizens have 90 days, the deadline for foreign residents is "
                "not confirmed. Never type the code or PIN in this chat."
            ),
            (
                ButtonTransition("all", N_("✅ I have everything"), "computer"),
                ButtonTransition("code", N_("🔑 I forgot the code"), "retrieve/form"),
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
                    "The words on the page may differ a little."
                ),
                menus.ACTIVATE,
            ),
            "code",
            stuck=N_(
                "Look for 開卡 under 憑證作業. If a button does nothing, allow pop-ups and install "
                "the card software again."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
        ),
        "code": page_step(
            N_(
                "<b>On the page: type the code and set your PIN</b>\n"
                "1. The subscriber code exactly as printed: capital and small letters matter.\n"
                "2. Your new PIN, {pin_length}. Remember it: no one can tell it to you "
                "later.\n"
                "\n"
                "The code proves who you are; the PIN is for daily use. The order on the page "
                "may differ."
            ),
            "done",
            stuck=N_(
                "• Wrong code: stop after two attempts and compare it with the form.\n"
                "• “Already activated”: you can skip this.\n"
                "• The page stops: take the card out, put it back in, and start the page "
                "again. Still not working? Call {hotline}."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
            more_buttons=(ButtonTransition("already", N_("ℹ️ Already activated"), "done"),),
            picture="numbers",
        ),
        "done": Step(
            N_(
                "✅ <b>Your card is ready.</b> It's valid for {validity}.\n"
                "\n"
                "<b>Keep your subscriber code</b>: you need it to suspend a lost card or "
                "unlock it, and no one can give it back to you after activation."
            ),
            links=("status",),
        ),
    },
)
