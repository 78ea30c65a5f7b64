"""How far a backup or a restore has come."""

from enum import StrEnum
from typing import Protocol


class BackupStep(StrEnum):
    """What takes its time."""

    COPY = "copy"
    """Copying the database as it is."""
    WRITE = "write"
    """Writing the file of the backup."""
    READ = "read"
    """Reading the file and its checksums."""
    CHECK = "check"
    """Checking the database in it."""
    AUDIT = "audit"
    """Checking the chain of the audit."""
    RESTORE = "restore"
    """Putting the database in place."""
    FINISH = "finish"
    """Bringing it up to date, and up to what was published."""


class OnProgress(Protocol):
    """Is told how far it is."""

    def __call__(self, step: BackupStep, done: int, total: int | None) -> None:
        """Take note.

        :param total: what `done` will be at the end; `None` where that is not known.
        """
