"""Changing the PIN (修改PIN碼) on the official page (docs/facts.md §1.4, §2.1)."""

from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.official_page import menus
from handlers.official_page.pasted_texts import explain
from handlers.official_page.step_builders import environment, on_page, page_step
from handlers.screen.text import N_

_CHINESE = "我想在網路上修改PIN碼，但是有一個地方我不會操作，請幫我。"
_MEANING = N_("I want to change my PIN online and cannot get on. Please help me.")

CHANGE_PIN = Conversation(
    name="change_pin",
    title=N_("🔢 Change a PIN you know (修改PIN碼)"),
    initial="know",
    explain=explain,
    steps={
        "know": Step(
            N_(
                "<b>Do you know the old PIN?</b>\n"
                "Changing it needs the card, a reader and the old PIN; the subscriber code is not "
                "asked for. Do not guess: most texts say that the third wrong PIN locks the card."
            ),
            (
                ButtonTransition("yes", N_("✅ Yes"), "computer"),
                ButtonTransition("no", N_("❌ Forgotten or locked"), "unlock/ready"),
            ),
        ),
        "computer": environment("open"),
        "open": page_step(
            on_page(
                N_(
                    "<b>Open the page</b>\nGo to {site} and choose:\n\n{menu}\n\nOr open "
                    '<a href="https://ee-moica.moi.gov.tw/mdbs/changePin_other.html">this page</a> '
                    "at once."
                ),
                menus.CHANGE_PIN,
            ),
            "reader",
            stuck=N_("Look for the characters 修改PIN碼 under 憑證作業."),
            chinese=_CHINESE,
            meaning=_MEANING,
        ),
        "reader": page_step(
            N_("<b>Choose your reader</b> in the list (▼). The page then reads the card."),
            "change",
            stuck=N_(
                "The list is empty or a button does nothing: install HiCOS Client again, plug the "
                "reader in first, restart the browser."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
        ),
        "change": page_step(
            N_(
                "<b>On the page: old PIN, new PIN, new PIN again</b>\n"
                "6–8 characters, letters and digits mixed, no spaces. Only there, never here."
            ),
            "done",
            stuck=N_(
                "The old PIN is refused? 🛑 Stop after two tries and set a new one on the unlock "
                "page with the subscriber code instead."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
            more_buttons=(
                ButtonTransition(
                    "unlock", N_("🔓 Rather set a new one with the code"), "unlock/ready"
                ),
            ),
            done_label=N_("✅ The new PIN is set"),
        ),
        "done": Step(N_("✅ <b>Changed.</b> Remember the new PIN: nobody keeps it for you.")),
    },
)
