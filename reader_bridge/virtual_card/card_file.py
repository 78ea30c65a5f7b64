"""The file of a virtual card: written completely or not at all, and open in one place at a time.

Card number and serial are readable, as on a real card. Keys, certificates and admin key are sealed
under the passphrase, and so is the state: the PIN's hash and the tries. Restoring a copy restores
old tries; no file can prevent that.
"""

import json
import os
from base64 import b64decode, b64encode
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reader_bridge.virtual_card.card_content import (
    CardContainer,
    CardContent,
    CardFileLabel,
    CardState,
    ContainerKind,
    PinVerifier,
)
from reader_bridge.virtual_card.file_lock import FileLock
from reader_bridge.virtual_card.passphrase_encryption import COST, CardUnsealError, PassphraseSeal

FORMAT, VERSION = "kaika virtual card", 1
CONTENT, STATE = b"kaika virtual card: content", b"kaika virtual card: state"
MAX_FILE_BYTES = 1_000_000


class CardFileError(Exception):
    """The file is not a virtual card, or it is damaged."""


class WrongPassphraseError(CardFileError):
    """The file was sealed under another passphrase."""


class CardFile:
    """An open card file, locked until :meth:`close`."""

    def __init__(
        self,
        path: Path,
        label: CardFileLabel,
        seal: PassphraseSeal,
        content: CardContent,
        state: CardState,
    ) -> None:
        self.path, self.label, self.content, self.state = path, label, content, state
        self._seal = seal
        self._sealed_content = seal.close(_to_json(_serialise_content(content)), CONTENT)
        self._lock: FileLock | None = None

    @classmethod
    def create(
        cls,
        path: Path,
        passphrase: str,
        label: CardFileLabel,
        content: CardContent,
        state: CardState,
        cost: int = COST,
    ) -> None:
        """Write a new card, replacing one that is there."""
        cls(path, label, PassphraseSeal.new(passphrase, cost), content, state).save()

    @classmethod
    def open(cls, path: Path, passphrase: str) -> "CardFile":
        """Open a card.

        :raises WrongPassphraseError: the passphrase is wrong.
        :raises CardFileError: there is none, or it is damaged.
        :raises CardFileBusyError: it is open already.
        """
        if not path.is_file():
            raise CardFileError(path.name)
        lock = FileLock.take(path)
        try:
            opened = cls._read(path, passphrase)
        except BaseException:
            lock.release()
            raise
        opened._lock = lock
        return opened

    def save(self) -> None:
        """Write the card; returns when it is on the disk."""
        document = {
            "format": FORMAT,
            "version": VERSION,
            "card_number": self.label.card_number,
            "serial": self.content.serial.hex(),
            "salt": _base64(self._seal.salt),
            "cost": self._seal.cost,
            "content": _base64(self._sealed_content),
            "state": _base64(self._seal.close(_to_json(_serialise_state(self.state)), STATE)),
        }
        _write_atomically(self.path, json.dumps(document, indent=1).encode())

    def close(self) -> None:
        """Release the lock."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @classmethod
    def _read(cls, path: Path, passphrase: str) -> "CardFile":
        document = _read_document(path)
        try:
            salt, sealed_content, sealed_state = (
                b64decode(document[name], validate=True) for name in ("salt", "content", "state")
            )
            seal = PassphraseSeal.from_salt(passphrase, salt, document["cost"])
            content = _parse_content(_from_json(seal.open(sealed_content, CONTENT)))
        except CardUnsealError as error:
            raise WrongPassphraseError(path.name) from error
        except (KeyError, TypeError, ValueError) as error:
            raise CardFileError(path.name) from error
        try:
            state = _parse_state(_from_json(seal.open(sealed_state, STATE)))
        except (CardUnsealError, KeyError, TypeError, ValueError) as error:
            raise CardFileError(path.name) from error
        label = CardFileLabel(str(document.get("card_number", "")), content.serial.hex())
        return cls(path, label, seal, content, state)


def read_label(path: Path) -> CardFileLabel:
    """Return the readable part of a card file.

    :raises CardFileError: the file is not a virtual card.
    """
    document = _read_document(path)
    return CardFileLabel(str(document.get("card_number", "")), str(document.get("serial", "")))


def _read_document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(MAX_FILE_BYTES))
    except (OSError, ValueError) as error:
        raise CardFileError(path.name) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise CardFileError(path.name)
    if document.get("version") != VERSION:
        raise CardFileError(path.name)
    return document


def _write_atomically(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    if os.name == "posix":
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _serialise_content(content: CardContent) -> dict[str, Any]:
    return {
        "serial": _base64(content.serial),
        "admin_key": _base64(content.admin_key),
        "containers": [
            [container.kind, _base64(container.private_key), _base64(container.certificate)]
            for container in content.containers
        ],
    }


def _parse_content(values: dict[str, Any]) -> CardContent:
    containers = (
        CardContainer(ContainerKind(kind), b64decode(key), b64decode(certificate))
        for kind, key, certificate in values["containers"]
    )
    return CardContent(
        b64decode(values["serial"]), b64decode(values["admin_key"]), tuple(containers)
    )


def _serialise_state(state: CardState) -> dict[str, Any]:
    values = asdict(state)
    if state.pin is not None:
        values["pin"]["salt"] = _base64(state.pin.salt)
        values["pin"]["digest"] = _base64(state.pin.digest)
    return values


def _parse_state(values: dict[str, Any]) -> CardState:
    pin = values.pop("pin")
    if pin is not None:
        salt, digest = b64decode(pin["salt"]), b64decode(pin["digest"])
        pin = PinVerifier(salt, digest, pin["length"], pin["cost"])
    return CardState(pin=pin, **values)


def _to_json(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode()


def _from_json(packed: bytes) -> dict[str, Any]:
    values = json.loads(packed)
    if not isinstance(values, dict):
        raise TypeError
    return values


def _base64(value: bytes) -> str:
    return b64encode(value).decode()
