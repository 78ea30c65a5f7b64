"""The mails of the authority, each in both languages.

Rendered when it goes out, from references; the one-time code is derived at that moment.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncSession

import locales
from locales import facts
from services.authority.data_types import FeeKind
from services.authority.embedded.credentials import one_time_codes
from services.authority.embedded.credentials.one_time_codes import OneTimeCodes
from services.authority.embedded.models import OneTimeChallenge, Payment, Subscriber
from services.authority.embedded.payments.applications import FEES
from services.authority.embedded.payments.payments import find_fees, format_receipt_number
from services.authority.embedded.personal_data.records import PersonalRecords
from services.authority.notice_kinds import NoticeKind
from services.calendar import TAIPEI
from services.clock import steady_time
from services.messaging.mail import ComposedMail
from services.messaging.outbox import OutgoingMessage, UndeliverableError

DOMAIN = "authority"
_ORDER = ("zh_Hant", "en")
_SUBJECT = "Alien citizen natural person certificate: {title}"
_FOOTER = (
    "This mail comes from the authority that keeps your application. We will never ask for your "
    "PIN or subscriber code by e-mail or phone."
)
_NOT_YOU = (
    "If this wasn't you, suspend your certificate now: choose Suspend in the Kaika chat, or "
    "call {hotline}."
)
_SUSPEND_HERE = "Suspend here: {link}"
_CALL = "If this wasn't you, call {hotline} right away."

_TEXTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        one_time_codes.MESSAGE_KIND: (
            "one-time code",
            "Your one-time code is {code}. It works for ten minutes. Type it only in the chat "
            "where you asked for it, and never tell it to anyone. If you didn't ask for it, "
            "ignore this mail: no changes were made.",
        ),
        NoticeKind.CODE_REVEALED: (
            "your subscriber code was shown",
            "On {at} (Taipei) your subscriber code was shown in a chat, with a one-time code "
            "from your mailbox. " + _CALL,
        ),
        NoticeKind.CODE_GUARDED: (
            "your subscriber code was typed wrong",
            "On {at} (Taipei) your subscriber code was typed wrong for the fourth time, in chats "
            "that don't get your alerts. It still works in the chats that do. Other chats now "
            "need your birth date and a one-time code first. " + _NOT_YOU,
        ),
        NoticeKind.CHAT_VERIFIED: (
            "a chat verified itself as yours",
            "On {at} (Taipei) a chat verified itself with your birth date and a one-time code "
            "from your mailbox. It can try your subscriber code three more times. " + _NOT_YOU,
        ),
        NoticeKind.CODE_LOCKED: (
            "your subscriber code is locked",
            "On {at} (Taipei) your subscriber code was entered wrong for the fourth time, so it "
            "is locked. To have it released, go to the counter with your ARC. You can still "
            "suspend your certificate with a one-time code.",
        ),
        NoticeKind.PAID: (
            "payment received",
            "We received NT${amount} on {at} (Taipei): card fee NT${card}, postage "
            "NT${postage}. Receipt number {receipt}. Next, your card is made and posted to you.",
        ),
        NoticeKind.ADDRESS_CHANGED: (
            "your address was changed",
            "On {at} (Taipei) your mailing address was changed in a chat, with the correct "
            "subscriber code. " + _CALL,
        ),
        NoticeKind.POSTED: (
            "your card was posted",
            "Your card was posted on {at} (Taipei). When it arrives, activate it and set a PIN "
            "so that you can use it.",
        ),
        NoticeKind.ACTIVATED: (
            "your card is active",
            "Your card was activated on {at} (Taipei). Keep the application form: after "
            "activation no one can give the subscriber code back. " + _NOT_YOU,
        ),
        NoticeKind.SUSPENDED: (
            "your certificate is suspended",
            "Your certificate was suspended on {at} (Taipei). To reactivate it online, you need "
            "the subscriber code, the IC card number and a one-time code. Without the code, only "
            "the counter can. " + _CALL,
        ),
        NoticeKind.RESUMING: (
            "your certificate is about to be reactivated",
            "On {at} (Taipei) someone with your subscriber code, IC card number and a one-time "
            "code asked to reactivate your suspended certificate. " + _NOT_YOU,
        ),
        NoticeKind.RESUMED: (
            "your certificate can be used again",
            "Your certificate was reactivated on {at} (Taipei) and can be used again. " + _NOT_YOU,
        ),
        NoticeKind.REVOKED: (
            "your certificate was revoked",
            "Your certificate was revoked on {at} (Taipei). This can't be undone. To get a new "
            "card, apply again at a service station.",
        ),
        NoticeKind.CHAT_LINKED: (
            "a chat now gets your alerts",
            "On {at} (Taipei) a chat started to get your alerts, with the correct subscriber "
            "code. To see or remove your linked chats, send /privacy in the Kaika chat. "
            + _NOT_YOU,
        ),
        NoticeKind.CHAT_UNLINKED: (
            "a linked chat was removed",
            "On {at} (Taipei) a chat that got your alerts was removed. It gets no more alerts. "
            + _NOT_YOU,
        ),
    }
)


class AuthorityMailComposer:
    """Composes the authority's mails from references in the outbox.

    :ivar bot_name: the bot's name in Telegram, for links to it; `None` before it is known.
    """

    bot_name: str | None = None

    def __init__(self, records: PersonalRecords, one_time: OneTimeCodes) -> None:
        self._records = records
        self._one_time = one_time

    async def compose(
        self, session: AsyncSession, message: OutgoingMessage, now: datetime
    ) -> ComposedMail | None:
        """Render one message; `None` for an unknown person or an expired one-time code.

        :raises UndeliverableError: for a message that is not ours.
        """
        subscriber = await session.get(Subscriber, message.recipient)
        if message.message not in _TEXTS:
            raise UndeliverableError
        values = await self._values(session, message, now)
        if subscriber is None or values is None:
            return None
        title, body = _TEXTS[message.message]
        address = self._records.unseal_field(subscriber, "mail_address")
        link = self._suspension_link() if body.endswith(_NOT_YOU) else None
        return ComposedMail(address, _render_subject(title), _render_both(body, values, link))

    def _suspension_link(self) -> str | None:
        return self.bot_name and f"https://t.me/{self.bot_name}?start=do-suspend"

    async def _values(
        self, session: AsyncSession, message: OutgoingMessage, now: datetime
    ) -> dict[str, str] | None:
        if message.message == one_time_codes.MESSAGE_KIND:
            challenge = await session.get(OneTimeChallenge, message.references["challenge"])
            if challenge is None or challenge.done_at:
                return None
            if challenge.expires_at <= steady_time(now):
                return None
            return {"code": self._one_time.derive(challenge.id).reveal()}
        at = datetime.fromisoformat(str(message.references["at"])).astimezone(TAIPEI)
        values = {"at": f"{at:%Y-%m-%d %H:%M}"}
        if message.message == NoticeKind.PAID:
            payment = await session.get(Payment, message.references["payment"])
            if payment is None:
                return None
            values |= await _paid(session, payment)
        return values


async def _paid(session: AsyncSession, payment: Payment) -> dict[str, str]:
    fees = dict(FEES)
    if payment.application_id is not None:
        fees |= {fee.kind: fee.amount for fee in await find_fees(session, payment.application_id)}
    return {
        "amount": f"{payment.amount // 100}",
        "card": f"{fees[FeeKind.CARD] // 100}",
        "postage": f"{fees[FeeKind.POSTAGE] // 100}",
        "receipt": format_receipt_number(payment),
    }


def _render_subject(title: str) -> str:
    return " / ".join(
        _translate(language, _SUBJECT, title=_translate(language, title)) for language in _ORDER
    )


def _render_both(body: str, values: Mapping[str, str], link: str | None) -> str:
    parts = []
    for language in _ORDER:
        paragraphs = [_translate(language, body, **values), _translate(language, _FOOTER)]
        if link is not None:
            paragraphs.insert(1, _translate(language, _SUSPEND_HERE, link=link))
        parts.append("\n\n".join(paragraphs) + "\n")
    return "\n----\n\n".join(parts)


def _translate(language: str, text: str, **values: str) -> str:
    return facts.format_message(locales.translate(text, language, DOMAIN), language, values)
