"""Finding the card an operation is about: waiting for it, and telling it from others."""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from reader_bridge.card.certificate import KeyRole
from reader_bridge.card.connection import CardConnection, CardReaders, ReaderSnapshot, ReaderState
from reader_bridge.card.errors import CardError, CardRemovedError
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardProfile as Profile
from reader_bridge.card.profiles.base import CardStatus, ProfileName, Verb
from reader_bridge.operations.card_thread import CardCalls
from reader_bridge.operations.context import Errand
from reader_bridge.operations.failures import failed, shown_name
from reader_bridge.prompter import CardLabel
from reader_bridge.protocol.failures import FailureCode
from reader_bridge.protocol.vocabulary import CardProfile, Step

LONGEST_SERIAL = 64
"""As hex."""
FINGERPRINT_BYTES = 16


@dataclass(frozen=True)
class FoundCard:
    """A card that was looked at.

    :ivar state: its reader, as it was then.
    :ivar seen: its profile, over the connection that it was looked at by.
    :ivar certificate: where one was asked for.
    """

    state: ReaderState
    seen: Profile
    status: CardStatus
    serial: str | None
    certificate: bytes | None = None

    def was_in(self, state: ReaderState) -> bool:
        """Tell whether no other card was put into its reader since then."""
        seen = self.state
        return (seen.name, seen.changes, seen.atr) == (state.name, state.changes, state.atr)

    @property
    def kind(self) -> type[Profile]:
        """Its profile's class, for the rules of its PIN."""
        return type(self.seen)

    @property
    def profile(self) -> CardProfile:
        """As what it was recognised."""
        return CardProfile(self.status.profile.value)

    @property
    def label(self) -> CardLabel:
        """What the person is told of it."""
        return CardLabel(self.profile, self.status.card_number, self.serial)

    def require(self, *verbs: Verb, serial: str | None = None) -> None:
        """See that it is the right card, and that it has the verbs.

        :raises OperationFailedError: where not.
        """
        if self.status.profile is ProfileName.UNKNOWN:
            raise failed(FailureCode.CARD_UNKNOWN)
        if not self.status.verbs.issuperset(verbs):
            raise failed(FailureCode.OPERATION_REFUSED, profile=self.profile)
        if serial is not None and serial != self.serial:
            raise failed(FailureCode.WRONG_CARD)


async def find_card(
    errand: Errand, reader: str | None, role: KeyRole | None = None, *, afresh: bool = False
) -> FoundCard:
    """Find the card, waiting for it as long as the operation may last.

    :param reader: only there.
    :param role: whose certificate to read along.
    :param afresh: read it as if it had never been seen.
    :raises OperationFailedError: where several could be meant, or the card does not take part.
    """
    told = False
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()

    known = None if afresh else errand.allowances.card
    attempt = partial(_look_around, errand.readers, errand.calls, reader, role, known)

    def notice(_: ReaderSnapshot) -> None:
        loop.call_soon_threadsafe(changed.set)

    watch = None
    try:
        while True:
            changed.clear()
            found = await errand.read(attempt)
            if isinstance(found, FoundCard):
                errand.allowances.card = found
                return found
            if not told:
                told = True
                await errand.server.progress(found)
            if watch is None:
                watch = errand.readers.watch(notice)
                continue  # something may have come before the watch began
            await changed.wait()
    finally:
        if watch is not None:
            errand.calls.later(watch.close)


@contextmanager
def exclusively(readers: CardReaders, calls: CardCalls, found: FoundCard) -> Iterator[Profile]:
    """Lend the card for PIN work: for itself alone, and reset afterwards.

    :raises CardRemovedError: where it was swapped since it was found.
    """
    with calls.lend(readers.connect(found.state.name, exclusive=True)) as connection:
        yield again(readers, connection, found)


def again(readers: CardReaders, connection: CardConnection, found: FoundCard) -> Profile:
    """Recognise the card again that was found.

    :raises CardRemovedError: where it was swapped.
    """
    now = next((each for each in readers.list_readers() if each.name == found.state.name), None)
    if now is None or now.changes != found.state.changes or connection.atr != found.state.atr:
        raise CardRemovedError
    profile = identify(connection)
    if type(profile) is not found.kind:
        raise CardRemovedError
    profile.recall(found.seen)
    return profile


def look(
    readers: CardReaders,
    calls: CardCalls,
    state: ReaderState,
    role: KeyRole | None,
    known: FoundCard | None,
) -> FoundCard:
    """Say what the card in a reader is. Reading commands only.

    :param known: the card that was looked at last; if it is this one, little is read again.
    """
    if state.mute:
        raise failed(FailureCode.CARD_MUTE, reader=shown_name(state.name))
    with calls.lend(readers.connect(state.name)) as connection:
        profile = identify(connection)
        if known is not None and known.was_in(state):
            profile.recall(known.seen)
        status = profile.status()
        readable = role is not None and Verb.READ_CERTIFICATE in status.verbs
        certificate = profile.read_certificate(role) if role and readable else None
        return FoundCard(state, profile, status, serial_of(profile, status), certificate)


def serial_of(profile: Profile, status: CardStatus) -> str | None:
    """Give the chip's serial; where it tells none, a fingerprint of its certificate."""
    if status.serial is not None:
        if not 2 <= len(status.serial) <= LONGEST_SERIAL:
            raise failed(FailureCode.CARD_RESPONSE_INVALID)
        return status.serial
    if KeyRole.AUTHENTICATION not in status.certificates:
        return None
    certificate = profile.read_certificate(KeyRole.AUTHENTICATION)
    return hashlib.sha256(certificate).digest()[:FINGERPRINT_BYTES].hex()


def _look_around(
    readers: CardReaders,
    calls: CardCalls,
    reader: str | None,
    role: KeyRole | None,
    known: FoundCard | None,
) -> FoundCard | Step:
    """Give the card, or what is waited for. One call: each costs a change of threads."""
    states = [each for each in readers.list_readers() if reader in (None, shown_name(each.name))]
    filled = tuple(each for each in states if each.card_present)
    if filled:
        return _only(readers, calls, filled, role, known)
    return Step.WAITING_FOR_CARD if states else Step.WAITING_FOR_READER


def _only(
    readers: CardReaders,
    calls: CardCalls,
    states: tuple[ReaderState, ...],
    role: KeyRole | None,
    known: FoundCard | None,
) -> FoundCard:
    if len(states) == 1:
        return look(readers, calls, states[0], role, known)
    recognised = []
    for state in states:
        try:
            found = look(readers, calls, state, role, known)
        except CardError:
            continue
        if found.status.profile is not ProfileName.UNKNOWN:
            recognised.append(found)
    if len(recognised) != 1:
        raise failed(FailureCode.SEVERAL_CARDS)
    return recognised[0]
