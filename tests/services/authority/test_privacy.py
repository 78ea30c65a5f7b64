"""Linked chats, what is held, forgetting, and encryption at rest."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.cli.command_output import to_json_value
from services.authority.data_types import AuthorityOperation, Proof
from services.authority.embedded import models
from services.authority.embedded.audit import Actor
from services.authority.embedded.models import (
    Application,
    Certificate,
    CertificateSet,
    GrantRecord,
    LinkedChat,
    OneTimeChallenge,
    Payment,
    Subscriber,
)
from services.authority.embedded.personal_data.record_keys import RecordKeyFile
from services.authority.embedded.personal_data.sealed_columns import AUTHORITY_SEALED_COLUMNS
from services.authority.errors import (
    ForgetRefusedError,
    GrantExpiredError,
    ProofMissingError,
    TooManyChatsError,
    UnknownPersonError,
)
from services.storage import keys
from services.storage.database import Base, Database
from services.storage.keys import KeyFileError, UnsealError
from services.storage.rotation import find_keys_in_use, reseal
from tests.services.authority.authority_harness import CHAT, NOW, Applicant, AuthorityHarness

STAFF = Actor.at_counter("test")


async def forgets(someone: Applicant) -> None:
    world = someone.world
    async with world.database.unit_of_work() as session:
        await world.authority.privacy.forget(session, someone.ui_number, STAFF, NOW)


async def everything(database: Database) -> str:
    """Return every row of every table, as text."""
    tables = Base.metadata.sorted_tables
    async with database.unit_of_work() as session:
        return repr([(await session.execute(table.select())).all() for table in tables])


def names(someone: Applicant) -> list[str]:
    data = someone.data
    return [
        data.ui_number.reveal(), data.name, data.mail_address, data.postal_address,
        data.birth_date.isoformat(), someone.code.reveal(),
    ]  # fmt: skip


async def test_at_most_three_chats_are_linked_and_each_is_told_of(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    changes = [await someone.links(chat) for chat in (11, 12, 12, 13)]
    assert [change.changed for change in changes] == [True, True, False, True]
    assert changes[3].other_chats == (11, 12)
    with pytest.raises(TooManyChatsError) as refused:
        await someone.links(14)
    assert refused.value.limit == 3


async def test_a_link_can_be_seen_and_removed(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    for chat in (11, 12):
        await someone.links(chat)
    authority = world.authority
    async with world.database.unit_of_work() as session:
        (linked,) = await authority.links.list_people(session, 11)
        assert [link.chat for link in linked.links] == [11, 12]
        assert linked.ui_number_masked == someone.ui_number.mask()
        unlink, person = authority.links.unlink_chat, linked.subscriber
        gone = [await unlink(session, person, 11, 12, NOW) for _ in range(2)]
        assert gone == [True, False]
        assert await authority.links.list_people(session, 11) == []
    assert (await someone.links(13)).other_chats == (12,)


async def test_only_a_right_code_links(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    grant = await someone.obtain_grant(AuthorityOperation.RETRIEVE, Proof.BIRTH_DATE, Proof.MAIL)
    with pytest.raises(ProofMissingError):
        async with world.database.unit_of_work() as session:
            await world.authority.links.link_chat(session, grant.id, CHAT, NOW)


async def test_the_export_holds_everything_but_what_cannot_be_given_back(
    world: AuthorityHarness,
) -> None:
    someone = await world.person().is_active()
    await someone.links(11)
    async with world.database.unit_of_work() as session:
        privacy = world.authority.privacy
        held = await privacy.export(session, someone.ui_number, STAFF, NOW)
    text = json.dumps(held, ensure_ascii=False, default=to_json_value)
    *personal, code = names(someone)
    assert all(value in text for value in personal)
    assert code not in text
    assert world.maker.orders[0].card_number.reveal() in text
    assert held["linked_chats"] == [11]
    (application,) = held["applications"]
    history = [entry["act"] for entry in application["history"]]
    assert history[:3] == ["applied", "checkout_approved", "paid"]
    assert application["payments"][0]["amount"] == 27800


@pytest.mark.parametrize("last_act", ["pays", "is_issued", "is_posted", "activates", "suspends"])
async def test_nobody_is_forgotten_while_something_is_in_use(
    world: AuthorityHarness, last_act: str
) -> None:
    someone = world.person()
    for act in ("applies", "pays", "is_issued", "is_posted", "activates", "suspends"):
        await getattr(someone, act)()
        if act == last_act:
            break
    with pytest.raises(ForgetRefusedError):
        await forgets(someone)
    assert (await world.counter.show(someone.ui_number, NOW)).person.name == someone.data.name


async def test_an_unpaid_application_is_withdrawn(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    await someone.links(11)
    await forgets(someone)
    async with world.database.unit_of_work() as session:
        assert (await session.scalars(select(Application.state))).all() == ["expired"]
        for table in (Subscriber, LinkedChat, GrantRecord, OneTimeChallenge):
            assert (await session.execute(select(table))).all() == []
    assert RecordKeyFile(world.folder / "record-keys.bin").list_records() == []
    with pytest.raises(UnknownPersonError):
        await forgets(someone)


async def test_after_revocation_only_the_bare_record_stays(world: AuthorityHarness) -> None:
    someone = await world.person().is_active()
    grant = await someone.obtain_grant(AuthorityOperation.STATUS)
    await someone.is_revoked()
    await forgets(someone)
    async with world.database.unit_of_work() as session:
        certificates = (await session.scalars(select(Certificate))).all()
        states = (await session.scalars(select(CertificateSet.state))).all()
        payment = (await session.scalars(select(Payment))).one()
    assert [one.document for one in certificates] == [None] * 3
    assert states == ["revoked"]
    assert (payment.user_id, payment.amount) == (0, 27800)
    assert not [name for name in names(someone) if name in await everything(world.database)]
    with pytest.raises(GrantExpiredError):
        async with world.database.unit_of_work() as session:
            await world.authority.certificates.get_timeline(session, grant.id, CHAT, NOW)
    again = await someone.applies(NOW + timedelta(days=1))
    assert again.changed


async def test_a_dump_shows_nothing_that_names_a_person(world: AuthorityHarness) -> None:
    someone = await world.person().is_active()
    await someone.links(11)
    waiting = world.person(2)
    await waiting.applies()
    dump = await everything(world.database)
    for each in (someone, waiting):
        assert not [name for name in names(each) if name in dump]
    assert world.maker.orders[0].card_number.reveal() not in dump
    assert "certificate of" not in dump


async def test_rotating_the_key_seals_everything_anew(world: AuthorityHarness) -> None:
    someone = await world.person().is_active()
    path = world.folder / "keys.json"
    ring = keys.add_key(path)
    assert ring.ids == {"k1", "k2"}
    sealed_before = await reseal(world.database, ring, AUTHORITY_SEALED_COLUMNS)
    assert sealed_before == 6 + 1 + 3
    assert await reseal(world.database, ring, AUTHORITY_SEALED_COLUMNS) == 0
    assert await find_keys_in_use(world.database, AUTHORITY_SEALED_COLUMNS) == {"k2"}
    keys.drop_keys(path, {"k1"})
    await world.restart()
    assert (await world.counter.show(someone.ui_number, NOW)).person == someone.data
    await someone.checks()


async def test_a_running_process_reads_what_another_sealed_with_a_new_key(
    world: AuthorityHarness,
) -> None:
    someone = world.person()
    await someone.applies()
    ring = keys.add_key(world.folder / "keys.json")
    await reseal(world.database, ring, AUTHORITY_SEALED_COLUMNS)
    assert world.keys.ids == {"k1"}
    assert (await world.counter.show(someone.ui_number, NOW)).person == someone.data
    assert world.keys.current == "k2"


async def test_a_lost_key_gives_an_error_that_names_it(world: AuthorityHarness) -> None:
    someone = world.person()
    await someone.applies()
    path = world.folder / "keys.json"
    keys.add_key(path)
    keys.drop_keys(path, {"k1"})
    await world.restart()
    with pytest.raises(UnsealError) as refused:
        await world.counter.show(someone.ui_number, NOW)
    assert refused.value.key_id == "k1"


async def test_a_value_moved_to_another_person_does_not_open(world: AuthorityHarness) -> None:
    first, second = world.person(1), world.person(2)
    await first.applies()
    await second.applies()
    async with world.database.unit_of_work() as session:
        one, other = (await session.scalars(select(Subscriber))).all()
        one.name, other.name = other.name, one.name
    with pytest.raises(UnsealError):
        await world.counter.show(first.ui_number, NOW)


def test_every_sealed_column_is_known_to_the_rotation() -> None:
    """A column of bytes is sealed, a keyed hash, or the id of a record key."""
    known = {(column.table.__tablename__, column.column) for column in AUTHORITY_SEALED_COLUMNS}
    hashes = {"mac", "subject", "ui_hash", "birth_hash", "number_hash"}
    plain_bytes = {*hashes, "record_key", "code_sealed"}
    tables = [table for table in vars(models).values() if hasattr(table, "__tablename__")]
    found = {
        (table.__tablename__, column.name)
        for table in tables
        for column in table.__table__.columns
        if column.type.python_type is bytes and column.name not in plain_bytes
    }
    assert found == known


def test_a_key_file_from_before_gets_its_secrets_and_keeps_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"current": "k1", "keys": {"k1": "ab" * 32}}))
    path.chmod(0o600)
    sealed = keys.KeyRing({"k1": bytes.fromhex("ab" * 32)}, "k1").seal(b"old", "place")
    first = keys.load_or_create(path)
    first.add_missing_secrets()
    second = keys.load_or_create(path)
    assert first.unseal(sealed, "place") == b"old"
    assert len({first.secret(purpose) for purpose in keys.SecretPurpose}) == len(keys.SecretPurpose)
    assert all(first.secret(purpose) == second.secret(purpose) for purpose in keys.SecretPurpose)
    assert path.stat().st_mode & 0o077 == 0


def test_a_ring_without_secrets_says_so() -> None:
    ring = keys.KeyRing({"k1": bytes(32)}, "k1")
    with pytest.raises(KeyFileError):
        ring.secret(keys.SecretPurpose.PEPPER)


def test_the_current_key_is_never_dropped(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys.load_or_create(path)
    assert keys.drop_keys(path, {"k1"}).ids == {"k1"}
