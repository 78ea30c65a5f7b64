"""Retrieving (取回用戶代碼) a forgotten code on the official page (docs/facts.md §0, §1.5)."""

from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.official_page import menus
from handlers.official_page.pasted_texts import explain
from handlers.official_page.step_builders import on_page, page_step, text_to_show
from handlers.screen.text import N_

_CHINESE = "我忘記用戶代碼，想在網站上取回，但是我不會操作，請幫我。"
_MEANING = N_("I forgot my subscriber code and cannot get it back on the page. Please help me.")

RETRIEVE = Conversation(
    name="retrieve",
    title=N_("🔑 Get a forgotten code back (取回用戶代碼)"),
    initial="form",
    explain=explain,
    steps={
        "form": Step(
            N_(
                "<b>Check the form first</b>\n"
                "The subscriber code (用戶代碼), 6–10 characters, is printed on the application "
                "form (申請書) you took home. Can you find it?"
            ),
            (
                ButtonTransition("found", N_("✅ Found it"), "found"),
                ButtonTransition("gone", N_("❌ I do not have it"), "stage"),
            ),
        ),
        "stage": Step(
            N_("<b>Where are you in the process?</b>\nHow to get the code back depends on it."),
            (
                ButtonTransition("unpaid", N_("Applied, not paid, within 15 days"), "open"),
                ButtonTransition("overdue", N_("Not paid, the 15 days are over"), "overdue"),
                ButtonTransition("paid", N_("Paid; card not here or not activated"), "unsure"),
                ButtonTransition("active", N_("The card is activated"), "activated"),
                ButtonTransition("none", N_("I have not applied yet"), "not_applied"),
            ),
        ),
        "unsure": Step(
            N_(
                "<b>Not certain, but worth a try</b>\n"
                "The page's heading speaks of people who have no certificate yet, so it may work "
                "for you. For “paid, not activated” we found no official word. If it does not "
                "work, call 0800-080-117 before you activate: afterwards nobody can read the code "
                "back."
            ),
            (ButtonTransition("try", N_("▶️ Try it"), "open"),),
        ),
        "open": page_step(
            on_page(
                N_(
                    "<b>Open the page</b>\nGo to {site} and choose:\n\n{menu}\n\n"
                    "“retrieve PIN” is the site's own English and is wrong: you get the "
                    "subscriber code back, not a PIN."
                ),
                menus.RETRIEVE,
            ),
            "follow",
            stuck=N_("Look for the characters 取回用戶代碼 under 憑證作業."),
            chinese=_CHINESE,
            meaning=_MEANING,
        ),
        "follow": page_step(
            N_(
                "<b>Follow the page</b>\n"
                "We do not know which details it asks for. Type them there only, never here. "
                "It gives back the same code that was on your form."
            ),
            "done",
            stuck=N_(
                "The page finds nothing? Users report that a new application can take until the "
                "next working day to show up. After 15 days without payment it is deleted."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
            done_label=N_("✅ I have my code"),
        ),
        "done": Step(
            N_(
                "✅ <b>Keep it well</b>, on paper and not in a chat. You need it to pay, to "
                "activate, to suspend, to resume and to unlock. Capital and small letters differ."
            ),
            links=("pay", "activate"),
        ),
        "found": Step(
            N_(
                "✅ <b>Good.</b> Type it exactly as printed; capital and small letters differ. "
                "Keep the form: after activation nobody can read the code back."
            ),
            links=("pay", "activate"),
        ),
        "overdue": Step(
            N_(
                "⏳ <b>After 15 days the system deletes an unpaid application.</b> Apply again in "
                "person at any NIA service station, with the original of your chip-embedded ARC. "
                "The new form has a code of its own."
            ),
            info_buttons=(
                text_to_show(
                    "我之前申請過但沒有在期限內繳費，想重新申請。",
                    N_("I applied before but did not pay in time, and want to apply again."),
                ),
            ),
        ),
        "activated": Step(
            N_(
                "🔑 <b>After activation nobody can read the code back.</b> Neither MOICA nor the "
                "NIA keeps it, and the retrieval page is not for this case.\n\n"
                "<b>What still works</b>\n"
                "• The card with its PIN, as usual.\n"
                "• Changing a PIN you know: it asks for the old PIN only.\n"
                "• Suspending by fax with the emergency form: the official text does not name "
                "the code for it.\n\n"
                "<b>What needs the code</b>: suspending online, resuming, unlocking. Whether and "
                "where alien citizens can have a new code, we found nowhere: ask 0800-080-117 or "
                "an NIA station. The last resort, as we see it: revoke and apply anew, NT$278."
            ),
            info_buttons=(
                text_to_show(
                    "我的卡片已經開卡，但是忘記用戶代碼，請問有什麼辦法？",
                    N_("My card is activated and I forgot the subscriber code. What can I do?"),
                ),
            ),
            links=("change_pin", "suspend/fax"),
        ),
        "not_applied": Step(
            N_(
                "🆕 <b>There is no code yet.</b> It is printed on the form when you apply in "
                "person at any NIA service station: 18 or over, with a valid chip-embedded ARC "
                "and an e-mail address."
            ),
        ),
    },
)
