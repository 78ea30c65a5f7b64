"""Cards of NIST SP 800-73-4 (PIV), and those that deviate from it as real cards do.

All variants are accepted: a truncated AID may be needed or refused, asking for the tries of a
verified PIN may return them or `9000`, and a blocked PIN may be reported as `63C0` or `6983`.
"""

import hashlib
import zlib
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from reader_bridge.card import tlv
from reader_bridge.card.apdu import LE_ALL, CommandApdu, Instruction, StatusWord
from reader_bridge.card.certificate import find_card_number, load_certificate, load_public_key
from reader_bridge.card.channel import CardChannel
from reader_bridge.card.errors import (
    ApduError,
    CertificateMissingError,
    InvalidPinError,
    InvalidPukError,
    MalformedResponseError,
    PinBlockedError,
    PukBlockedError,
    UnsupportedKeyError,
)
from reader_bridge.card.profiles.base import (
    CardCapability,
    CardStatus,
    PinRules,
    StatementSignature,
    TryCounter,
)
from reader_bridge.card.profiles.pin_card import (
    PIN_REFERENCE,
    PinCardProfile,
    check_tries,
    encode_digest_info,
    pin_error,
)
from reader_bridge.protocol.enums import KeyRole, ProfileName, SignatureAlgorithm

RID = bytes.fromhex("a000000308")
AID = RID + bytes.fromhex("000010000100")
AID_FORMS = (AID, AID[:9], RID)
"""Complete, without the version, and only the registered provider."""
DATA_OBJECTS = 0x3FFF
PUK_REFERENCE = 0x81
PADDED_LENGTH = 8
AUTHENTICATION_KEY = 0x9A
CHUID = bytes.fromhex("5fc102")
CERTIFICATES = {
    KeyRole.AUTHENTICATION: bytes.fromhex("5fc105"),
    KeyRole.SIGNATURE: bytes.fromhex("5fc10a"),
    KeyRole.ENCRYPTION: bytes.fromhex("5fc10b"),
}
MAX_CERTIFICATE_BYTES = 16_384

_RSA = {1024: 0x06, 2048: 0x07, 3072: 0x05, 4096: 0x16}
_GZIP = 16 + zlib.MAX_WBITS


class PivProfile(PinCardProfile):
    """A PIV card."""

    name = ProfileName.PIV
    capabilities = frozenset(
        {
            CardCapability.READ_CERTIFICATE,
            CardCapability.SIGN,
            CardCapability.VERIFY_PIN,
            CardCapability.CHANGE_PIN,
            CardCapability.UNLOCK_WITH_PUK,
        }
    )
    new_pin_rules: ClassVar[PinRules] = PinRules(6, PADDED_LENGTH, digits_only=True)
    pin_entry_rules: ClassVar[PinRules] = PinRules(4, PADDED_LENGTH)
    puk_entry_rules: ClassVar[PinRules] = PinRules(4, PADDED_LENGTH)

    @classmethod
    def recognise(cls, channel: CardChannel) -> "PivProfile | None":
        """Select the application; `None` where the card has none."""
        for form in AID_FORMS:
            try:
                answer = channel.select(form)
                if _is_piv_template(answer):
                    return cls(channel.for_profile(cls.name))
            except (ApduError, MalformedResponseError):
                continue
        return None

    def status(self) -> CardStatus:
        """Return what the card says without a PIN. Spends no try."""
        certificates = {role: self._find_certificate(role) for role in KeyRole}
        present = {role: der for role, der in certificates.items() if der}
        numbers = (find_card_number(load_certificate(der)) for der in present.values())
        return CardStatus(
            profile=self.name,
            capabilities=self.capabilities,
            serial=self.read_serial(),
            card_number=next((number for number in numbers if number), None),
            pin=self._read_pin_tries(),
            puk=self._read_tries(PUK_REFERENCE),
            certificates=tuple(present),
        )

    def read_certificate(self, role: KeyRole = KeyRole.AUTHENTICATION) -> bytes:
        """Return the certificate of a key, as DER."""
        certificate = self._find_certificate(role)
        if not certificate:
            raise CertificateMissingError(role)
        return certificate

    def unlock_with_puk(
        self, puk: bytearray, new_pin: bytearray, *, accept_last_try: bool = False
    ) -> None:
        """Set a new PIN with all its tries, by the PUK.

        Many cards do not report the PUK's tries. Such a PUK is sent without `accept_last_try`; the
        person is warned by the counter in the answer to a wrong one.
        """
        self.puk_entry_rules.check(puk)
        self.new_pin_rules.check(new_pin)
        tries = self._read_tries(PUK_REFERENCE)
        try:
            if tries.remaining is not None:
                check_tries(tries, accept_last_try=accept_last_try)
            self._send_pin(Instruction.RESET_RETRY_COUNTER, 0x00, puk, new_pin)
        except PinBlockedError as error:
            raise PukBlockedError from error
        except InvalidPinError as error:
            raise InvalidPukError(error.attempts_remaining) from error

    def sign(self, statement: bytes) -> StatementSignature:
        """Sign a whole statement with the key for authentication (9A)."""
        key = load_public_key(self.read_certificate(KeyRole.AUTHENTICATION))
        if isinstance(key, RSAPublicKey) and key.key_size in _RSA:
            value = self._use_key(_RSA[key.key_size], _pad_digest(statement, key.key_size))
            if len(value) != key.key_size // 8:
                raise MalformedResponseError("length of signature")
            return StatementSignature(SignatureAlgorithm.RS256, value)
        if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
            value = self._use_key(0x11, hashlib.sha256(statement).digest())
            return StatementSignature(SignatureAlgorithm.ES256, value)
        if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP384R1):
            value = self._use_key(0x14, hashlib.sha384(statement).digest())
            return StatementSignature(SignatureAlgorithm.ES384, value)
        raise UnsupportedKeyError(type(key).__name__)

    def _use_key(self, algorithm: int, block: bytes) -> bytes:
        template = tlv.encode(0x7C, tlv.encode(0x82, b"") + tlv.encode(0x81, block))
        answer = self.channel.send(
            CommandApdu(
                0x00,
                Instruction.GENERAL_AUTHENTICATE,
                algorithm,
                AUTHENTICATION_KEY,
                template,
                LE_ALL,
            )
        )
        return tlv.require(answer, 0x7C, 0x82)

    def _padding(self, pin: bytearray) -> bytes:
        return b"\xff" * (PADDED_LENGTH - len(pin))

    def _read_pin_tries(self) -> TryCounter:
        return self._read_tries(PIN_REFERENCE)

    def _read_tries(self, reference: int) -> TryCounter:
        """Read the tries: `VERIFY` without data spends none (SP 800-73-4 part 2, §3.2.1)."""
        answer = self.channel.exchange(CommandApdu(0x00, Instruction.VERIFY, 0x00, reference))
        if answer.ok:
            return TryCounter(None, verified=True)
        error = pin_error(answer.status_word, Instruction.VERIFY)
        if isinstance(error, PinBlockedError):
            return TryCounter(0)
        if isinstance(error, InvalidPinError):
            return TryCounter(error.attempts_remaining)
        return TryCounter(None)

    def _find_serial(self) -> str | None:
        """Read the card's GUID, the identifier in its CHUID (SP 800-73-4 part 1, §3.1.2)."""
        content = self._find_object(CHUID)
        try:
            guid = tlv.find(content or b"", 0x34)
        except MalformedResponseError:
            return None
        return guid.hex() if guid and any(guid) else None

    def _find_certificate(self, role: KeyRole) -> bytes | None:
        content = self._find_object(CERTIFICATES[role])
        certificate = tlv.find(content, 0x70) if content else None
        if not content or not certificate:
            return None
        info = tlv.find(content, 0x71)
        return _gunzip(certificate) if info and info[0] & 0x01 else certificate

    def _find_object(self, name: bytes) -> bytes | None:
        try:
            return tlv.find(self.channel.get_data(DATA_OBJECTS, tlv.encode(0x5C, name)), 0x53)
        except ApduError as error:
            if error.status_word in (StatusWord.NOT_FOUND, StatusWord.REFERENCED_DATA_NOT_FOUND):
                return None
            raise


def _is_piv_template(answer: bytes) -> bool:
    """Whether the answer to SELECT is PIV's, and not that of a card that accepts any AID.

    The template names the whole AID or only what follows the RID (part 2, table 3), and who
    allocated it; some cards omit the template's own tag.
    """
    template = tlv.find(answer, 0x61) or answer
    named = tlv.find(template, 0x4F) or b""
    authority = tlv.find(template, 0x79, 0x4F) or b""
    return named.startswith((RID, AID[len(RID) : 9])) or authority.startswith(RID)


def _pad_digest(statement: bytes, bits: int) -> bytes:
    """EMSA-PKCS1-v1_5 (RFC 8017 §9.2): a PIV card computes the bare RSA."""
    content = encode_digest_info(statement)
    return b"\x00\x01" + b"\xff" * (bits // 8 - len(content) - 3) + b"\x00" + content


def _gunzip(packed: bytes) -> bytes:
    try:
        unpacked = zlib.decompressobj(_GZIP).decompress(packed, MAX_CERTIFICATE_BYTES + 1)
    except zlib.error as error:
        raise MalformedResponseError("packing of certificate") from error
    if len(unpacked) > MAX_CERTIFICATE_BYTES:
        raise MalformedResponseError("length of certificate")
    return unpacked
