"""What a chat can have done on the card, and what each is to the bridge and to the authority."""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from reader_bridge.protocol import Operation, PinPurpose
from services.authority.values import Operation as AuthorityOperation


class Work(StrEnum):
    """What a chat can ask for."""

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
        """Why it sets a PIN without the old one; `None` where it does not."""
        return _PURPOSES.get(self)

    @property
    def operation(self) -> Operation:
        """What the bridge is asked for in the end."""
        return Operation.SET_PIN if self.purpose else Operation(self)

    @property
    def authorised_by(self) -> AuthorityOperation:
        """Which operation the grant has to be for."""
        return AuthorityOperation(self)

    @property
    def time(self) -> timedelta:
        """How long the person has for it."""
        return _TO_READ if self in _READS else _TO_TYPE


_PURPOSES: Final = {Work.ACTIVATE: PinPurpose.ACTIVATE, Work.UNLOCK: PinPurpose.UNLOCK}
_READS: Final = frozenset({Work.LIST_READERS, Work.CARD_STATUS, Work.READ_CERTIFICATE})
_TO_READ: Final = timedelta(minutes=3)
_TO_TYPE: Final = timedelta(minutes=5)
"""Half of what a grant is good for."""
LATE: Final = timedelta(seconds=10)
"""How long after its deadline the bridge's own word on it is waited for."""
