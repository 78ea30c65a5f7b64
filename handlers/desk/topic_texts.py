"""What the bot writes in the staff group, and the buttons there."""

from collections.abc import Mapping, Sequence

from telegram import InlineKeyboardMarkup

from handlers.context import Services
from handlers.screen.text import N_, Markup, label, say
from handlers.screen.view import Keyboard, button
from handlers.start import own_name
from services.desk.call_types import Values
from services.desk.desk import SupportDesk
from services.desk.models import Ticket
from services.desk.ticket_states import Reason, TicketState

ROUTE = "staff"
DELIVERED = "👌"
"""The reaction on an answer that has reached the subscriber."""
_NOTICES: Mapping[str, str] = {
    "not_sent_waiting": N_("⚠️ <b>Not sent.</b> Nobody has this ticket. Take it, then write again."),
    "not_sent_other": N_(
        "⚠️ <b>Not sent.</b> {alias} has this ticket; what others write here is a note."
    ),
    "not_sent_resolved": N_("⚠️ <b>Not sent.</b> This ticket is resolved. Reopen it first."),
    "anonymous": N_(
        "⚠️ <b>Not sent.</b> You write as the group. Turn off <b>Remain anonymous</b> for yourself "
        "under Administrators."
    ),
    "resolved": N_("✅ Resolved. <b>What was it about?</b>"),
    "withdrawn": N_("ℹ️ The subscriber went back to the bot. The ticket is resolved."),
    "taken_over": N_("ℹ️ {alias} has taken over from {before}."),
    "fell_silent": N_("ℹ️ {before} has not answered for 30 minutes. The ticket waits again."),
    "woken": N_("ℹ️ The time is over for which this ticket was put aside."),
    "expired": N_("ℹ️ Nobody has written for 14 days. The ticket is resolved."),
    "withheld": N_("🔒 Withheld: the subscriber's message looked like {what}."),
    "blocked": N_("⚠️ <b>Not delivered.</b> The subscriber has blocked the bot."),
    "not_delivered": N_("⚠️ <b>Not delivered.</b> Telegram refused this message."),
    "not_copied": N_(
        "⚠️ A message of the subscriber could not be copied. Perhaps they deleted it; ask them."
    ),
    "answers_found": N_("🔎 <b>Which answer?</b> A tap sends it and takes the ticket."),
    "removed": N_("🗑 Removed from the subscriber's chat."),
    "not_removed": N_("⚠️ It can no longer be removed: Telegram allows that for 48 hours."),
    "nothing_to_undo": N_("ℹ️ There is no answer of yours here that could be removed."),
    "not_allowed": N_("⚠️ {alias} has this ticket. Take it over first."),
    "not_possible": N_("⚠️ That is not possible while the ticket is {state}."),
    "muted": N_("🔇 Muted for a day: nothing that the subscriber writes is passed on."),
    "unmuted": N_("🔔 The subscriber can write again."),
    "held_reveals": N_(
        "✋ <b>Held back:</b> this looks like a PIN, a code or an identity number. Change your "
        "message, or let an editor send it."
    ),
    "held_asks": N_(
        "✋ <b>Held back:</b> this seems to ask for a PIN or a code, which we never do. Change "
        "your message, or let an editor send it."
    ),
    "held_link": N_(
        "✋ <b>Held back:</b> it links to a site that none of our answers names. Change your "
        "message, or let an editor send it."
    ),
    "held_script": N_(
        "✋ <b>Held back:</b> the subscriber may not read this script; they read {language}. Send "
        "a code such as /lost, or confirm your message."
    ),
    "removed_reveals": N_(
        "✋ <b>Removed from the subscriber's chat:</b> it now looks like a PIN, a code or an "
        "identity number."
    ),
    "removed_asks": N_(
        "✋ <b>Removed from the subscriber's chat:</b> it now seems to ask for a PIN or a code."
    ),
    "removed_link": N_(
        "✋ <b>Removed from the subscriber's chat:</b> it now links to a site that none of our "
        "answers names."
    ),
}
STOPPED: Mapping[str, str] = {
    "answer_gone": N_("⚠️ Not sent: this answer no longer exists."),
    "answer_sent_already": N_("✅ This answer was sent already. /undo removes it."),
    "answer_not_found": N_("⚠️ Not sent: no answer has this code, and none is about this."),
    "answer_not_spoken": N_("⚠️ Not sent: “{title}” isn't written in the subscriber's language."),
    "answer_empty": N_("⚠️ Not sent: {{{name}}} is empty. Write it after the code: /{code} …"),
    "answer_unsafe": N_(
        "⚠️ Not sent: what you typed looks like a PIN or a code, asks for one, or holds a link."
    ),
    "answer_unreadable": N_("⚠️ Not sent: the subscriber may not read what follows the code."),
}
"""Why an answer of the library is not sent, also shown as a toast."""
STATE_NAMES: Mapping[str, str] = {
    TicketState.WAITING: N_("waiting"),
    TicketState.TAKEN: N_("taken"),
    TicketState.PENDING: N_("pending"),
    TicketState.SNOOZED: N_("snoozed"),
    TicketState.RESOLVED: N_("resolved"),
}
REASON_NAMES: Mapping[str, str] = {
    Reason.APPLYING: N_("Applying, collecting"),
    Reason.PAYING: N_("Paying"),
    Reason.CODE: N_("Subscriber code"),
    Reason.CARD: N_("Card lost or locked"),
    Reason.READER: N_("Reader, software"),
    Reason.REFERRED: N_("Sent to an office"),
    Reason.NO_REPLY: N_("No reply"),
    Reason.OTHER: N_("Other"),
}
_TAKE = N_("🙋 Take")
_SEND_ANYWAY = N_("Send anyway")


def topic_name(ticket: Ticket, name: str) -> str:
    """Return the name of a topic."""
    return f"{'🚨 ' if ticket.is_lost_card else ''}#{ticket.id} {name}".strip()


def card_text(
    services: Services,
    desk: SupportDesk,
    ticket: Ticket,
    name: str,
    certificates: Sequence[str],
) -> Markup:
    """Return what the staff see of a ticket at a glance."""
    language = desk.language
    lines = [say(language, "🎫 <b>{name}</b> · #{number}", name=name or "–", number=ticket.id)]
    if ticket.is_lost_card:
        lines.append(say(language, "🚨 Lost card; suspension was offered"))
    spoken = own_name(ticket.language)
    lines.append(say(language, "🌐 Speaks {language}", language=spoken))
    if ticket.step:
        lines.append(say(language, "🧭 At the step {step}", step=ticket.step))
    entry = services.entries.get(ticket.origin, language) if ticket.origin else None
    if entry is not None:
        lines.append(say(language, "📖 Read: {title}", title=entry.title))
    if certificates:
        found = ", ".join(certificates)
        lines.append(say(language, "📜 Certificate: {state}", state=found))
    return Markup("\n".join(lines))


def card_keyboard(ticket: Ticket, alias: str, language: str) -> InlineKeyboardMarkup:
    """Return the buttons under the first message of a topic."""
    number = str(ticket.id)
    state = TicketState(ticket.state)
    if state is TicketState.WAITING:
        return Keyboard([[button(label(language, _TAKE), ROUTE, "take", number)]])
    if state is TicketState.RESOLVED:
        return Keyboard(
            [
                [
                    button(_resolved_label(ticket, language), ROUTE, "nothing", number),
                    button(label(language, "🔓 Reopen"), ROUTE, "reopen", number),
                ]
            ]
        )
    return Keyboard(
        [
            [button(label(language, "👤 {alias}: take over", alias=alias), ROUTE, "over", number)],
            [
                button(label(language, "✅ Resolve"), ROUTE, "resolve", number),
                button(label(language, "↩️ Release"), ROUTE, "release", number),
                button(label(language, "💤 Tomorrow"), ROUTE, "snooze", number),
            ],
        ]
    )


def _resolved_label(ticket: Ticket, language: str) -> str:
    if ticket.reason is None:
        return label(language, "✅ Resolved")
    return label(language, "✅ {reason}", reason=label(language, REASON_NAMES[ticket.reason]))


def subscriber_text(texts: Sequence[str]) -> Markup:
    """Return words of the subscriber as they stand in the topic.

    :param texts: Telegram HTML.
    """
    return Markup("👤 " + "\n\n".join(texts))


def sent_text(html: str, alias: str, language: str) -> Markup:
    """Return an answer of the library as it was sent, and by whom."""
    head = say(language, "👌 <b>{alias} sent this answer:</b>", alias=alias)
    return Markup(f"{head}\n\n{html}")


def changed_text(texts: Sequence[str], language: str) -> Markup:
    """Return the new words of an older message."""
    head = say(language, "✏️ <b>The subscriber changed this message:</b>")
    return Markup(f"{head}\n{texts[0]}")


def notice_text(name: str, values: Values, language: str) -> Markup:
    """Return what the bot says in a topic."""
    filled = dict(values)
    if "state" in filled:
        filled["state"] = label(language, STATE_NAMES[str(filled["state"])])
    if "what" in filled:
        filled["what"] = label(language, str(filled["what"]))
    if "language" in filled:
        filled["language"] = own_name(str(filled["language"]))
    return say(language, STOPPED.get(name) or _NOTICES[name], **filled)


def notice_keyboard(
    name: str, ticket_id: int, values: Values, language: str
) -> InlineKeyboardMarkup | None:
    """Return the buttons under a notice."""
    number = str(ticket_id)
    match name:
        case "not_sent_waiting" | "fell_silent":
            return Keyboard([[button(label(language, _TAKE), ROUTE, "take", number)]])
        case "not_sent_other" | "not_allowed":
            return Keyboard([[button(label(language, "🙋 Take over"), ROUTE, "over", number)]])
        case "not_sent_resolved":
            return Keyboard([[button(label(language, "🔓 Reopen"), ROUTE, "reopen", number)]])
        case "resolved":
            reasons = [
                button(label(language, name), ROUTE, "reason", number, reason)
                for reason, name in REASON_NAMES.items()
            ]
            return Keyboard([reasons[i : i + 2] for i in range(0, len(reasons), 2)])
        case "held_reveals" | "held_asks" | "held_link":
            row = str(values["row"])
            return Keyboard([[button(label(language, _SEND_ANYWAY), ROUTE, "send", number, row)]])
        case "held_script":
            row = str(values["row"])
            confirm = button(label(language, _SEND_ANYWAY), ROUTE, "confirm", number, row)
            return Keyboard([[confirm]])
        case _:
            return None
