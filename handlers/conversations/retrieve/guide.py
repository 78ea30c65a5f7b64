"""Retrieving (取回用戶代碼) a forgotten code on the official page (docs/facts.md §0, §1.5)."""

from handlers.engine.model import ButtonTransition, Conversation, Step
from handlers.official_page import menus
from handlers.official_page.pasted_texts import explain
from handlers.official_page.step_builders import on_page, page_step, text_to_show
from handlers.screen.text import N_

_CHINESE = "我忘記用戶代碼，想在網站上取回，但是我不會操作，請幫我。"
_MEANING = N_("I forgot my subscriber code and can't get it back on the website. Please help me.")

RETRIEVE = Conversation(
    name="retrieve",
    title=N_("🔑 Get my code back"),
    initial="form",
    explain=explain,
    steps={
        "form": Step(
            N_(
                "<b>Check the form first</b>\n"
                "The subscriber code (用戶代碼), {code_length}, is printed on the application "
                "form (申請書) you took home. Can you find it?\n"
                "\n"
                "⚠️ Once the card is activated (開卡), no one can give the code back."
            ),
            (
                ButtonTransition("found", N_("✅ Found it"), "found"),
                ButtonTransition("gone", N_("❌ I can't find it"), "stage"),
            ),
            picture="form",
        ),
        "stage": Step(
            N_("<b>Where are you in the process?</b>\nHow to get the code back depends on it."),
            (
                ButtonTransition("unpaid", N_("⏳ Unpaid, within {pay_days}"), "open"),
                ButtonTransition("overdue", N_("⌛ Unpaid, {pay_days} over"), "overdue"),
                ButtonTransition("paid", N_("💳 Paid, not activated"), "unsure"),
                ButtonTransition("active", N_("🆕 Card is activated"), "activated"),
                ButtonTransition("none", N_("❔ Not applied yet"), "not_applied"),
            ),
        ),
        "unsure": Step(
            N_(
                "<b>It may work: try it</b>\n"
                "The page is for people who have no certificate yet. Whether it works after "
                "you paid is not confirmed. If it doesn't, call {hotline} before you "
                "activate: after activation no one can give the code back."
            ),
            (ButtonTransition("try", N_("▶️ Try it"), "open"),),
        ),
        "open": page_step(
            on_page(
                N_(
                    "<b>Open the page</b>\n"
                    "Go to {site} and choose:\n"
                    "\n"
                    "{menu}\n"
                    "\n"
                    "The site's English says “retrieve PIN”. That's a mistake: you get your "
                    "subscriber code back, not a PIN."
                ),
                menus.RETRIEVE,
            ),
            "follow",
            stuck=N_("Look for 取回用戶代碼 under 憑證作業."),
            chinese=_CHINESE,
            meaning=_MEANING,
        ),
        "follow": page_step(
            N_(
                "<b>Follow the page</b>\n"
                "Type the details it asks for only there, never in this chat. You get back the "
                "same code that was on your form."
            ),
            "done",
            stuck=N_(
                "Nothing found? A new application may take until the next working day (users' "
                "reports). After {pay_days} without payment it is deleted."
            ),
            chinese=_CHINESE,
            meaning=_MEANING,
            done_label=N_("✅ I have my code"),
        ),
        "done": Step(
            N_(
                "✅ <b>Keep it safe</b>, on paper and not in a chat. You need it to pay, "
                "activate, suspend, reactivate and unlock. Capital and small letters matter."
            ),
            links=("pay", "activate"),
        ),
        "found": Step(
            N_(
                "✅ <b>Good.</b> Type the code exactly as printed: capital and small letters "
                "matter. Keep the form: after activation no one can give the code back."
            ),
            links=("pay", "activate"),
        ),
        "overdue": Step(
            N_(
                "⏳ <b>After {pay_days} the system deletes an unpaid application.</b> Apply again "
                "in person at any NIA service station with your original chip-embedded ARC. "
                "The new form has a new code."
            ),
            info_buttons=(
                text_to_show(
                    "我之前申請過但沒有在期限內繳費，想重新申請。",
                    N_("I applied before but didn't pay in time, and I want to apply again."),
                ),
            ),
        ),
        "activated": Step(
            N_(
                "🔑 <b>After activation no one can give the code back.</b>\n"
                "\n"
                "<b>You can still</b> use the card with its PIN, change the PIN if you know "
                "it, and suspend by fax.\n"
                "\n"
                "<b>You need the code</b> to suspend online, reactivate or unlock. Whether you "
                "can get a new code is not confirmed. Ask {hotline}. The last option is "
                "probably to revoke and apply again, {fee}."
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
                "🆕 <b>You don't have a code yet.</b> It's printed on the form when you apply "
                "in person at any NIA service station. You must be {age}, with a valid "
                "chip-embedded ARC and an e-mail address."
            ),
        ),
    },
)
