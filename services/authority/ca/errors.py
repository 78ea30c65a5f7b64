"""Errors of the certificate authority."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from services.authority.errors import AuthorityError


class CaKeyProblem(StrEnum):
    """Why the key of the certificate authority cannot be used."""

    UNREADABLE = "unreadable"
    OPEN_TO_OTHERS = "open_to_others"
    """Others than its owner can read the file; it wants mode 600."""
    NOT_A_KEY_FILE = "not_a_key_file"
    WRONG_PASSPHRASE = "wrong_passphrase"  # noqa: S105
    """Or the file was changed, which cannot be told apart."""
    SHORT_PASSPHRASE = "short_passphrase"  # noqa: S105
    LOST = "lost"
    """The database was made with a key, and the file is gone."""
    FOREIGN = "foreign"
    """The database was made with another key."""


class CaKeyError(AuthorityError):
    """The key of the certificate authority cannot be used.

    :ivar path: where its file is looked for.
    :ivar problem: what is wrong.
    """

    def __init__(self, path: Path, problem: CaKeyProblem) -> None:
        super().__init__(f"CA key file {path}: {problem}")
        self.path = path
        self.problem = problem


class UnsuitableKeyError(AuthorityError):
    """A public key is of a kind or size no certificate is issued for.

    :ivar kind: for which certificate it was given.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(f"unsuitable key for {kind}")
        self.kind = kind


class ValidityError(AuthorityError):
    """A certificate would outlive the authority, or end before it begins.

    :ivar limit: the last moment it may be valid.
    """

    def __init__(self, limit: datetime) -> None:
        super().__init__(f"a certificate cannot be valid beyond {limit:%Y-%m-%d}")
        self.limit = limit
