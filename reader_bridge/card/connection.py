"""Interfaces to a card in a reader, whether real, virtual or scripted in a test."""

import abc
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

MAX_NAME_LENGTH = 128
"""Of a reader, as messages carry it."""


class CardConnection(abc.ABC):
    """A powered card, until :meth:`close`.

    While it is `exclusive`, no other program reaches the card; closing it then resets the card, so
    that nothing a PIN has opened stays open.
    """

    extended_length: bool = False
    """Whether reader and driver carry commands of extended length."""
    character_protocol: bool = False
    """Whether the card speaks T=0."""

    @property
    @abc.abstractmethod
    def atr(self) -> bytes:
        """The answer to reset."""

    @property
    @abc.abstractmethod
    def exclusive(self) -> bool:
        """Whether other programs are kept out."""

    @abc.abstractmethod
    def send_and_receive(self, apdu: bytearray) -> tuple[bytes, int]:
        """Send one command APDU; return the answer's data and its status word.

        :raises CardError: there was no answer. What was sent is in no error and no log.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Release the card. Calling it again does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class ReaderState:
    """The state of a reader (讀卡機).

    :ivar name: as the system has it; for showing it there is :func:`readable_name`.
    :ivar atr: the card's answer to reset, empty without a card.
    :ivar in_use: another program holds the card for itself.
    :ivar mute: there is a card that does not answer: put in wrongly, or broken.
    :ivar changes: increases when a card is put in or pulled, so that a swapped card is noticed.
    """

    name: str
    card_present: bool = False
    atr: bytes = b""
    in_use: bool = False
    mute: bool = False
    changes: int = 0


def readable_name(reader: str) -> str:
    """Return the name of a reader for people and messages: printable and bounded.

    Bytes that are no UTF-8 are read as Latin-1, which has a letter for each.
    """
    try:
        text = reader.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeDecodeError as error:
        text = error.object.decode("latin-1")
    except UnicodeEncodeError:  # half a character, which Windows lets pass
        text = reader
    return "".join(letter for letter in text if letter.isprintable())[:MAX_NAME_LENGTH] or "?"


class ReaderService(StrEnum):
    """The state of the operating system's reader service."""

    RUNNING = "running"
    STOPPED = "stopped"
    MISSING = "missing"
    """This program was installed without access to it."""


@dataclass(frozen=True, slots=True)
class ReaderSnapshot:
    """The state of the service and of all readers at one moment."""

    service: ReaderService
    readers: tuple[ReaderState, ...] = ()


class ReaderWatch(Protocol):
    """A running watch over the readers."""

    @property
    def snapshot(self) -> ReaderSnapshot:
        """The current state."""

    def close(self) -> None:
        """Stop watching."""


class CardReaders(Protocol):
    """The readers of this machine."""

    def list_readers(self) -> tuple[ReaderState, ...]:
        """Return the state of each reader.

        :raises ReaderServiceError: the service does not run.
        """

    def connect(self, reader: str, *, exclusive: bool = False) -> CardConnection:
        """Power the card in a reader.

        An exclusive connection begins and ends with a reset of the card.

        :raises ReaderNotFoundError: there is no such reader.
        :raises NoCardError: it is empty.
        :raises CardInUseError: another program holds the card.
        """

    def watch(self, on_change: Callable[[ReaderSnapshot], None]) -> ReaderWatch:
        """Call `on_change` with the current state and after every change.

        It is called on the watch's own thread.
        """
