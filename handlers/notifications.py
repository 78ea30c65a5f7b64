"""Notices that the outbox sends to chats, and the answers to "was this you?".

Most notices tell a linked chat what happened elsewhere. Where somebody else may have done it, they
ask "was this you?", and one tap suspends the certificate. Neither a notice nor the answer names the
person; the UI No. is shown, masked, where the chat is linked to more than one.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from telegram import InlineKeyboardButton, Update
from telegram.constants import ChatType, ParseMode
from telegram.error import BadRequest, Forbidden
from telegram.ext import ExtBot

from handlers.context import Context, Services
from handlers.finished_elsewhere import FINISHED_BY, finish_conversation, is_about
from handlers.screen.text import N_, Markup, label, say
from handlers.screen.view import View, button, show, view
from services.authority.data_types import LinkedPerson, ReportResult
from services.authority.errors import AlertExpiredError
from services.authority.lifecycle import CertificateState
from services.authority.notice_kinds import SUSPICIOUS, NoticeKind
from services.calendar import TAIPEI
from services.messaging.outbox import OutgoingMessage, UndeliverableError
from services.people.chats import close_chat, is_chat_open

ROUTE = "doubt"
Render = Callable[[AsyncSession, Services, OutgoingMessage, str], Awaitable[View | None]]
"""Returns the view of a message in a language; `None` where it is no longer to be sent."""

_log = structlog.get_logger()

_NOTICE_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        NoticeKind.CODE_REVEALED: N_(
            "👁 <b>Your subscriber code was shown in another chat</b>\n"
            "{at} (Taipei), with a one-time code from your mailbox."
        ),
        NoticeKind.CODE_GUARDED: N_(
            "🛡 <b>Your subscriber code was typed wrong four times</b>\n"
            "{at} (Taipei), in chats that don't get your alerts. It still works here. Such "
            "chats now need your birth date and a one-time code first."
        ),
        NoticeKind.CHAT_VERIFIED: N_(
            "🛡 <b>Another chat verified itself as yours</b>\n"
            "{at} (Taipei), with your birth date and a one-time code from your mailbox. It can "
            "try your subscriber code three more times."
        ),
        NoticeKind.CODE_LOCKED: N_(
            "🔒 <b>The subscriber code is locked</b>\n"
            "{at} (Taipei): it was entered wrong for the fourth time. Your card and "
            "certificate have not changed. To have the code released, go to the counter."
        ),
        NoticeKind.PAID: N_(
            "💳 <b>The fee was paid: NT${amount}</b>\n"
            "{at} (Taipei), receipt number {receipt}. Next, your card is made and posted."
        ),
        NoticeKind.ADDRESS_CHANGED: N_(
            "🏠 <b>Your mailing address was changed</b>\n"
            "{at} (Taipei), with the correct subscriber code."
        ),
        NoticeKind.POSTED: N_(
            "📮 <b>Your card was posted</b>\n"
            "{at} (Taipei). When it arrives, activate it and set a PIN so that you can use it."
        ),
        NoticeKind.ACTIVATED: N_(
            "✅ <b>The card was activated</b>\n"
            "{at} (Taipei). Keep the application form: after activation no one can give the "
            "subscriber code back."
        ),
        NoticeKind.SUSPENDED: N_(
            "⏸ <b>The certificate was suspended</b>\n"
            "{at} (Taipei). No one can use it now. To reactivate it online, you need the "
            "subscriber code, the IC card number and a one-time code. Without the code, only "
            "the counter can."
        ),
        NoticeKind.RESUMING: N_(
            "⚠️ <b>Someone is about to reactivate your certificate</b>\n"
            "{at} (Taipei): they typed the correct subscriber code, IC card number and "
            "one-time code."
        ),
        NoticeKind.RESUMED: N_(
            "▶️ <b>The certificate was reactivated</b>\n{at} (Taipei). It can be used again."
        ),
        NoticeKind.REVOKED: N_(
            "⛔ <b>The certificate was revoked</b>\n"
            "{at} (Taipei). This can't be undone. To get a new card, apply again at a service "
            "station."
        ),
        NoticeKind.CHAT_LINKED: N_(
            "🔗 <b>Another chat now gets your alerts</b>\n"
            "{at} (Taipei), with the correct subscriber code. /privacy shows your linked chats "
            "and removes them."
        ),
        NoticeKind.CHAT_UNLINKED: N_(
            "🔗 <b>A linked chat was removed</b>\n"
            "{at} (Taipei). It no longer gets your alerts. /privacy shows the others."
        ),
    }
)
_THIS_CHAT_UNLINKED = N_(
    "🔗 <b>You no longer get alerts in this chat</b>\n"
    "{at} (Taipei): another linked chat removed it."
)
_CALL = N_("If this wasn't you or someone you trust, call {hotline}.")
_WAS_IT_YOU = N_("<b>Was this you?</b> If not, one tap suspends the certificate right away.")
_WHO_SUSPENDED_IT = N_(
    "<b>Was this you?</b> If not, someone may be able to read your e-mail. The certificate stays "
    "suspended."
)
_NEXT_STEPS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        NoticeKind.PAID: (N_("📍 Check my status"), "status"),
        NoticeKind.POSTED: (N_("🆕 Activate my card"), "activate"),
    }
)
"""The button and conversation of the notices that mention no hotline."""
_ON_HOLD = frozenset({NoticeKind.SUSPENDED, NoticeKind.RESUMING})
"""Notices about a suspended certificate, which a no keeps suspended."""


class ChatSender:
    """The outbox's sender for the chat channel.

    :param services: returns the current services.
    :param renderers: the renderer of each message by its name; those of the notices by default.
    """

    def __init__(
        self,
        bot: ExtBot[Any],
        services: Callable[[], Services],
        renderers: Mapping[str, Render] | None = None,
    ) -> None:
        self._bot = bot
        self._services = services
        self._renderers = NOTICES if renderers is None else renderers

    async def send(self, message: OutgoingMessage, now: datetime) -> None:
        """Render and send one message; one that is no longer to be sent is dropped.

        :raises UndeliverableError: for a message without a renderer, or that Telegram rejects.
        :raises RetryAfter: where Telegram asks to wait.
        """
        chat_id = int(message.recipient)
        shown = await self._render(message, chat_id)
        if shown is None:
            return
        try:
            await self._bot.send_message(
                chat_id,
                shown.texts[0],
                parse_mode=ParseMode.HTML,
                reply_markup=shown.keyboard,
                rate_limit_args=True,
            )
        except Forbidden:
            await self._close_chat(chat_id, now)
        except BadRequest as error:
            raise UndeliverableError from error

    async def _render(self, message: OutgoingMessage, chat_id: int) -> View | None:
        services = self._services()
        render = self._renderers.get(message.message)
        if render is None:
            raise UndeliverableError
        stored = message.references.get("language")
        language = services.languages.resolve(chat_id, str(stored) if stored else None)
        async with services.database.unit_of_work() as session:
            if not await is_chat_open(session, chat_id):
                return None
            return await render(session, services, message, language)

    async def _close_chat(self, chat_id: int, now: datetime) -> None:
        """Store that the person blocked the bot, which also drops their other messages."""
        _log.info("message_not_wanted")
        async with self._services().database.unit_of_work() as session:
            await close_chat(session, chat_id, now)


async def render_notice(
    session: AsyncSession, services: Services, message: OutgoingMessage, language: str
) -> View | None:
    """Return the view of a notice; `None` where the chat is no longer linked to the person."""
    if services.authority is None:
        return None
    people = await services.authority.links.list_people(session, int(message.recipient))
    subscriber = message.references["subscriber"]
    person = next((person for person in people if person.subscriber == subscriber), None)
    notice = NoticeKind(message.message)
    if person is None:
        if notice is not NoticeKind.CHAT_UNLINKED:
            return None
        return view(say(language, _THIS_CHAT_UNLINKED, at=_event_time(message)))
    await finish_conversation(
        session,
        services,
        int(message.recipient),
        lambda state: (
            state.conversation in FINISHED_BY.get(notice, ())
            and is_about(state, person, chat_has_others=len(people) > 1)
        ),
    )
    parts = [say(language, _NOTICE_TEXTS[notice], **_values(message))]
    if len(people) > 1:
        parts.append(say(language, "UI No. {masked}.", masked=person.ui_number_masked))
    rows = _answer_buttons(message, notice, person, language)
    if rows:
        asked = _WHO_SUSPENDED_IT if notice is NoticeKind.SUSPENDED else _WAS_IT_YOU
        parts.append(say(language, asked))
    elif notice in _NEXT_STEPS:
        rows = [_conversation_row(language, *_NEXT_STEPS[notice])]
    else:
        parts.append(say(language, _CALL))
    return view(Markup("\n\n".join(parts)), *rows)


NOTICES: Mapping[str, Render] = MappingProxyType(dict.fromkeys(NoticeKind, render_notice))
"""The renderers of the authority's notices."""


def _values(message: OutgoingMessage) -> dict[str, str]:
    amount = int(message.references.get("amount", 0)) // 100
    receipt = str(message.references.get("receipt", ""))
    return {"at": _event_time(message), "amount": str(amount), "receipt": receipt}


def _event_time(message: OutgoingMessage) -> str:
    at = datetime.fromisoformat(str(message.references["at"])).astimezone(TAIPEI)
    return f"{at:%Y-%m-%d %H:%M}"


def _answer_buttons(
    message: OutgoingMessage, notice: NoticeKind, person: LinkedPerson, language: str
) -> list[list[InlineKeyboardButton]]:
    """Return the buttons below "was this you?"; none where it is not asked."""
    alert_id = message.references.get("doubt")
    is_on_hold = person.certificate is CertificateState.SUSPENDED and notice in _ON_HOLD
    is_active = person.certificate is CertificateState.ACTIVE
    can_be_stopped = is_on_hold or (is_active and notice is not NoticeKind.SUSPENDED)
    if notice not in SUSPICIOUS or alert_id is None or not can_be_stopped:
        return []
    stop = N_("🛑 Not me: stay suspended") if is_on_hold else N_("🛑 Not me: suspend now")
    return [
        [button(label(language, stop), ROUTE, "no", str(alert_id))],
        [button(label(language, "✅ It was me"), ROUTE, "yes", str(alert_id))],
    ]


async def on_doubt(update: Update, context: Context, parts: list[str]) -> str | None:
    """Handle the answer to "was this you?": ``[yes or no, alert id]``."""
    chat = update.effective_chat
    if chat is None or chat.type != ChatType.PRIVATE or len(parts) != 2:
        return None
    language, services = context.language(update), context.services
    if services.authority is None or parts[0] not in ("yes", "no"):
        return None
    alerts, asked = services.authority.security_alerts, (parts[1], chat.id, services.now())
    try:
        async with services.database.unit_of_work() as session:
            if parts[0] == "no":
                result = await alerts.report_not_me(session, *asked)
                if result.certificate is CertificateState.SUSPENDED:
                    await finish_conversation(
                        session, services, chat.id, lambda state: state.conversation == "suspend"
                    )
                shown = _result_view(result, language)
            else:
                shown = _thanks_view(await alerts.find_certificate_state(session, *asked), language)
    except AlertExpiredError:
        shown = _expired_view(language) if parts[0] == "no" else _thanks_view(None, language)
    await show(update, context, shown)
    return ""


def _thanks_view(certificate: CertificateState | None, language: str) -> View:
    """Return the reply to "it was me"; another chat may have stopped it meanwhile."""
    if certificate is not CertificateState.SUSPENDED:
        return view(say(language, "👍 Thank you. There is nothing else to do."))
    text = say(
        language,
        "👍 Thank you. <b>The certificate is suspended now</b>, so no one can use it. When you "
        "have the card, you can reactivate it (復用).",
    )
    return view(text, _conversation_row(language, N_("▶️ Reactivate it"), "resume"))


def _result_view(result: ReportResult, language: str) -> View:
    """Return what "not me" has done, without naming the person."""
    if result.changed:
        text = say(
            language,
            "⏸ <b>The certificate is suspended.</b> No one can use it now, and anything in "
            "progress was stopped.\n"
            "\n"
            "<b>Now</b>: change your e-mail password, and call {hotline}. Someone may know "
            "your subscriber code.\n"
            "<b>Was it a mistake?</b> You can reactivate the certificate.",
        )
        return view(
            text,
            _conversation_row(language, N_("▶️ Reactivate it"), "resume"),
            _linked_chats_row(language),
        )
    if result.certificate is CertificateState.SUSPENDED:
        text = say(
            language,
            "⏸ <b>The certificate is suspended and stays suspended.</b> Anything in progress "
            "was stopped.\n"
            "\n"
            "<b>Now</b>: change your e-mail password, and call {hotline}.",
        )
        return view(text, _linked_chats_row(language))
    if result.certificate is CertificateState.ACTIVE:
        text = say(
            language,
            "The certificate was reactivated after this message, so it is active.",
        )
        return view(text, _conversation_row(language, N_("⏸ Suspend it"), "suspend"))
    text = say(
        language,
        "The certificate is not active, so no one can use it and you don't need to suspend it. "
        "Change your e-mail password, and call {hotline}.",
    )
    return view(text, _linked_chats_row(language))


def _expired_view(language: str) -> View:
    text = say(
        language,
        "You can no longer answer this here: three days have passed, or this chat is no longer "
        "linked. No changes were made. You can still suspend the certificate.",
    )
    return view(text, _conversation_row(language, N_("⏸ Suspend it"), "suspend"))


def _conversation_row(language: str, text: str, conversation: str) -> list[InlineKeyboardButton]:
    return [button(label(language, text), "go", conversation)]


def _linked_chats_row(language: str) -> list[InlineKeyboardButton]:
    return [button(label(language, "🔗 See linked chats"), "privacy", "show")]
