"""What is on a virtual card: what it was issued with, and what changes while it is used."""

import secrets
from dataclasses import dataclass, field
from enum import StrEnum

SERIAL_BYTES = 16
ADMIN_KEY_BYTES = 24
PIN_TRIES = 3
"""docs/facts.md §1.4: three in most texts."""
ADMIN_TRIES = 8
SHORTEST_PIN, LONGEST_PIN = 6, 8


class ContainerKind(StrEnum):
    """The keys on a card."""

    AUTHENTICATION = "authentication"
    SIGNATURE = "signature"
    ENCRYPTION = "encryption"


@dataclass(frozen=True, repr=False)
class Container:
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
    containers: tuple[Container, ...]

    def __post_init__(self) -> None:
        if len(self.serial) != SERIAL_BYTES or len(self.admin_key) != ADMIN_KEY_BYTES:
            raise ValueError("length of serial or admin key")


@dataclass(frozen=True, repr=False)
class PinVerifier:
    """A PIN as it is kept: its salted scrypt hash.

    :ivar length: how long the PIN is; a change carries the old and the new one undivided.
    """

    salt: bytes
    digest: bytes
    length: int
    cost: int


@dataclass(repr=False)
class CardState:
    """What changes: the PIN and the tries.

    A card fresh from the issuer has no PIN and no tries; the issuer's consent sets both.
    """

    pin: PinVerifier | None = None
    pin_tries: int = 0
    pin_limit: int = PIN_TRIES
    admin_tries: int = ADMIN_TRIES
    admin_limit: int = ADMIN_TRIES


def random_serial() -> bytes:
    """Give a serial for a new card."""
    return secrets.token_bytes(SERIAL_BYTES)


@dataclass(frozen=True)
class CardLabel:
    """What stands on the outside of a card: readable without the passphrase."""

    card_number: str
    serial: str = field(default="")
