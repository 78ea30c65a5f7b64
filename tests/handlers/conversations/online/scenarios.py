"""Whole conversations with the embedded authority, step by step, and snapshots of what they change.

A step that is no update (a mail that is read, a bill that is paid) may be repeated after a crash;
what a person typed or tapped is not, since the inbox delivers its update again.
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
from services.messaging import outbox, payment_reminders
from services.messaging.outbox import OutboxMessage
from services.rate_limit import RateLimitRecord
from services.storage.models import InboxUpdate, Job, UpdateState
from tests.bot_harness import BotHarness, ChatUser, buttons
from tests.handlers.clock import NOW, current_time, set_time
from tests.handlers.conversations.online.cardholders import (
    Cardholder,
    read_one_time_code,
    wrong_code,
)
from tests.handlers.conversations.online.payments import ADDRESS, invoices, pay_invoice

Snapshot = Counter[tuple[object, ...]]
"""Facts in the database, with how often each holds."""
_PERSONAL_JOB_KINDS = {outbox.JOB_KIND, code_reveal.DUE_KIND, payment_reminders.JOB_KIND}
"""The jobs that are scheduled for a person."""


@dataclass
class ScenarioActor:
    """A cardholder, the chat they act in, and another chat that is linked to them."""

    holder: Cardholder
    person: ChatUser
    linked_person: ChatUser

    @property
    def harness(self) -> BotHarness:

        return self.person.harness

    async def taps(self, key: str, person: ChatUser | None = None) -> None:
        """Press the newest button with this key."""
        for message in reversed((person or self.person).bot_messages):
            for button in buttons(message):
                data = button.get("callback_data", "")
                if re.split(r"[.:]", data)[-1] == key or f":{key}." in data:
                    await (person or self.person).forges(message["message_id"], data)
                    return
        raise AssertionError(f"no button {key}")


Act = Callable[[ScenarioActor], Awaitable[object]]


@dataclass(frozen=True)
class ScenarioStep:
    """One action of a scenario.

    :ivar is_repeated: whether it is done again if the process crashed during it.
    """

    act: Act
    is_repeated: bool = False


def begins(what: str) -> ScenarioStep:
    """Follow a link into a conversation."""
    return ScenarioStep(lambda actor: actor.person.starts(what))


def taps(key: str) -> ScenarioStep:
    """Press a button."""
    return ScenarioStep(lambda actor: actor.taps(key))


def says(text: Callable[[Cardholder], str]) -> ScenarioStep:
    """Type something."""
    return ScenarioStep(lambda actor: actor.person.says(text(actor.holder)))


async def _reads_mail(actor: ScenarioActor) -> None:
    await actor.harness.run_due_jobs(current_time(actor.harness))


async def _types_one_time_code(actor: ScenarioActor) -> None:
    await actor.person.says(await read_one_time_code(actor.harness, actor.holder))


async def _types_card_number(actor: ScenarioActor) -> None:
    await actor.person.says(await actor.holder.read_card_number())


async def _pays(actor: ScenarioActor) -> None:
    """Pay, unless Telegram has taken the money already."""
    mine = {(actor.person.person.id, invoice["message_id"]) for invoice in invoices(actor.person)}
    if not mine & actor.harness.engine.world.invoices.paid:
        await pay_invoice(actor.person, invoices(actor.person)[-1])


async def _a_minute_passes(actor: ScenarioActor) -> None:
    set_time(actor.harness, current_time(actor.harness) + timedelta(seconds=61))
    await actor.harness.run_due_jobs(current_time(actor.harness))


async def _denies(actor: ScenarioActor) -> None:
    await actor.taps("no", actor.linked_person)


MAIL = ScenarioStep(_reads_mail, is_repeated=True)
ONE_TIME_CODE = ScenarioStep(_types_one_time_code)
CARD_NUMBER = ScenarioStep(_types_card_number)
NUMBER_AND_CODE = says(lambda holder: holder.number_and_code)


@dataclass(frozen=True)
class Scenario:
    """One conversation from its beginning to its end.

    :ivar card_state: how far the card has come before.
    :ivar is_linked: whether the chat they act in is linked, besides the other one.
    """

    name: str
    card_state: str
    steps: Sequence[ScenarioStep]
    language: str = "en"
    is_linked: bool = False


SCENARIOS = (
    Scenario(
        "suspend", "active",
        (begins("do-suspend"), says(lambda h: f"{h.ui_number_text} {wrong_code(h)}"),
         NUMBER_AND_CODE, taps("mail"), MAIL, ONE_TIME_CODE, taps("suspend"), MAIL, taps("no")),
    ),
    Scenario(
        "resume", "suspended",
        (begins("do-resume-who"), says(lambda h: h.code_text), says(lambda _: "GP00000000000000"),
         CARD_NUMBER, taps("mail"), MAIL, ONE_TIME_CODE, taps("tell"), MAIL, taps("resume"), MAIL),
        is_linked=True,
    ),
    Scenario(
        "pay", "submitted",
        (begins("do-pay"), NUMBER_AND_CODE, taps("pay"), ScenarioStep(_pays, is_repeated=True),
         MAIL),
        language="zh-hant",
    ),
    Scenario(
        "address", "submitted",
        (begins("do-pay"), NUMBER_AND_CODE, taps("off"), taps("address"),
         says(lambda _: ADDRESS + "2樓"), taps("use"), MAIL, taps("later")),
    ),
    Scenario(
        "was this you", "active",
        (begins("do-status"), NUMBER_AND_CODE, taps("yes"), MAIL, ScenarioStep(_denies), MAIL),
    ),
    Scenario(
        "retrieve", "submitted",
        (begins("do-retrieve"), taps("gone"), says(lambda h: f"{h.ui_number_text} {h.birth_date}"),
         MAIL, ONE_TIME_CODE, taps("show"), MAIL, taps("noted"),
         ScenarioStep(_a_minute_passes, is_repeated=True)),
    ),
)  # fmt: skip


def start_offset(scenario: Scenario) -> timedelta:
    """Return when a scenario is played, relative to `NOW`: each earlier than those before it.

    So the jobs of one scenario are not due yet while the next is played.
    """
    place = SCENARIOS.index(scenario)
    return timedelta(seconds=-place, minutes=-3 if place == len(SCENARIOS) - 1 else 0)


RESTART_TIME = NOW + timedelta(minutes=3)
"""When leases of the crashed process have run out, and grants have not."""


async def take_snapshot(harness: BotHarness) -> Snapshot:
    """Return everything that a conversation may have changed."""
    await harness.kaika.inbox.store([])  # flushes what was marked as done
    async with harness.kaika.database.unit_of_work() as session:
        snapshot = await _authority_snapshot(session)
        snapshot += await _bot_snapshot(session)
    return snapshot


async def _authority_snapshot(session: AsyncSession) -> Snapshot:
    snapshot: Snapshot = Counter()
    for entry in await session.scalars(select(AuditEntry)):
        snapshot["audit", entry.subject, entry.act] += 1
    for application in await session.scalars(select(Application)):
        snapshot["application", application.id, application.state] += 1
    for certificates in await session.scalars(select(CertificateSet)):
        snapshot["certificates", certificates.application_id, certificates.state] += 1
    for paid in await session.scalars(select(Payment)):
        snapshot["paid", paid.application_id, paid.amount, paid.unmatched_reason] += 1
    for link in await session.scalars(select(LinkedChat)):
        snapshot["linked", link.subscriber_id, link.chat_id] += 1
    for doubt in await session.scalars(select(SecurityAlert)):
        snapshot["doubt", doubt.subscriber_id, doubt.notice, doubt.denied_at is None] += 1
    for spent in await session.scalars(select(RateLimitRecord)):
        subject = None if spent.scope.startswith("grant.") else spent.subject  # differs each time
        snapshot["spent", spent.scope, subject] += len(json.loads(spent.uses))
    for challenge in await session.scalars(select(OneTimeChallenge)):
        snapshot["one-time codes", challenge.chat_id] += 1
        snapshot["one-time codes tried", challenge.chat_id] += challenge.tries
    return snapshot


async def _bot_snapshot(session: AsyncSession) -> Snapshot:
    snapshot: Snapshot = Counter()
    for row in await session.scalars(select(ConversationRow)):
        snapshot["at", row.chat_id, row.conversation, row.step, row.is_open] += 1
    for message in await session.scalars(select(OutboxMessage)):
        snapshot["to be sent", message.recipient, message.message] += 1
    for due in await session.scalars(select(Job).where(Job.kind.in_(_PERSONAL_JOB_KINDS))):
        snapshot["due", due.kind, due.key] += 1
    for update in await session.scalars(select(InboxUpdate)):
        if update.state != UpdateState.DONE:
            snapshot["update", update.state, update.error] += 1
    return snapshot
