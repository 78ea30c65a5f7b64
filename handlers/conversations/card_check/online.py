"""Checking reader and card: the state of the card in the reader, and of its certificate.

No PIN is asked for and no try is spent. In guide mode it prepares reader and card for the official
page.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

import locales
from handlers.card.live_messages import LiveMessages
from handlers.card.operation_steps import WORK, CardConversation, OperationSteps
from handlers.card.pairing_steps import PcSetup
from handlers.engine.model import (
    Conversation,
    InfoButton,
    Step,
    StepContext,
    StepResult,
)
from handlers.identity.step_data import SECRET_TIMEOUT
from handlers.screen.dates import format_date
from handlers.screen.text import N_, Markup, label, say
from locales.card_profiles import CARD_PROFILE_TEXTS
from reader_bridge.protocol import KeyRole, ProfileName
from reader_bridge.protocol.operation_payloads import CardReport, CertificateCopy
from services import card_certificates
from services.authority.lifecycle import CertificateState
from services.bridge import events
from services.bridge.errors import BridgeError
from services.bridge.interface import BridgeHub
from services.bridge.operations.card_task import CardTask
from services.calendar import today
from services.storage.database import Database

NAME = "card_check"
TITLE = N_("🔎 Check reader and card")
REPORT = "report"
"""The final step; also step data: the findings as JSON, with the last four digits of the number."""
CardFindings = dict[str, Any]
Records = Callable[[AsyncSession, int], Awaitable[CertificateState | None]]
"""Returns the state of the certificate with a serial number; `None` where it is not on record."""

READY = N_(
    "🔎 <b>Check reader and card</b>\n"
    "You'll see if the reader and card work, how many PIN attempts are left, and until when "
    "the certificate is valid. You don't need your PIN, and no attempt is used.\n"
    "\n"
    "<b>Have ready</b>: the card, and a PC (Windows, Mac or Linux) with a card reader."
)
ALONE = N_(
    "<b>Without this chat</b>\n"
    "On the PC, open a terminal and run:\n"
    "<code>kaika-bridge check</code>\n"
    "\n"
    "It checks the reader service, the reader, the card and the connection, and tells you what "
    "to do if something is missing. It never asks for a PIN."
)
_STATES: Mapping[str, str] = {
    CertificateState.INACTIVE: N_("📋 On record: <b>not activated yet (未開卡)</b>"),
    CertificateState.ACTIVE: N_("📋 On record: <b>valid (有效)</b>, not suspended"),
    CertificateState.SUSPENDED: N_("📋 On record: <b>suspended (停用)</b>"),
    CertificateState.REVOKED: N_("📋 On record: <b>revoked (廢止)</b> for good"),
    CertificateState.EXPIRED: N_("📋 On record: <b>expired (過期)</b>"),
}
_ADVICE: Mapping[str, str] = {
    "locked": N_(
        "🔒 <b>The PIN is locked.</b> Your certificate is safe: unlock the card with the "
        "subscriber code."
    ),
    "last": N_("⚠️ <b>Only one attempt left.</b> Don't guess: unlock the card instead."),
    "moica": N_(
        "➡️ Your reader and card are ready for the official page. <b>Use only that page</b> "
        "for the PIN and activation: other software can lock a MOICA card permanently, so no "
        "PIN is sent to it from here."
    ),
    "unknown": N_(
        "➡️ Is it the certificate card? An ARC, health card or bank card won't work. Nothing "
        "was done with it."
    ),
    CertificateState.INACTIVE: N_("➡️ <b>Next:</b> activate it (開卡)."),
    CertificateState.SUSPENDED: N_("➡️ <b>Next:</b> found the card again? Reactivate it (復用)."),
    CertificateState.REVOKED: N_(
        "➡️ To get a new card, apply in person at a service station, {fee}."
    ),
    CertificateState.EXPIRED: N_(
        "➡️ To get a new card, apply in person at a service station, {fee}."
    ),
    "unread": N_(
        "⚠️ <b>The reader and card respond, but no certificate could be read.</b> Take the "
        "card out, put it back in and check again. Still not working? Call {hotline}."
    ),
    "unrecorded": N_(
        "⚠️ <b>This certificate is not on record here</b>, so you can't use this card here. "
        "Put in the card that was posted to you and check again."
    ),
    "fine": N_("✅ <b>All OK.</b> Your reader and card are ready."),
}
_NEXT_STEPS: Mapping[str, str] = {
    "locked": "unlock",
    "last": "unlock",
    CertificateState.INACTIVE: "activate",
    CertificateState.SUSPENDED: "resume",
    "fine": "change_pin",
    "moica": "status",
}


@dataclass(frozen=True)
class CardCheckSteps:
    """The actions of the steps.

    :ivar records: the authority's records; `None` in guide mode.
    """

    hub: BridgeHub
    live_messages: LiveMessages
    database: Database
    records: Records | None = None

    async def on_done(self, value: events.CardTaskValue, ctx: StepContext) -> StepResult:
        """Read the certificate after the state of the card, then show both."""
        if isinstance(value, CertificateCopy):
            certificate = await self._certificate_findings(value.certificate)
            return _report_result(json.loads(ctx.data[REPORT]) | certificate)
        assert isinstance(value, CardReport)
        findings = _card_findings(value)
        role = next((role for role in KeyRole if role in value.certificates), None)
        if role is None:
            return _report_result(findings)
        try:
            await self.hub.start(ctx.chat_id, CardTask.READ_CERTIFICATE, ctx.now, role=role)
        except BridgeError:
            return _report_result(findings)
        self.live_messages.begin_operation(ctx.chat_id, CardTask.READ_CERTIFICATE)
        return StepResult(WORK, {REPORT: json.dumps(findings)}, clears_history=True)

    async def _certificate_findings(self, document: bytes) -> CardFindings:
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


def on_failure(event: events.CardTaskFailed, ctx: StepContext) -> StepResult | None:
    """Show the state of the card also where its certificate could not be read."""
    if event.task is CardTask.READ_CERTIFICATE and REPORT in ctx.data:
        return _report_result(json.loads(ctx.data[REPORT]))
    return None


def card_check_conversation(
    hub: BridgeHub,
    live_messages: LiveMessages,
    setup: PcSetup,
    database: Database,
    records: Records | None,
) -> CardConversation:
    """Return the conversation.

    :param setup: what a person needs to set up the PC.
    :param records: the authority's records; `None` in guide mode.
    """
    operation = OperationSteps(
        hub,
        live_messages,
        setup,
        CardTask.CARD_STATUS,
        CardCheckSteps(hub, live_messages, database, records).on_done,
        done_steps=(REPORT,),
        follow_up_tasks=(CardTask.READ_CERTIFICATE,),
        on_failure=on_failure,
    )
    on_shown = live_messages.record_message
    conversation = Conversation(
        name=NAME,
        title=TITLE,
        initial="ready",
        timeout=SECRET_TIMEOUT,
        steps={
            "ready": Step(
                READY,
                (operation.start_button("go", N_("▶️ Check the card")),),
                (InfoButton("alone", N_("🩺 Check without chat"), ALONE),),
                on_shown=on_shown,
                picture="reader",
            ),
            **operation.steps,
            REPORT: Step(
                report_text,
                (operation.start_button("again", N_("🔁 Check again")),),
                requires=(REPORT,),
                next_steps=_next_steps,
                on_shown=on_shown,
                is_done=True,
            ),
        },
    )
    return CardConversation(conversation, operation.pairing, operation)


def _card_findings(report: CardReport) -> CardFindings:
    number = report.card_number
    return {
        "reader": report.reader,
        "profile": report.profile,
        "number": number[-4:] if number else None,
        "pin": report.pin.remaining if report.pin else None,
        "limit": report.pin.limit if report.pin else None,
    }


def _report_result(findings: CardFindings) -> StepResult:
    return StepResult(REPORT, {REPORT: json.dumps(findings)}, clears_history=True)


def report_text(ctx: StepContext) -> Markup:
    """Return the findings, and what to do."""
    findings, language = json.loads(ctx.data[REPORT]), ctx.language
    lines = [
        say(language, "🔎 <b>Card check result</b>"),
        say(language, "🔌 Reader: {reader}", reader=findings["reader"]),
        _profile_text(findings["profile"], language),
    ]
    if findings["number"]:
        lines.append(say(language, "🔢 IC card number: …{number}", number=findings["number"]))
    if findings["pin"] is not None:
        lines.append(
            say(
                language,
                "🔐 PIN attempts left: <b>{left}</b> of {limit}",
                left=findings["pin"],
                limit=findings["limit"] or "?",
            )
        )
    lines += _certificate_lines(findings, ctx)
    advice = say(language, _ADVICE[_advice_key(findings, ctx)])
    return Markup("\n".join(lines) + f"\n\n{advice}")


def _profile_text(profile: str, language: str) -> Markup:
    texts = CARD_PROFILE_TEXTS.get(profile, CARD_PROFILE_TEXTS[ProfileName.UNKNOWN])
    return Markup(locales.translate(texts.in_chat, language, "bridge"))


def _certificate_lines(findings: CardFindings, ctx: StepContext) -> list[Markup]:
    language = ctx.language
    if "until" not in findings:
        return [say(language, "🪪 Certificate: could not be read")]
    until = today(datetime.fromisoformat(findings["until"]))
    suffix = label(language, " (expired)") if until < today(ctx.now) else ""
    lines = [
        say(
            language,
            "🪪 Certificate: by {issuer}, valid until {until}{over}",
            issuer=findings["issuer"],
            until=format_date(until, language),
            over=suffix,
        )
    ]
    state = _STATES.get(findings["state"])
    if state:
        lines.append(say(language, state))
    else:
        lines.append(
            say(
                language,
                "📋 Suspended or not: no record here. See 查詢憑證簽發情形 (Certificate Issuance "
                "Inquiry) on the official page.",
            )
        )
    return lines


def _advice_key(findings: CardFindings, ctx: StepContext) -> str:
    """Return the key of the advice that fits."""
    if findings["profile"] == ProfileName.MOICA:
        return "moica"
    if findings["profile"] == ProfileName.UNKNOWN:
        return "unknown"
    state = findings.get("state")
    if state in _ADVICE:
        return str(state)
    if findings["pin"] == 0:
        return "locked"
    if "until" in findings and datetime.fromisoformat(findings["until"]) < ctx.now:
        return CertificateState.EXPIRED
    if findings["pin"] == 1:
        return "last"
    if "until" not in findings:
        return "unread"
    return "fine" if findings["recorded"] else "unrecorded"


def _next_steps(ctx: StepContext) -> tuple[str, ...]:
    conversation = _NEXT_STEPS.get(_advice_key(json.loads(ctx.data[REPORT]), ctx))
    return (conversation,) if conversation else ()
