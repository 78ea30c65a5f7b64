"""The audit: what was changed, taken out, swapped or cut off shows."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.authority.embedded.audit import (
    GENESIS_MAC,
    AuditAct,
    AuditFault,
    AuditHead,
    AuditHeadFile,
    AuditVerification,
)
from services.authority.embedded.models import AuditEntry, AuditTip
from services.authority.errors import WrongStateError
from services.storage.keys import SecretPurpose
from tests.services.authority.authority_harness import NOW, AuthorityHarness

KEY = bytes(range(32))


async def verified(world: AuthorityHarness) -> AuditVerification:
    async with world.database.unit_of_work() as session:
        return await world.authority.audit.verify(session)


@pytest.fixture
async def lived(world: AuthorityHarness) -> AuthorityHarness:
    """A world with a life in it: applied, paid, issued, posted, active, suspended."""
    someone = await world.person().is_active()
    await someone.suspends()
    return world


async def numbers(world: AuthorityHarness) -> list[int]:
    async with world.database.unit_of_work() as session:
        return list((await session.scalars(select(AuditEntry.number))).all())


async def test_a_whole_chain_verifies(lived: AuthorityHarness) -> None:
    found = sorted(await numbers(lived))
    assert found == list(range(1, len(found) + 1))
    assert await verified(lived) == AuditVerification(len(found))


CHANGES = {
    "act": AuditAct.RESUMED,
    "subject": "somebody else",
    "actor": "counter nobody",
    "details": '{"left": 3}',
    "at": NOW.replace(year=2020),
    "mac": bytes(32),
}


@pytest.mark.parametrize("column", CHANGES)
async def test_a_changed_entry_shows(lived: AuthorityHarness, column: str) -> None:
    async with lived.database.unit_of_work() as session:
        changed = update(AuditEntry).where(AuditEntry.number == 3)
        await session.execute(changed.values({column: CHANGES[column]}))
    assert await verified(lived) == AuditVerification(2, AuditFault.ALTERED, 3)


async def test_a_missing_entry_shows(lived: AuthorityHarness) -> None:
    async with lived.database.unit_of_work() as session:
        await session.execute(delete(AuditEntry).where(AuditEntry.number == 3))
    assert await verified(lived) == AuditVerification(2, AuditFault.MISSING, 3)


async def test_closing_the_gap_does_not_help(lived: AuthorityHarness) -> None:
    async with lived.database.unit_of_work() as session:
        await session.execute(delete(AuditEntry).where(AuditEntry.number == 3))
        for number in range(4, max(await numbers_in(session)) + 1):
            moved = update(AuditEntry).where(AuditEntry.number == number)
            await session.execute(moved.values(number=number - 1))
    assert await verified(lived) == AuditVerification(2, AuditFault.ALTERED, 3)


async def numbers_in(session: AsyncSession) -> list[int]:
    return list((await session.scalars(select(AuditEntry.number))).all())


async def test_swapped_entries_show(lived: AuthorityHarness) -> None:
    async with lived.database.unit_of_work() as session:
        for old, new in ((3, -1), (4, 3), (-1, 4)):
            moved = update(AuditEntry).where(AuditEntry.number == old)
            await session.execute(moved.values(number=new))
    assert await verified(lived) == AuditVerification(2, AuditFault.ALTERED, 3)


@pytest.mark.parametrize("also_the_tip", [False, True])
async def test_a_cut_off_end_shows(lived: AuthorityHarness, also_the_tip: bool) -> None:
    last = max(await numbers(lived))
    async with lived.database.unit_of_work() as session:
        await session.execute(delete(AuditEntry).where(AuditEntry.number > last - 2))
        if also_the_tip:
            before = select(AuditEntry.mac).where(AuditEntry.number == last - 2)
            mac = (await session.scalars(before)).one()
            await session.execute(update(AuditTip).values(number=last - 2, mac=mac))
    assert await verified(lived) == AuditVerification(last - 2, AuditFault.CUT_OFF, last - 1)


async def test_a_cut_off_end_still_shows_after_new_entries(lived: AuthorityHarness) -> None:
    last = max(await numbers(lived))
    async with lived.database.unit_of_work() as session:
        await session.execute(delete(AuditEntry).where(AuditEntry.number == last))
        before = select(AuditEntry.mac).where(AuditEntry.number == last - 1)
        mac = (await session.scalars(before)).one()
        await session.execute(update(AuditTip).values(number=last - 1, mac=mac))
    await lived.person(2).applies()
    assert await verified(lived) == AuditVerification(last - 1, AuditFault.ALTERED, last)
    await lived.person(3).applies()
    assert await verified(lived) == AuditVerification(last - 1, AuditFault.ALTERED, last)


async def test_an_invented_entry_shows(lived: AuthorityHarness) -> None:
    last = max(await numbers(lived))
    async with lived.database.unit_of_work() as session:
        row = {"number": last + 1, "at": NOW, "act": AuditAct.REVOKED, "subject": "x", "actor": "y"}
        await session.execute(insert(AuditEntry).values(**row, details="{}", mac=bytes(32)))
    assert await verified(lived) == AuditVerification(last, AuditFault.ALTERED, last + 1)


async def test_a_missing_head_file_shows_and_is_not_made_anew(lived: AuthorityHarness) -> None:
    (lived.folder / "audit-head.bin").unlink()
    await lived.person(2).applies()
    await lived.restart()
    assert (await verified(lived)).fault is AuditFault.HEAD_MISSING


async def test_a_restored_backup_is_accepted_once_and_it_is_on_record(
    lived: AuthorityHarness,
) -> None:
    last = max(await numbers(lived))
    async with lived.database.unit_of_work() as session:
        await session.execute(delete(AuditEntry).where(AuditEntry.number > last - 2))
    assert (await verified(lived)).fault is AuditFault.CUT_OFF
    async with lived.database.unit_of_work() as session:
        audit = lived.authority.audit
        await audit.accept(session, "restored last night's backup", "counter test", NOW)
    assert await verified(lived) == AuditVerification(last - 1)
    await lived.person(2).applies()
    assert await verified(lived) == AuditVerification(last)
    async with lived.database.unit_of_work() as session:
        query = select(AuditEntry.details).where(AuditEntry.act == AuditAct.HEAD_ACCEPTED)
        assert f'"head_was": {last}' in (await session.scalars(query)).one()


async def test_a_head_that_a_crash_left_behind_catches_up_at_the_next_start(
    lived: AuthorityHarness,
) -> None:
    file = AuditHeadFile(lived.folder / "audit-head.bin", lived.keys.secret(SecretPurpose.AUDIT))
    last = file.read()
    async with lived.database.unit_of_work() as session:
        first = (await session.scalars(select(AuditEntry.mac).where(AuditEntry.number == 1))).one()
    file.replace(AuditHead(1, first))
    assert (await verified(lived)).fault is None
    await lived.restart()
    assert file.read() == last


async def test_a_refused_act_leaves_no_entry(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    before = await numbers(world)
    with pytest.raises(WrongStateError):
        await someone.is_posted()
    assert await numbers(world) == before


async def test_entries_hold_no_secret_and_no_plain_ui_number(lived: AuthorityHarness) -> None:
    someone = lived.person()
    async with lived.database.unit_of_work() as session:
        rows = (await session.execute(select(*AuditEntry.__table__.c))).all()
    text = repr(rows)
    for secret in (someone.ui_number.reveal(), someone.data.name, someone.data.mail_address):
        assert secret not in text


def _torn(content: bytes) -> bytes:
    """Return the file as a crash in the middle of the last write may leave it."""
    return content[:128] + content[128:140]


@pytest.mark.parametrize("bend", [_torn, lambda content: content[:128]])
def test_a_torn_write_leaves_the_head_before(
    tmp_path: Path, bend: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "head"
    file = AuditHeadFile(path, KEY)
    file.replace(AuditHead(0, GENESIS_MAC))
    for number in range(1, 4):
        file.advance(AuditHead(number, bytes([number]) * 32))
    assert file.read() == AuditHead(3, bytes([3]) * 32)
    path.write_bytes(bend(path.read_bytes()))
    assert file.read() == AuditHead(2, bytes([2]) * 32)


def test_the_head_never_goes_back(tmp_path: Path) -> None:
    file = AuditHeadFile(tmp_path / "head", KEY)
    file.replace(AuditHead(5, bytes([5]) * 32))
    file.advance(AuditHead(4, bytes([4]) * 32))
    assert file.read() == AuditHead(5, bytes([5]) * 32)


def test_a_head_under_another_key_is_none(tmp_path: Path) -> None:
    path = tmp_path / "head"
    AuditHeadFile(path, KEY).replace(AuditHead(5, bytes(32)))
    assert AuditHeadFile(path, bytes(32)).read() is None
