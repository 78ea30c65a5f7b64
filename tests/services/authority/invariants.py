"""What is true of an authority whatever happened to it, and however it was cut off."""

import json
from collections import Counter

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.embedded.audit import AuditAct
from services.authority.embedded.models import (
    Application,
    AuditEntry,
    CardRecord,
    Certificate,
    CertificateSet,
    OwedFee,
    Payment,
    Subscriber,
)
from services.authority.embedded.personal_data.record_keys import RecordKeyFile
from services.authority.errors import CodeUnrecoverableError
from services.authority.lifecycle import ApplicationState, CertificateState
from tests.services.authority.authority_harness import AuthorityHarness

PAID_FOR = {
    ApplicationState.PAID,
    ApplicationState.ISSUED,
    ApplicationState.POSTED,
    ApplicationState.ACTIVATED,
}
MADE = PAID_FOR - {ApplicationState.PAID}
ENDED = {CertificateState.REVOKED, CertificateState.EXPIRED}

APPLICATION_AFTER = {
    AuditAct.APPLIED: ApplicationState.SUBMITTED,
    AuditAct.PAID: ApplicationState.PAID,
    AuditAct.REFUNDED: ApplicationState.SUBMITTED,
    AuditAct.ISSUED: ApplicationState.ISSUED,
    AuditAct.POSTED: ApplicationState.POSTED,
    AuditAct.ACTIVATED: ApplicationState.ACTIVATED,
    AuditAct.EXPIRED: ApplicationState.EXPIRED,
}
CERTIFICATE_AFTER = {
    AuditAct.ISSUED: CertificateState.INACTIVE,
    AuditAct.ACTIVATED: CertificateState.ACTIVE,
    AuditAct.SUSPENDED: CertificateState.SUSPENDED,
    AuditAct.RESUMED: CertificateState.ACTIVE,
    AuditAct.REVOKED: CertificateState.REVOKED,
    AuditAct.CERTIFICATES_EXPIRED: CertificateState.EXPIRED,
}


async def check_invariants(world: AuthorityHarness, charges: set[str] | None = None) -> None:
    """Check everything; `charges` are those that were taken, none of which may be lost."""
    async with world.database.unit_of_work() as session:
        applications = (await session.scalars(select(Application))).all()
        states = {row.id: ApplicationState(row.state) for row in applications}
        certificates = await _certificate_states(session)
        assert (await world.authority.audit.verify(session)).fault is None
        await _history_leads_here(session, states, certificates)
        await _money_agrees(session, states, charges)
        await _what_was_made_is_whole(session, states, certificates)
        await _people_are_those_who_are_needed(session)
    _codes_are_kept_as_long_as_they_may(world, list(applications), certificates)


async def _certificate_states(session: AsyncSession) -> dict[str, CertificateState]:
    rows = await session.scalars(select(CertificateSet))
    return {row.application_id: CertificateState(row.state) for row in rows}


async def _history_leads_here(
    session: AsyncSession,
    states: dict[str, ApplicationState],
    certificates: dict[str, CertificateState],
) -> None:
    """The audit alone, replayed, gives every state."""
    replayed: dict[str, ApplicationState] = {}
    of_certificates: dict[str, CertificateState] = {}
    for entry in await session.scalars(select(AuditEntry).order_by(AuditEntry.number)):
        act = AuditAct(entry.act)
        if act is AuditAct.REFUNDED and entry.subject.startswith("payment "):
            continue
        if act in APPLICATION_AFTER:
            replayed[entry.subject] = APPLICATION_AFTER[act]
        if act in CERTIFICATE_AFTER:
            of_certificates[entry.subject] = CERTIFICATE_AFTER[act]
    assert replayed == states
    assert of_certificates == certificates


async def _money_agrees(
    session: AsyncSession, states: dict[str, ApplicationState], charges: set[str] | None
) -> None:
    payments = (await session.scalars(select(Payment))).all()
    kept = Counter(
        one.application_id for one in payments if one.application_id and not one.refunded_at
    )
    assert kept == {app: 1 for app, state in states.items() if state in PAID_FOR}
    assert all((one.application_id is None) == bool(one.unmatched_reason) for one in payments)
    if charges is not None:
        assert {one.charge_id for one in payments} == charges
    entries = select(AuditEntry).where(
        AuditEntry.act.in_([AuditAct.PAID, AuditAct.CHARGE_UNMATCHED])
    )
    receipts = [json.loads(one.details)["receipt"] for one in await session.scalars(entries)]
    assert set(Counter(receipts).values()) <= {1, 2}  # twice where staff matched it later
    assert len(set(receipts)) == len(payments)


async def _what_was_made_is_whole(
    session: AsyncSession,
    states: dict[str, ApplicationState],
    certificates: dict[str, CertificateState],
) -> None:
    made = {app for app, state in states.items() if state in MADE}
    assert set(certificates) == made
    cards = set((await session.scalars(select(CardRecord.application_id))).all())
    issued = Counter((await session.scalars(select(Certificate.application_id))).all())
    assert cards <= made
    assert issued == dict.fromkeys(made, 3)
    owed = Counter((await session.scalars(select(OwedFee.application_id))).all())
    assert owed == dict.fromkeys(states, 2)
    for app, state in certificates.items():
        activated = states[app] is ApplicationState.ACTIVATED
        in_use = {CertificateState.ACTIVE, CertificateState.SUSPENDED}
        allowed = in_use if activated else {CertificateState.INACTIVE}
        assert state in allowed | ENDED


async def _people_are_those_who_are_needed(session: AsyncSession) -> None:
    people = set((await session.scalars(select(Subscriber.id))).all())
    rows = (await session.scalars(select(Application))).all()
    assert {row.subscriber_id for row in rows if row.subscriber_id} == people
    assert all(row.subscriber_id is None for row in rows if row.state == ApplicationState.EXPIRED)


def _codes_are_kept_as_long_as_they_may(
    world: AuthorityHarness,
    applications: list[Application],
    certificates: dict[str, CertificateState],
) -> None:
    records = {one.id for one in RecordKeyFile(world.folder / "record-keys.bin").list_records()}
    for row in applications:
        gone = row.state in {ApplicationState.ACTIVATED, ApplicationState.EXPIRED}
        gone = gone or certificates.get(row.id) in ENDED
        assert (row.code_sealed is None) == gone
        assert (row.record_key in records) == (not gone)
        try:
            world.authority.codes.recover(row)
        except CodeUnrecoverableError:
            assert gone
        else:
            assert not gone
