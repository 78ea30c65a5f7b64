"""Errors of backups."""

from enum import StrEnum
from pathlib import Path


class BackupProblem(StrEnum):
    """Why a backup cannot be made or used."""

    NOT_A_BACKUP = "not_a_backup"
    CUT_OFF = "cut_off"
    """The end of the file is missing."""
    DAMAGED = "damaged"
    """The content is not what was written."""
    NEWER = "newer"
    """It was made by a newer version."""
    EXISTS = "exists"
    SAME_FOLDER = "same_folder"
    """Database and keys would lie in one folder, or one within the other."""
    OTHER_ENGINE = "other_engine"
    """It is of another kind of database than the one in the settings."""
    TWO_OF_A_KIND = "two_of_a_kind"
    NO_DATABASE = "no_database"
    """There is nothing to back up."""
    SOURCE_DAMAGED = "source_damaged"
    """The database itself is damaged."""
    KEYS_MISSING = "keys_missing"
    """There is no key file, here or among the files given."""
    KEYS_DO_NOT_FIT = "keys_do_not_fit"
    NOT_EMPTY = "not_empty"
    """There is a database already."""
    KEYS_IN_PLACE = "keys_in_place"
    """There are other keys already."""
    IN_USE = "in_use"
    """A bot works on the database."""
    NO_PROGRAM = "no_program"
    PROGRAM_FAILED = "program_failed"
    NOT_A_LIST = "not_a_list"
    """The file given as last published list is none of this authority's."""


class BackupError(Exception):
    """A backup cannot be made or used; nothing was changed.

    :ivar path: the file or folder that it is about.
    :ivar detail: what a program said, or what is missing.
    """

    def __init__(
        self, problem: BackupProblem, path: Path | None = None, detail: str | None = None
    ) -> None:
        super().__init__(f"{problem}: {path or detail}")
        self.problem = problem
        self.path = path
        self.detail = detail
