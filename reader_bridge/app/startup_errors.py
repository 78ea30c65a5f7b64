"""The errors that keep the app from starting, and their texts."""

from reader_bridge.app.address import AddressError, AddressFault
from reader_bridge.app.pairing_link import PairingLinkError
from reader_bridge.app.tls import AuthorityFileError
from reader_bridge.app.translation import N_, localise, sanitise
from reader_bridge.card.errors import PcscMissingError
from reader_bridge.virtual_card.card_file import CardFileError, WrongPassphraseError
from reader_bridge.virtual_card.file_lock import CardFileBusyError


class PassphraseMissingError(Exception):
    """The virtual card needs a passphrase, and nobody can be asked for it."""


class ServerAddressMissingError(Exception):
    """The server's address is unknown, and nobody can be asked for it."""


class TerminalMissingError(Exception):
    """Something has to be asked, and there is no terminal."""


class WindowUnavailableError(Exception):
    """The app was installed without its window, or there is no screen to show it on."""


STARTUP_ERRORS = (
    AddressError,
    AuthorityFileError,
    CardFileBusyError,
    CardFileError,
    PairingLinkError,
    PassphraseMissingError,
    ServerAddressMissingError,
    TerminalMissingError,
    WindowUnavailableError,
    PcscMissingError,
)
"""Errors that are printed as a sentence instead of a traceback."""

ADDRESS_FAULT_TEXTS = {
    AddressFault.EMPTY: N_("No address was given. The chat shows you the server's address."),
    AddressFault.NOT_AN_ADDRESS: N_(
        "This is not an address. Copy it from the chat; it looks like wss://kaika.example."
    ),
    AddressFault.SCHEME: N_("An address begins with wss:// (or https://). Copy it from the chat."),
    AddressFault.PLAIN_NOT_LOOPBACK: N_(
        "This address begins with ws:// or http://: everybody on the way could read along and take "
        "over, so Kaika does not use it. Only this PC itself may be reached so. Use wss://."
    ),
    AddressFault.CREDENTIALS: N_(
        "This address holds a user name or password before an @. Such addresses are used to "
        "deceive; copy the right one from the chat."
    ),
    AddressFault.EXTRAS: N_(
        "This address has something behind a ? or #. Copy the address from the chat as it is."
    ),
}
_ERROR_TEXTS = {
    WrongPassphraseError: N_("The passphrase of the virtual card is wrong."),
    CardFileError: N_("This file is missing, broken, or not a virtual card."),
    CardFileBusyError: N_(
        "The virtual card is in use by another program. Close that program, and try again."
    ),
    PairingLinkError: N_(
        "This link holds no pairing code. Go back to the chat in Telegram and have it show one."
    ),
    PassphraseMissingError: N_(
        "The virtual card needs its passphrase: start in a terminal, or set KAIKA_CARD_PASSPHRASE."
    ),
    ServerAddressMissingError: N_(
        "Say which server: kaika-bridge --server ADDRESS, as shown in the chat."
    ),
    TerminalMissingError: N_(
        "Start this in a terminal window, because you will be asked there; or add --window."
    ),
    PcscMissingError: N_(
        "The software for card readers is missing. kaika-bridge check says what to install."
    ),
    WindowUnavailableError: N_(
        "No window can be opened here: the screen cannot be reached, or something is missing. "
        "Start without --window, or install what is missing: pip install 'kaika[bridge-gui]'; on "
        "Debian and Ubuntu also: sudo apt install libglib2.0-bin libegl1 libxkbcommon-x11-0 "
        "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1"
    ),
}


def startup_error_text(error: Exception, language: str) -> str:
    """Return the sentence for an error that keeps the app from starting."""
    if isinstance(error, AddressError):
        return localise(language, ADDRESS_FAULT_TEXTS[error.fault])
    if isinstance(error, AuthorityFileError):
        message = (
            N_("The file {name} holds no certificate. Give a PEM file with --ca.")
            if error.readable
            else N_("The file {name} cannot be read. Check its place and name after --ca.")
        )
        return localise(language, message, name=sanitise(error.name))
    return localise(
        language, next(text for kind, text in _ERROR_TEXTS.items() if isinstance(error, kind))
    )
