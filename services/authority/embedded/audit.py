"""The audit: append-only, every entry chained to the one before by an HMAC.

The key lies outside the database and the head in a file beside it, so that an entry that was
changed, removed, swapped or cut off is detected. Entries are written at the end of their unit of
work, when all other rows are locked, so that two writers cannot deadlock.
"""

import hmac
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Self

import structlog
from sqlalchemy import event, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from services.authority.embedded.models import AuditEntry, AuditTip
from services.storage import private_files
from services.storage.database import TransactionalQueue, after_commit, insert_or_ignore
from services.storage.keys import KeyRing, SecretPurpose

if sys.platform != "win32":
    import fcntl

GENESIS_MAC = bytes(32)
TIP_ID = 1
_PENDING, _NEW_HEAD, _CONTINUES = "audit", "audit_head", "audit_continues"
_log = structlog.get_logger()
_PAGE = 500
_SLOT = 128
_NUMBER, _MAC, _SEAL = slice(0, 8), slice(8, 40), slice(40, 72)
_TIME, _TIME_SEAL = slice(72, 80), slice(80, 112)
Details = Mapping[str, str | int | bool | None]


@dataclass(frozen=True)
class Actor:
    """Whoever acts, under the name in the audit.

    :ivar chat: the chat they act in, which is not notified.
    """

    name: str
    chat: int | None = None

    @classmethod
    def in_chat(cls, chat_id: int) -> Self:
        """Return a person in a chat."""
        return cls(f"chat {chat_id}", chat_id)

    @classmethod
    def at_counter(cls, name: str) -> Self:
        """Return a member of staff."""
        return cls(f"counter {name}"[:64])


SYSTEM = Actor("system")


class AuditAct(StrEnum):
    """What an entry records."""

    APPLIED = "applied"
    PAID = "paid"
    CHARGE_UNMATCHED = "charge_unmatched"
    REFUNDED = "refunded"
    CHECKOUT_APPROVED = "checkout_approved"
    ADDRESS_CHANGED = "address_changed"
    ISSUED = "issued"
    POSTED = "posted"
    CARD_WORK = "card_work"
    ACTIVATED = "activated"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    REVOKED = "revoked"
    CERTIFICATES_EXPIRED = "certificates_expired"
    CODE_WRONG = "code_wrong"
    CODE_GUARDED = "code_guarded"
    CODE_LOCKED = "code_locked"
    CHAT_VERIFIED = "chat_verified"
    CODE_RELEASED = "code_released"
    CODE_REVEALED = "code_revealed"
    CHAT_LINKED = "chat_linked"
    CHAT_UNLINKED = "chat_unlinked"
    DENIED = "denied"
    """Somebody in a linked chat said that it was not them."""
    EXPORTED = "exported"
    FORGOTTEN = "forgotten"
    KEY_ROTATED = "key_rotated"
    HEAD_ACCEPTED = "head_accepted"
    UPDATE_DROPPED = "update_dropped"
    MESSAGE_DROPPED = "message_dropped"


class AuditFault(StrEnum):
    """A defect of the chain."""

    ALTERED = "altered"
    """An entry was changed, or swapped with another."""
    MISSING = "missing"
    CUT_OFF = "cut_off"
    """The end is missing: the head file knows of later entries."""
    HEAD_MISSING = "head_missing"


@dataclass(frozen=True)
class AuditVerification:
    """Result of reading the whole chain.

    :ivar entries: how many are in order, from the first.
    :ivar fault: what is wrong after them, `None` where nothing is.
    :ivar number: the entry that it is about.
    """

    entries: int
    fault: AuditFault | None = None
    number: int | None = None


@dataclass(frozen=True)
class _Entry:
    at: datetime
    act: str
    subject: str
    actor: str
    details: str


@dataclass(frozen=True, order=True)
class AuditHead:
    """The last entry that is known to be committed.

    :ivar at: when it was recorded; `None` where an earlier version wrote the file.
    """

    number: int
    mac: bytes
    at: datetime | None = field(default=None, compare=False)


class AuditHeadFile:
    """The head of the chain in a file beside the database.

    Two slots are written in turn, each with its own MAC, so that a write cut short leaves the
    other. The file is written after the commit: a crash in between leaves it behind by what was
    just committed, which is no defect; a chain that is shorter than the file says was cut off.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self._path = path
        self._key = key

    def read(self) -> AuditHead | None:
        """Return the head; `None` where the file is missing or holds none."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        slots = (content[:_SLOT], content[_SLOT:])
        return max((head for slot in slots if (head := self._parse(slot))), default=None)

    def advance(self, head: AuditHead) -> None:
        """Advance the head, unless it is further already. A missing file stays missing.

        :raises OSError: when it cannot be written.
        """
        if not self._path.exists():
            return
        with self._open_locked() as file:
            known = self.read()
            if known is None or known.number < head.number:
                self._write(file, head)

    def replace(self, head: AuditHead) -> None:
        """Start over at `head`: on the first start, or when an operator accepts a restored backup.

        :raises OSError: when it cannot be written.
        """
        private_files.make_folder(self._path.parent)
        with self._open_locked() as file:
            file.truncate(0)
            self._write(file, head)

    def _write(self, file: BinaryIO, head: AuditHead) -> None:
        data = head.number.to_bytes(8, "big") + head.mac
        seconds = int(head.at.timestamp()) if head.at else 0
        time = seconds.to_bytes(8, "big")
        file.seek(head.number % 2 * _SLOT)
        slot = data + self._seal(data) + time + self._seal(data + time)
        file.write(slot.ljust(_SLOT, b"\0"))
        file.flush()
        os.fsync(file.fileno())

    def _parse(self, slot: bytes) -> AuditHead | None:
        data = slot[:40]
        if len(slot) < 72 or not hmac.compare_digest(slot[_SEAL], self._seal(data)):
            return None
        return AuditHead(int.from_bytes(slot[_NUMBER], "big"), slot[_MAC], self._parse_time(slot))

    def _parse_time(self, slot: bytes) -> datetime | None:
        seconds = int.from_bytes(slot[_TIME], "big")
        is_sealed = hmac.compare_digest(slot[_TIME_SEAL], self._seal(slot[:40] + slot[_TIME]))
        return datetime.fromtimestamp(seconds, UTC) if seconds and is_sealed else None

    def _seal(self, data: bytes) -> bytes:
        return hmac.digest(self._key, b"head" + data, "sha256")

    @contextmanager
    def _open_locked(self) -> Iterator[BinaryIO]:
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+b") as file:
            if sys.platform != "win32":
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file


class Audit:
    """Writes and verifies the chain."""

    def __init__(self, keys: KeyRing, head: AuditHeadFile) -> None:
        self._keys = keys
        self._head = head

    def record(
        self,
        session: AsyncSession,
        act: AuditAct,
        subject: str,
        actor: str,
        now: datetime,
        details: Details | None = None,
    ) -> None:
        """Queue an entry, to be written with the unit of work."""
        text = json.dumps(dict(details or {}), sort_keys=True, ensure_ascii=False)
        pending: TransactionalQueue[_Entry] | None = session.info.get(_PENDING)
        if pending is None:
            pending = session.info[_PENDING] = TransactionalQueue(session)
            event.listen(session.sync_session, "before_commit", self._write_pending)
        if not pending:
            after_commit(session, lambda: self._advance_head(session))
        pending.add(_Entry(now.astimezone(UTC), act, subject, actor, text))

    def _write_pending(self, session: Session) -> None:
        """Chain and insert the pending entries (SQLAlchemy's ``before_commit``)."""
        pending: TransactionalQueue[_Entry] = session.info[_PENDING]
        if not pending or session.in_nested_transaction():
            return
        session.flush()
        tip = select(AuditTip.number, AuditTip.mac).where(AuditTip.id == TIP_ID).with_for_update()
        number, mac = session.execute(tip).one()
        if _CONTINUES not in session.info:
            session.info[_CONTINUES] = self._extends_head(session, AuditHead(number, mac))
        for entry in pending.drain():
            number += 1
            mac = self._mac(mac, number, entry)
            row = {"number": number, "mac": mac, **vars(entry)}
            session.execute(insert(AuditEntry).values(row))
        moved = update(AuditTip).where(AuditTip.id == TIP_ID).values(number=number, mac=mac)
        session.execute(moved.execution_options(synchronize_session=False))
        session.info[_NEW_HEAD] = AuditHead(number, mac, entry.at)

    def _extends_head(self, session: Session, tip: AuditHead) -> bool:
        """Whether the chain still contains the entry that the head file names.

        A chain that was cut off and grows again must not move the head past the cut.
        """
        head = self._head.read()
        if head is None or head == tip:
            return True
        known = select(AuditEntry.mac).where(AuditEntry.number == head.number)
        mac = session.execute(known).scalar_one_or_none() if head.number else GENESIS_MAC
        return head.number < tip.number and mac == head.mac

    def _advance_head(self, session: AsyncSession) -> None:
        """Advance the head file after the commit."""
        if session.info[_CONTINUES]:
            self._head.advance(session.info[_NEW_HEAD])
        else:
            _log.error("audit_was_cut_off", remedy="kaika audit verify")

    def _mac(self, previous: bytes, number: int, entry: _Entry) -> bytes:
        fields = [number, entry.at.isoformat(), entry.act, entry.subject, entry.actor]
        text = json.dumps([*fields, entry.details], ensure_ascii=False).encode()
        return hmac.digest(self._keys.secret(SecretPurpose.AUDIT), previous + text, "sha256")

    async def initialize(self, session: AsyncSession) -> None:
        """Create the head file of a new database, and bring it up to date after a crash."""
        new = insert_or_ignore(session, AuditTip).values(id=TIP_ID, number=0, mac=GENESIS_MAC)
        await session.execute(new)
        number = await _read_tip(session)
        head = self._head.read()
        if head is None and number == 0:
            self._head.replace(AuditHead(0, GENESIS_MAC))
        elif head is not None and head.number < number:
            result = await self._verify_from(session, head)
            if result == AuditVerification(number):
                self._head.advance(await _read_last(session))

    async def verify(self, session: AsyncSession) -> AuditVerification:
        """Read the whole chain and compare it with the head file."""
        head = self._head.read()
        result = await self._verify_from(session, AuditHead(0, GENESIS_MAC), head)
        if result.fault is not None:
            return result
        tip = await _read_tip(session)
        if max(head.number if head else 0, tip) > result.entries:
            return AuditVerification(result.entries, AuditFault.CUT_OFF, result.entries + 1)
        return (
            AuditVerification(result.entries, AuditFault.HEAD_MISSING) if head is None else result
        )

    def verify_rows(self, rows: Iterable[Any]) -> AuditVerification:
        """Verify a chain that lies elsewhere, such as in a backup, in the order of its numbers."""
        position = AuditHead(0, GENESIS_MAC)
        for row in rows:
            found = self._verify_next(position, row)
            if isinstance(found, AuditVerification):
                return found
            position = found
        return AuditVerification(position.number)

    async def _verify_from(
        self, session: AsyncSession, start: AuditHead, head: AuditHead | None = None
    ) -> AuditVerification:
        position = start
        async for row in _read_entries(session, start.number):
            found = self._verify_next(position, row, head)
            if isinstance(found, AuditVerification):
                return found
            position = found
        return AuditVerification(position.number)

    def _verify_next(
        self, position: AuditHead, row: Any, head: AuditHead | None = None
    ) -> AuditHead | AuditVerification:
        """Return where the chain is after an entry, or what is wrong with it."""
        if row.number != position.number + 1:
            number = position.number
            return AuditVerification(number, AuditFault.MISSING, number + 1)
        mac = self._mac(position.mac, row.number, _to_entry(row))
        if mac != row.mac or (head and head.number == row.number and head.mac != mac):
            return AuditVerification(position.number, AuditFault.ALTERED, row.number)
        return AuditHead(row.number, mac)

    async def accept(
        self, session: AsyncSession, reason: str, actor: str, now: datetime
    ) -> AuditHead:
        """Accept the chain as complete after restoring a backup, and record that."""
        lost = self._head.read()
        last = await _read_last(session)
        number = last.number
        await session.execute(update(AuditTip).values(number=number, mac=last.mac))
        details = {"reason": reason, "head_was": lost.number if lost else None, "entries": number}
        session.info[_CONTINUES] = True
        after_commit(session, lambda: self._head.replace(last))
        self.record(session, AuditAct.HEAD_ACCEPTED, "audit", actor, now, details)
        return last


async def _read_tip(session: AsyncSession) -> int:
    """Return the number of the last entry, as the row says that writers lock."""
    number: int = (await session.scalars(select(AuditTip.number))).one()
    return number


async def _read_last(session: AsyncSession) -> AuditHead:
    columns = (AuditEntry.number, AuditEntry.mac, AuditEntry.at)
    newest = select(*columns).order_by(AuditEntry.number.desc()).limit(1)
    row = (await session.execute(newest)).one_or_none()
    return AuditHead(0, GENESIS_MAC) if row is None else AuditHead(*row)


def _to_entry(row: Any) -> _Entry:
    return _Entry(row.at.astimezone(UTC), row.act, row.subject, row.actor, row.details)


async def _read_entries(session: AsyncSession, after: int) -> AsyncIterator[Any]:
    """Yield every entry after a number in order, read a page at a time."""
    number = after
    while True:
        query = select(*AuditEntry.__table__.c).where(AuditEntry.number > number)
        page = (await session.execute(query.order_by(AuditEntry.number).limit(_PAGE))).all()
        for row in page:
            yield row
        if not page:
            return
        number = page[-1].number
