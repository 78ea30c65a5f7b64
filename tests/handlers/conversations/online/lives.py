"""Whole conversations with the embedded authority, turn by turn, and everything they change.

A turn that is no message of the person's own (a mail that is read, a bill that is paid) may be
taken again; what they typed or tapped is not, since Telegram brings it again.
"""

import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from handlers.conversations.retrieve import code_reveal
from services.authority.embedded.models import (
    Application,
    AuditEntry,
    CertificateSet,
    LinkedChat,
    OneTimeChallenge,
    Payment,
    SecurityAlert,
)
from services.conversations import ConversationRow
from services.messaging import outbox, reminders
from services.messaging.outbox import OutboxMessage
from services.rate_limit import RateLimitRecord
from services.storage.models import InboxUpdate, Job, UpdateState
from tests.chat import Stage, Subscriber, buttons
from tests.handlers.conversations.online.paying import ADDRESS, invoices, pays
from tests.handlers.conversations.online.people import (
    NOW,
    Holder,
    at,
    clock,
    one_time_code,
    wrong_code,
)

Facts = Counter[tuple[object, ...]]
"""What is so, and how many times."""
_PASSING = {outbox.JOB_KIND, code_reveal.DUE_KIND, reminders.JOB_KIND}
"""What falls due for a person."""


@dataclass
class Actor:
    """Somebody with a record, the chat they act in, and another chat that is linked to them."""

    holder: Holder
    me: Subscriber
    other: Subscriber

    @property
    def stage(self) -> Stage:
        """Where they are."""
        return self.me.stage

    async def taps(self, key: str, person: Subscriber | None = None) -> None:
        """Press the newest button there is of a kind."""
        for message in reversed((person or self.me).heard):
            for button in buttons(message):
                data = button.get("callback_data", "")
                if re.split(r"[.:]", data)[-1] == key or f":{key}." in data:
                    await (person or self.me).forges(message["message_id"], data)
                    return
        raise AssertionError(f"no button {key}")


Act = Callable[[Actor], Awaitable[object]]


@dataclass(frozen=True)
class Turn:
    """One thing somebody does.

    :ivar again: whether they do it again when the bot was started anew meanwhile.
    """

    act: Act
    again: bool = False


def begins(what: str) -> Turn:
    """Follow a link into a conversation."""
    return Turn(lambda actor: actor.me.starts(what))


def taps(key: str) -> Turn:
    """Press a button."""
    return Turn(lambda actor: actor.taps(key))


def says(text: Callable[[Holder], str]) -> Turn:
    """Type something."""
    return Turn(lambda actor: actor.me.says(text(actor.holder)))


async def _reads_mail(actor: Actor) -> None:
    await actor.stage.works_off(clock(actor.stage))


async def _types_one_time_code(actor: Actor) -> None:
    await actor.me.says(await one_time_code(actor.stage, actor.holder))


async def _types_card_number(actor: Actor) -> None:
    await actor.me.says(await actor.holder.card_number())


async def _pays(actor: Actor) -> None:
    """Pay, unless Telegram says that it is paid."""
    mine = {(actor.me.person.id, invoice["message_id"]) for invoice in invoices(actor.me)}
    if not mine & actor.stage.engine.world.invoices.paid:
        await pays(actor.me, invoices(actor.me)[-1])


async def _a_minute_passes(actor: Actor) -> None:
    at(actor.stage, clock(actor.stage) + timedelta(seconds=61))
    await actor.stage.works_off(clock(actor.stage))


async def _denies(actor: Actor) -> None:
    await actor.taps("no", actor.other)


MAIL = Turn(_reads_mail, again=True)
ONE_TIME_CODE = Turn(_types_one_time_code)
CARD_NUMBER = Turn(_types_card_number)
BOTH = says(lambda holder: holder.both)


@dataclass(frozen=True)
class Life:
    """One conversation from its beginning to its end.

    :ivar state: how far the card has come before.
    :ivar is_linked: whether the chat they act in is linked, besides the other one.
    """

    name: str
    state: str
    turns: Sequence[Turn]
    language: str = "en"
    is_linked: bool = False


LIVES = (
    Life(
        "suspend", "active",
        (begins("do-suspend"), says(lambda h: f"{h.number} {wrong_code(h)}"), BOTH, taps("mail"),
         MAIL, ONE_TIME_CODE, taps("suspend"), MAIL, taps("no")),
    ),
    Life(
        "resume", "suspended",
        (begins("do-resume-who"), says(lambda h: h.secret), says(lambda _: "GP00000000000000"),
         CARD_NUMBER, taps("mail"), MAIL, ONE_TIME_CODE, taps("tell"), MAIL, taps("resume"), MAIL),
        is_linked=True,
    ),
    Life(
        "pay", "submitted",
        (begins("do-pay"), BOTH, taps("pay"), Turn(_pays, again=True), MAIL),
        language="zh-hant",
    ),
    Life(
        "address", "submitted",
        (begins("do-pay"), BOTH, taps("off"), taps("address"), says(lambda _: ADDRESS + "2樓"),
         taps("use"), MAIL, taps("later")),
    ),
    Life(
        "was this you", "active",
        (begins("do-status"), BOTH, taps("yes"), MAIL, Turn(_denies), MAIL),
    ),
    Life(
        "retrieve", "submitted",
        (begins("do-retrieve"), taps("gone"), says(lambda h: f"{h.number} {h.born}"), MAIL,
         ONE_TIME_CODE, taps("show"), MAIL, taps("noted"), Turn(_a_minute_passes, again=True)),
    ),
)  # fmt: skip


def moment_of(life: Life) -> timedelta:
    """Give when a life is lived, as the time after `people.NOW`: each before those before it.

    So what falls due for one of them does not fall due for the next.
    """
    place = LIVES.index(life)
    return timedelta(seconds=-place, minutes=-3 if place == len(LIVES) - 1 else 0)


AFTER = NOW + timedelta(minutes=3)
"""When everything that was leased is free again, and grants are still good."""


async def facts(stage: Stage) -> Facts:
    """Give everything that a conversation may have changed."""
    await stage.kaika.inbox.store([])  # what was done is marked
    async with stage.kaika.database.unit_of_work() as session:
        found = await _of_the_authority(session)
        found += await _of_the_bot(session)
    return found


async def _of_the_authority(session: AsyncSession) -> Facts:
    found: Facts = Counter()
    for entry in await session.scalars(select(AuditEntry)):
        found["audit", entry.subject, entry.act] += 1
    for application in await session.scalars(select(Application)):
        found["application", application.id, application.state] += 1
    for certificates in await session.scalars(select(CertificateSet)):
        found["certificates", certificates.application_id, certificates.state] += 1
    for paid in await session.scalars(select(Payment)):
        found["paid", paid.application_id, paid.amount, paid.unmatched_reason] += 1
    for link in await session.scalars(select(LinkedChat)):
        found["linked", link.subscriber_id, link.chat_id] += 1
    for doubt in await session.scalars(select(SecurityAlert)):
        found["doubt", doubt.subscriber_id, doubt.notice, doubt.denied_at is None] += 1
    for spent in await session.scalars(select(RateLimitRecord)):
        whose = None if spent.scope.startswith("grant.") else spent.subject  # a grant is new
        found["spent", spent.scope, whose] += len(json.loads(spent.uses))
    for challenge in await session.scalars(select(OneTimeChallenge)):
        found["one-time codes", challenge.chat_id] += 1
        found["one-time codes tried", challenge.chat_id] += challenge.tries
    return found


async def _of_the_bot(session: AsyncSession) -> Facts:
    found: Facts = Counter()
    for row in await session.scalars(select(ConversationRow)):
        found["at", row.chat_id, row.conversation, row.step, row.is_open] += 1
    for message in await session.scalars(select(OutboxMessage)):
        found["to be sent", message.recipient, message.message] += 1
    for due in await session.scalars(select(Job).where(Job.kind.in_(_PASSING))):
        found["due", due.kind, due.key] += 1
    for update in await session.scalars(select(InboxUpdate)):
        if update.state != UpdateState.DONE:
            found["update", update.state, update.error] += 1
    return found
