"""Views of FAQ answers: the entry, an explained error code, and "did you mean"."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from html import escape, unescape

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

import locales
from handlers.context import Context
from handlers.conversations.registry import GUIDES, is_guide
from handlers.conversations.triage.guide import TRIAGE
from handlers.desk.subscriber_texts import ask_row
from handlers.lost_card import lost_card_button
from handlers.pictures import picture_button
from handlers.screen import markdown
from handlers.screen.text import N_, Markup, label, say
from handlers.screen.view import Keyboard, View, button, view
from services.faq import error_codes
from services.faq.entries import Entries, Entry, Mode, Source
from services.faq.error_codes import SoftwareErrorCode

_TAGS = re.compile(r"<[^<>]+>")
_RELATED_SHOWN = 3
_CODES_SHOWN = 3
_FALLBACK = ("code-forgot-before-card", "lost-card", "pay-how")
"""The most frequent questions, suggested where no entry is similar."""
MAX_VIEWS = 2_000
"""Views that are kept: those of every entry, and of some edits before."""
_CODE_ENTRY = "code-locked"
"""The entry about a code that is wrong or locked, which whoever lost the card may have tried."""
PERSON_ENTRY = "contact"
"""The entry with the hotline and e-mail address."""


_DO_IT_NOW: Mapping[str, str] = {
    "pay": N_("💳 Pay now"),
    "activate": N_("🆕 Activate now"),
    "suspend": N_("⏸ Suspend now"),
    "resume": N_("▶️ Reactivate now"),
    "unlock": N_("🔓 Unlock now"),
}
"""The label of the button to a conversation that carries out an operation."""


def find_answer(context: Context, entry_id: str, language: str) -> View | None:
    """Return the view of an entry, as this deployment answers; `None` for an unknown id."""
    entries = context.services.entries
    entry = entries.get(entry_id, language)
    return answer_view(entries, entry, find_mode(context, entry)) if entry else None


def find_more(context: Context, entry_id: str, language: str) -> View | None:
    """Return the view of what is behind *More*; `None` for an unknown id."""
    entry = context.services.entries.get(entry_id, language)
    return more_view(entry, find_mode(context, entry)) if entry else None


def find_mode(context: Context, entry: Entry) -> Mode:
    """Return whether what the entry explains is done here."""
    conversation = context.bot_data["conversations"].get(entry.conversation)
    if conversation is None:
        return Mode.GUIDE if context.services.authority is None else Mode.EMBEDDED
    return Mode.GUIDE if is_guide(conversation) else Mode.EMBEDDED


@lru_cache(maxsize=MAX_VIEWS)
def answer_view(entries: Entries, entry: Entry, mode: Mode) -> View:
    """Return the view of an entry."""
    return view(answer_text(entry, mode), *_rows(entries, entry, mode, None))


def action_rows(entry: Entry, mode: Mode) -> list[list[InlineKeyboardButton]]:
    """Return the buttons below an answer that the staff send: what to do, more, the language."""
    language, other = entry.language, locales.other(entry.language)
    more = button(label(language, "📄 More"), "more", entry.id, language)
    translated = button(label(other, "🌐 In English"), "faq", entry.id, other)
    return [*_action_rows(entry, mode), [more, translated]]


@lru_cache(maxsize=MAX_VIEWS)
def more_view(entry: Entry, mode: Mode) -> View:
    """Return the view of what is behind *More*."""
    language, other = entry.language, locales.other(entry.language)
    back = button(label(language, "« Short answer"), "faq", entry.id, language)
    translated = button(label(other, "🌐 In English"), "more", entry.id, other)
    return view(more_text(entry, mode), *_action_rows(entry, mode), [back, translated])


def add_person_row(shown: View, language: str, origin: str) -> View:
    """Return the view with a button that asks for a person.

    :param origin: id of the answer.
    """
    rows = [list(row) for row in shown.keyboard.inline_keyboard] if shown.keyboard else []
    return replace(shown, keyboard=Keyboard([ask_row(language, origin), *rows]))


def render_all(entries: Entries) -> None:
    """Fill the caches of the views, so that nobody waits for them."""
    for language in locales.LANGUAGES:
        for entry in entries.all(language):
            for mode in Mode:
                answer_view(entries, entry, mode)
                more_view(entry, mode)


def voted_keyboard(
    entries: Entries, entry: Entry, mode: Mode, helpful: bool
) -> InlineKeyboardMarkup:
    """Return the buttons under an answer, with the vote marked."""
    return Keyboard(_rows(entries, entry, mode, helpful))


def answer_text(entry: Entry, mode: Mode) -> str:
    """Return the title and the short answer.

    :raises MarkdownError: for Markdown that Telegram cannot show.
    :raises ValueError: where it is longer than a message.
    """
    return markdown.join_blocks([_title(entry), *markdown.render(entry.answers[mode].short)])


def more_text(entry: Entry, mode: Mode) -> str:
    """Return the title, what is behind *More*, and the sources.

    :raises MarkdownError: for Markdown that Telegram cannot show.
    :raises ValueError: where it is longer than a message.
    """
    blocks = markdown.render(entry.answers[mode].more)
    return markdown.join_blocks([_title(entry), *blocks, _sources(entry)])


def strip_tags(html: str) -> str:
    """Return the words of Telegram HTML."""
    return unescape(_TAGS.sub("", html))


def _title(entry: Entry) -> str:
    return f"<b>{escape(entry.title, quote=False)}</b>"


def _sources(entry: Entry) -> str:
    """Return the sources of an entry, one line for each day on which they were read."""
    days = sorted({source.date for source in entry.sources}, reverse=True)
    return "\n".join(_source_line(entry, day) for day in days)


def _source_line(entry: Entry, day: date) -> str:
    pages = Markup(" · ".join(_link(source) for source in entry.sources if source.date == day))
    return say(
        entry.language, "<i>Source: {pages} (saved copy, read {date})</i>", pages=pages, date=day
    )


def _link(source: Source) -> str:
    return f'<a href="{escape(source.url)}">{escape(source.name, quote=False)}</a>'


def _rows(
    entries: Entries, entry: Entry, mode: Mode, helpful: bool | None
) -> list[list[InlineKeyboardButton]]:
    language, other = entry.language, locales.other(entry.language)
    related = (entries.get(entry_id, language) for entry_id in entry.related[:_RELATED_SHOWN])
    yes, no = label(language, "👍 Helpful"), label(language, "👎 Not helpful")
    return [
        *_action_rows(entry, mode),
        _more_row(entry),
        *([button(e.title, "related", e.id, language)] for e in related if e is not None),
        [
            button("✓ " + yes if helpful is True else yes, "vote", entry.id, language, "1"),
            button("✓ " + no if helpful is False else no, "vote", entry.id, language, "0"),
        ],
        [
            triage_button(language),
            button(label(other, "🌐 In English"), "faq", entry.id, other),
        ],
    ]


def _more_row(entry: Entry) -> list[InlineKeyboardButton]:
    """Return the button to the picture, if there is one, and *More*."""
    more = button(label(entry.language, "📄 More"), "more", entry.id, entry.language)
    return [picture_button(entry.picture, entry.language), more] if entry.picture else [more]


def _action_rows(entry: Entry, mode: Mode) -> list[list[InlineKeyboardButton]]:
    """Return the button that does what the entry explains, or those to page and guide."""
    language, name = entry.language, entry.conversation
    row = []
    is_done_here = mode is Mode.EMBEDDED and name in GUIDES
    if entry.page is not None and not is_done_here:
        row.append(InlineKeyboardButton(label(language, "🏛 Official page"), url=entry.page))
    if name is not None and name in GUIDES:
        now = _DO_IT_NOW.get(name, GUIDES[name].title)
        text = label(language, now if is_done_here else "🧭 Step by step")
        row.append(button(text, "go", name))
    return [row] if row else []


def error_code_view(entries: Entries, codes: Sequence[int], language: str) -> View:
    """Return the meaning of error codes and what to do, with links to entries that help."""
    explained = [(code, error_codes.explain_code(code, language)) for code in codes[:_CODES_SHOWN]]
    blocks = [_error_code_text(code, known, language) for code, known in explained]
    ids = dict.fromkeys([known.entry for _, known in explained if known] + ["error-code"])
    lost = [[lost_card_button(language)]] if _CODE_ENTRY in ids else []
    return view(
        "\n\n".join(blocks), *lost, *entry_rows(entries, list(ids), language), more_row(language)
    )


def _error_code_text(code: int, known: SoftwareErrorCode | None, language: str) -> str:
    if known is None:
        return say(
            language,
            "<b>Error code {code}</b>\n"
            "I don't know this code. Please check that it's complete, or call {hotline}.",
            code=f"0x{code:08X}",
        )
    title = say(language, "<b>Error code {code}</b>", code=known.written)
    advice = say(language, "<b>What to do:</b> {advice}", advice=known.advice)
    return f"{title}\n{escape(known.meaning, quote=False)}\n{advice}"


def suggestions_view(
    entries: Entries, entry_ids: Sequence[str], language: str, is_long: bool
) -> View:
    """Return "did you mean" with up to three entries, and buttons to further help."""
    if is_long:
        apology = say(language, "That's a long message. Please ask in one or two sentences.")
    else:
        apology = say(language, "I'm not sure I understood you.")
    question = say(language, "Did you mean one of these?")
    suggested = [i for i in entry_ids if i != PERSON_ENTRY][:3] or list(_FALLBACK)
    rows = entry_rows(entries, suggested, language)
    return view(f"{apology}\n\n{question}", *rows, [triage_button(language)], more_row(language))


def trouble_view(language: str) -> View:
    """Return the first question of triage, for a complaint without a subject."""
    first = TRIAGE.steps[TRIAGE.initial]
    text = say(
        language, "🛟 <b>Let's find the problem.</b> A few taps take you to the right place."
    )
    rows = [
        [button(label(language, each.label), "go", TRIAGE.name, each.target)]
        for each in first.buttons
    ]
    return view(text, *rows, more_row(language))


def entry_rows(
    entries: Entries, entry_ids: Sequence[str], language: str
) -> list[list[InlineKeyboardButton]]:
    """Return one row with a button for each entry."""
    listed = (entries.get(entry_id, language) for entry_id in entry_ids)
    return [[button(e.title, "faq", e.id, language)] for e in listed if e is not None]


def triage_button(language: str) -> InlineKeyboardButton:
    """Return the button to triage."""
    return button(label(language, TRIAGE.title), "go", TRIAGE.name)


def more_row(language: str) -> list[InlineKeyboardButton]:
    """Return the row with the buttons to all questions and to the hotline."""
    return [
        button(label(language, "📖 All questions"), "browse", language),
        button(label(language, "🙋 Ask a person"), "faq", PERSON_ENTRY, language),
    ]
