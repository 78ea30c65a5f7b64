"""What keeps the app from starting, and the sentence that helps."""

from reader_bridge.app.address import AddressError, AddressFault
from reader_bridge.app.terminal.keys import NoTerminalError
from reader_bridge.app.trust import AuthorityFileError
from reader_bridge.app.words import N_, foreign, say
from reader_bridge.card.errors import PcscMissingError
from reader_bridge.virtual_card.file import CardFileError, WrongPassphraseError
from reader_bridge.virtual_card.file_lock import CardFileBusyError


class NoPassphraseError(Exception):
    """A virtual card needs its passphrase, and nobody can be asked for it."""


class NoServerError(Exception):
    """The server's address is not known, and nobody can be asked for it."""


class NoWindowError(Exception):
    """The app was installed without its window, or there is no screen to show it on."""


STOPPERS = (
    AddressError,
    AuthorityFileError,
    CardFileBusyError,
    CardFileError,
    NoPassphraseError,
    NoServerError,
    NoTerminalError,
    NoWindowError,
    PcscMissingError,
)
"""Every error that ends a start with a sentence instead of a traceback."""

ADDRESS = {
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
_OTHERS = {
    WrongPassphraseError: N_("The passphrase of the virtual card is wrong."),
    CardFileError: N_("This file is missing, broken, or not a virtual card."),
    CardFileBusyError: N_(
        "The virtual card is in use by another program. Close that program, and try again."
    ),
    NoPassphraseError: N_(
        "The virtual card needs its passphrase: start in a terminal, or set KAIKA_CARD_PASSPHRASE."
    ),
    NoServerError: N_("Say which server: kaika-bridge --server ADDRESS, as shown in the chat."),
    NoTerminalError: N_(
        "Start this in a terminal window, because you will be asked there; or add --window."
    ),
    PcscMissingError: N_(
        "This app was installed without access to card readers. Install it again with it: "
        "pip install 'kaika[bridge]'"
    ),
    NoWindowError: N_(
        "There is no window here: either there is no screen, or the app was installed without "
        "its window. Start without --window, or install it again with the window: "
        "pip install 'kaika[bridge-gui]'"
    ),
}


def explain(error: Exception, language: str) -> str:
    """Give what a person is told when the app cannot start."""
    if isinstance(error, AddressError):
        return say(language, ADDRESS[error.fault])
    if isinstance(error, AuthorityFileError):
        message = (
            N_("The file {name} holds no certificate. Give a PEM file with --ca.")
            if error.readable
            else N_("The file {name} cannot be read. Check its place and name after --ca.")
        )
        return say(language, message, name=foreign(error.name))
    return say(language, next(text for kind, text in _OTHERS.items() if isinstance(error, kind)))
