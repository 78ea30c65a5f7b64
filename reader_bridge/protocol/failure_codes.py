"""Why an operation failed: stable codes, each with cause and remedy.

Cause and remedy are for developers of servers and bridges. The texts for people are in the
catalogues of each.
"""

from dataclasses import dataclass
from enum import StrEnum

from reader_bridge.protocol.enums import ProfileName, is_name
from reader_bridge.protocol.fields import PcscResultCode, ReaderName, TryCount


class FailureCode(StrEnum):
    """Why an operation failed."""

    UNKNOWN_OPERATION = "unknown_operation"
    BAD_STATE = "bad_state"
    BUSY = "busy"
    CONSENT_REFUSED = "consent_refused"
    PIN_NOT_ENTERED = "pin_not_entered"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    LINK_LOST = "link_lost"
    SERVER_SILENT = "server_silent"
    PCSC_MISSING = "pcsc_missing"
    READER_SERVICE_STOPPED = "reader_service_stopped"
    READER_ACCESS_DENIED = "reader_access_denied"
    READER_NOT_FOUND = "reader_not_found"
    READER_UNSUPPORTED = "reader_unsupported"
    PCSC_UNEXPECTED = "pcsc_unexpected"
    SEVERAL_CARDS = "several_cards"
    CARD_MUTE = "card_mute"
    CARD_UNSUPPORTED = "card_unsupported"
    CARD_CONTACT_LOST = "card_contact_lost"
    CARD_IN_USE = "card_in_use"
    CARD_REMOVED = "card_removed"
    CARD_RESET = "card_reset"
    CARD_NOT_RESPONDING = "card_not_responding"
    CARD_RESPONSE_INVALID = "card_response_invalid"
    CARD_REFUSED = "card_refused"
    CARD_UNKNOWN = "card_unknown"
    OPERATION_REFUSED = "operation_refused"
    WRONG_CARD = "wrong_card"
    PIN_FORMAT = "pin_format"
    PIN_NOT_ACCEPTED = "pin_not_accepted"
    PIN_WRONG = "pin_wrong"
    PIN_BLOCKED = "pin_blocked"
    PUK_WRONG = "puk_wrong"
    PUK_BLOCKED = "puk_blocked"
    ADMIN_TRIES_LOW = "admin_tries_low"
    ADMIN_KEY_REJECTED = "admin_key_rejected"
    CARD_NOT_GENUINE = "card_not_genuine"
    CERTIFICATE_MISSING = "certificate_missing"
    KEY_UNSUPPORTED = "key_unsupported"
    OUTCOME_UNKNOWN = "outcome_unknown"
    PIN_SET_UNPROVED = "pin_set_unproved"
    INTERNAL_ERROR = "internal_error"

    @classmethod
    def _missing_(cls, value: object) -> "FailureCode | None":
        """Return what a code of a newer bridge counts as."""
        return cls.INTERNAL_ERROR if is_name(value) else None


@dataclass(frozen=True, slots=True)
class FailureValues:
    """The values that belong to a failure code. Each is present only where it means something.

    :ivar tries_left: of the PIN, PUK or administrator's key the code is about.
    :ivar tries_needed: with `admin_tries_low`.
    :ivar profile: what the card was recognised as.
    :ivar reader: which reader it is about.
    :ivar pcsc_result: with `pcsc_unexpected`: what PC/SC reported.
    """

    tries_left: TryCount | None = None
    tries_needed: TryCount | None = None
    profile: ProfileName | None = None
    reader: ReaderName | None = None
    pcsc_result: PcscResultCode | None = None


@dataclass(frozen=True, slots=True)
class FailureAdvice:
    """The meaning of a failure code.

    :ivar cause: what happened, and what did not.
    :ivar remedy: what the person or the server can do.
    :ivar can_retry: whether the same operation can be started again as it is.
    """

    cause: str
    remedy: str
    can_retry: bool = True


_C = FailureCode
FAILURE_ADVICE: dict[FailureCode, FailureAdvice] = {
    _C.UNKNOWN_OPERATION: FailureAdvice(
        "The bridge has no such operation.", "A newer bridge may have it.", can_retry=False
    ),
    _C.BAD_STATE: FailureAdvice("The bridge is not paired.", "Pair first."),
    _C.BUSY: FailureAdvice(
        "Another operation runs, or a card still hangs in an earlier one.",
        "Wait for its end, or cancel it.",
    ),
    _C.CONSENT_REFUSED: FailureAdvice(
        "The person said no on the PC. The card was at most read.", "Start again when they want."
    ),
    _C.PIN_NOT_ENTERED: FailureAdvice(
        "The person closed the PIN entry, or does not want to spend the last try.",
        "Start again when they want.",
    ),
    _C.CANCELLED: FailureAdvice(
        "The server cancelled it, or the bridge was closed. The PIN is as it was.", "Start again."
    ),
    _C.TIMED_OUT: FailureAdvice(
        "The deadline of `start` is over. The PIN is as it was.", "Start again."
    ),
    _C.LINK_LOST: FailureAdvice(
        "There was no link for 60 s, or it came back with another session. The PIN is as it was.",
        "Start again.",
    ),
    _C.SERVER_SILENT: FailureAdvice(
        "The server did not answer the card's challenge, or not say whether the card is genuine, "
        "within 60 s. The PIN is as it was.",
        "Authorise again.",
    ),
    _C.PCSC_MISSING: FailureAdvice(
        "The system has no PC/SC, or the bridge was installed without access to it.",
        "Install pcsc-lite, and the bridge with pyscard.",
        can_retry=False,
    ),
    _C.READER_SERVICE_STOPPED: FailureAdvice(
        "The operating system's smart card service does not run.", "Start it."
    ),
    _C.READER_ACCESS_DENIED: FailureAdvice(
        "The operating system does not let this user use readers or cards.",
        "Sign in at the PC itself, or have its administrator allow it.",
    ),
    _C.READER_UNSUPPORTED: FailureAdvice(
        "The reader or its driver does not do what PC/SC needs.",
        "Install the maker's driver, or use another reader.",
    ),
    _C.PCSC_UNEXPECTED: FailureAdvice(
        "PC/SC reported what it should not report here; `pcsc_result` says what. The PIN is as it "
        "was.",
        "Start again; report the code.",
    ),
    _C.READER_NOT_FOUND: FailureAdvice("The reader was unplugged.", "Plug it in."),
    _C.SEVERAL_CARDS: FailureAdvice(
        "Several cards could be meant, and the person chose none.",
        "Start again, leave one in, or name the card or its reader in `start`.",
    ),
    _C.CARD_MUTE: FailureAdvice(
        "The card does not answer its reader.", "Put it in the other way round; clean the chip."
    ),
    _C.CARD_UNSUPPORTED: FailureAdvice(
        "Reader and card have no way to talk to each other.",
        "Put the right card in; use another reader.",
    ),
    _C.CARD_CONTACT_LOST: FailureAdvice(
        "The contact between reader and card was lost. The PIN is as it was.",
        "Clean the chip and put the card in firmly.",
    ),
    _C.CARD_IN_USE: FailureAdvice("Another program holds the card.", "Close it."),
    _C.CARD_REMOVED: FailureAdvice(
        "The card was pulled out. The PIN has not changed.", "Put it in again."
    ),
    _C.CARD_RESET: FailureAdvice(
        "Another program reset the card. The PIN is as it was.", "Close that program."
    ),
    _C.CARD_NOT_RESPONDING: FailureAdvice(
        "The card took too long. The PIN is as it was.", "Take it out and put it in again."
    ),
    _C.CARD_RESPONSE_INVALID: FailureAdvice(
        "The card said something that cannot be.", "Take it out and put it in again."
    ),
    _C.CARD_REFUSED: FailureAdvice(
        "The card refused a command.", "Take it out and put it in again."
    ),
    _C.CARD_UNKNOWN: FailureAdvice(
        "The card is none the bridge knows. It was left alone.", "Put the right card in."
    ),
    _C.OPERATION_REFUSED: FailureAdvice(
        "This kind of card does not have the operation; nothing was sent to it. No PIN command is "
        "ever sent to a real MOICA card.",
        "With a MOICA card, go through the authority's own page.",
        can_retry=False,
    ),
    _C.WRONG_CARD: FailureAdvice(
        "The card's serial is another than the expected one.", "Put the right card in."
    ),
    _C.PIN_FORMAT: FailureAdvice(
        "What was typed cannot be a PIN of this card, several times; the card saw none of it.",
        "Start again.",
    ),
    _C.PIN_NOT_ACCEPTED: FailureAdvice(
        "The card's own rules refuse the new PIN. The PIN is as it was.",
        "Start again and choose another one.",
    ),
    _C.PIN_WRONG: FailureAdvice(
        "A wrong PIN was typed, and then none. `tries_left` says what that left.", "Start again."
    ),
    _C.PIN_BLOCKED: FailureAdvice("No try of the PIN is left.", "Unlock the card with `set_pin`."),
    _C.PUK_WRONG: FailureAdvice(
        "A wrong PUK was typed, and then none. `tries_left` says what that left.", "Start again."
    ),
    _C.PUK_BLOCKED: FailureAdvice(
        "No try of the PUK is left.", "The card has to be replaced.", False
    ),
    _C.ADMIN_TRIES_LOW: FailureAdvice(
        "The administrator's key has fewer tries left than are needed to dare one.",
        "The card goes to the counter.",
        can_retry=False,
    ),
    _C.ADMIN_KEY_REJECTED: FailureAdvice(
        "The card did not take the cryptogram, which cost a try of the administrator's key. The "
        "bridge sends none to any card until the person starts it again.",
        "The server alerts its staff. It never tries again by itself.",
        can_retry=False,
    ),
    _C.CARD_NOT_GENUINE: FailureAdvice(
        "The server says the card's answer is not that of the real card. It got no new PIN.",
        "The server alerts its staff.",
        can_retry=False,
    ),
    _C.CERTIFICATE_MISSING: FailureAdvice(
        "The card has no such certificate.", "None here.", can_retry=False
    ),
    _C.KEY_UNSUPPORTED: FailureAdvice(
        "The card's key is of a kind the bridge cannot sign with.", "None here.", can_retry=False
    ),
    _C.OUTCOME_UNKNOWN: FailureAdvice(
        "The card was lost while it set or changed the PIN: the old or the new one is right.",
        "Ask `card_status`; the person tries the new PIN first.",
    ),
    _C.PIN_SET_UNPROVED: FailureAdvice(
        "The new PIN is set, but the card did not sign the receipt.",
        "Ask `prove_possession` for this card.",
    ),
    _C.INTERNAL_ERROR: FailureAdvice("A mistake in the bridge.", "Start again; report it."),
}
