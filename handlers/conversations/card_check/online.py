"""Card check: what the card in the reader says of itself, and what is on record of it.

No PIN is asked for and no try is spent. In guide mode it helps to get reader and card ready for the
official page.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import WORK, CardConversation, OperationSteps
from handlers.engine.model import (
    ButtonTransition,
    Conversation,
    InfoButton,
    Step,
    StepContext,
    StepResult,
)
from handlers.identity.step_data import SECRET_TIMEOUT
from handlers.screen.text import N_, Markup, label, say
from reader_bridge.protocol import KeyRole, ProfileName
from reader_bridge.protocol.operations import CardReport, CertificateCopy
from services import card_certificates
from services.authority.lifecycle import CertificateState
from services.bridge import events
from services.bridge.errors import BridgeError
from services.bridge.interface import BridgeHub
from services.bridge.operations.task import CardTask
from services.calendar import today
from services.storage.database import Database

NAME = "card_check"
TITLE = N_("🔎 Check reader and card")
REPORT = "report"
"""What is kept on the way: what the card said, as JSON; of its number the last four only."""
CardFindings = dict[str, Any]
Records = Callable[[AsyncSession, int], Awaitable[CertificateState | None]]
"""Tells where a certificate stands, by its number; `None` where it is not on record."""

READY = N_(
    "🔎 <b>Check reader and card</b>\n"
    "I look whether reader and card are in order: tries left, certificate, until when it is good. "
    "No PIN is needed and no try is spent.\n\n"
    "<b>Have ready</b>: the card, and a Windows PC, Mac or Linux PC with a card reader."
)
ALONE = N_(
    "<b>Without the chat</b>\n"
    "On the PC, in a terminal, run:\n<code>kaika-bridge check</code>\n\n"
    "It looks at the reader service, the reader, the card and the connection, one after the other, "
    "and says for each what to do when something is missing. It never asks for a PIN."
)
_PROFILES: Mapping[str, str] = {
    ProfileName.GIDS: N_("💳 Card: a GIDS certificate card"),
    ProfileName.PIV: N_("💳 Card: a PIV card"),
    ProfileName.MOICA: N_("💳 Card: <b>a real MOICA card (自然人憑證)</b>"),
    ProfileName.UNKNOWN: N_("💳 Card: of a kind I do not know"),
}
_STATES: Mapping[str, str] = {
    CertificateState.INACTIVE: N_("📋 On record: <b>not activated yet (未開卡)</b>"),
    CertificateState.ACTIVE: N_("📋 On record: <b>in use (有效)</b>, not suspended"),
    CertificateState.SUSPENDED: N_("📋 On record: <b>suspended (停用)</b>"),
    CertificateState.REVOKED: N_("📋 On record: <b>revoked (廢止)</b>, for good"),
    CertificateState.EXPIRED: N_("📋 On record: <b>expired (過期)</b>"),
}
_ADVICE: Mapping[str, str] = {
    "locked": N_(
        "🔒 <b>The PIN is locked.</b> Nothing is lost: unlock the card with the subscriber code."
    ),
    "last": N_("⚠️ <b>Only one try is left.</b> Do not guess; better unlock the card."),
    "moica": N_(
        "➡️ Reader and card are ready for the official page. <b>Use only that page</b> for PIN and "
        "activation: other software can lock a MOICA card for good, so I send it no PIN at all."
    ),
    "unknown": N_(
        "➡️ Is it the certificate card? An ARC, a health card or a bank card will not do. I left "
        "it alone."
    ),
    CertificateState.INACTIVE: N_("➡️ <b>Next:</b> activate it (開卡)."),
    CertificateState.SUSPENDED: N_("➡️ <b>Next:</b> found the card again? Resume it (復用)."),
    CertificateState.REVOKED: N_("➡️ For a new card apply in person at a service station, NT$278."),
    CertificateState.EXPIRED: N_("➡️ For a new card apply in person at a service station, NT$278."),
    "unread": N_(
        "⚠️ <b>Reader and card answer, but I could read no certificate.</b> Take the card out, put "
        "it in again and look again. If that does not help, ask at 0800-080-117."
    ),
    "unrecorded": N_(
        "⚠️ <b>This certificate is not on record here</b>, so the card is of no use with this "
        "service. Put in the card that was posted to you and look again."
    ),
    "fine": N_("✅ <b>All in order.</b> Reader and card are ready."),
}
_LINKS: Mapping[str, str] = {
    "locked": "unlock",
    "last": "unlock",
    CertificateState.INACTIVE: "activate",
    CertificateState.SUSPENDED: "resume",
    "fine": "change_pin",
    "moica": "status",
}


@dataclass(frozen=True)
class CardCheckSteps:
    """What becomes of what the card says.

    :ivar records: where there are any.
    """

    hub: BridgeHub
    live_messages: LiveMessages
    database: Database
    records: Records | None = None

    async def on_done(self, value: events.OperationValue, ctx: StepContext) -> StepResult:
        """Look at the certificate after the card, then tell both."""
        if isinstance(value, CertificateCopy):
            found = json.loads(ctx.data[REPORT])
            found |= await self._certificate(value.certificate)
            return _told(found)
        assert isinstance(value, CardReport)
        found = _found(value)
        role = next((role for role in KeyRole if role in value.certificates), None)
        if role is None:
            return _told(found)
        try:
            await self.hub.start(ctx.chat_id, CardTask.READ_CERTIFICATE, ctx.now, role=role)
        except BridgeError:
            return _told(found)
        self.live_messages.begin_operation(ctx.chat_id, CardTask.READ_CERTIFICATE)
        return StepResult(WORK, {REPORT: json.dumps(found)}, clears_history=True)

    async def _certificate(self, document: bytes) -> CardFindings:
        try:
            certificate = card_certificates.parse_certificate(document)
        except card_certificates.NotACertificateError:
            return {}
        state = None
        if self.records is not None:
            async with self.database.unit_of_work() as session:
                state = await self.records(session, certificate.serial)
        return {
            "issuer": certificate.issuer,
            "from": certificate.not_before.isoformat(),
            "until": certificate.not_after.isoformat(),
            "state": state,
            "recorded": state is not None or self.records is None,
        }


def on_failure(event: events.OperationFailed, ctx: StepContext) -> StepResult | None:
    """Tell what the card said before its certificate could not be read."""
    if event.task is CardTask.READ_CERTIFICATE and REPORT in ctx.data:
        return _told(json.loads(ctx.data[REPORT]))
    return None


def card_check(
    hub: BridgeHub, board: LiveMessages, server: str, database: Database, records: Records | None
) -> CardConversation:
    """Return the conversation.

    :param records: of the authority; none in guide mode.
    """
    checking = CardCheckSteps(hub, board, database, records)
    work = OperationSteps(
        hub,
        board,
        server,
        CardTask.CARD_STATUS,
        checking.on_done,
        (REPORT,),
        follow_up_tasks=(CardTask.READ_CERTIFICATE,),
        on_failure=on_failure,
    )
    again = ButtonTransition(
        "again", N_("🔁 Look again"), WORK, action=work.connect, also_targets=work.also_targets
    )
    begin = ButtonTransition(
        "go", N_("▶️ Look at the card"), WORK, action=work.connect, also_targets=work.also_targets
    )
    dialog = Conversation(
        name=NAME,
        title=TITLE,
        initial="ready",
        timeout=SECRET_TIMEOUT,
        steps={
            "ready": Step(
                READY,
                (begin,),
                (InfoButton("alone", N_("🩺 Check without the chat"), ALONE),),
                on_shown=board.record_message,
            ),
            **work.steps,
            REPORT: Step(report_text, (again,), requires=(REPORT,), links=_links,
                         on_shown=board.record_message, is_done=True),
        },
    )  # fmt: skip
    return CardConversation(dialog, work.pairing, work)


def _found(report: CardReport) -> CardFindings:
    number = report.card_number
    return {
        "reader": report.reader,
        "profile": report.profile,
        "number": number[-4:] if number else None,
        "pin": report.pin.remaining if report.pin else None,
        "limit": report.pin.limit if report.pin else None,
    }


def _told(found: CardFindings) -> StepResult:
    return StepResult(REPORT, {REPORT: json.dumps(found)}, clears_history=True)


def report_text(ctx: StepContext) -> Markup:
    """Say what was found, and what to do."""
    found, language = json.loads(ctx.data[REPORT]), ctx.language
    lines = [
        say(language, "🔎 <b>What the card says</b>"),
        say(language, "🔌 Reader: {reader}", reader=found["reader"]),
        say(language, _PROFILES.get(found["profile"], _PROFILES[ProfileName.UNKNOWN])),
    ]
    if found["number"]:
        lines.append(say(language, "🔢 IC card number: …{number}", number=found["number"]))
    if found["pin"] is not None:
        lines.append(
            say(
                language,
                "🔐 PIN tries left: <b>{left}</b> of {limit}",
                left=found["pin"],
                limit=found["limit"] or "?",
            )
        )
    lines += _about_certificate(found, ctx)
    advice = say(language, _ADVICE[_case(found, ctx)])
    return Markup("\n".join(lines) + f"\n\n{advice}")


def _about_certificate(found: CardFindings, ctx: StepContext) -> list[Markup]:
    language = ctx.language
    if "until" not in found:
        return [say(language, "🪪 Certificate: none that I could read")]
    until = today(datetime.fromisoformat(found["until"]))
    over = label(language, " (over)") if until < today(ctx.now) else ""
    lines = [
        say(
            language,
            "🪪 Certificate: by {issuer}, good until {until}{over}",
            issuer=found["issuer"],
            until=until.isoformat(),
            over=over,
        )
    ]
    state = _STATES.get(found["state"])
    if state:
        lines.append(say(language, state))
    else:
        lines.append(
            say(
                language,
                "📋 Suspended or not: I have no record of it. The official page shows it under "
                "查詢憑證簽發情形 (Certificate Issuance Inquiry).",
            )
        )
    return lines


def _case(found: CardFindings, ctx: StepContext) -> str:
    """Return which advice fits."""
    if found["profile"] == ProfileName.MOICA:
        return "moica"
    if found["profile"] == ProfileName.UNKNOWN:
        return "unknown"
    state = found.get("state")
    if state in _ADVICE:
        return str(state)
    if found["pin"] == 0:
        return "locked"
    if "until" in found and datetime.fromisoformat(found["until"]) < ctx.now:
        return CertificateState.EXPIRED
    if found["pin"] == 1:
        return "last"
    if "until" not in found:
        return "unread"
    return "fine" if found["recorded"] else "unrecorded"


def _links(ctx: StepContext) -> tuple[str, ...]:
    link = _LINKS.get(_case(json.loads(ctx.data[REPORT]), ctx))
    return (link,) if link else ()
