"""A restore from beginning to end: what was published since the backup is not forgotten."""

import stat

from cryptography import x509

from services.storage.database import Database
from tests.bot.backup.conftest import BackupMachine
from tests.services.authority.authority_harness import Applicant
from tests.services.authority.ca.ca_harness import OpenSsl, crl_number
from tests.services.authority.ca.registry import reasons

HOLD, COMPROMISE = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.key_compromise


async def _certificates(machine: BackupMachine, someone: Applicant) -> list[x509.Certificate]:
    found = await machine.registry.certificates(someone)
    return [x509.load_der_x509_certificate(each.der) for each in found]


async def test_what_was_suspended_and_revoked_after_the_backup_stays_so(
    machine: BackupMachine,
) -> None:
    registry = machine.registry
    suspended, revoked, active = [await registry.holder(seed) for seed in (1, 2, 3)]
    await registry.publish()
    database, keys = await machine.backs_up()

    await suspended.suspends(registry.now)
    await revoked.is_revoked(registry.now)
    issued_later = registry.world.person(4)
    for act in (issued_later.applies, issued_later.pays, issued_later.is_issued):
        await act(registry.now)
    later = await registry.serials(issued_later)
    before = await registry.publish()
    certificates = {
        said: await _certificates(machine, someone)
        for said, someone in (("suspended", suspended), ("revoked", revoked), ("active", active))
    }
    entries = (await machine.asks("audit", "verify"))["entries"]
    await registry.world.close()

    done = await machine.asks("backup", "restore", database, keys, "--replace", "--yes")
    published = done["published"]
    assert published["number"] == crl_number(before)
    assert {each["state"] for each in published["reinstated"]} == {"suspended", "revoked"}
    assert {int(each["serial"], 16) for each in published["unrecorded"]} == set(later)
    assert done["look_through"]["audit_entries"] == entries - await _entries_in(machine, database)
    assert done["keys"] == [], "those that are there open it"

    assert await registry.start() is None
    after = await registry.publish()
    assert crl_number(after) == crl_number(before) + 1
    assert reasons(after, later) == {HOLD}
    openssl = OpenSsl(machine.data, registry.service)
    for said, expected in (("suspended", "revoked"), ("revoked", "revoked"), ("active", ": OK")):
        for certificate in certificates[said]:
            assert expected in await openssl.verify(certificate, after)
    assert (await machine.asks("audit", "verify"))["ok"]


async def _entries_in(machine: BackupMachine, database: str) -> int:
    found = await machine.asks("backup", "verify", database)
    entries: int = found["database"]["audit"]["entries"]
    return entries


async def test_what_was_there_is_moved_aside_whole(machine: BackupMachine) -> None:
    registry = machine.registry
    await registry.holder(1)
    await registry.publish()
    database, _ = await machine.backs_up()
    await registry.holder(2)
    await registry.world.close()
    done = await machine.asks("backup", "restore", database, "--replace", "--yes")
    assert (await _count_people(registry.url), await _count_people_aside(machine)) == (1, 2)
    assert str(machine.data / "before-restore-") in done["aside"]
    for path in machine.data.rglob("*"):
        mode = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == mode or path.name.startswith("card-"), path


async def _count_people(url: str, schema: str = "") -> int:
    database = Database(url)
    async with database.engine.connect() as connection:
        found = await connection.exec_driver_sql(f"SELECT count(*) FROM {schema}subscribers")  # noqa: S608
        count: int = found.scalar_one()
    await database.close()
    return count


async def _count_people_aside(machine: BackupMachine) -> int:
    (folder,) = machine.data.glob("before-restore-*")
    assert (folder / "audit-head.bin").exists()
    if machine.registry.world.database.is_sqlite:
        (file,) = folder.glob("*.db")
        return await _count_people(f"sqlite+aiosqlite:///{file}")
    schema = folder.name.lower().replace("-", "_")
    return await _count_people(machine.registry.url, f"{schema}.")
