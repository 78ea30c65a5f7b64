"""The content of a virtual card: what it was issued with, and its state."""

from dataclasses import dataclass, field
from enum import StrEnum

SERIAL_BYTES = 16
ADMIN_KEY_BYTES = 24
PIN_TRIES = 3
"""docs/facts.md §1.4: three in most texts."""
ADMIN_TRIES = 8
MIN_PIN_LENGTH, MAX_PIN_LENGTH = 6, 8


class ContainerKind(StrEnum):
    """The keys on a card."""

    AUTHENTICATION = "authentication"
    SIGNATURE = "signature"
    ENCRYPTION = "encryption"


@dataclass(frozen=True, repr=False)
class CardContainer:
    """A key with its certificate.

    :ivar private_key: PKCS#8, DER; RSA.
    :ivar certificate: DER.
    """

    kind: ContainerKind
    private_key: bytes
    certificate: bytes


@dataclass(frozen=True, repr=False)
class CardContent:
    """What a card is issued with. It never changes."""

    serial: bytes
    admin_key: bytes
    containers: tuple[CardContainer, ...]

    def __post_init__(self) -> None:
        if len(self.serial) != SERIAL_BYTES or len(self.admin_key) != ADMIN_KEY_BYTES:
            raise ValueError("length of serial or admin key")


@dataclass(frozen=True, repr=False)
class PinVerifier:
    """A PIN's salted scrypt hash.

    :ivar length: of the PIN, because a change carries the old and the new one in one string.
    """

    salt: bytes
    digest: bytes
    length: int
    cost: int


@dataclass(repr=False)
class CardState:
    """The PIN and the tries.

    A card fresh from the issuer has no PIN and no tries; the issuer's consent sets both.
    """

    pin: PinVerifier | None = None
    pin_tries: int = 0
    pin_limit: int = PIN_TRIES
    admin_tries: int = ADMIN_TRIES
    admin_limit: int = ADMIN_TRIES


@dataclass(frozen=True)
class CardFileLabel:
    """The part of a card file that is readable without the passphrase."""

    card_number: str
    serial: str = field(default="")
