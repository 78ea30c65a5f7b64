"""Secrets that are read from files, so that they are in no environment and no list of processes.

The file is named by the setting's own name with ``_FILE`` behind it, or lies under the setting's
name in ``$CREDENTIALS_DIRECTORY``, where systemd puts what ``LoadCredential=`` names.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

FILE_SUFFIX = "_FILE"
CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY"
LARGEST_SECRET = 4096
"""Bytes that are read of a file at most."""


class SecretFileError(Exception):
    """Secrets cannot be taken from their files.

    :ivar problems: one line for each setting, without any content.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def secret_variable(name: str, prefix: str) -> str:
    """Return the name of the environment variable of a setting."""
    return f"{prefix}{name}".upper()


class SecretFilesSource(PydanticBaseSettingsSource):
    """Reads settings from files.

    :param names: the settings that may be in files.
    :param variables: what the environment and `.env` set, by lower-case names.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        names: tuple[str, ...],
        variables: Mapping[str, str | None],
    ) -> None:
        super().__init__(settings_cls)
        self._names = names
        self._variables = variables
        self._prefix = str(self.config.get("env_prefix", ""))

    def __call__(self) -> dict[str, Any]:
        """Return the settings that are in files, by name.

        :raises SecretFileError: for a file that cannot be used, and for a secret given twice.
        """
        found: dict[str, Any] = {}
        problems: list[str] = []
        for name in self._names:
            variable = secret_variable(name, self._prefix)
            try:
                content = self._read(variable)
            except _UnusableFileError as error:
                problems.append(f"{variable} {error}")
            else:
                if content is not None:
                    found[name] = content
        if problems:
            raise SecretFileError(problems)
        return found

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not used: `__call__` reads all of them."""
        raise NotImplementedError

    def _read(self, variable: str) -> str | None:
        named = self._variables.get((variable + FILE_SUFFIX).lower())
        folder = os.environ.get(CREDENTIALS_DIRECTORY)
        credential = Path(folder) / variable if folder else None
        is_credential = credential is not None and credential.exists()
        given = [
            way
            for way, is_given in (
                ("as a value", bool(self._variables.get(variable.lower()))),
                (f"by {variable}{FILE_SUFFIX}", bool(named)),
                ("as a systemd credential", is_credential),
            )
            if is_given
        ]
        if len(given) > 1:
            raise _UnusableFileError(f"is given twice, {' and '.join(given)}; keep one of them")
        path = Path(named) if named else credential if is_credential else None
        return None if path is None else _read_secret(path)


class _UnusableFileError(Exception):
    """Why a file cannot be used, as the rest of a sentence that begins with the setting."""


def _read_secret(path: Path) -> str:
    """Return the content of a file, without the line ends behind it."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_SECRET + 1)
        text = content.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise _UnusableFileError(
            f"cannot be read from {path} ({type(error).__name__}); check the path and who may read"
        ) from None
    if len(content) > LARGEST_SECRET:
        raise _UnusableFileError(
            f"cannot be read from {path}: it has more than {LARGEST_SECRET} bytes"
        )
    if not text.strip():
        raise _UnusableFileError(f"cannot be read from {path}: it is empty")
    return text
