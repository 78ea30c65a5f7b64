"""The options of the command line, combined with the settings file."""

import locale
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import locales
from reader_bridge.app import config
from reader_bridge.app.address import ServerAddress, parse_address
from reader_bridge.app.config import AppConfig
from reader_bridge.app.pairing_link import parse_pairing_link
from reader_bridge.card.connection import CardReaders
from reader_bridge.card.pcsc import PcscReaders
from reader_bridge.client.pairing_flow import PairingLinks
from reader_bridge.virtual_card.card import VirtualCard
from reader_bridge.virtual_card.card_file import read_label
from reader_bridge.virtual_card.reader import VirtualReader

PASSPHRASE = "KAIKA_CARD_PASSPHRASE"  # noqa: S105 - the name of the variable


@dataclass(frozen=True, slots=True)
class CommandOptions:
    """The options of the command line; `None` where one is not given."""

    server: str | None = None
    ca: Path | None = None
    language: str | None = None
    virtual_card: Path | None = None
    link: str | None = None

    def with_defaults(self, other: "CommandOptions") -> "CommandOptions":
        """Return these options, filled up from those given before the command's name."""
        return CommandOptions(
            self.server if self.server is not None else other.server,
            self.ca or other.ca,
            self.language or other.language,
            self.virtual_card or other.virtual_card,
            self.link if self.link is not None else other.link,
        )


def choose_language(wanted: str | None) -> str:
    """Return the language: the wanted one, else the remembered one, else the system's."""
    if wanted:
        return locales.resolve(wanted)
    return config.load_config().language or locales.resolve(system_language())


def system_language() -> str | None:
    """Return the language of the operating system as a tag."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if tag := os.environ.get(name):
            return tag.split(".", 1)[0]
    if sys.platform == "win32":
        import ctypes

        return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage())
    return None


def server_address(options: CommandOptions) -> ServerAddress | None:
    """Return the server's address; `None` where it is neither given nor remembered.

    :raises AddressError: the given address is invalid.
    """
    if options.server is not None:
        return parse_address(options.server)
    kept = config.load_config().server
    try:
        return parse_address(kept) if kept else None
    except ValueError:
        return None  # the file was written by another hand


def pairing_links(options: CommandOptions) -> PairingLinks:
    """Return the source of codes from links, the one the app was started with first.

    :raises PairingLinkError: it was started with something else.
    """
    return PairingLinks(None if options.link is None else parse_pairing_link(options.link))


def remember(address: ServerAddress | None, language: str | None) -> None:
    """Save the server's address, and the language where the person chose it."""
    before = config.load_config()
    config.save_config(
        AppConfig(address.url if address else before.server, language or before.language)
    )


def take_passphrase_from_environment() -> str | None:
    """Return the virtual card's passphrase and remove it from the environment."""
    return os.environ.pop(PASSPHRASE, None)


def reader_factory(card: VirtualCard | None) -> Callable[[], CardReaders]:
    """Return a function that opens the readers of this PC, or one with a virtual card in it."""
    return PcscReaders if card is None else lambda: VirtualReader(card)


def open_virtual_card(path: Path, passphrase: str) -> VirtualCard:
    """Open a virtual card.

    :raises CardFileError: there is none, or the passphrase is wrong.
    :raises CardFileBusyError: another program uses it.
    """
    return VirtualCard.insert(path, passphrase)


def check_card_file(path: Path) -> None:
    """Check that a file is a virtual card, before anybody is asked for its passphrase.

    :raises CardFileError: the file is not one.
    """
    read_label(path)
