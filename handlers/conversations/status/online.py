"""Looking up the status (查詢進度): the stages of application and certificate, and what comes next.

The person is verified by UI No. and code. The stages are those on record (docs/facts.md §1.2); only
the person knows whether the card has arrived.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from handlers.conversations.status.guide import STATUS as GUIDE
from handlers.engine.model import Conversation, StepContext, StepResult
from handlers.identity.chat_verification import chat_verification_steps
from handlers.identity.code_verification import FORGOTTEN_BUTTON, CodeVerification, OnVerified
from handlers.identity.granted_actions import DONE, OFFER, linking_steps, offer_or_done
from handlers.identity.step_data import SECRET_TIMEOUT
from handlers.screen.dates import format_date
from handlers.screen.text import N_, Markup, label, say
from services.authority.data_types import AuthorityOperation, Timeline
from services.authority.errors import AuthorityError
from services.authority.interface.authority import Authority
from services.authority.interface.certificates import Certificates
from services.authority.lifecycle import ApplicationState, CertificateState
from services.calendar import last_payment_day, today
from services.storage.database import Database

StatusFindings = Mapping[str, Any]
TIMELINE = "timeline"
"""Step data: the status at the time it was looked up, as JSON."""
_INTRODUCTION = N_("📍 <b>Check your status.</b> You'll see your application and your certificate.")

_STAGES: tuple[tuple[ApplicationState, str], ...] = (
    (ApplicationState.SUBMITTED, N_("Application (申請)")),
    (ApplicationState.PAID, N_("Payment (繳費)")),
    (ApplicationState.ISSUED, N_("Card production (製卡)")),
    (ApplicationState.POSTED, N_("Posting (寄送)")),
    (ApplicationState.ACTIVATED, N_("Activation (開卡)")),
)
_NEXT_FOR_APPLICATION: Mapping[ApplicationState, str] = {
    ApplicationState.SUBMITTED: N_(
        "💳 <b>Next: pay {fee}</b> by {last} (days left: {days}). After that the application "
        "is deleted."
    ),
    ApplicationState.PAID: N_(
        "📮 <b>Next: wait for the card.</b> It arrives about {delivery} after the payment. "
        "Longer than that? Call {hotline}."
    ),
    ApplicationState.ISSUED: N_(
        "📮 <b>Next: wait for the card.</b> It's made and will be posted soon. Not here 10 working "
        "days after the payment? Call {hotline}."
    ),
    ApplicationState.POSTED: N_(
        "🆕 <b>Next: activate the card</b> (開卡) when it arrives, about {delivery} after "
        "the payment. Longer than that? Call {hotline}."
    ),
}
_CERTIFICATE: Mapping[CertificateState, str] = {
    CertificateState.ACTIVE: N_("🪪 Certificate: <b>valid (有效)</b> until {until}"),
    CertificateState.SUSPENDED: N_(
        "⏸ Certificate: <b>suspended (停用)</b> since {since}; valid until {until}"
    ),
    CertificateState.REVOKED: N_("🗑 Certificate: <b>revoked (廢止)</b> on {since}, for good"),
    CertificateState.EXPIRED: N_("⌛ Certificate: <b>expired (過期)</b> on {until}"),
}
_NEXT_FOR_CERTIFICATE: Mapping[CertificateState, str] = {
    CertificateState.ACTIVE: N_(
        "✅ <b>Nothing to do.</b> If you lose the card, suspend it right away."
    ),
    CertificateState.SUSPENDED: N_("▶️ <b>Next:</b> found the card? Reactivate it (復用)."),
    CertificateState.REVOKED: N_(
        "🏢 <b>Next:</b> to get a new card, apply in person at a service station, {fee}."
    ),
    CertificateState.EXPIRED: N_(
        "🏢 <b>Next:</b> to get a new card, apply in person at a service station, {fee}. An "
        "extension is not confirmed. Ask {hotline}."
    ),
}
_NO_APPLICATION = N_(
    "🔎 <b>No application on record.</b> An application that is not paid in {pay_days} is deleted. "
    "Apply again in person at a service station."
)


def status_conversation(authority: Authority, database: Database) -> Conversation:
    """Return the conversation."""
    verification = CodeVerification(
        authority,
        AuthorityOperation.STATUS,
        DONE,
        on_verified=_look_up_timeline(authority.certificates, database),
        also_targets=(OFFER,),
        introduction=_INTRODUCTION,
        buttons=(FORGOTTEN_BUTTON,),
    )
    return Conversation(
        name="status",
        title=GUIDE.title,
        initial="who",
        timeout=SECRET_TIMEOUT,
        steps={
            **verification.steps,
            **chat_verification_steps(authority),
            **linking_steps(authority.links, _status_text, _links, next_steps=_next_steps),
            "on_its_way": GUIDE.steps["on_its_way"],
            "expired": GUIDE.steps["expired"],
        },
    )


def _look_up_timeline(certificates: Certificates, database: Database) -> OnVerified:
    """Return the hook that looks the status up; a card that is over is offered no alerts."""

    async def look_up(grant: str, ctx: StepContext) -> StepResult:
        try:
            async with database.unit_of_work() as session:
                timeline = await certificates.get_timeline(session, grant, ctx.chat_id, ctx.now)
        except AuthorityError:  # the application was deleted a moment ago
            return StepResult(DONE)
        is_over = timeline.certificate in (CertificateState.REVOKED, CertificateState.EXPIRED)
        return StepResult(DONE if is_over else offer_or_done(ctx), {TIMELINE: _as_json(timeline)})

    return look_up


def _as_json(timeline: Timeline) -> str:
    moments = {state: at.isoformat() for state, at in timeline.moments.items()}
    changed, until = timeline.certificate_changed_at, timeline.valid_until
    return json.dumps(
        {
            "application": timeline.application,
            "certificate": timeline.certificate,
            "moments": moments,
            "deadline": timeline.deadline.isoformat(),
            "since": changed.isoformat() if changed else None,
            "until": until.isoformat() if until else None,
            "next": timeline.next_operation,
        }
    )


def _status_text(ctx: StepContext) -> Markup:
    if TIMELINE not in ctx.data:
        return say(ctx.language, _NO_APPLICATION)
    findings = json.loads(ctx.data[TIMELINE])
    title = say(ctx.language, "📍 <b>Application status</b>")
    stages = _stage_lines(findings, ctx.language)
    certificate = _certificate_lines(findings, ctx.language)
    if certificate:
        stages = stages[-1:]  # all of them are over
    blocks = ["\n".join([title, *stages]), *certificate]
    return Markup("\n\n".join([*blocks, _next_text(findings, ctx.language, ctx.now)]))


def state_text(timeline: Timeline | None, language: str) -> Markup:
    """Return the state of the certificate, or the stages of the application before there is one."""
    if timeline is None:
        return say(language, _NO_APPLICATION)
    findings = json.loads(_as_json(timeline))
    lines = _certificate_lines(findings, language) or _stage_lines(findings, language)
    return Markup("\n".join(lines))


def next_text(timeline: Timeline | None, language: str, now: datetime) -> Markup:
    """Return what the person does next; an empty text without an application."""
    if timeline is None:
        return Markup()
    return Markup(_next_text(json.loads(_as_json(timeline)), language, now))


def _stage_lines(findings: StatusFindings, language: str) -> list[str]:
    """Return a line for each stage: ✓ with its date, 👉 for the next one, ○ for later ones."""
    lines, is_next = [], True
    moments: Mapping[str, str] = findings["moments"]
    for state, name in _STAGES:
        stage = label(language, name)
        if state in moments:
            lines.append(f"✓ {_day(moments[state])}  {stage}")
        else:
            lines.append(f"<b>👉 {stage}</b>" if is_next else f"○ {stage}")
            is_next = False
    return lines


def _certificate_lines(findings: StatusFindings, language: str) -> list[str]:
    if not findings["certificate"] or findings["certificate"] == CertificateState.INACTIVE:
        return []
    message = _CERTIFICATE[CertificateState(findings["certificate"])]
    days = {name: format_date(_day(findings[name]), language) for name in ("since", "until")}
    return [say(language, message, **days)]


def _next_text(findings: StatusFindings, language: str, now: datetime) -> str:
    if findings["certificate"] and findings["certificate"] != CertificateState.INACTIVE:
        return say(language, _NEXT_FOR_CERTIFICATE[CertificateState(findings["certificate"])])
    deadline = datetime.fromisoformat(findings["deadline"])
    days = max(0, (last_payment_day(deadline) - today(now)).days)
    default = _NEXT_FOR_APPLICATION[ApplicationState.ISSUED]
    message = _NEXT_FOR_APPLICATION.get(ApplicationState(findings["application"]), default)
    last = format_date(last_payment_day(deadline), language)
    return say(language, message, last=last, days=days)


def _links(ctx: StepContext) -> tuple[str, ...]:
    if TIMELINE not in ctx.data:
        return ()
    is_active = json.loads(ctx.data[TIMELINE])["certificate"] == CertificateState.ACTIVE
    return ("suspend",) if is_active else ()


def _next_steps(ctx: StepContext) -> tuple[str, ...]:
    if TIMELINE not in ctx.data:
        return ()
    operation = json.loads(ctx.data[TIMELINE])["next"]
    return (operation,) if operation else ()


def _day(moment: str) -> date:
    return today(datetime.fromisoformat(moment))
