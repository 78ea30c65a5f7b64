"""What a subscriber reads of the desk."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from telegram import InlineKeyboardButton

from handlers.screen.text import N_, Markup, label, say
from handlers.screen.view import View, button, encode_callback_data, view
from services.calendar import TAIPEI
from services.desk.call_types import Values
from services.desk.desk import SupportDesk
from services.desk.hours import WEEKDAYS, BusinessHours, Span

ROUTE = "desk"
ASK = N_("🙋 Ask a person here")
_NO_ORIGIN = "-"
_WAITS = tuple(timedelta(minutes=each) for each in (5, 10, 15, 30, 60, 120, 240))
_WORKING_DAY = timedelta(hours=8)
_DAYS: Mapping[str, str] = {
    "Mon": N_("Mon"),
    "Tue": N_("Tue"),
    "Wed": N_("Wed"),
    "Thu": N_("Thu"),
    "Fri": N_("Fri"),
    "Sat": N_("Sat"),
    "Sun": N_("Sun"),
}
_NOTICES: Mapping[str, str] = {
    "taken": N_(
        "🙋 <b>{alias}</b> from our staff is answering your question. I won't reply until it's "
        "resolved. To talk to me instead, send /bot."
    ),
    "waits_again": N_(
        "⏳ Sorry, this is taking longer. Your question is now waiting for another colleague. "
        "You can also ask me in the meantime."
    ),
    "resolved": N_(
        "✅ <b>Your question is resolved. Was this helpful?</b> From now on I'll answer again. "
        "If you write within 7 days, our staff will continue here."
    ),
    "reopened": N_("🙋 Our staff will look at your question again."),
    "expired": N_(
        "✅ Your question was closed because there were no messages for 14 days. From now on "
        "I'll answer again. If you write within 7 days, our staff will continue here."
    ),
    "muted": N_(
        "🔇 Our staff get no messages from you until tomorrow. I still answer. The hotline is "
        "{hotline}."
    ),
    "unmuted": N_("🔔 You can write to our staff again."),
}
LOST_ORIGINS = frozenset({"lost-card", "suspend-how", "suspend-without-code"})
"""Answers after which somebody who asks for a person may have lost the card."""


def ask_row(language: str, origin: str = "") -> list[InlineKeyboardButton]:
    """Return the row with the button that asks for a person.

    :param origin: id of the answer above it.
    """
    return [button(label(language, ASK), ROUTE, "ask", origin or _NO_ORIGIN)]


def suspend_first_view(language: str, origin: str) -> View:
    """Return the offer to suspend a lost card before anything else."""
    text = say(
        language,
        "<b>Suspend the card first.</b> It takes a minute and you can undo it. While you wait, "
        "someone else could use the card.",
    )
    suspend = button(label(language, "⏸ Suspend now"), "go", "suspend")
    ask = button(label(language, ASK), ROUTE, "still", origin or _NO_ORIGIN)
    return view(text, [suspend], [ask])


def consent_view(
    desk: SupportDesk,
    language: str,
    now: datetime,
    origin: str,
    is_lost_card: bool,
    wait: timedelta | None,
) -> View:
    """Return what staff will see and for how long, before anything goes to them.

    :param wait: the business time within which most people were answered lately, where known.
    """
    text = say(
        language,
        "<b>A person can answer you here.</b>\n"
        "• They see your first name, language, current step, the last answer, what you write "
        "from now on and, in a linked chat, your certificate's status.\n"
        "• This is deleted {days} days after your question is settled.\n"
        "• Hours: {hours}. {when}\n"
        "• By phone: {hotline}.\n"
        "\n"
        "🔒 Never write your PIN or subscriber code.",
        days=desk.retention.days,
        hours=hours_text(desk.hours, language),
        when=_when_text(desk.hours, now, wait, language),
    )
    kind = "1" if is_lost_card else "0"
    yes = button(label(language, "🙋 Yes, ask a person"), ROUTE, "yes", origin or _NO_ORIGIN, kind)
    return view(text, [yes], [button(label(language, "‹ Back"), ROUTE, "back")])


def waiting_view(desk: SupportDesk, language: str, now: datetime, ahead: int) -> View:
    """Return that a ticket waits, and at which place."""
    if desk.hours.is_open(now):
        text = say(
            language,
            "📨 <b>Please write your question.</b> You are number {number} in line. Everything "
            "you type here goes to our staff; I keep answering too while you wait.",
            number=ahead + 1,
        )
    else:
        text = say(
            language,
            "📨 <b>Please write your question.</b> Our staff are back at {time}. Your message "
            "waits for them, and the answer comes here. I keep answering too.",
            time=moment_text(desk.hours.next_opening(now), now, language),
        )
    return view(text, [button(label(language, "✖️ Cancel the request"), ROUTE, "withdraw")])


def with_staff_view(language: str) -> View:
    """Return that somebody has the question already."""
    text = say(
        language,
        "🙋 Our staff have your question. Just type your message here. To talk to me instead, "
        "send /bot.",
    )
    return view(text)


def withdrawn_view(language: str, *, had_ticket: bool) -> View:
    """Return that the bot talks again."""
    if not had_ticket:
        return view(say(language, "👋 I'm here. Our staff have no open question from you."))
    text = say(
        language, "👋 I'm back. Our staff get no more messages from you until you ask again."
    )
    return view(text, ask_row(language))


def picture_view(language: str, message_id: int) -> View:
    """Return the question before a picture is passed on."""
    text = say(
        language,
        "🖼 <b>Does the picture show your card or your application form?</b> The form has your "
        "subscriber code on it. If so, delete it here and describe it in words.",
    )
    number = str(message_id)
    return view(
        text,
        [button(label(language, "📨 No, send it to staff"), ROUTE, "pass", number)],
        [button(label(language, "🗑 Delete it"), ROUTE, "drop", number)],
    )


def notice_view(name: str, values: Values, language: str) -> View:
    """Return what the subscriber is told of an event."""
    return view(say(language, _NOTICES[name], **values))


def notice_rows(name: str, ticket_id: int, language: str) -> list[list[InlineKeyboardButton]]:
    """Return the buttons under a notice: after the end, whether it helped."""
    if name != "resolved":
        return []
    number = str(ticket_id)
    yes, no = label(language, "👍 Helpful"), label(language, "👎 Not helpful")
    return [
        [button(yes, ROUTE, "rate", number, "1"), button(no, ROUTE, "rate", number, "0")],
    ]


def is_rating(each: InlineKeyboardButton) -> bool:
    """Whether a button says whether it helped."""
    return str(each.callback_data).startswith(encode_callback_data(ROUTE, "rate"))


def rated_view(
    language: str, rows: Sequence[Sequence[InlineKeyboardButton]], *, is_helpful: bool
) -> View:
    """Return thanks for a rating; where it did not help, with the way on.

    :param rows: the other buttons of the message.
    """
    kept = [list(row) for row in rows if not any(map(is_rating, row))]
    if is_helpful:
        return view(say(language, "👍 Thank you! Just type your next question here."), *kept)
    text = say(
        language,
        "👎 Thank you for telling us. Write what is still open, and our staff will continue "
        "here. The hotline is {hotline}.",
    )
    return view(text, *kept)


def hours_text(hours: BusinessHours, language: str) -> str:
    """Return the hours as people write them."""
    days = [(day, hours.spans.get(day, ())) for day in range(len(WEEKDAYS))]
    groups = [
        (spans, [day for day, _ in group])
        for spans, group in groupby(days, key=lambda pair: pair[1])
        if spans
    ]
    parts = [f"{_days_text(found, language)} {_spans_text(spans)}" for spans, found in groups]
    return label(language, "; ").join(parts)


def moment_text(moment: datetime, now: datetime, language: str) -> str:
    """Return a time of today, or else with its day."""
    there, here = moment.astimezone(TAIPEI), now.astimezone(TAIPEI)
    clock = f"{there:%H:%M}"
    if there.date() == here.date():
        return clock
    if there.date() == here.date() + timedelta(days=1):
        return label(language, "tomorrow at {time}", time=clock)
    day = label(language, _DAYS[WEEKDAYS[there.weekday()]])
    return label(language, "{day} {date} at {time}", day=day, date=f"{there:%d.%m.}", time=clock)


def duration_text(duration: timedelta, language: str) -> str:
    """Return a duration in hours and minutes, rounded up to a minute."""
    minutes = -(-int(duration.total_seconds()) // 60)
    hours, rest = divmod(max(minutes, 1), 60)
    if not hours:
        return label(language, "{minutes} min", minutes=rest)
    if not rest:
        return label(language, "{hours} h", hours=hours)
    return label(language, "{hours} h {minutes} min", hours=hours, minutes=rest)


def _when_text(
    hours: BusinessHours, now: datetime, wait: timedelta | None, language: str
) -> Markup:
    if hours.is_open(now):
        text = say(language, "Someone is here now.")
    else:
        opening = moment_text(hours.next_opening(now), now, language)
        text = say(language, "Our staff are back at {time}.", time=opening)
    if wait is None:
        return text
    promise = say(
        language, "Lately, most answers came within {wait}.", wait=_wait_text(wait, language)
    )
    return Markup(f"{text}{'' if language.startswith('zh') else ' '}{promise}")


def _wait_text(wait: timedelta, language: str) -> str:
    """Return a wait as people say it, rounded up."""
    for step in _WAITS:
        if wait <= step:
            return duration_text(step, language)
    if wait <= _WORKING_DAY:
        return label(language, "a working day")
    return label(language, "a few working days")


def _days_text(days: list[int], language: str) -> str:
    first, last = (label(language, _DAYS[WEEKDAYS[day]]) for day in (days[0], days[-1]))
    if first == last:
        return first
    return label(language, "{first}–{last}", first=first, last=last)


def _spans_text(spans: Iterable[Span]) -> str:
    return ", ".join(f"{_clock(span.start)}–{_clock(span.end)}" for span in spans)


def _clock(since_midnight: timedelta) -> str:
    minutes = int(since_midnight.total_seconds()) // 60
    return f"{minutes // 60}:{minutes % 60:02}"
