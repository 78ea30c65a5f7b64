"""Issuing of virtual cards."""

from collections.abc import Mapping
from pathlib import Path

from reader_bridge.card.secret_buffer import SecretBuffer
from reader_bridge.virtual_card.card_content import (
    CardContainer,
    CardContent,
    CardFileLabel,
    CardState,
    ContainerKind,
)
from reader_bridge.virtual_card.card_file import CardFile
from reader_bridge.virtual_card.card_key import CardKey
from reader_bridge.virtual_card.passphrase_encryption import COST
from reader_bridge.virtual_card.pin_store import PinStore


def issue_card(
    path: Path,
    passphrase: str,
    *,
    card_number: str,
    serial: bytes,
    admin_key: bytes,
    private_keys: Mapping[str, bytes],
    certificates: Mapping[str, bytes],
    pin: SecretBuffer | None = None,
    cost: int = COST,
) -> None:
    """Write a complete card file to the disk, replacing one that is there.

    :param serial: 16 bytes, of the chip.
    :param admin_key: 24 bytes.
    :param private_keys: PKCS#8 DER of RSA keys, by `authentication`, `signature`, `encryption`.
    :param certificates: DER, by the same names.
    :param pin: without one, the card is unusable until the issuer's consent sets one.
    :raises ValueError: a value does not fit a card.
    """
    containers = tuple(
        CardContainer(kind, private_keys[kind], certificates[kind])
        for kind in ContainerKind
        if kind in private_keys
    )
    for container in containers:
        CardKey(container)  # refuses what the card could not use
    state = CardState()
    if pin is not None:
        PinStore(state, lambda: None).set(pin)
    content = CardContent(serial, admin_key, containers)
    CardFile.create(path, passphrase, CardFileLabel(card_number), content, state, cost)
