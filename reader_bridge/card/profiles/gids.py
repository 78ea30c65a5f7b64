"""Cards of Microsoft's Generic Identity Device Specification 2.0 (GIDS): the reference profile.

The administrator's authentication is the one Windows and OpenSC perform: three keys of DES in CBC
mode over both challenges, with the host's half computed elsewhere, by whoever holds the key.
"""

import os
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from reader_bridge.card import tlv
from reader_bridge.card.apdu import LE_ALL, CommandApdu, Instruction, ResponseApdu, StatusWord
from reader_bridge.card.certificate import (
    CARD_NUMBER_PATTERN,
    find_card_number,
    key_role,
    load_certificate,
    load_public_key,
)
from reader_bridge.card.channel import CardChannel
from reader_bridge.card.errors import (
    AdminKeyRejectedError,
    AdminTriesLowError,
    ApduError,
    CardError,
    CertificateMissingError,
    CryptogramFormatError,
    MalformedResponseError,
    OutOfOrderError,
    UnsupportedKeyError,
)
from reader_bridge.card.profiles import gids_files
from reader_bridge.card.profiles.base import (
    CardCapability,
    CardProfile,
    CardStatus,
    MutualChallenge,
    PinRules,
    StatementSignature,
    TryCounter,
)
from reader_bridge.card.profiles.pin_card import (
    BLOCKED_STATUS_WORDS,
    PinCardProfile,
    encode_digest_info,
)
from reader_bridge.protocol.enums import KeyRole, ProfileName, SignatureAlgorithm

AID = bytes.fromhex("a00000039742544659")
"""Without the version that follows it."""
APPLET = 0x3FFF
ADMIN_KEY = 0x80
PIN_STATUS, ADMIN_STATUS = 0x7F71, 0x7F73
TRIES_REMAINING, TRIES_LIMIT = 0x97, 0x93
OLD_TRIES_REMAINING = 0x9F17
"""In the first version of the specification."""
CHALLENGE_BYTES, CRYPTOGRAM_BYTES = 16, 40

_ABSENT_STATUS_WORDS = (
    StatusWord.NOT_FOUND,
    StatusWord.REFERENCED_DATA_NOT_FOUND,
    StatusWord.REFERENCE_DATA_NOT_USABLE,
    StatusWord.FUNCTION_NOT_SUPPORTED,
)
_RSA_PKCS1 = {1024: 0x56, 2048: 0x57, 3072: 0x58, 4096: 0x59}


class GidsProfile(PinCardProfile):
    """A GIDS card."""

    name = ProfileName.GIDS
    capabilities = frozenset(
        {
            CardCapability.READ_CERTIFICATE,
            CardCapability.SIGN,
            CardCapability.VERIFY_PIN,
            CardCapability.CHANGE_PIN,
            CardCapability.SET_PIN_AS_ADMIN,
        }
    )
    pin_entry_rules: ClassVar[PinRules] = PinRules(4, 16)

    def __init__(self, channel: CardChannel) -> None:
        super().__init__(channel)
        self._identifier: bytes | None = None
        self._files: dict[tuple[str, str], tuple[int, int]] | None = None
        self._keys: dict[KeyRole, tuple[gids_files.KeyContainer, bytes]] = {}
        self._all_keys_read = False
        self._challenge_open = False
        self._admin_authenticated = False

    @classmethod
    def recognise(cls, channel: CardChannel) -> "GidsProfile | None":
        """Select the application; `None` where the card has none."""
        try:
            answer = channel.select(AID)
            named = tlv.find(answer, 0x61, 0x4F) or tlv.find(answer, 0x6F, 0x84)
        except (ApduError, MalformedResponseError):
            return None
        return cls(channel.for_profile(cls.name)) if named and named.startswith(AID) else None

    def reuse(self, earlier: CardProfile) -> None:
        """Take over files, keys and certificates."""
        if isinstance(earlier, GidsProfile):
            self._identifier, self._files = earlier._identifier, earlier._files
            self._keys, self._all_keys_read = dict(earlier._keys), earlier._all_keys_read

    def status(self) -> CardStatus:
        """Return what the card says without a PIN. Spends no try."""
        serial = self.read_serial()
        self._read_keys()
        return CardStatus(
            profile=self.name,
            capabilities=self.capabilities,
            serial=serial,
            card_number=self._find_card_number(),
            pin=self._read_pin_tries(),
            admin=self._read_tries(ADMIN_STATUS),
            certificates=tuple(role for role in KeyRole if role in self._keys),
        )

    def read_certificate(self, role: KeyRole = KeyRole.AUTHENTICATION) -> bytes:
        """Return the certificate of a key, as DER."""
        return self._find_key(role)[1]

    def begin_admin_authentication(self, host_challenge: bytes | None = None) -> MutualChallenge:
        """Ask the card for its challenge, as the first half of a mutual authentication."""
        self._challenge_open = self._admin_authenticated = False
        tries = self._read_tries(ADMIN_STATUS).remaining
        if tries is None or tries < self.min_admin_tries:
            raise AdminTriesLowError(tries, self.min_admin_tries)
        host = host_challenge or os.urandom(CHALLENGE_BYTES)
        if len(host) != CHALLENGE_BYTES:
            raise CryptogramFormatError
        use_admin_key = bytes((0x83, 0x01, ADMIN_KEY))
        self.channel.send(
            CommandApdu(0x00, Instruction.MANAGE_SECURITY_ENVIRONMENT, 0xC1, 0xA4, use_admin_key)
        )
        answer = self._authenticate(tlv.encode(0x81, host))
        if not answer.ok:
            raise ApduError(answer.status_word, Instruction.GENERAL_AUTHENTICATE)
        card = tlv.require(answer.data, 0x7C, 0x81)
        if len(card) != CHALLENGE_BYTES:
            raise MalformedResponseError("length of challenge")
        self._challenge_open = True
        return MutualChallenge(host, card)

    def complete_admin_authentication(self, cryptogram: bytes) -> bytes:
        """Send the administrator's cryptogram; the card's answer proves the card to them."""
        if not self._challenge_open:
            raise OutOfOrderError("complete_admin_authentication")
        if len(cryptogram) != CRYPTOGRAM_BYTES:
            raise CryptogramFormatError
        self._challenge_open = False
        answer = self._authenticate(tlv.encode(0x82, cryptogram), secret=True)
        if not answer.ok:
            raise AdminKeyRejectedError(self._admin_tries_after(answer))
        card_answer = tlv.require(answer.data, 0x7C, 0x82)
        if len(card_answer) != CRYPTOGRAM_BYTES:
            raise MalformedResponseError("length of cryptogram")
        self._admin_authenticated = True
        return card_answer

    def reset_retry_counter(self, new_pin: bytearray) -> None:
        """Set a new PIN with all its tries, after the administrator was authenticated."""
        self.new_pin_rules.check(new_pin)
        if not self._admin_authenticated:
            raise OutOfOrderError("reset_retry_counter")
        self._admin_authenticated = False
        self._send_pin(Instruction.RESET_RETRY_COUNTER, 0x02, new_pin)

    def sign(self, statement: bytes) -> StatementSignature:
        """Sign a whole statement with the authentication key, as PKCS #1 v1.5 over SHA-256."""
        container, certificate = self._find_key(KeyRole.AUTHENTICATION)
        key = load_public_key(certificate)
        if not isinstance(key, RSAPublicKey) or key.key_size not in _RSA_PKCS1:
            raise UnsupportedKeyError(type(key).__name__)
        chosen = bytes((0x80, 0x01, _RSA_PKCS1[key.key_size], 0x84, 0x01, container.key_reference))
        self.channel.send(
            CommandApdu(0x00, Instruction.MANAGE_SECURITY_ENVIRONMENT, 0x41, 0xB6, chosen)
        )
        value = self.channel.send(
            CommandApdu(
                0x00,
                Instruction.PERFORM_SECURITY_OPERATION,
                0x9E,
                0x9A,
                encode_digest_info(statement),
                LE_ALL,
            )
        )
        if len(value) != key.key_size // 8:
            raise MalformedResponseError("length of signature")
        return StatementSignature(SignatureAlgorithm.RS256, value)

    def _find_serial(self) -> str:
        """Read the card's identifier; what was read of a card with another one is forgotten."""
        identifier = self._read_object(*gids_files.CARD_ID)
        if self._identifier not in (None, identifier):
            self._files, self._keys, self._all_keys_read = None, {}, False
        self._identifier = identifier
        return identifier.hex()

    def _read_pin_tries(self) -> TryCounter:
        return self._read_tries(PIN_STATUS)

    def _authenticate(self, step: bytes, *, secret: bool = False) -> ResponseApdu:
        data = tlv.encode(0x7C, step)
        return self.channel.exchange(
            CommandApdu(0x00, Instruction.GENERAL_AUTHENTICATE, 0, 0, data, LE_ALL, secret)
        )

    def _admin_tries_after(self, answer: ResponseApdu) -> int | None:
        if answer.status_word in BLOCKED_STATUS_WORDS:
            return 0
        if answer.status_word & 0xFFF0 == StatusWord.NO_TRIES_LEFT:
            return answer.status_word & 0x0F
        try:
            return self._read_tries(ADMIN_STATUS).remaining
        except CardError:
            return None  # what matters is that it was rejected

    def _read_tries(self, data_object: int) -> TryCounter:
        try:
            answer = self.channel.get_data(APPLET, _object_request(data_object))
        except ApduError as error:
            if error.status_word in _ABSENT_STATUS_WORDS:
                return TryCounter(None)
            raise
        status = tlv.require(answer, data_object)
        remaining = _find_byte(status, TRIES_REMAINING)
        if remaining is None:
            remaining = _find_byte(status, OLD_TRIES_REMAINING)
        return TryCounter(remaining, _find_byte(status, TRIES_LIMIT))

    def _find_card_number(self) -> str | None:
        text = (self._identifier or b"").decode("ascii", "replace")
        if CARD_NUMBER_PATTERN.fullmatch(text):
            return text
        numbers = (find_card_number(load_certificate(der)) for _, der in self._keys.values())
        return next((number for number in numbers if number), None)

    def _find_key(self, role: KeyRole) -> tuple[gids_files.KeyContainer, bytes]:
        if role not in self._keys:
            self._read_keys(until=role)
        if role not in self._keys:
            raise CertificateMissingError(role)
        return self._keys[role]

    def _read_keys(self, until: KeyRole | None = None) -> None:
        """Read keys and certificates; the default container first, so that few reads suffice."""
        if self._all_keys_read:
            return
        for container in gids_files.parse_container_map(self._read_file("mscp", "cmapfile") or b""):
            packed = self._read_file("mscp", container.certificate_file)
            if not packed:
                continue
            certificate = gids_files.unpack_certificate(packed)
            role = key_role(load_certificate(certificate))
            if role is not None:
                self._keys.setdefault(role, (container, certificate))
            if role is until is not None:
                return
        self._all_keys_read = True

    def _read_file(self, directory: str, name: str) -> bytes | None:
        if self._files is None:
            content = self._read_object(*gids_files.MASTER_FILE)
            self._files = gids_files.parse_master_file(content)
        where = self._files.get((directory, name))
        return self._read_object(*where) if where else None

    def _read_object(self, file: int, data_object: int) -> bytes:
        return tlv.require(self.channel.get_data(file, _object_request(data_object)), data_object)


def _object_request(data_object: int) -> bytes:
    return tlv.encode(0x5C, data_object.to_bytes(2, "big"))


def _find_byte(status: bytes, tag: int) -> int | None:
    value = tlv.find(status, tag)
    return value[0] if value is not None and len(value) == 1 else None
