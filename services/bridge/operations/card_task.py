"""Card tasks that a chat can start, and what each is to the bridge and to the authority."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from reader_bridge.protocol import Operation, PinPurpose
from services.authority.data_types import AuthorityOperation as AuthorityOperation


class CardTask(StrEnum):
    """A task that a chat can start."""

    LIST_READERS = "list_readers"
    CARD_STATUS = "card_status"
    READ_CERTIFICATE = "read_certificate"
    PROVE_POSSESSION = "prove_possession"
    CHANGE_PIN = "change_pin"
    ACTIVATE = "activate"
    """開卡"""
    UNLOCK = "unlock"
    """鎖卡解碼"""

    @property
    def purpose(self) -> PinPurpose | None:
        """Why it sets a PIN without the old one; `None` for a task that does not."""
        return _PURPOSES.get(self)

    @property
    def can_set_pin_alone(self) -> bool:
        """Whether the PC can set a PIN without the server: with the old one, or with the PUK."""
        return self in _SET_ALONE

    @property
    def can_change_pin(self) -> bool:
        """Whether the card may have another PIN afterwards."""
        return self.can_set_pin_alone or self.purpose is not None

    @property
    def operation(self) -> Operation:
        """The bridge's operation."""
        return Operation.SET_PIN if self.purpose else Operation(self)

    @property
    def authority_operation(self) -> AuthorityOperation:
        """The operation that its grant has to be for."""
        return AuthorityOperation(self)

    @property
    def time_limit(self) -> timedelta:
        """How long the person has to complete it."""
        return _TO_READ if self in _READS else _TO_TYPE


_PURPOSES: Final = {CardTask.ACTIVATE: PinPurpose.ACTIVATE, CardTask.UNLOCK: PinPurpose.UNLOCK}
_SET_ALONE: Final = frozenset({CardTask.CHANGE_PIN, CardTask.UNLOCK})
_READS: Final = frozenset({CardTask.LIST_READERS, CardTask.CARD_STATUS, CardTask.READ_CERTIFICATE})
_TO_READ: Final = timedelta(minutes=3)
_TO_TYPE: Final = timedelta(minutes=5)
"""Half of a grant's lifetime."""
DEADLINE_GRACE: Final = timedelta(seconds=10)
"""How long after the deadline the bridge's own report is waited for."""
