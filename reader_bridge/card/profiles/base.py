"""The interface of card profiles. What a card cannot do is refused before anything is sent."""

import abc
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, NoReturn

from reader_bridge.card.channel import CardChannel
from reader_bridge.card.errors import PinFormatError, PinOperationRefusedError
from reader_bridge.protocol.enums import KeyRole, ProfileName, SignatureAlgorithm


class CardCapability(StrEnum):
    """What a card can be used for, besides its status."""

    READ_CERTIFICATE = "read_certificate"
    SIGN = "sign"
    VERIFY_PIN = "verify_pin"
    CHANGE_PIN = "change_pin"
    SET_PIN_AS_ADMIN = "set_pin_as_admin"
    UNLOCK_WITH_PUK = "unlock_with_puk"


@dataclass(frozen=True, slots=True)
class TryCounter:
    """The tries that a PIN, PUK or key has left.

    :ivar remaining: `None` where the card does not say.
    :ivar limit: tries after a correct entry; `None` where the card does not say.
    :ivar verified: the last entry was correct, so that all tries are there.
    """

    remaining: int | None
    limit: int | None = None
    verified: bool = False

    @property
    def is_blocked(self) -> bool:
        """Whether no try is left."""
        return self.remaining == 0

    @property
    def is_last_try(self) -> bool:
        """Whether the next wrong entry could be the last one."""
        return self.remaining == 1 or (self.remaining is None and not self.verified)


@dataclass(frozen=True, slots=True)
class PinRules:
    """The form of a PIN or PUK. Checked before it is sent."""

    min_length: int
    max_length: int
    digits_only: bool = False

    def check(self, pin: bytearray) -> None:
        """Check the form of a PIN.

        :raises PinFormatError: the form is invalid.
        """
        printable = all(0x21 <= byte <= 0x7E for byte in pin)
        digits = not self.digits_only or all(0x30 <= byte <= 0x39 for byte in pin)
        if not (self.min_length <= len(pin) <= self.max_length and printable and digits):
            raise PinFormatError(self.min_length, self.max_length, self.digits_only)


@dataclass(frozen=True, slots=True)
class CardStatus:
    """What a card says without a PIN and without spending a try.

    :ivar serial: of the chip, as hex.
    :ivar card_number: IC card number (IC卡卡號), where the card has it.
    :ivar admin: of the administrator's key.
    :ivar certificates: which are there.
    """

    profile: ProfileName
    capabilities: frozenset[CardCapability] = frozenset()
    serial: str | None = None
    card_number: str | None = None
    pin: TryCounter | None = None
    puk: TryCounter | None = None
    admin: TryCounter | None = None
    certificates: tuple[KeyRole, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class StatementSignature:
    """A signature by the authentication key. ECDSA values are DER, as in X9.62."""

    algorithm: SignatureAlgorithm
    value: bytes


@dataclass(frozen=True, slots=True)
class MutualChallenge:
    """Host's and card's random values in a mutual authentication, 16 bytes each."""

    host: bytes
    card: bytes


class CardProfile(abc.ABC):
    """A card application.

    A new one is a member of :class:`ProfileName`, a subclass in the module of this package that
    bears the member's value, and its texts in `locales/card_profiles.py`.
    """

    name: ClassVar[ProfileName]
    capabilities: ClassVar[frozenset[CardCapability]] = frozenset()
    new_pin_rules: ClassVar[PinRules] = PinRules(6, 8)
    """Of a PIN that is set; 6 to 8 characters, docs/facts.md §1.4."""
    pin_entry_rules: ClassVar[PinRules] = PinRules(4, 16)
    """Of a PIN that is entered. An entry that breaks them is a slip, and spends no try."""
    puk_entry_rules: ClassVar[PinRules] = PinRules(4, 16)
    """Of a PUK that is entered."""
    min_admin_tries: ClassVar[int] = 3
    """With fewer, no authentication is started: an error on the server must not block a card."""

    def __init__(self, channel: CardChannel) -> None:
        self.channel = channel
        self._serial: str | None = None
        self._is_serial_read = False

    @classmethod
    def matches_atr(cls, atr: bytes) -> bool:
        """Whether the answer to reset alone identifies such a card."""
        return False

    @classmethod
    @abc.abstractmethod
    def recognise(cls, channel: CardChannel) -> "CardProfile | None":
        """Return the profile where the card is of this kind; `None` where it is not.

        :param channel: carries reading commands only.
        """

    def reuse(self, earlier: "CardProfile") -> None:  # noqa: B027
        """Take over what was read of this card over an earlier connection.

        Serial and tries are always read again, and everything else where the serial is another one.
        """

    def read_serial(self) -> str | None:
        """Return the serial of the chip, as hex, where it has one. Read once per connection."""
        if not self._is_serial_read:
            self._serial, self._is_serial_read = self._find_serial(), True
        return self._serial

    def _find_serial(self) -> str | None:
        """Read the serial."""
        return None

    @abc.abstractmethod
    def status(self) -> CardStatus:
        """Return what the card says without a PIN. Spends no try."""

    def read_certificate(self, role: KeyRole = KeyRole.AUTHENTICATION) -> bytes:
        """Return the certificate of a key, as DER.

        :raises CertificateMissingError: there is none.
        """
        self._refuse(CardCapability.READ_CERTIFICATE)

    def sign(self, statement: bytes) -> StatementSignature:
        """Sign a statement with the authentication key, after the PIN was verified.

        The statement is hashed here, never by the caller.
        """
        self._refuse(CardCapability.SIGN)

    def verify_pin(self, pin: bytearray, *, accept_last_try: bool = False) -> None:
        """Verify the PIN.

        :param accept_last_try: the person was told that it is the last, and agreed.
        :raises InvalidPinError: with the tries that are left.
        :raises PinBlockedError: there is no try left.
        :raises LastTryError: it would be the last; nothing was sent.
        :raises PinFormatError: it cannot be right; nothing was sent.
        """
        self._refuse(CardCapability.VERIFY_PIN)

    def change_pin(
        self, old_pin: bytearray, new_pin: bytearray, *, accept_last_try: bool = False
    ) -> None:
        """Change the PIN, with the one it is now. Raises as :meth:`verify_pin` does."""
        self._refuse(CardCapability.CHANGE_PIN)

    def begin_admin_authentication(self, host_challenge: bytes | None = None) -> MutualChallenge:
        """Ask the card for its challenge, as the first half of a mutual authentication.

        :param host_challenge: 16 bytes, from whoever holds the key; random without.
        :raises AdminTriesLowError: too few tries are left to dare one; nothing was sent.
        """
        self._refuse(CardCapability.SET_PIN_AS_ADMIN)

    def complete_admin_authentication(self, cryptogram: bytes) -> bytes:
        """Send the administrator's cryptogram; the card's answer proves the card to them.

        :raises OutOfOrderError: no challenge is open; nothing was sent.
        :raises AdminKeyRejectedError: the card refused it. It is never retried automatically.
        """
        self._refuse(CardCapability.SET_PIN_AS_ADMIN)

    def reset_retry_counter(self, new_pin: bytearray) -> None:
        """Set a new PIN with all its tries, after the administrator was authenticated.

        :raises OutOfOrderError: they are not; nothing was sent.
        """
        self._refuse(CardCapability.SET_PIN_AS_ADMIN)

    def unlock_with_puk(
        self, puk: bytearray, new_pin: bytearray, *, accept_last_try: bool = False
    ) -> None:
        """Set a new PIN with all its tries, by the PUK.

        :raises InvalidPukError: with the tries that are left.
        :raises PukBlockedError: there is no try left.
        """
        self._refuse(CardCapability.UNLOCK_WITH_PUK)

    def _refuse(self, verb: CardCapability) -> NoReturn:
        raise PinOperationRefusedError(self.name, verb)
