"""Errors of readers and cards, as types with values. The texts are in the catalogue.

Every error has a stable `code`.
"""

from typing import ClassVar

from reader_bridge.protocol.enums import ProfileName


class CardError(Exception):
    """Base class of these errors."""

    code: ClassVar[str] = "card_error"


class PcscMissingError(CardError):
    """The system has no library for PC/SC readers."""

    code = "pcsc_missing"


class ReaderServiceError(CardError):
    """The PC/SC service of the operating system does not run."""

    code = "reader_service_stopped"


class ReaderAccessDeniedError(CardError):
    """The system does not let this user use readers or cards, such as in a remote session."""

    code = "reader_access_denied"


class UnexpectedPcscError(CardError):
    """PC/SC reports what none of the functions used here should report.

    :ivar result: its code.
    """

    code = "pcsc_unexpected"

    def __init__(self, result: int) -> None:
        super().__init__(f"0x{result:08X}")
        self.result = result


class ReaderError(CardError):
    """An error of one reader.

    :ivar reader: its name.
    """

    def __init__(self, reader: str) -> None:
        super().__init__(reader)
        self.reader = reader


class ReaderNotFoundError(ReaderError):
    """There is no such reader, or it was unplugged."""

    code = "reader_not_found"


class ReaderUnsupportedError(ReaderError):
    """The reader or its driver does not do what PC/SC needs."""

    code = "reader_unsupported"


class NoCardError(ReaderError):
    """The reader is empty."""

    code = "no_card"


class CardMuteError(ReaderError):
    """The card does not answer its reader: it is put in wrongly, or broken."""

    code = "card_mute"


class CardUnsupportedError(ReaderError):
    """Reader and card have no way to talk to each other."""

    code = "card_unsupported"


class CardContactLostError(ReaderError):
    """The contact between reader and card was lost, though the card seems to be there."""

    code = "card_contact_lost"


class CardInUseError(ReaderError):
    """Another program holds the card."""

    code = "card_in_use"


class CardRemovedError(CardError):
    """The card was removed."""

    code = "card_removed"


class CardResetError(CardError):
    """Another program has reset the card in between."""

    code = "card_reset"


class CardNotRespondingError(CardError):
    """The card took too long.

    :ivar seconds: how long it was waited for; `None` where the system waited.
    """

    code = "card_not_responding"

    def __init__(self, seconds: float | None = None) -> None:
        super().__init__("no answer" if seconds is None else f"no answer within {seconds:g} s")
        self.seconds = seconds


class CommandStoppedError(CardError):
    """The command was not sent, because its operation was stopped before."""

    code = "stopped"


class MalformedResponseError(CardError):
    """The card's answer is invalid.

    :ivar what: which part of it, in the standard's terms.
    """

    code = "card_response_invalid"

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class ApduError(CardError):
    """The card refused a command.

    :ivar status_word: SW1-SW2.
    :ivar instruction: the INS byte it refused.
    """

    code = "card_refused"

    def __init__(self, status_word: int, instruction: int) -> None:
        super().__init__(f"INS {instruction:02X} refused with {status_word:04X}")
        self.status_word = status_word
        self.instruction = instruction


class NotExclusiveError(CardError):
    """PIN work was started while other programs can reach the card."""

    code = "access_not_exclusive"


class PinOperationRefusedError(CardError):
    """The operation is not done with this kind of card; nothing was sent.

    :ivar profile: what the card was recognised as.
    :ivar operation: what was asked for.
    """

    code = "operation_refused"

    def __init__(self, profile: ProfileName, operation: str) -> None:
        super().__init__(f"{operation} is not done on a {profile} card")
        self.profile = profile
        self.operation = operation


class PinFormatError(CardError):
    """The PIN or PUK breaks the card's rules; it was not sent.

    :ivar min_length: the fewest characters it may have.
    :ivar max_length: the most characters it may have.
    :ivar digits_only: whether letters are refused.
    """

    code = "pin_format"

    def __init__(self, min_length: int, max_length: int, digits_only: bool) -> None:
        super().__init__(
            f"{min_length} to {max_length} {'digits' if digits_only else 'characters'}"
        )
        self.min_length = min_length
        self.max_length = max_length
        self.digits_only = digits_only


class InvalidPinError(CardError):
    """The PIN was wrong and a try is spent.

    :ivar attempts_remaining: how many are left; `None` where the card does not say.
    """

    code = "pin_wrong"

    def __init__(self, attempts_remaining: int | None) -> None:
        super().__init__(f"wrong PIN, {attempts_remaining} tries left")
        self.attempts_remaining = attempts_remaining


class LastTryError(CardError):
    """Not sent, because it could be the last try and nobody agreed to spend that.

    :ivar attempts_remaining: 1, or `None` where the card does not say how many are left.
    """

    code = "last_try"

    def __init__(self, attempts_remaining: int | None) -> None:
        super().__init__(f"{attempts_remaining} tries left")
        self.attempts_remaining = attempts_remaining


class NewPinRefusedError(CardError):
    """The card's own rules refuse the new PIN; the old one holds."""

    code = "pin_not_accepted"


class PinBlockedError(CardError):
    """No try is left; a new PIN has to be set."""

    code = "pin_blocked"


class InvalidPukError(CardError):
    """The PUK was wrong and a try is spent.

    :ivar attempts_remaining: how many are left; `None` where the card does not say.
    """

    code = "puk_wrong"

    def __init__(self, attempts_remaining: int | None) -> None:
        super().__init__(f"wrong PUK, {attempts_remaining} tries left")
        self.attempts_remaining = attempts_remaining


class PukBlockedError(CardError):
    """No try of the PUK is left; the card can no longer be unlocked."""

    code = "puk_blocked"


class AdminTriesLowError(CardError):
    """Not started: a failed administrator authentication could bring the card too close to its end.

    :ivar attempts_remaining: how many are left; `None` where the card does not say.
    :ivar required: how many there must be.
    """

    code = "admin_tries_low"

    def __init__(self, attempts_remaining: int | None, required: int) -> None:
        super().__init__(f"{attempts_remaining} tries left, {required} needed")
        self.attempts_remaining = attempts_remaining
        self.required = required


class AdminKeyRejectedError(CardError):
    """The card refused the administrator's cryptogram. It is never retried automatically.

    :ivar attempts_remaining: how many are left; `None` where the card does not say.
    """

    code = "admin_key_rejected"

    def __init__(self, attempts_remaining: int | None) -> None:
        super().__init__(f"{attempts_remaining} tries left")
        self.attempts_remaining = attempts_remaining


class CryptogramFormatError(CardError):
    """The administrator's cryptogram has an invalid form; it was not sent."""

    code = "cryptogram_format"


class OutOfOrderError(CardError):
    """A method was called before the one it builds on.

    :ivar method: the one that was called.
    """

    code = "out_of_order"

    def __init__(self, method: str) -> None:
        super().__init__(method)
        self.method = method


class CertificateMissingError(CardError):
    """The card has no such certificate.

    :ivar role: which one.
    """

    code = "certificate_missing"

    def __init__(self, role: str) -> None:
        super().__init__(role)
        self.role = role


class UnsupportedKeyError(CardError):
    """The card's key is of a kind that cannot be used here.

    :ivar kind: which kind.
    """

    code = "key_unsupported"

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind
