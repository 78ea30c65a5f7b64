"""/faq: the sections, the questions of a section page by page, and the entries."""

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
"""Questions on one page; a phone shows as many without scrolling."""

_NAMES: Mapping[str, str] = {
    "code": N_("🔑 Subscriber code"),
    "apply": N_("💳 Applying and paying"),
    "card": N_("🪪 The card and the certificate"),
    "pin": N_("🔢 PIN"),
    "lost": N_("🚨 Lost, suspended, revoked"),
    "help": N_("🛟 Help"),
}


async def on_faq(update: Update, context: Context) -> None:
    """/faq: show the sections, or answer the question in the arguments."""
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
    """Show an entry ``[entry, language]`` in place of the message whose button was pressed."""
    shown = entry_view(context, parts)
    if shown is None:
        return None
    if parts[0] == answers.PERSON_ENTRY and context.offers_person(update):
        shown = answers.add_person_row(shown, parts[1], parts[0])
    await show(update, context, shown)
    return ""


async def on_more(update: Update, context: Context, parts: list[str]) -> str | None:
    """Show what is behind *More* ``[entry, language]`` in place of the answer."""
    if len(parts) != 2 or parts[1] not in locales.LANGUAGES:
        return None
    shown = answers.find_more(context, parts[0], parts[1])
    if shown is None:
        return None
    await show(update, context, shown)
    return ""


async def on_related(update: Update, context: Context, parts: list[str]) -> str | None:
    """Send a related entry ``[entry, language]`` below, so that the answer above stays."""
    shown = entry_view(context, parts)
    if shown is None:
        return None
    await send(update, context, shown)
    return ""


def entry_view(context: Context, parts: list[str]) -> View | None:
    """Return the view of ``[entry, language]``; `None` where one of them is unknown."""
    if len(parts) != 2 or parts[1] not in locales.LANGUAGES:
        return None
    return answers.find_answer(context, parts[0], parts[1])


def section_name(section: str, language: str) -> str:
    """Return the name of a section in a language."""
    return label(language, _NAMES[section])


def sections_view(language: str) -> View:
    """Return the list of sections."""
    rows = [[button(section_name(s, language), "browse", language, s, "0")] for s in SECTIONS]
    return view(
        say(language, "<b>What is your question about?</b>\nYou can also just type it."), *rows
    )


def section_page(entries: Entries, section: str, language: str, page: int) -> View:
    """Return one page of a section's questions; the last one for a number beyond it."""
    listed = entries.section(section, language)
    last = max(0, (len(listed) - 1) // PAGE)
    page = min(page, last)
    rows = answers.entry_rows(
        entries, [entry.id for entry in listed[page * PAGE : (page + 1) * PAGE]], language
    )
    if last:
        rows.append(_page_buttons(section, language, page, last))
    rows.append([button(label(language, "« All topics"), "browse", language)])
    return view(Markup(f"<b>{section_name(section, language)}</b>"), *rows)


def _page_buttons(section: str, language: str, page: int, last: int) -> list[InlineKeyboardButton]:
    buttons = []
    if page > 0:
        previous_page = label(language, "‹ Page {page}", page=page)
        buttons.append(button(previous_page, "browse", language, section, str(page - 1)))
    if page < last:
        next_page = label(language, "Page {page} ›", page=page + 2)
        buttons.append(button(next_page, "browse", language, section, str(page + 1)))
    return buttons
