"""The files beside the database: record keys, card keys, and issuing a card."""

import os
import stat
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from services.authority.ca.models import StatusChange
from services.authority.embedded.audit import Actor
from services.authority.embedded.authority import AuthorityFiles, EmbeddedAuthority
from services.authority.embedded.certificates import cards
from services.authority.embedded.counter import Counter
from services.authority.embedded.credentials.hashing import Argon2Hasher
from services.authority.embedded.personal_data.record_keys import RecordKeyFile
from services.authority.errors import NoIssuerError, UnknownPersonError, WrongStateError
from services.authority.interface.cards import CardOrder
from services.authority.interface.certificates import CertificateKind
from services.storage.keys import KeyRing, SecretPurpose
from tests.services.authority.authority_harness import CHEAP, NOW, AuthorityHarness

MASTER = bytes(range(32))
RING = KeyRing({"k1": bytes(32)}, "k1", {SecretPurpose.CARD_MASTER: MASTER})


def test_record_keys_are_added_found_and_destroyed(tmp_path: Path) -> None:
    file = RecordKeyFile(tmp_path / "records")
    made = [file.add(NOW) for _ in range(5)]
    assert [file.find(record) for record, _ in made] == [key for _, key in made]
    assert file.destroy(made[2][0])
    assert not file.destroy(made[2][0])
    assert file.find(made[2][0]) is None
    assert made[2][1] not in (tmp_path / "records").read_bytes()
    assert [one.id for one in file.list_records()] == [r for r, _ in made if r != made[2][0]]
    assert {one.made_at for one in file.list_records()} == {NOW}


def test_a_destroyed_place_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "records"
    file = RecordKeyFile(path)
    made = [file.add(NOW) for _ in range(3)]
    size = path.stat().st_size
    file.destroy(made[0][0])
    file.add(NOW)
    assert path.stat().st_size == size


def test_only_the_owner_reads_the_record_keys(tmp_path: Path) -> None:
    file = RecordKeyFile(tmp_path / "records")
    file.add(NOW)
    assert stat.S_IMODE((tmp_path / "records").stat().st_mode) == 0o600


@pytest.mark.parametrize("cut", range(1, 64, 9))
def test_a_record_that_a_crash_cut_short_harms_no_other(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "records"
    file = RecordKeyFile(path)
    record, key = file.add(NOW)
    file.add(NOW)
    os.truncate(path, path.stat().st_size - cut)
    assert file.find(record) == key
    other, other_key = file.add(NOW)
    assert file.find(other) == other_key
    assert len(file.list_records()) == 2


@settings(deadline=None)  # every step waits for the disk
@given(st.lists(st.sampled_from(["add", "destroy"]), max_size=30))
def test_the_file_holds_what_was_added_and_not_destroyed(acts: list[str]) -> None:
    with TemporaryDirectory() as folder:
        file = RecordKeyFile(Path(folder) / "records")
        held: dict[bytes, bytes] = {}
        for act in acts:
            if act == "add":
                record, key = file.add(NOW)
                held[record] = key
            elif held:
                record, _ = held.popitem()
                assert file.destroy(record)
        assert {one.id: file.find(one.id) for one in file.list_records()} == held


def test_the_admin_key_is_that_of_the_named_standard() -> None:
    """Computed here by hand: K(i) = HMAC(master, i ‖ label ‖ 00 ‖ context ‖ length in bits)."""
    serial = "00112233445566778899aabbccddeeff"
    mac = hmac.HMAC(MASTER, hashes.SHA256())
    fixed = cards.LABEL + b"\0" + bytes.fromhex(serial) + (24 * 8).to_bytes(4, "big")
    mac.update((1).to_bytes(4, "big") + fixed)
    assert cards.derive_admin_key(RING, serial) == mac.finalize()[:24]


def test_every_card_has_an_admin_key_of_its_own() -> None:
    keys = {cards.derive_admin_key(RING, f"{number:032x}") for number in range(200)}
    assert len(keys) == 200
    assert all(len({key[:8], key[8:16], key[16:]}) == 3 for key in keys)


async def test_a_card_is_made_with_everything_on_it(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    await someone.pays()
    issued = await someone.is_issued()
    order = world.maker.orders[0]
    assert issued.card_number == order.card_number
    assert order.card_number.reveal().startswith("KA")
    assert set(order.private_keys) == set(order.certificates) == set(CertificateKind)
    assert order.admin_key == world.authority.cards.derive_admin_key(issued.card_serial)
    assert someone.card_file.read_text() == issued.card_serial
    again = await someone.is_issued()
    assert (again.changed, again.card_serial) == (False, issued.card_serial)
    assert again.card_number == issued.card_number
    assert len(world.maker.orders) == 1
    async with world.database.unit_of_work() as session:
        assert len((await session.scalars(select(StatusChange.id))).all()) == 1


async def test_a_card_whose_move_was_cut_off_is_put_in_place_by_issuing_again(
    world: AuthorityHarness,
) -> None:
    someone = world.person()
    await someone.applies()
    await someone.pays()
    issued = await someone.is_issued()
    beside = someone.card_file.with_name(f"{someone.card_file.name}.{issued.card_serial}.new")
    someone.card_file.rename(beside)
    orphan = beside.with_name(f"{someone.card_file.name}.{'0' * 32}.new")
    orphan.write_text("of a card that never was")
    await someone.is_issued()
    assert someone.card_file.read_text() == issued.card_serial
    assert not beside.exists()
    assert not orphan.exists()


async def test_a_card_that_cannot_be_written_is_not_issued(world: AuthorityHarness) -> None:
    class Broken:
        def make(self, order: CardOrder, path: Path) -> None:
            raise OSError(28, "No space left on device")

    someone = world.person()
    await someone.applies()
    await someone.pays()
    good, world.maker = world.maker, Broken()  # type: ignore[assignment]
    with pytest.raises(OSError, match="space"):
        await someone.is_issued()
    world.maker = good
    assert (await someone.is_issued()).changed


async def test_only_what_is_paid_is_issued(world: AuthorityHarness) -> None:
    someone = world.person()
    with pytest.raises(UnknownPersonError):
        await someone.is_issued()
    await someone.applies()
    with pytest.raises(WrongStateError):
        await someone.is_issued()
    assert world.maker.orders == []


async def test_without_a_certificate_authority_nothing_is_issued(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    await someone.pays()
    hasher = Argon2Hasher(CHEAP)
    world.authority.close()
    world.authority = EmbeddedAuthority(
        world.database, world.keys, AuthorityFiles.in_folder(world.folder), None, hasher
    )
    with pytest.raises(NoIssuerError):
        await someone.is_issued()


async def test_record_keys_that_a_crash_left_over_are_swept(world: AuthorityHarness) -> None:
    file = RecordKeyFile(world.folder / "record-keys.bin")
    someone = await world.person().is_active()
    waiting = world.person(2)
    await waiting.applies()
    orphan, _ = file.add(NOW - timedelta(hours=2))
    young, _ = file.add(NOW - timedelta(minutes=5))
    await world.restart(NOW)
    left = {one.id for one in file.list_records()}
    assert orphan not in left
    assert young in left
    assert len(left) == 2
    assert someone.code.reveal().encode() not in file._path.read_bytes()


async def test_a_suspension_is_published_also_by_a_command_without_the_authoritys_key(
    world: AuthorityHarness,
) -> None:
    someone = await world.person().is_active()
    bare = EmbeddedAuthority(
        world.database,
        world.keys,
        AuthorityFiles.in_folder(world.folder),
        None,
        world.authority.hasher,
    )
    later = NOW + timedelta(hours=1)
    assert (await Counter(bare, Actor.at_counter("test")).suspend(someone.ui_number, later)).changed
    async with world.database.unit_of_work() as session:
        noted = (
            await session.scalars(select(StatusChange.at).where(StatusChange.at == later))
        ).all()
    assert len(noted) == 1
