"""From when on certificates count as revoked, where they had been on hold."""

from datetime import timedelta

from services.authority.embedded.certificates.register import EmbeddedCertificateRegister
from tests.services.authority.authority_harness import NOW, AuthorityHarness


async def test_who_was_suspended_when_revoked_keeps_the_date_of_the_hold(
    world: AuthorityHarness,
) -> None:
    """X.509: the date of the revocation is then that of the hold."""
    held, later = NOW + timedelta(days=1), NOW + timedelta(days=3)
    suspended, active = await world.person(1).is_active(), await world.person(2).is_active()
    await suspended.suspends(held)
    for someone in (suspended, active):
        await someone.is_revoked(later)
    async with world.database.unit_of_work() as session:
        since = [
            one.since for one in await EmbeddedCertificateRegister().list_for_crl(session, None)
        ]
    assert sorted(since) == [held] * 3 + [later] * 3
    shown = await world.counter.show(suspended.ui_number, later)
    assert shown.timeline.certificate_changed_at == later


async def test_who_was_resumed_in_between_does_not(world: AuthorityHarness) -> None:
    someone = await world.person().is_active()
    await someone.suspends(NOW)
    await someone.resumes(NOW + timedelta(hours=1))
    revoked = NOW + timedelta(days=3)
    await someone.is_revoked(revoked)
    async with world.database.unit_of_work() as session:
        assert {
            one.since for one in await EmbeddedCertificateRegister().list_for_crl(session, None)
        } == {revoked}
