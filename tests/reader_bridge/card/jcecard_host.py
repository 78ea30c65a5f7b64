"""Runs `jcecard`, a PIV card somebody else wrote, in a process of its own, behind a reader.

In a process of its own because it writes every command it gets into its log, PINs included.
The authentication key and its certificate are put on it as its personaliser would.
"""

import importlib
import logging
import socket
import sys
from pathlib import Path

from reader_bridge.virtual_card.card_tlv import encode_tlv
from tests.reader_bridge.virtual_card.vpcd import VpcdReader

CERTIFICATE_FOR_AUTHENTICATION = bytes.fromhex("5fc105")
CHUID = bytes.fromhex("5fc102")


class Jcecard:
    """The card as a virtual reader wants it."""

    def __init__(self, directory: Path) -> None:
        self._card = importlib.import_module("jcecard.main").OpenPGPCard(
            storage_path=directory / "state"
        )
        self.atr = bytes(self._card.get_atr())
        private_key = (directory / "key.der").read_bytes()
        certificate = (directory / "certificate.der").read_bytes()
        piv = importlib.import_module("jcecard.piv.data_objects")
        key = piv.PIVKeyData(piv.PIVAlgorithm.ECC_P256, private_key, b"")
        objects = self._card._piv_applet.data_objects
        objects.put_key(piv.PIVSlot.AUTHENTICATION, key)
        objects.put_data_object(
            CERTIFICATE_FOR_AUTHENTICATION,
            encode_tlv(0x70, certificate) + encode_tlv(0x71, b"\x00") + encode_tlv(0xFE, b""),
        )
        if (serial := directory / "serial").exists():
            objects.put_data_object(
                CHUID, encode_tlv(0x34, serial.read_bytes()) + encode_tlv(0xFE, b"")
            )

    def power_on(self) -> None:
        self._card.power_on()

    def power_off(self) -> None:
        self._card.power_off()

    def reset(self) -> None:
        self._card.reset()

    def transmit(self, apdu: bytes | bytearray) -> bytes:
        return bytes(self._card.process_apdu(bytes(apdu)))


def main() -> None:
    logging.disable()
    line = socket.socket(fileno=int(sys.argv[1]))
    reader = VpcdReader(lambda: line)
    reader.insert(Jcecard(Path(sys.argv[2])))
    sys.stdin.read()
    reader.pull()


if __name__ == "__main__":
    main()
