"""The file a virtual card lives in: whole or not at all, and open once at a time.

Card number and serial stand outside, as on a real card. Keys, certificates and admin key are sealed
under the passphrase, and so is the state: the PIN's hash and the tries. A copy put back brings old
tries with it; no file can prevent that.
"""

import json
import os
from base64 import b64decode, b64encode
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reader_bridge.virtual_card.content import (
    CardContent,
    CardLabel,
    CardState,
    Container,
    ContainerKind,
    PinVerifier,
)
from reader_bridge.virtual_card.file_lock import FileLock
from reader_bridge.virtual_card.sealing import COST, Seal, UnsealError

FORMAT, VERSION = "kaika virtual card", 1
CONTENT, STATE = b"kaika virtual card: content", b"kaika virtual card: state"
MOST_BYTES = 1_000_000


class CardFileError(Exception):
    """The file is not a virtual card's, or it is damaged."""


class WrongPassphraseError(CardFileError):
    """The file was sealed under another passphrase."""


class CardFile:
    """An open card file. Nobody else opens it until :meth:`close`."""

    def __init__(
        self, path: Path, label: CardLabel, seal: Seal, content: CardContent, state: CardState
    ) -> None:
        self.path, self.label, self.content, self.state = path, label, content, state
        self._seal = seal
        self._sealed_content = seal.close(_pack(_content_out(content)), CONTENT)
        self._lock: FileLock | None = None

    @classmethod
    def create(
        cls,
        path: Path,
        passphrase: str,
        label: CardLabel,
        content: CardContent,
        state: CardState,
        cost: int = COST,
    ) -> None:
        """Write a new card, in place of one that is there."""
        cls(path, label, Seal.new(passphrase, cost), content, state).save()

    @classmethod
    def open(cls, path: Path, passphrase: str) -> "CardFile":
        """Open a card.

        :raises WrongPassphraseError: it is another.
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
        """Write the card, and return when it is on the disk."""
        document = {
            "format": FORMAT,
            "version": VERSION,
            "card_number": self.label.card_number,
            "serial": self.content.serial.hex(),
            "salt": _text(self._seal.salt),
            "cost": self._seal.cost,
            "content": _text(self._sealed_content),
            "state": _text(self._seal.close(_pack(_state_out(self.state)), STATE)),
        }
        _replace(self.path, json.dumps(document, indent=1).encode())

    def close(self) -> None:
        """Let others open the file."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @classmethod
    def _read(cls, path: Path, passphrase: str) -> "CardFile":
        document = _document(path)
        try:
            salt, sealed_content, sealed_state = (
                b64decode(document[name], validate=True) for name in ("salt", "content", "state")
            )
            seal = Seal.from_salt(passphrase, salt, document["cost"])
            content = _content_in(_unpack(seal.open(sealed_content, CONTENT)))
        except UnsealError as error:
            raise WrongPassphraseError(path.name) from error
        except (KeyError, TypeError, ValueError) as error:
            raise CardFileError(path.name) from error
        try:
            state = _state_in(_unpack(seal.open(sealed_state, STATE)))
        except (UnsealError, KeyError, TypeError, ValueError) as error:
            raise CardFileError(path.name) from error
        label = CardLabel(str(document.get("card_number", "")), content.serial.hex())
        return cls(path, label, seal, content, state)


def read_label(path: Path) -> CardLabel:
    """Read what stands on the outside of a card file.

    :raises CardFileError: where it is none.
    """
    document = _document(path)
    return CardLabel(str(document.get("card_number", "")), str(document.get("serial", "")))


def _document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(MOST_BYTES))
    except (OSError, ValueError) as error:
        raise CardFileError(path.name) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise CardFileError(path.name)
    if document.get("version") != VERSION:
        raise CardFileError(path.name)
    return document


def _replace(path: Path, content: bytes) -> None:
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


def _content_out(content: CardContent) -> dict[str, Any]:
    return {
        "serial": _text(content.serial),
        "admin_key": _text(content.admin_key),
        "containers": [
            [container.kind, _text(container.private_key), _text(container.certificate)]
            for container in content.containers
        ],
    }


def _content_in(values: dict[str, Any]) -> CardContent:
    containers = (
        Container(ContainerKind(kind), b64decode(key), b64decode(certificate))
        for kind, key, certificate in values["containers"]
    )
    return CardContent(
        b64decode(values["serial"]), b64decode(values["admin_key"]), tuple(containers)
    )


def _state_out(state: CardState) -> dict[str, Any]:
    values = asdict(state)
    if state.pin is not None:
        values["pin"]["salt"] = _text(state.pin.salt)
        values["pin"]["digest"] = _text(state.pin.digest)
    return values


def _state_in(values: dict[str, Any]) -> CardState:
    pin = values.pop("pin")
    if pin is not None:
        salt, digest = b64decode(pin["salt"]), b64decode(pin["digest"])
        pin = PinVerifier(salt, digest, pin["length"], pin["cost"])
    return CardState(pin=pin, **values)


def _pack(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode()


def _unpack(packed: bytes) -> dict[str, Any]:
    values = json.loads(packed)
    if not isinstance(values, dict):
        raise TypeError
    return values


def _text(value: bytes) -> str:
    return b64encode(value).decode()
