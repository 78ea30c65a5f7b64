"""The search for an operation's card among all cards in all readers.

Every card is asked what it is and for its serial; only the one that is meant is asked more.
"""

from collections.abc import Callable
from dataclasses import dataclass

from reader_bridge.card.connection import CardReaders, ReaderState, readable_name
from reader_bridge.card.errors import (
    CardError,
    CardInUseError,
    CardMuteError,
    CommandStoppedError,
)
from reader_bridge.card.profiles import identify
from reader_bridge.card.profiles.base import CardCapability
from reader_bridge.operations.card_thread import CardCalls
from reader_bridge.operations.failures import OperationFailedError, operation_failure
from reader_bridge.operations.found_card import (
    FoundCard,
    RecognisedCard,
    chip_serial,
)
from reader_bridge.prompter import NO_OCCUPIED_READERS, OccupiedReaders
from reader_bridge.protocol.enums import KeyRole, Operation, ProfileName, ProgressStep
from reader_bridge.protocol.failure_codes import FailureCode


@dataclass(frozen=True, slots=True)
class WantedCard:
    """The card that an operation is about.

    :ivar operation: what it is to be used for.
    :ivar serial: as the server names it.
    :ivar reader: to look in this one only.
    :ivar role: whose certificate to read as well.
    """

    operation: Operation
    serial: str | None = None
    reader: str | None = None
    role: KeyRole | None = None


@dataclass(frozen=True, slots=True)
class MissingCard:
    """The card is not there yet.

    :ivar step: what to wait for.
    :ivar occupied: the readers with other cards.
    """

    step: ProgressStep
    occupied: OccupiedReaders = NO_OCCUPIED_READERS


class CardSearch:
    """A search that can be repeated. Its methods are called on the card thread.

    :param known: the card that was read last; if it is the same one, little is read again.
    """

    def __init__(
        self, readers: CardReaders, calls: CardCalls, wanted: WantedCard, known: FoundCard | None
    ) -> None:
        self._readers, self._calls = readers, calls
        self._wanted, self._known = wanted, known

    def search(self) -> FoundCard | tuple[RecognisedCard, ...] | MissingCard:
        """Return the card, or those that could be meant, or what to wait for.

        :raises OperationFailedError: only other cards are there, and no reader is empty.
        :raises CardError: a card that could be meant cannot be read.
        """
        wanted = self._wanted
        states = [
            each
            for each in self._readers.list_readers()
            if wanted.reader in (None, readable_name(each.name))
        ]
        filled = [each for each in states if each.card_present]
        if not filled:
            step = ProgressStep.WAITING_FOR_CARD if states else ProgressStep.WAITING_FOR_READER
            return MissingCard(step)
        if wanted.serial is not None:
            return self._find_named(filled, has_empty_reader=len(filled) < len(states))
        if len(filled) == 1:
            return self.read(filled[0])
        return self._find_fitting(filled)

    def read(self, state: ReaderState) -> FoundCard:
        """Read the card in a reader."""
        found = self._inspect(state, lambda _: True)
        assert isinstance(found, FoundCard)
        return found

    def read_chosen(self, card: RecognisedCard) -> FoundCard:
        """Read the card that was chosen.

        :raises CardRemovedError: it is no longer in its reader.
        """
        found = self.read(card.find_state(self._readers.list_readers()))
        card.ensure_same(found)
        return found

    def _find_named(
        self, filled: list[ReaderState], *, has_empty_reader: bool
    ) -> FoundCard | MissingCard:
        others, errors = list[RecognisedCard](), list[CardError]()
        for state in filled:
            try:
                card = self._inspect(state, lambda serial: serial == self._wanted.serial)
            except CommandStoppedError:
                raise
            except CardError as error:
                errors.append(error)
                continue
            if isinstance(card, FoundCard):
                return card
            others.append(card)
        in_use = [each for each in errors if isinstance(each, CardInUseError)]
        if len(in_use) < len(errors):
            raise next(each for each in errors if each not in in_use)
        if not has_empty_reader:
            raise in_use[0] if in_use else self._wrong_card(others)
        occupied = OccupiedReaders(
            tuple(readable_name(each.state.name) for each in others),
            tuple(readable_name(each.reader) for each in in_use),
        )
        return MissingCard(ProgressStep.WAITING_FOR_CARD, occupied)

    def _wrong_card(self, others: list[RecognisedCard]) -> OperationFailedError:
        """Return why none of the cards can be used."""
        known = [each for each in others if each.profile.name is not ProfileName.UNKNOWN]
        if not known:
            return operation_failure(FailureCode.CARD_UNKNOWN)
        if not any(each.can_be_used_for(self._wanted.operation) for each in known):
            return operation_failure(FailureCode.OPERATION_REFUSED, profile=known[0].profile.name)
        return operation_failure(FailureCode.WRONG_CARD)

    def _find_fitting(self, filled: list[ReaderState]) -> FoundCard | tuple[RecognisedCard, ...]:
        """Return the only card that can be used, or all between which the person has to choose."""
        recognised, errors = list[RecognisedCard](), list[CardError]()
        for state in filled:
            try:
                card = self._inspect(state, lambda _: False)
            except CommandStoppedError:
                raise
            except CardError as error:
                errors.append(error)
                continue
            assert isinstance(card, RecognisedCard)
            recognised.append(card)
        known = [each for each in recognised if each.profile.name is not ProfileName.UNKNOWN]
        fitting = [each for each in known if each.can_be_used_for(self._wanted.operation)] or known
        if len(fitting) == 1:
            return self.read_chosen(fitting[0])
        if fitting:
            return tuple(fitting)
        if errors:
            raise errors[0]
        raise operation_failure(FailureCode.CARD_UNKNOWN)

    def _inspect(
        self, state: ReaderState, is_meant: Callable[[str | None], bool]
    ) -> FoundCard | RecognisedCard:
        """Recognise the card in a reader, and read it where its serial is the one that is meant."""
        if state.mute:
            raise CardMuteError(state.name)
        with self._calls.make_stoppable(self._readers.connect(state.name)) as connection:
            profile = identify(connection)
            if self._known is not None and self._known.is_still_in(state):
                profile.reuse(self._known.profile)
            serial = chip_serial(profile)
            if not is_meant(serial):
                return RecognisedCard(state, profile, serial)
            status, role = profile.status(), self._wanted.role
            is_readable = CardCapability.READ_CERTIFICATE in status.capabilities
            certificate = profile.read_certificate(role) if role and is_readable else None
            return FoundCard(state, profile, status, serial, certificate)
