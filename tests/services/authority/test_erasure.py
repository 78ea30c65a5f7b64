"""After activation nothing gives a subscriber code back: every key tried on every stored value."""

import io
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.authority.embedded.personal_data.record_keys import RecordKeyFile
from services.storage.database import Base
from services.storage.keys import SecretPurpose, column_context
from tests.services.authority.authority_harness import CHAT, NOW, Applicant, AuthorityHarness
from tests.services.authority.postgres import PostgresServer

HEX = re.compile(rb"\\\\x([0-9a-f]+)")


def copied(world: AuthorityHarness, name: str) -> Path:
    """Copy every file there is: database, WAL, keys, record keys, audit head."""
    copy = world.folder.parent / f"{world.folder.name}-{name}"
    shutil.copytree(world.folder, copy)
    return copy


def values_in(folder: Path) -> Iterator[bytes]:
    """Return every stored value of bytes in the SQLite databases of a folder, WAL included."""
    for path in folder.glob("*.db"):
        with closing(sqlite3.connect(path)) as connection:
            for table in Base.metadata.sorted_tables:
                for row in connection.execute(str(table.select())):
                    yield from (value for value in row if isinstance(value, bytes))


async def stored(
    world: AuthorityHarness, folder: Path, server: PostgresServer | None
) -> list[bytes]:
    """Return every stored value of bytes in a copy, or in a dump of the server's database."""
    if server is None:
        return list(values_in(folder))
    dump = server.dump(world.url.rpartition("/")[2])
    return [bytes.fromhex(found.decode()) for found in HEX.findall(dump)]


def keys_of(thing: Any, seen: set[int] | None = None) -> Iterator[bytes | AESGCM]:
    """Return every key that an object holds, however deep: ciphers, and bytes of a key's length."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, AESGCM) or (isinstance(thing, bytes) and len(thing) in (16, 24, 32)):
        yield thing
    parts: Iterable[Any] = ()
    if isinstance(thing, dict):
        parts = thing.values()
    elif isinstance(thing, list | tuple | set | frozenset):
        parts = thing
    elif type(thing).__module__.startswith(("services.", "tests.")):
        parts = vars(thing).values() if hasattr(thing, "__dict__") else ()
    for part in parts:
        yield from keys_of(part, seen)


def keys_in(folder: Path) -> Iterator[bytes]:
    """Return everything in the key files that could be a key: each run of 32 bytes, also as hex."""
    for path in folder.iterdir():
        if path.name.endswith(".bin"):
            content = path.read_bytes()
            yield from (content[start : start + 32] for start in range(len(content) - 31))
        elif path.name == "keys.json":
            for found in re.findall(r"[0-9a-f]{64}", path.read_text()):
                yield bytes.fromhex(found)


def opened(values: list[bytes], keys: Iterable[bytes | AESGCM], aads: list[bytes]) -> list[bytes]:
    """Try every key on every value, with every way of storing a nonce; return what opens."""
    ciphers = {key if isinstance(key, AESGCM) else AESGCM(key) for key in keys}
    tries = [(value, bytes(12)) for value in values]
    for start in (0, 3):  # behind nothing, or behind the id of a key
        tries += [(value[start + 12 :], value[start : start + 12]) for value in values]
    found = []
    for cipher in ciphers:
        for value, nonce in tries:
            if len(value) >= 16 and len(nonce) == 12:
                for aad in aads:
                    try:
                        found.append(cipher.decrypt(nonce, value, aad))
                    except InvalidTag:
                        continue
    return found


class Attack:
    """A person who activates, and whoever then looks for their code everywhere."""

    def __init__(
        self, world: AuthorityHarness, someone: Applicant, server: PostgresServer | None
    ) -> None:
        self.world, self.someone, self.server = world, someone, server
        self.log = io.StringIO()
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(self.log))

    async def lives(self, *, backs_up_record_keys: bool = False) -> None:
        """Activate; a backup with WAL is taken right before, of everything but the record keys."""
        await self.someone.applies()
        await self.someone.pays()
        await self.someone.is_issued()
        await self.someone.is_posted()
        await self.someone.checks()
        self.application = (await self.world.counter.show(self.someone.ui_number, NOW)).application
        self.before = copied(self.world, "before")
        if not backs_up_record_keys:
            (self.before / "record-keys.bin").unlink()
        self.values = await stored(self.world, self.before, self.server)
        await self.someone.activates()
        self.after = copied(self.world, "after")
        self.values += await stored(self.world, self.after, self.server)

    def finds(self) -> bool:
        """Return whether the code is found by any means."""
        code = self.someone.code.reveal().encode()
        aads = [column_context("applications", self.application, "code_sealed").encode(), b""]
        keys = {*keys_of(self.world), *keys_in(self.before), *keys_in(self.after)}
        if code in opened(self.values, keys, aads):
            return True
        files = [path for folder in (self.before, self.after) for path in folder.iterdir()]
        texts = [path.read_bytes() for path in files] + [self.log.getvalue().encode()]
        return any(code in text for text in (*texts, *self.values))

    def clean_up(self) -> None:
        structlog.reset_defaults()
        for folder in (self.before, self.after):
            shutil.rmtree(folder)


async def test_nothing_gives_a_code_back_after_activation(
    world: AuthorityHarness, server: PostgresServer | None
) -> None:
    attack = Attack(world, world.person(), server)
    await attack.lives()
    assert not attack.finds()
    assert attack.values
    attack.clean_up()


async def test_with_the_key_not_destroyed_the_same_search_finds_it(
    world: AuthorityHarness, server: PostgresServer | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RecordKeyFile, "destroy", lambda *_: True)
    attack = Attack(world, world.person(), server)
    await attack.lives()
    assert attack.finds()
    attack.clean_up()


async def test_record_keys_in_a_backup_would_give_the_code_back(
    world: AuthorityHarness, server: PostgresServer | None
) -> None:
    """Which is why docs/operating.md keeps the file out of every backup."""
    attack = Attack(world, world.person(), server)
    await attack.lives(backs_up_record_keys=True)
    assert attack.finds()
    attack.clean_up()


async def test_the_search_knows_every_key_the_process_has(world: AuthorityHarness) -> None:
    found = {key for key in keys_of(world) if isinstance(key, bytes)}
    assert {world.keys.secret(purpose) for purpose in SecretPurpose} <= found
    assert any(isinstance(key, AESGCM) for key in keys_of(world))


async def test_a_restored_backup_still_checks_codes_and_gives_none_back(
    world: AuthorityHarness,
) -> None:
    """The verifier is in the backup; the record key is not."""
    someone = world.person()
    await someone.applies()
    file = RecordKeyFile(world.folder / "record-keys.bin")
    for record in file.list_records():
        file.destroy(record.id)
    await world.restart()
    assert (await someone.checks(chat=CHAT)).proofs
