"""/faq: the sections, a section's questions page by page, an entry, and the way back."""

from collections.abc import Mapping

from telegram import InlineKeyboardButton, Update

import locales
from handlers.context import Context
from handlers.faq import answers
from handlers.faq.questions import answer_question
from handlers.screen.text import N_, Markup, label, say
from handlers.screen.view import View, button, send, show, view
from services.faq.entries import SECTIONS, Entries

PAGE = 6
"""Questions on one page: what a phone shows without scrolling."""

_NAMES: Mapping[str, str] = {
    "code": N_("🔑 Subscriber code"),
    "apply": N_("💳 Applying and paying"),
    "card": N_("🪪 The card and the certificate"),
    "pin": N_("🔢 PIN"),
    "lost": N_("🚨 Lost, suspended, revoked"),
    "help": N_("🛟 Help"),
}


async def on_faq(update: Update, context: Context) -> None:
    """/faq shows the sections; with words behind it, they are a question."""
    question = " ".join(context.args or [])
    if question:
        await answer_question(update, context, question)
    else:
        await show(update, context, sections_view(context.language(update)))


async def on_browse(update: Update, context: Context, parts: list[str]) -> str | None:
    """Show the sections, or one page of one section: ``[language, section, page]``."""
    match parts:
        case [language] if language in locales.LANGUAGES:
            shown = sections_view(language)
        case [language, section, page] if (
            language in locales.LANGUAGES and section in SECTIONS and page.isdecimal()
        ):
            shown = section_page(context.services.entries, section, language, int(page))
        case _:
            return None
    await show(update, context, shown)
    return ""


async def on_entry(update: Update, context: Context, parts: list[str]) -> str | None:
    """Show an entry in place of the message whose button was pressed: ``[entry, language]``."""
    shown = entry_view(context, parts)
    if shown is None:
        return None
    await show(update, context, shown)
    return ""


async def on_related(update: Update, context: Context, parts: list[str]) -> str | None:
    """Show a related entry below, so that the answer above stays: ``[entry, language]``."""
    shown = entry_view(context, parts)
    if shown is None:
        return None
    await send(update, context, shown)
    return ""


def entry_view(context: Context, parts: list[str]) -> View | None:
    """Return the view that ``[entry, language]`` names, or `None`."""
    if len(parts) != 2 or parts[1] not in locales.LANGUAGES:
        return None
    return answers.answer_view(context.services.entries, parts[0], parts[1])


def section_name(section: str, language: str) -> str:
    """Return the name of a section."""
    return label(language, _NAMES[section])


def sections_view(language: str) -> View:
    """Return the list of sections."""
    rows = [[button(section_name(s, language), "browse", language, s, "0")] for s in SECTIONS]
    return view(say(language, "<b>What is it about?</b>\nOr just type your question."), *rows)


def section_page(entries: Entries, section: str, language: str, page: int) -> View:
    """Return one page of a section's questions; a page beyond the last is the last."""
    listed = entries.section(section, language)
    last = max(0, (len(listed) - 1) // PAGE)
    page = min(page, last)
    rows = answers.entry_rows(
        entries, [entry.id for entry in listed[page * PAGE : (page + 1) * PAGE]], language
    )
    if last:
        rows.append(_turns(section, language, page, last))
    rows.append([button(label(language, "« All sections"), "browse", language)])
    return view(Markup(f"<b>{section_name(section, language)}</b>"), *rows)


def _turns(section: str, language: str, page: int, last: int) -> list[InlineKeyboardButton]:
    turns = []
    if page > 0:
        earlier = label(language, "‹ Page {page}", page=page)
        turns.append(button(earlier, "browse", language, section, str(page - 1)))
    if page < last:
        later = label(language, "Page {page} ›", page=page + 2)
        turns.append(button(later, "browse", language, section, str(page + 1)))
    return turns
