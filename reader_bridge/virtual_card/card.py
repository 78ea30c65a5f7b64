"""The virtual GIDS card: its commands, and the state between them."""

from collections.abc import Callable
from pathlib import Path

from reader_bridge.card.secret_buffer import wipe
from reader_bridge.virtual_card import data_objects
from reader_bridge.virtual_card.admin_authentication import (
    CHALLENGE_BYTES,
    CRYPTOGRAM_BYTES,
    AdminAuthentication,
)
from reader_bridge.virtual_card.card_command import (
    CHAINING_BIT,
    MAX_SHORT_RESPONSE,
    CardCommand,
    CardStatusWord,
    CommandRefusedError,
    parse_command,
)
from reader_bridge.virtual_card.card_file import CardFile
from reader_bridge.virtual_card.card_key import MAX_DIGEST_INFO_BYTES, CardKey
from reader_bridge.virtual_card.card_tlv import MalformedDataError, decode_tlv, encode_tlv
from reader_bridge.virtual_card.pin_store import PinStore, is_valid_new_pin

AID = bytes.fromhex("a000000397425446590201")
MIN_AID_BYTES = 9
FCI = encode_tlv(0x61, encode_tlv(0x4F, AID) + encode_tlv(0x73, encode_tlv(0x40, b"\xc0")))
ATR = bytes.fromhex("3b8b018073c001c0554b61696b61")
"""T=1; chaining and extended length; issuer's data `Kaika`. The check byte follows."""
APPLET, ROOT = 0x3FFF, 0x3F00
PIN, ADMIN_KEY, DEAUTHENTICATE = 0x80, 0x80, 0x82
PIN_STATUS, ADMIN_STATUS = 0x7F71, 0x7F73
MAX_PIN_BYTES = 32
MAX_COMMAND_BYTES = 4096


def _full_atr() -> bytes:
    check = 0
    for byte in ATR[1:]:
        check ^= byte
    return ATR + bytes((check,))


class VirtualCard:
    """A card whose memory is a :class:`CardFile`. Everything else is lost with the power."""

    def __init__(self, file: CardFile) -> None:
        self.file = file
        content, state = file.content, file.state
        self._keys = {
            data_objects.FIRST_KEY + index: CardKey(container)
            for index, container in enumerate(content.containers)
        }
        bits = {key.kind: key.bits for key in self._keys.values()}
        self._objects = data_objects.build_data_objects(content, bits)
        self._pin = PinStore(state, file.save)
        self._admin = AdminAuthentication(content.admin_key, state, file.save)
        self._handlers: dict[int, Callable[[CardCommand], bytes]] = {
            0x20: self._verify,
            0x22: self._manage_security_environment,
            0x24: self._change_reference_data,
            0x2A: self._perform_security_operation,
            0x2C: self._reset_retry_counter,
            0x87: self._general_authenticate,
            0xA4: self._select,
            0xCB: self._get_data,
        }
        self.reset()

    @classmethod
    def insert(cls, path: Path, passphrase: str) -> "VirtualCard":
        """Open a card file as a card."""
        return cls(CardFile.open(path, passphrase))

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        return _full_atr()

    def close(self) -> None:
        """Reset the card and release its file."""
        self.reset()
        self.file.close()

    def power_on(self) -> None:
        """Start a session."""
        self.reset()

    def power_off(self) -> None:
        """End the session."""
        self.reset()

    def reset(self) -> None:
        """Forget everything that is not in the file."""
        self._selected = False
        self._verified = False
        self._admin.reset()
        self._admin_chosen = False
        self._chosen: tuple[str, int, CardKey] | None = None
        self._parts = bytearray()
        self._parts_of: tuple[int, int] | None = None
        self._rest = b""

    def transmit(self, apdu: bytes | bytearray) -> bytes:
        """Execute a command and return the answer with its status word."""
        try:
            return self._execute(parse_command(apdu))
        except CommandRefusedError as refusal:
            return refusal.status_word.to_bytes(2, "big")
        except MalformedDataError:
            return CardStatusWord.WRONG_DATA.to_bytes(2, "big")

    def _execute(self, command: CardCommand) -> bytes:
        if command.cla & ~CHAINING_BIT:
            raise CommandRefusedError(CardStatusWord.UNKNOWN_CLASS)
        if command.ins == 0xC0 and self._rest:
            return self._first_portion(self._rest, command.expected)
        self._rest = b""
        whole = self._assemble_chain(command)
        if whole is None:
            return CardStatusWord.OK.to_bytes(2, "big")
        handler = self._handlers.get(whole.ins)
        if handler is None:
            raise CommandRefusedError(CardStatusWord.UNKNOWN_INSTRUCTION)
        if not self._selected and whole.ins != 0xA4:
            raise CommandRefusedError(CardStatusWord.CONDITIONS)
        try:
            return self._first_portion(handler(whole), whole.expected)
        finally:
            wipe(whole.data)

    def _assemble_chain(self, command: CardCommand) -> CardCommand | None:
        """Return the whole command; `None` while parts of a chained one are missing."""
        name = command.ins, command.reference
        if self._parts_of not in (None, name):
            self._parts, self._parts_of = bytearray(), None
            raise CommandRefusedError(CardStatusWord.CONDITIONS)
        self._parts += command.data
        wipe(command.data)
        if len(self._parts) > MAX_COMMAND_BYTES:
            self._parts, self._parts_of = bytearray(), None
            raise CommandRefusedError(CardStatusWord.WRONG_LENGTH)
        if command.cla & CHAINING_BIT:
            self._parts_of = name
            return None
        data, self._parts, self._parts_of = self._parts, bytearray(), None
        return CardCommand(command.cla, command.ins, command.p1, command.p2, data, command.expected)

    def _first_portion(self, answer: bytes, expected: int) -> bytes:
        """Return what fits of an answer, and keep the rest for GET RESPONSE."""
        portion, self._rest = answer[:expected], answer[expected:]
        if self._rest:
            return portion + bytes((0x61, min(len(self._rest), MAX_SHORT_RESPONSE) & 0xFF))
        return portion + CardStatusWord.OK.to_bytes(2, "big")

    def _select(self, command: CardCommand) -> bytes:
        name = bytes(command.data)
        if command.p1 == 0x04:
            if len(name) < MIN_AID_BYTES or not AID.startswith(name):
                raise CommandRefusedError(CardStatusWord.NOT_FOUND)
            self.reset()
            self._selected = True
            return FCI
        known = {ROOT, APPLET, *(file for file, _ in self._objects)}
        known |= {0xB000 + reference for reference in self._keys}
        if not self._selected or int.from_bytes(name, "big") not in known or len(name) != 2:
            raise CommandRefusedError(CardStatusWord.NOT_FOUND)
        return b"" if command.p2 & 0x0C == 0x0C else encode_tlv(0x62, encode_tlv(0x83, name))

    def _get_data(self, command: CardCommand) -> bytes:
        request = decode_tlv(bytes(command.data))
        if command.reference == APPLET and 0x70 in request:
            reference = decode_tlv(request[0x70]).get(0x84, b"")
            key = self._keys.get(int.from_bytes(reference, "big"))
            if key is None:
                raise CommandRefusedError(CardStatusWord.REFERENCE_NOT_FOUND)
            return key.public_template()
        tag = int.from_bytes(request.get(0x5C, b""), "big")
        if command.reference == APPLET:
            return self._tries(tag)
        value = self._objects.get((command.reference, tag))
        if value is None:
            raise CommandRefusedError(CardStatusWord.REFERENCE_NOT_FOUND)
        return encode_tlv(tag, value)

    def _tries(self, tag: int) -> bytes:
        state = self.file.state
        if tag == PIN_STATUS:
            remaining, limit = (0 if state.pin is None else state.pin_tries), state.pin_limit
        elif tag == ADMIN_STATUS:
            remaining, limit = state.admin_tries, state.admin_limit
        else:
            raise CommandRefusedError(CardStatusWord.REFERENCE_NOT_FOUND)
        return encode_tlv(
            tag, encode_tlv(0x97, bytes((remaining,))) + encode_tlv(0x93, bytes((limit,)))
        )

    def _verify(self, command: CardCommand) -> bytes:
        if command.reference == DEAUTHENTICATE:
            self._verified = False
            self._admin.reset()
            return b""
        self._require(command.reference in (0x00, PIN), CardStatusWord.REFERENCE_NOT_FOUND)
        if not command.data:
            if not self._verified:
                self._refuse_pin()
            return b""
        self._check_pin(command.data)
        return b""

    def _change_reference_data(self, command: CardCommand) -> bytes:
        self._require(command.reference == PIN, CardStatusWord.WRONG_P1_P2)
        old, new = self._pin.split(command.data)
        try:
            if not is_valid_new_pin(new):
                self._check_pin(old)
                raise CommandRefusedError(CardStatusWord.WRONG_DATA)
            self._verified = self._pin.change(old, new)
            if not self._verified:
                self._refuse_pin()
        finally:
            wipe(old)
            wipe(new)
        return b""

    def _reset_retry_counter(self, command: CardCommand) -> bytes:
        """Set the PIN with the administrator's authentication, which is used up by it."""
        self._require(command.reference == 0x0200 | PIN, CardStatusWord.WRONG_P1_P2)
        self._require(self._admin.is_authenticated, CardStatusWord.SECURITY)
        self._require(is_valid_new_pin(command.data), CardStatusWord.WRONG_DATA)
        self._pin.set(command.data)
        self._verified = False
        self._admin.reset()
        return b""

    def _check_pin(self, pin: bytearray) -> None:
        self._require(len(pin) <= MAX_PIN_BYTES, CardStatusWord.WRONG_LENGTH)
        self._verified = False
        if self._pin.is_blocked or not self._pin.verify(pin):
            self._refuse_pin()
        self._verified = True

    def _refuse_pin(self) -> None:
        if self._pin.is_blocked:
            raise CommandRefusedError(CardStatusWord.BLOCKED)
        raise CommandRefusedError(CardStatusWord.WRONG_TRIES | self.file.state.pin_tries)

    def _manage_security_environment(self, command: CardCommand) -> bytes:
        request = decode_tlv(bytes(command.data))
        self._chosen, self._admin_chosen = None, False
        if command.reference == 0xC1A4:
            self._require(
                request.get(0x83) == bytes((ADMIN_KEY,)), CardStatusWord.REFERENCE_NOT_FOUND
            )
            self._admin_chosen = True
            return b""
        purpose = {0x41B6: "sign", 0x41B8: "decrypt"}.get(command.reference)
        self._require(purpose is not None, CardStatusWord.WRONG_P1_P2)
        reference = request.get(0x84) or request.get(0x83) or b""
        key = self._keys.get(int.from_bytes(reference, "big"))
        if key is None:
            raise CommandRefusedError(CardStatusWord.REFERENCE_NOT_FOUND)
        algorithm = int.from_bytes(request.get(0x80, b""), "big")
        fits = key.can_sign if purpose == "sign" else key.can_decrypt
        self._require(fits(algorithm), CardStatusWord.WRONG_DATA)
        self._chosen = purpose or "", algorithm, key
        return b""

    def _perform_security_operation(self, command: CardCommand) -> bytes:
        purpose = {0x9E9A: "sign", 0x8086: "decrypt"}.get(command.reference)
        self._require(purpose is not None, CardStatusWord.WRONG_P1_P2)
        if self._chosen is None or self._chosen[0] != purpose:
            raise CommandRefusedError(CardStatusWord.CONDITIONS)
        self._require(self._verified, CardStatusWord.SECURITY)
        key, data = self._chosen[2], bytes(command.data)
        if purpose == "sign":
            self._require(0 < len(data) <= MAX_DIGEST_INFO_BYTES, CardStatusWord.WRONG_LENGTH)
            return key.sign(data)
        self._require(len(data) == key.bits // 8, CardStatusWord.WRONG_LENGTH)
        return key.decrypt(data)

    def _general_authenticate(self, command: CardCommand) -> bytes:
        self._require(command.reference == 0, CardStatusWord.WRONG_P1_P2)
        self._require(self._admin_chosen, CardStatusWord.CONDITIONS)
        request = decode_tlv(decode_tlv(bytes(command.data)).get(0x7C, b""))
        if 0x81 in request:
            self._require(len(request[0x81]) == CHALLENGE_BYTES, CardStatusWord.WRONG_DATA)
            return encode_tlv(0x7C, encode_tlv(0x81, self._admin.begin(request[0x81])))
        proof = request.get(0x82, b"")
        self._require(self._admin.is_challenge_open, CardStatusWord.CONDITIONS)
        self._require(len(proof) == CRYPTOGRAM_BYTES, CardStatusWord.WRONG_DATA)
        answer = self._admin.complete(proof)
        if answer is None:
            if self._admin.is_blocked:
                raise CommandRefusedError(CardStatusWord.BLOCKED)
            raise CommandRefusedError(CardStatusWord.WRONG_TRIES | self.file.state.admin_tries)
        return encode_tlv(0x7C, encode_tlv(0x82, answer))

    @staticmethod
    def _require(condition: bool, otherwise: CardStatusWord) -> None:
        if not condition:
            raise CommandRefusedError(otherwise)
