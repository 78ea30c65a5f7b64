"""Views of FAQ answers: the entry, an explained error code, and "did you mean"."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from html import escape

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

import locales
from handlers.conversations.guided import CONVERSATIONS
from handlers.conversations.triage.guide import TRIAGE
from handlers.screen import markdown
from handlers.screen.text import Markup, label, say
from handlers.screen.view import Keyboard, View, button, view
from services.faq import error_codes
from services.faq.entries import Entries, Entry, Source
from services.faq.error_codes import SoftwareErrorCode

_RELATED_SHOWN = 3
_CODES_SHOWN = 3
_FALLBACK = ("code-forgot-before-card", "lost-card", "pay-how")
"""What most people come for, offered where nothing else is."""
PERSON_ENTRY = "contact"
"""The entry that leads to a person."""


@cache
def answer_view(entries: Entries, entry_id: str, language: str) -> View | None:
    """Return the view of an entry, or `None` where there is none."""
    entry = entries.get(entry_id, language)
    if entry is None:
        return None
    texts = entry_texts(entry)
    return View(tuple(texts), _keyboard(entries, entry, None))


def render_all(entries: Entries) -> None:
    """Make every answer's view once, so that nobody waits for it."""
    for language in locales.LANGUAGES:
        for entry_id in entries.ids:
            answer_view(entries, entry_id, language)


def voted_keyboard(entries: Entries, entry: Entry, helpful: bool) -> InlineKeyboardMarkup:
    """Return the buttons under an answer after a vote on it."""
    return _keyboard(entries, entry, helpful)


def entry_texts(entry: Entry) -> list[str]:
    """Return the messages that hold an entry: title, body, sources."""
    title = f"<b>{escape(entry.title, quote=False)}</b>"
    blocks = [title, *markdown.render(entry.body), _sources(entry)]
    return markdown.split(blocks)


def _sources(entry: Entry) -> str:
    """Return the pages an entry rests on, those read on one day in one line."""
    days = sorted({source.date for source in entry.sources}, reverse=True)
    return "\n".join(_read_on(entry, day) for day in days)


def _read_on(entry: Entry, day: date) -> str:
    pages = Markup(" · ".join(_link(source) for source in entry.sources if source.date == day))
    return say(entry.language, "<i>Source: {pages} (read {date})</i>", pages=pages, date=day)


def _link(source: Source) -> str:
    return f'<a href="{escape(source.url)}">{escape(source.name, quote=False)}</a>'


def _keyboard(entries: Entries, entry: Entry, helpful: bool | None) -> InlineKeyboardMarkup:
    language, other = entry.language, locales.other(entry.language)
    found = (entries.get(related, language) for related in entry.related[:_RELATED_SHOWN])
    rows = [[button(e.title, "related", e.id, language)] for e in found if e is not None]
    if entry.conversation is not None and entry.conversation in CONVERSATIONS:
        lead = button(label(language, "🧭 Lead me through it"), "go", entry.conversation)
        rows.insert(0, [lead])
    yes, no = label(language, "👍 Helpful"), label(language, "👎 Not helpful")
    rows.append(
        [
            button("✓ " + yes if helpful is True else yes, "vote", entry.id, language, "1"),
            button("✓ " + no if helpful is False else no, "vote", entry.id, language, "0"),
        ]
    )
    in_other = button(label(other, "🌐 In English"), "faq", entry.id, other)
    rows.append([triage_button(language), in_other])
    return Keyboard(rows)


def error_code_view(entries: Entries, codes: Sequence[int], language: str) -> View:
    """Return what error codes mean and what to do, with the entries that help further."""
    shown = [(code, error_codes.explain(code, language)) for code in codes[:_CODES_SHOWN]]
    blocks = [_explain(code, known, language) for code, known in shown]
    ids = dict.fromkeys([known.entry for _, known in shown if known] + ["error-code"])
    return view("\n\n".join(blocks), *entry_rows(entries, list(ids), language), more_row(language))


def _explain(code: int, known: SoftwareErrorCode | None, language: str) -> str:
    if known is None:
        return say(
            language,
            "<b>Error code {code}</b>\nI do not know this code. Please check that it is complete, "
            "or ask the hotline 0800-080-117.",
            code=f"0x{code:08X}",
        )
    title = say(language, "<b>Error code {code}</b>", code=known.written)
    advice = say(language, "<b>What to do:</b> {advice}", advice=known.advice)
    return f"{title}\n{escape(known.meaning, quote=False)}\n{advice}"


def suggestions_view(
    entries: Entries, entry_ids: Sequence[str], language: str, is_long: bool
) -> View:
    """Return "did you mean" with up to three entries and the way to a person."""
    if is_long:
        apology = say(language, "That was a long message. Please ask in one or two sentences.")
    else:
        apology = say(language, "I am not sure that I understood you.")
    asked_back = say(language, "Did you mean one of these?")
    offered = [i for i in entry_ids if i != PERSON_ENTRY][:3] or list(_FALLBACK)
    rows = entry_rows(entries, offered, language)
    return view(f"{apology}\n\n{asked_back}", *rows, [triage_button(language)], more_row(language))


def trouble_view(language: str) -> View:
    """Return the first question of triage, for a complaint that does not say of what."""
    first = TRIAGE.steps[TRIAGE.initial]
    asked = say(
        language, "🛟 <b>Let us find out what it is.</b> A few taps lead to the right place."
    )
    rows = [
        [button(label(language, choice.label), "go", TRIAGE.name, choice.target)]
        for choice in first.buttons
    ]
    return view(asked, *rows, more_row(language))


def entry_rows(
    entries: Entries, entry_ids: Sequence[str], language: str
) -> list[list[InlineKeyboardButton]]:
    """Return one button an entry."""
    found = (entries.get(entry_id, language) for entry_id in entry_ids)
    return [[button(e.title, "faq", e.id, language)] for e in found if e is not None]


def triage_button(language: str) -> InlineKeyboardButton:
    """Return the way for who has a trouble and does not know its name."""
    return button(label(language, TRIAGE.title), "go", TRIAGE.name)


def more_row(language: str) -> list[InlineKeyboardButton]:
    """Return the buttons to all questions and to a person."""
    return [
        button(label(language, "📖 All questions"), "browse", language),
        button(label(language, "🙋 Ask a person"), "faq", PERSON_ENTRY, language),
    ]
