"""Lives of people, from the application to the revocation, and every act twice."""

from services.authority.embedded.audit import AuditVerification
from services.authority.lifecycle import ApplicationState, CertificateState
from tests.services.authority.authority_harness import NOW, AuthorityHarness


async def test_a_whole_life_every_act_twice(world: AuthorityHarness) -> None:
    someone = world.person()
    assert [(await someone.applies()).changed for _ in range(2)] == [True, False]
    checkout = await someone.open_invoice()
    await someone.approve_checkout(checkout)
    charges = [await someone.record_charge(checkout, "charge-1") for _ in range(2)]
    assert [charge.changed for charge in charges] == [True, False]
    assert charges[0].receipt == charges[1].receipt
    acts = (
        someone.is_issued,
        someone.is_posted,
        someone.activates,
        someone.suspends,
        someone.resumes,
        someone.is_revoked,
    )
    for act in acts:
        first, second = await act(), await act()
        assert (act.__name__, first.changed, second.changed) == (act.__name__, True, False)
    shown = await world.counter.show(someone.ui_number, NOW)
    assert shown.timeline.application is ApplicationState.ACTIVATED
    assert shown.timeline.certificate is CertificateState.REVOKED
    async with world.database.unit_of_work() as session:
        assert (await world.authority.audit.verify(session)) == AuditVerification(entries=9)
