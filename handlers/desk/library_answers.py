"""Answers of the library: sent by a suggestion's button, by a code, or out of a list."""

import re
from collections.abc import Sequence
from dataclasses import replace
from html import escape

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from handlers.context import Context, Services
from handlers.desk.subscriber_texts import hours_text, moment_text
from handlers.desk.ticket_act import TicketAct
from handlers.desk.topic_texts import ROUTE
from handlers.faq import answers
from handlers.screen import markdown
from handlers.screen.view import Keyboard, button
from services.desk import staff
from services.desk.answer_check import check_answer, is_unreadable
from services.desk.call_types import Values
from services.desk.library import AnswerLibrary, LibraryAnswer, load_library
from services.desk.sent_answers import PreparedAnswer
from services.desk.ticket_states import (
    BOT_IS_SILENT,
    NotAllowedError,
    TicketEvent,
    TicketRefusedError,
    TicketState,
)
from services.faq.canned import CannedAnswer, EmptyVariableError, load_canned_answers
from services.faq.entries import Mode
from services.secret_detection import SecretShape

BUTTON = "answer"
"""The button that sends an answer: ``[answer, ticket, id]``."""
_MAX_LABEL = 40
_LINK = re.compile(r"://|\w\.[A-Za-z]{2}")


class AnswerStoppedError(Exception):
    """An answer of the library cannot be sent.

    :ivar notice: name of the notice that says why.
    :ivar values: what is filled in.
    """

    def __init__(self, notice: str, values: Values | None = None) -> None:
        super().__init__(notice)
        self.notice = notice
        self.values = values or {}


def library_of(services: Services) -> AnswerLibrary:
    """Return the answers that the staff can send."""
    return load_library(services.entries)


async def press(context: Context, prompt: int, act: TicketAct) -> None:
    """Send the answer of a button, and take the ticket.

    :param prompt: the message with the button.
    :raises AnswerStoppedError: where it cannot be sent.
    :raises NotAllowedError: where somebody else has the ticket.
    :raises TicketRefusedError: where the ticket is resolved.
    """
    answer = library_of(context.services).get(act.argument)
    if answer is None:
        raise AnswerStoppedError("answer_gone")
    _require_ticket(act)
    if await act.desk.answers.is_sent(act.session, act.ticket, prompt, answer.id):
        raise AnswerStoppedError("answer_sent_already")
    await _send(context, replace(act, replied=prompt), answer, prompt, "")


async def type_code(context: Context, query: str, act: TicketAct) -> None:
    """Send the answer that a code means, or list those that what was typed finds.

    :raises AnswerStoppedError: where it cannot be sent.
    :raises NotAllowedError: where somebody else has the ticket.
    :raises TicketRefusedError: where the ticket is resolved.
    """
    assert act.message is not None
    services = context.services
    hits = library_of(services).find(query, services.search)
    if hits.chosen is None:
        if not hits.listed:
            raise AnswerStoppedError("answer_not_found")
        await act.notify("answers_found", {"found": " ".join(each.id for each in hits.listed)})
        return
    if await act.desk.answers.find_latest(act.session, act.ticket, act.message) is not None:
        return  # its update comes again
    _require_ticket(act)
    await _send(context, act, hits.chosen, act.message, hits.detail)


def answer_rows(
    services: Services, ticket_id: int, found: Sequence[str], language: str
) -> list[list[InlineKeyboardButton]]:
    """Return a row with a button for each answer, labelled in the language of the staff."""
    library = library_of(services)
    known = (library.get(each) for each in found)
    return [
        [button(_label(each, language), ROUTE, BUTTON, str(ticket_id), each.id)]
        for each in known
        if each is not None
    ]


def suggest(services: Services, html: Sequence[str]) -> list[str]:
    """Return the ids of the answers that may fit texts of a subscriber.

    :param html: the texts as Telegram HTML.
    """
    text = "\n".join(answers.strip_tags(each) for each in html)
    return library_of(services).suggest(text, services.search)


def subscriber_keyboard(
    services: Services, answer_id: str, values: Values
) -> InlineKeyboardMarkup | None:
    """Return the buttons below an answer in the chat of the subscriber."""
    entry = services.entries.get(answer_id, str(values["language"]))
    if entry is None:
        return None
    return Keyboard(answers.action_rows(entry, Mode(str(values["mode"]))))


def _label(answer: LibraryAnswer, language: str) -> str:
    title = answer.title(language)
    short = title if len(title) <= _MAX_LABEL else title[: _MAX_LABEL - 1] + "…"
    return f"📤 {short} · /{answer.code}"


def _require_ticket(act: TicketAct) -> None:
    """Make sure that the ticket is theirs, or free.

    :raises NotAllowedError: where somebody else has it.
    :raises TicketRefusedError: where it is resolved.
    """
    state = TicketState(act.ticket.state)
    if state is TicketState.RESOLVED:
        raise TicketRefusedError(state)
    if state in BOT_IS_SILENT and act.ticket.assignee != act.actor.user_id:
        raise NotAllowedError(act.ticket.assignee)


async def _send(
    context: Context, act: TicketAct, answer: LibraryAnswer, prompt: int, detail: str
) -> None:
    language = act.ticket.language
    alias = await staff.find_alias(act.session, act.actor.user_id)
    entry = context.services.entries.get(answer.id, language)
    canned = load_canned_answers().get((answer.id, language))
    mode = Mode.GUIDE
    if entry is not None:
        mode = answers.find_mode(context, entry)
        html = answers.answer_text(entry, mode)
    elif canned is not None:
        _check_detail(context, detail, language)
        html = _fill_in(act, canned, alias, detail)
    else:
        raise AnswerStoppedError("answer_not_spoken", {"title": answer.title(act.desk.language)})
    values: Values = {"language": language, "mode": mode, "alias": alias}
    prepared = PreparedAnswer(answer.id, act.actor.user_id, prompt, act.replied, html, values)
    if act.ticket.state == TicketState.WAITING:
        await act.move(TicketEvent.TAKEN)
    await act.desk.answers.send(act.session, act.ticket, prepared, act.now)
    await act.move(TicketEvent.ANSWERED)
    staff.record_act(
        act.session, act.actor.user_id, "sent_answer", act.now, act.ticket.id, answer.id
    )


def _check_detail(context: Context, detail: str, language: str) -> None:
    """Make sure that what an agent adds needs nobody's agreement.

    A single word of ASCII is a reference, which looks like a code.

    :raises AnswerStoppedError: where it does.
    """
    detector = context.services.secret_detector
    links = [word for word in detail.split() if _LINK.search(word)]
    is_reference = detail.isascii() and " " not in detail and not links
    if is_reference and detector.find(detail) in (None, SecretShape.CODE_OR_PIN):
        return
    if check_answer(detail, links, detector, ()) is not None:
        raise AnswerStoppedError("answer_unsafe")
    if is_unreadable(detail, language):
        raise AnswerStoppedError("answer_unreadable")


def _fill_in(act: TicketAct, canned: CannedAnswer, alias: str, detail: str) -> str:
    desk, language = act.desk, canned.language
    opening = moment_text(desk.hours.next_opening(act.now), act.now, language)
    values = {
        "agent": alias,
        "detail": detail,
        "hours": hours_text(desk.hours, language),
        "opening": opening,
        "ticket": str(act.ticket.id),
    }
    html = markdown.join_blocks(markdown.render(canned.text))
    try:
        return canned.fill_in(html, {name: escape(value) for name, value in values.items()})
    except EmptyVariableError as error:
        raise AnswerStoppedError(
            "answer_empty", {"name": error.name, "code": canned.code}
        ) from error
