"""Changing the PIN (修改PIN碼) on the official page (docs/facts.md §1.4, §2.1)."""

from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.official_page import menus
from handlers.official_page.pasted_texts import explain
from handlers.official_page.step_builders import environment, on_page, page_step
from handlers.screen.text import N_

_CHINESE = "我想在網路上修改PIN碼，但是有一個地方我不會操作，請幫我。"
_MEANING = N_("I want to change my PIN online, but it doesn't work. Please help me.")

CHANGE_PIN = Conversation(
    name="change_pin",
    title=N_("🔢 Change my PIN"),
    initial="know",
    explain=explain,
    steps={
        "know": Step(
            N_(
                "<b>Do you know your old PIN?</b>\n"
                "To change it you need the card, a card reader and the old PIN, but not the "
                "subscriber code. Don't guess: the third wrong PIN may lock the card."
            ),
            (
                ButtonTransition("yes", N_("✅ Yes"), "computer"),
                ButtonTransition("no", N_("❌ Forgotten or locked"), "unlock/ready"),
            ),
            picture="numbers",
        ),
        "computer": environment("open"),
        "open": page_step(
            on_page(
                N_(
                    "<b>Open the page</b>\n"
                    "Go to {site} and choose:\n"
                    "\n"
                    "{menu}\n"
                    "\n"
                    "Or open <a "
                    'href="https://{pin_site}/mdbs/changePin_other.html">this '
                    "page</a> directly."
                ),
                menus.CHANGE_PIN,
            ),
            "reader",
            stuck=N_("Look for 修改PIN碼 under 憑證作業."),
            chinese=_CHINESE,
            meaning=_MEANING,
        ),
        "reader": page_step(
            N_("<b>Choose your reader</b> in the list (▼). The page then reads the card."),
            "change",
            stuck=N_(
                "If the list is empty or a button does nothing: plug the reader in first, "
                "install HiCOS Client again, then restart the browser."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
        ),
        "change": page_step(
            N_(
                "<b>On the page: old PIN, new PIN, new PIN again</b>\n"
                "{pin_rule}, best mixed, no spaces. Type them only there, never in "
                "this chat."
            ),
            "done",
            stuck=N_(
                "🛑 Old PIN wrong? Stop after two attempts. You can set a new PIN with your "
                "subscriber code on the unlock page instead."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
            more_buttons=(
                ButtonTransition("unlock", N_("🔓 New PIN with my code"), "unlock/ready"),
            ),
            done_label=N_("✅ The new PIN is set"),
        ),
        "done": Step(
            N_("✅ <b>PIN changed.</b> Remember it: no one can tell it to you later."),
            links=("status",),
        ),
    },
)
