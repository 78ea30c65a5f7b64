"""Activating (開卡) a new card on the official page (docs/facts.md §1.4, §1.7, §2.4)."""

from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.official_page import menus
from handlers.official_page.pasted_texts import explain
from handlers.official_page.step_builders import environment, on_page, page_step
from handlers.screen.text import N_

_CHINESE = "我收到新卡，想在網路上開卡，但是有一個地方我不會操作，請幫我。"
_MEANING = N_("I have the new card and cannot get on with the activation. Please help me.")

ACTIVATE = Conversation(
    name="activate",
    title=N_("🆕 Activate a new card (開卡)"),
    initial="ready",
    explain=explain,
    steps={
        "ready": Step(
            N_(
                "<b>Have ready</b>\n"
                "• the new card\n"
                "• a Windows PC or Mac with a card reader\n"
                "• the subscriber code (用戶代碼) from your application form\n"
                "• a PIN that you choose yourself: 6–8 characters, letters and digits mixed, no "
                "spaces\n\n"
                "For alien citizens we found no deadline, but pages for citizens name 90 days: "
                "do it soon. Tell neither code nor PIN to me or anybody."
            ),
            (
                ButtonTransition("all", N_("✅ I have everything"), "computer"),
                ButtonTransition("code", N_("🔑 I forgot the code"), "retrieve/form"),
            ),
        ),
        "computer": environment("open"),
        "open": page_step(
            on_page(
                N_(
                    "<b>Open the page</b>\nPut the card in, go to {site} and choose:\n\n{menu}\n\n"
                    "We have not seen this menu itself; the words may differ a little."
                ),
                menus.ACTIVATE,
            ),
            "code",
            stuck=N_(
                "Look for the characters 開卡 under 憑證作業. A button does nothing? Allow pop-ups "
                "and install the card software again."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
        ),
        "code": page_step(
            N_(
                "<b>Type the code and set the PIN, on the page</b>\n"
                "1. The subscriber code exactly as printed, capital and small letters.\n"
                "2. Your new PIN, 6–8 characters. Remember it: nobody keeps it for you.\n\n"
                "Code and PIN are two different things: the code proves that it is you, the PIN "
                "is for daily use. The order of the steps comes from the card software, not from "
                "an official guide."
            ),
            "done",
            stuck=N_(
                "• The code is refused: stop after two tries and compare it with the form.\n"
                "• “Already activated” means that you can skip this.\n"
                "• The page stops half-way: take the card out, put it in, begin the page again. "
                "A user reports that the page did not work and the hotline helped."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
            more_buttons=(ButtonTransition("already", N_("It says: already activated"), "done"),),
        ),
        "done": Step(
            N_(
                "✅ <b>The card is ready.</b> Keep the code too: you need it to suspend a lost "
                "card and to unlock the PIN, and from now on nobody can read it back. The "
                "certificate is valid for 5 years."
            ),
            links=("status",),
        ),
    },
)
