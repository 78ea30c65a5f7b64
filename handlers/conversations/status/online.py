"""Status (查詢進度): application and certificate as a line of dates, and what comes next.

UI No. and code. The line is what the authority has on record (docs/facts.md §1.2); only the person
knows whether the card has come.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from handlers.conversations.status.guide import STATUS as GUIDE
from handlers.engine.model import Conversation, OnEnter, Step, StepContext, StepResult
from handlers.identity.chat_linking import DONE, OFFER, linking_steps, offer_or_done
from handlers.identity.code import CodeVerification
from handlers.identity.step_data import GRANT, SECRET_TIMEOUT
from handlers.screen.text import N_, Markup, label, say
from services.authority.errors import AuthorityError
from services.authority.interface.authority import Authority
from services.authority.interface.certificates import Certificates
from services.authority.lifecycle import ApplicationState, CertificateState
from services.authority.values import AuthorityOperation, Timeline
from services.calendar import last_payment_day, today

StatusFindings = Mapping[str, Any]
TIMELINE = "timeline"
"""What is kept on the way: where things stood when they were looked up, as JSON."""
_LEAD = N_("📍 <b>Where does it stand?</b> I show your application and your certificate.")

_PATH: tuple[tuple[ApplicationState, str], ...] = (
    (ApplicationState.SUBMITTED, N_("Applied (申請)")),
    (ApplicationState.PAID, N_("Paid (繳費)")),
    (ApplicationState.ISSUED, N_("Card made (製卡)")),
    (ApplicationState.POSTED, N_("Card posted (寄送)")),
    (ApplicationState.ACTIVATED, N_("Activated (開卡)")),
)
_NEXT: Mapping[ApplicationState, str] = {
    ApplicationState.SUBMITTED: N_(
        "💳 <b>Next: pay NT$278</b> by {last} (days left: {days}). After that the application is "
        "deleted."
    ),
    ApplicationState.PAID: N_(
        "📮 <b>Next: wait.</b> The card is made and posted, in about 7–10 working days after the "
        "payment."
    ),
    ApplicationState.ISSUED: N_("📮 <b>Next: wait.</b> The card is made and goes to the post."),
    ApplicationState.POSTED: N_(
        "🆕 <b>Next: activate it</b> (開卡) once it has come, about 7–10 working days after the "
        "payment. Longer than that? Call the hotline 0800-080-117."
    ),
}
_CERTIFICATE: Mapping[CertificateState, str] = {
    CertificateState.ACTIVE: N_("🪪 Certificate: <b>in use (有效)</b>, until {until}"),
    CertificateState.SUSPENDED: N_(
        "⏸ Certificate: <b>suspended (停用)</b> since {since}; valid until {until}"
    ),
    CertificateState.REVOKED: N_("🗑 Certificate: <b>revoked (廢止)</b> on {since}, for good"),
    CertificateState.EXPIRED: N_("⌛ Certificate: <b>expired (過期)</b> on {until}"),
}
_THEN: Mapping[CertificateState, str] = {
    CertificateState.ACTIVE: N_("✅ <b>Nothing to do.</b> Lost the card? Suspend it at once."),
    CertificateState.SUSPENDED: N_("▶️ <b>Next:</b> found the card? Resume it (復用)."),
    CertificateState.REVOKED: N_(
        "🏢 <b>Next:</b> for a new card apply in person at a service station, NT$278."
    ),
    CertificateState.EXPIRED: N_(
        "🏢 <b>Next:</b> for a new card apply in person at a service station, NT$278. We found no "
        "extension for alien citizens."
    ),
}


def status(authority: Authority) -> Conversation:
    """Return the conversation."""
    look = _look(authority.certificates)

    async def shown(_grant: str, ctx: StepContext) -> StepResult:
        return StepResult(offer_or_done(ctx))

    start = CodeVerification(
        authority,
        AuthorityOperation.STATUS,
        DONE,
        on_verified=shown,
        also_targets=(OFFER,),
        introduction=_LEAD,
    )
    ends = linking_steps(authority.links, _words, _links)
    return Conversation(
        name="status",
        title=GUIDE.title,
        initial="who",
        timeout=SECRET_TIMEOUT,
        steps={
            **start.steps,
            **{
                name: step if name == "linked" else _looking(step, look)
                for name, step in ends.items()
            },
            "on_its_way": GUIDE.steps["on_its_way"],
            "expired": GUIDE.steps["expired"],
        },
    )


def _looking(step: Step, look: OnEnter) -> Step:
    return replace(step, on_enter=look)


def _look(certificates: Certificates) -> OnEnter:
    """Return what looks up where things stand, once."""

    async def look(session: AsyncSession, ctx: StepContext) -> Mapping[str, str]:
        if TIMELINE in ctx.data:
            return {}
        try:
            found = await certificates.get_timeline(session, ctx.data[GRANT], ctx.chat_id, ctx.now)
        except AuthorityError:  # the application was deleted a moment ago
            return {}
        return {TIMELINE: _written(found)}

    return look


def _written(found: Timeline) -> str:
    moments = {state: at.isoformat() for state, at in found.moments.items()}
    changed, until = found.certificate_changed_at, found.valid_until
    return json.dumps(
        {
            "application": found.application,
            "certificate": found.certificate,
            "moments": moments,
            "deadline": found.deadline.isoformat(),
            "since": changed.isoformat() if changed else None,
            "until": until.isoformat() if until else None,
            "next": found.next_operation,
        }
    )


def _words(ctx: StepContext) -> Markup:
    if TIMELINE not in ctx.data:
        return say(
            ctx.language,
            "🔎 <b>There is nothing on record any more.</b> An application that is not paid "
            "in 15 days is deleted. Apply again in person at a service station.",
        )
    found = json.loads(ctx.data[TIMELINE])
    title = say(ctx.language, "📍 <b>Where it stands</b>")
    blocks = ["\n".join([title, *_path(found, ctx)]), *_about_certificate(found, ctx)]
    return Markup("\n\n".join([*blocks, _coming(found, ctx)]))


def _path(found: StatusFindings, ctx: StepContext) -> list[str]:
    """Return a line a stage: ✓ with its day, 👉 for what comes next, ○ for what is far off."""
    lines, is_next = [], True
    moments: Mapping[str, str] = found["moments"]
    for state, name in _PATH:
        stage = label(ctx.language, name)
        if state in moments:
            lines.append(f"✓ {_day(moments[state])}  {stage}")
        else:
            lines.append(f"<b>👉 {stage}</b>" if is_next else f"○ {stage}")
            is_next = False
    return lines


def _about_certificate(found: StatusFindings, ctx: StepContext) -> list[str]:
    if not found["certificate"] or found["certificate"] == CertificateState.INACTIVE:
        return []
    message = _CERTIFICATE[CertificateState(found["certificate"])]
    days = {"since": _day(found["since"]), "until": _day(found["until"])}
    return [say(ctx.language, message, **days)]


def _coming(found: StatusFindings, ctx: StepContext) -> str:
    if found["certificate"] and found["certificate"] != CertificateState.INACTIVE:
        return say(ctx.language, _THEN[CertificateState(found["certificate"])])
    deadline = datetime.fromisoformat(found["deadline"])
    days = max(0, (last_payment_day(deadline) - today(ctx.now)).days)
    message = _NEXT.get(ApplicationState(found["application"]), _NEXT[ApplicationState.ISSUED])
    return say(ctx.language, message, last=last_payment_day(deadline).isoformat(), days=days)


def _links(ctx: StepContext) -> tuple[str, ...]:
    if TIMELINE not in ctx.data:
        return ()
    found = json.loads(ctx.data[TIMELINE])
    if found["next"]:
        return (found["next"],)
    return ("suspend",) if found["certificate"] == CertificateState.ACTIVE else ()


def _day(moment: str) -> str:
    return today(datetime.fromisoformat(moment)).isoformat()
