"""What is read of the database in a backup, whatever kind of database it is."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from services.backup.progress import OnProgress
from services.storage.key_fingerprints import (
    OLD_FACT,
    OLD_KEY,
    KeyFingerprint,
)
from services.storage.models import DatabaseFact

_REVISION = "alembic_version"


class DatabaseContent(ABC):
    """The tables of a database that lies in a file."""

    @abstractmethod
    def count_rows(self, on_progress: OnProgress) -> Mapping[str, int]:
        """Read everything, and return the number of rows of each table.

        :raises BackupError: where the file is damaged.
        """

    @abstractmethod
    def read_rows(self, table: str) -> Iterator[Mapping[str, Any]]:
        """Return the rows of a table, in the order of its primary key where it has one column.

        Values are numbers, texts, bytes and `None`, or all of them texts; see `to_time` and
        `to_bytes`.
        """

    def read_revision(self) -> str | None:
        """Return the revision of the schema."""
        found = [str(row["version_num"]) for row in self.read_rows(_REVISION)]
        return found[0] if found else None

    def read_fingerprints(self, tables: Mapping[str, int]) -> Mapping[str, str]:
        """Return the fingerprints of the keys that the database was made with.

        :param tables: those that there are.
        """
        if KeyFingerprint.__tablename__ in tables:
            rows = self.read_rows(KeyFingerprint.__tablename__)
            return {str(row["name"]): str(row["fingerprint"]) for row in rows}
        if DatabaseFact.__tablename__ not in tables:
            return {}
        facts = {row["name"]: row["value"] for row in self.read_rows(DatabaseFact.__tablename__)}
        return {OLD_KEY: str(facts[OLD_FACT])} if OLD_FACT in facts else {}


@dataclass(frozen=True)
class AuditRow:
    """One entry of the audit, as `services.authority.embedded.audit` verifies it."""

    number: int
    at: datetime
    act: str
    subject: str
    actor: str
    details: str
    mac: bytes

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Convert a row."""
        return cls(
            number=int(row["number"]),
            at=to_time(row["at"]),
            act=str(row["act"]),
            subject=str(row["subject"]),
            actor=str(row["actor"]),
            details=str(row["details"]),
            mac=to_bytes(row["mac"]),
        )


def to_time(value: Any) -> datetime:
    """Convert a stored time, which has no offset in SQLite."""
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def to_bytes(value: Any) -> bytes:
    """Convert stored bytes, which PostgreSQL writes in hex after a backslash and an x."""
    return value if isinstance(value, bytes) else bytes.fromhex(str(value).removeprefix("\\x"))
