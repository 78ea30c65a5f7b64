"""The texts of events: one or two sentences each, and what to do next."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from reader_bridge.app.connection_texts import CONNECTION_TEXTS, MAY_BE_WRONG_SERVER
from reader_bridge.app.translation import N_, localise, sanitise
from reader_bridge.prompter import (
    CardWorking,
    ExitReason,
    LinkProblem,
    OccupiedReaders,
    OperationDone,
    OperationNotDone,
    OperationWaiting,
    PairingClosed,
    PairingLinkUnused,
    PairingStarted,
    PrompterEvent,
    ServerConnected,
    ServerConnecting,
    ServerDisconnected,
    UpdateAvailable,
    WrongWordsChosen,
)
from reader_bridge.protocol import FailureCode, Operation, PinPurpose, ProgressStep, UnpairReason
from reader_bridge.protocol.operation_payloads import CardReport, ReaderList


class NoticeTone(StrEnum):
    """The tone of a notice."""

    BUSY = "busy"
    """Something goes on by itself."""
    WAITING = "waiting"
    """Something waits for the person."""
    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class StatusNotice:
    """What happened, and what to do next.

    :ivar offers_other_server: the server may be the wrong one, or gone for good.
    :ivar is_aside: it changes nothing that goes on, and is shown beside an open question too.
    """

    tone: NoticeTone
    text: str
    advice: str = ""
    offers_other_server: bool = False
    is_aside: bool = False


GO_ON = N_("Continue in the chat, and leave this open.")
_TAKE_CARD_OUT = N_(
    "The chat shows the result. You can take the card out, and close this app when you no longer "
    "need it."
)
_ENDS_WORK = frozenset({Operation.SET_PIN, Operation.CHANGE_PIN})
"""Operations after which the chat needs neither card nor app any longer."""
PAIR_AGAIN = N_("To continue, pair again with a new code from the chat.")
START_AGAIN = N_("Start it again in the chat when you are ready.")
_PUT_IN_AGAIN = N_("Take the card out, put it in again, and start again in the chat.")
_PIN_UNCHANGED = N_("Your PIN has not changed. Start again in the chat when you're ready.")

_UNPAIR_TEXTS = {
    UnpairReason.BY_CHAT: N_("You ended the pairing in the chat."),
    UnpairReason.REPLACED: N_("Another PC was paired with your chat, so this pairing ended."),
    UnpairReason.EXPIRED: N_("The time of the pairing is over."),
    UnpairReason.REFUSED: N_("In the chat it was said that the words are different."),
    UnpairReason.SERVER_FORGOT: N_("The server no longer knows this pairing."),
}
_LINK_TEXTS = {
    LinkProblem.NO_CODE: (
        N_("A link was opened for this app that holds no pairing code. It wasn't used."),
        N_("Did you press the button on Kaika's page? Then copy the code from the chat instead."),
    ),
    LinkProblem.NOT_ASKED: (
        N_("A pairing link was opened, but no code is being asked for. It wasn't used."),
        N_("Did you open it? Finish what is open here, then press the button on the page again."),
    ),
    LinkProblem.PAIRED: (
        N_(
            "A pairing link was opened, but this PC is already connected to a chat. It wasn't used."
        ),
        N_("Did you open it to use another chat? First send /unpair in the chat in use now."),
    ),
}
_YOUR_TURN = (N_("It is your turn."), N_("Please answer the question here."))
_STEP_TEXTS = {
    ProgressStep.WAITING_FOR_READER: (
        N_("No card reader is there."),
        N_("Plug it in; it is noticed by itself."),
    ),
    ProgressStep.WAITING_FOR_CARD: (
        N_("Put your card into the reader."),
        N_("The gold chip first, as far as it goes. It is noticed by itself."),
    ),
    ProgressStep.WAITING_FOR_LEAVE: _YOUR_TURN,
    ProgressStep.WAITING_FOR_PERSON: _YOUR_TURN,
    ProgressStep.WRONG_PIN: (N_("That was wrong."), N_("You are asked again.")),
}
STEPS_WITH_QUESTION = (
    ProgressStep.WAITING_FOR_LEAVE,
    ProgressStep.WAITING_FOR_PERSON,
    ProgressStep.WRONG_PIN,
)
"""Steps that need no notice, because a question comes with them."""
_DONE_TEXTS = {
    Operation.LIST_READERS: N_("The chat knows your readers now."),
    Operation.CARD_STATUS: N_("The card was read."),
    Operation.READ_CERTIFICATE: N_("The certificate was read."),
    Operation.PROVE_POSSESSION: N_("The card has shown that it is yours."),
    Operation.CHANGE_PIN: N_("The new PIN is set. The old one no longer works."),
}
_PIN_SET_TEXTS = {
    PinPurpose.ACTIVATE: N_("The card has its PIN. The chat now tells you whether it is active."),
    PinPurpose.UNLOCK: N_("The card is unlocked, and the new PIN is set."),
}
EXIT_TEXTS = {
    ExitReason.LEFT: N_("Closed. The card can be taken out."),
    ExitReason.REFUSED: N_(
        "You declined several times, so this was closed. If someone told you to start it, stop "
        "here and call 0800-080-117."
    ),
    ExitReason.COMMITMENT_BROKEN: N_(
        "This server tried to fake the two words, so nothing was connected and this app was "
        "closed. Compare the address with the one in your chat, and ask the hotline 0800-080-117."
    ),
    ExitReason.UPDATE_NEEDED: N_("This app is too old for the server. Get the newest version."),
    ExitReason.SERVER_TOO_OLD: N_(
        "This app is newer than the server. Nothing is wrong with your PC: try again later."
    ),
}
STOPPED = N_("Stopped. The card can be taken out.")

_C = FailureCode
FAILURE_TEXTS: dict[FailureCode, tuple[str, str]] = {
    _C.UNKNOWN_OPERATION: (
        N_("The server asked for something this app does not do."),
        N_("A newer version of this app may be able to."),
    ),
    _C.BAD_STATE: (N_("This app is not paired."), PAIR_AGAIN),
    _C.BUSY: (
        N_("Something else is still being done with the card."),
        N_("Wait until it has ended, then start again in the chat."),
    ),
    _C.CONSENT_REFUSED: (N_("You refused, so nothing was done."), START_AGAIN),
    _C.PIN_NOT_ENTERED: (N_("No PIN was typed, so nothing was done."), START_AGAIN),
    _C.CANCELLED: (N_("It was cancelled."), _PIN_UNCHANGED),
    _C.TIMED_OUT: (N_("It took too long."), _PIN_UNCHANGED),
    _C.LINK_LOST: (N_("The connection was away for too long."), _PIN_UNCHANGED),
    _C.SERVER_SILENT: (N_("The server did not answer in time."), _PIN_UNCHANGED),
    _C.PCSC_MISSING: (
        N_("The software for card readers is missing."),
        N_("kaika-bridge check says what to install."),
    ),
    _C.READER_ACCESS_DENIED: (
        N_("This PC doesn't let you use card readers."),
        N_("Sign in at the PC itself, not remotely. kaika-bridge check says what else to do."),
    ),
    _C.READER_UNSUPPORTED: (
        N_("The card reader or its driver doesn't work with this PC."),
        N_("Install the newest driver from the reader's maker, or use another reader."),
    ),
    _C.PCSC_UNEXPECTED: (
        N_("The reader software of this PC reported something unexpected."),
        N_("Restart the PC and start again in the chat. If it happens again, report the code."),
    ),
    _C.READER_SERVICE_STOPPED: (
        N_("The reader service of this PC does not run."),
        N_("kaika-bridge check says how to start it."),
    ),
    _C.READER_NOT_FOUND: (
        N_("The reader was unplugged."),
        N_("Plug it in, and start again in the chat."),
    ),
    _C.SEVERAL_CARDS: (
        N_("There are several cards in the readers, and none was chosen."),
        N_("Start again in the chat and choose one, or leave only the right one in."),
    ),
    _C.CARD_MUTE: (
        N_("The card does not answer."),
        N_("Wipe the gold chip with a dry cloth, put the card in chip first, and start again."),
    ),
    _C.CARD_UNSUPPORTED: (
        N_("The reader and this card can't talk to each other."),
        N_("Check that it is the certificate card, or use another reader."),
    ),
    _C.CARD_CONTACT_LOST: (
        N_("The card lost contact with the reader. Your PIN has not changed."),
        N_("Wipe the gold chip with a dry cloth, put the card in firmly, and start again."),
    ),
    _C.CARD_IN_USE: (
        N_("Another program is using the card."),
        N_("Close other card programs and browser pages, and start again in the chat."),
    ),
    _C.CARD_REMOVED: (
        N_("The card was pulled out. Your PIN has not changed."),
        N_("Put it in, leave it there, and start again in the chat."),
    ),
    _C.CARD_RESET: (
        N_("Another program interrupted the card. Your PIN has not changed."),
        N_("Close other card programs and browser pages, and start again in the chat."),
    ),
    _C.CARD_NOT_RESPONDING: (
        N_("The card took too long to answer. Your PIN has not changed."),
        _PUT_IN_AGAIN,
    ),
    _C.CARD_RESPONSE_INVALID: (
        N_("The card answered with something that makes no sense."),
        _PUT_IN_AGAIN,
    ),
    _C.CARD_REFUSED: (N_("The card refused."), _PUT_IN_AGAIN),
    _C.CARD_UNKNOWN: (
        N_("Kaika does not know this card, and left it alone."),
        N_("Put in the certificate card; an ARC or a health card will not do."),
    ),
    _C.OPERATION_REFUSED: (
        N_("Kaika does not do this with such a card. Nothing was sent to it."),
        N_("For a real MOICA card, go to the official page moica.nat.gov.tw."),
    ),
    _C.WRONG_CARD: (
        N_("This is not the card the chat is about."),
        N_("Put the right card in, and start again in the chat."),
    ),
    _C.PIN_FORMAT: (
        N_("What was typed cannot be a PIN of this card. The card has not seen it."),
        START_AGAIN,
    ),
    _C.PIN_NOT_ACCEPTED: (
        N_("The card's rules don't allow this new PIN. Your PIN has not changed."),
        N_("Start again in the chat, and choose one that is harder to guess."),
    ),
    _C.PIN_WRONG: (
        N_("The PIN was wrong."),
        N_("If you are not sure of it, do not guess: ask the chat for unlocking."),
    ),
    _C.PIN_BLOCKED: (
        N_("The PIN is locked: no try is left."),
        N_("In the chat, choose to unlock the card, or to activate it if it is new."),
    ),
    _C.PUK_WRONG: (N_("The PUK was wrong."), N_("Look it up before you try again.")),
    _C.PUK_BLOCKED: (
        N_("The PUK is locked. This card can no longer be unlocked."),
        N_("Ask in the chat how to get a new card."),
    ),
    _C.ADMIN_TRIES_LOW: (
        N_("To protect your card, this was not started: the card has too few attempts left."),
        N_("Take the card to the counter where you applied for it."),
    ),
    _C.ADMIN_KEY_REJECTED: (
        N_("The card did not accept the authority's key, so this was stopped."),
        N_("Do not try again. The support staff were told; ask in the chat for a person."),
    ),
    _C.CARD_NOT_GENUINE: (
        N_("The server says this is not the card it should be. No PIN was set."),
        N_("Ask in the chat for a person."),
    ),
    _C.CERTIFICATE_MISSING: (
        N_("There is no such certificate on the card."),
        N_("Ask in the chat: the card may be for something else."),
    ),
    _C.KEY_UNSUPPORTED: (
        N_("This card's key is of a kind Kaika cannot use."),
        N_("Ask in the chat for a person."),
    ),
    _C.OUTCOME_UNKNOWN: (
        N_("The card was lost in the very moment the PIN was set."),
        N_("Put it back in, and continue in the chat. If you are asked, try the new PIN first."),
    ),
    _C.PIN_SET_UNPROVED: (
        N_("The new PIN is set, but the card did not confirm it."),
        N_("Leave the card in, and continue in the chat."),
    ),
    _C.INTERNAL_ERROR: (N_("A mistake in this app."), START_AGAIN),
}


def describe_event(event: PrompterEvent, language: str, host: str) -> StatusNotice:
    """Return the notice for an event.

    :param host: the server that is dialled.
    """
    match event:
        case ServerConnecting():
            return StatusNotice(
                NoticeTone.BUSY, localise(language, "Connecting to {host} …", host=host)
            )
        case ServerConnected(has_other_origin=True):
            return StatusNotice(
                NoticeTone.BAD,
                localise(language, "{host} uses another address for itself.", host=host),
                localise(language, "Compare the address with the one in your chat."),
            )
        case ServerConnected(resumed=resumed):
            return _connected_notice(resumed, language, host)
        case UpdateAvailable(version=version):
            return StatusNotice(
                NoticeTone.NOTE,
                localise(language, "kaika-bridge {version} is out.", version=version),
                localise(
                    language,
                    "Get it where you got this one, and check its signature before you install it.",
                ),
            )
        case ServerDisconnected():
            return _disconnected_notice(event, language, host)
        case PairingStarted():
            return _paired_notice(event, language)
        case PairingClosed(reason=reason):
            return StatusNotice(
                NoticeTone.NOTE,
                localise(language, _UNPAIR_TEXTS[reason]),
                localise(language, PAIR_AGAIN),
            )
        case WrongWordsChosen():
            return StatusNotice(
                NoticeTone.BAD,
                localise(language, "Your chat shows other words, so nothing was connected."),
                localise(language, "Have the chat show a new code, and look closely at the words."),
            )
        case PairingLinkUnused(problem=problem):
            text, advice = (localise(language, each) for each in _LINK_TEXTS[problem])
            return StatusNotice(NoticeTone.NOTE, text, advice, is_aside=True)
        case OperationWaiting(step=step, occupied=occupied):
            text, advice = _STEP_TEXTS[step]
            advices = [*_occupied_texts(occupied, language), localise(language, advice)]
            return StatusNotice(NoticeTone.WAITING, localise(language, text), " ".join(advices))
        case CardWorking():
            text = localise(language, "The card is at work. Please leave it in.")
            return StatusNotice(NoticeTone.BUSY, text)
        case OperationDone():
            return _done_notice(event, language)
        case OperationNotDone():
            return _failed_notice(event, language)


def _occupied_texts(occupied: OccupiedReaders, language: str) -> Iterator[str]:
    """Say why the cards that are in are not enough."""
    if occupied.other_card:
        yield localise(
            language,
            "The card in {reader} isn't the right one; it can stay in.",
            reader=_reader_list(occupied.other_card),
        )
    if occupied.in_use:
        yield localise(
            language,
            "The card in {reader} is used by another program; if it is yours, close that program.",
            reader=_reader_list(occupied.in_use),
        )


def _reader_list(readers: Iterable[str]) -> str:
    return ", ".join(map(sanitise, readers))


def _disconnected_notice(event: ServerDisconnected, language: str, host: str) -> StatusNotice:
    text, advice = CONNECTION_TEXTS[event.problem]
    values = {"host": host, "proxy": event.proxy or ""}
    seconds = max(1, round(event.retry_delay))
    again = localise(language, "Trying again in {seconds} s.", seconds=seconds)
    return StatusNotice(
        NoticeTone.BAD,
        localise(language, text, **values),
        f"{localise(language, advice, **values)} {again}" if advice else again,
        offers_other_server=event.problem in MAY_BE_WRONG_SERVER,
    )


def _connected_notice(resumed: bool, language: str, host: str) -> StatusNotice:
    text = localise(language, "Connected to {host}.", host=host)
    if resumed:
        return StatusNotice(NoticeTone.GOOD, text, localise(language, "The pairing stays valid."))
    return StatusNotice(NoticeTone.GOOD, text)


def _paired_notice(event: PairingStarted, language: str) -> StatusNotice:
    name = sanitise(event.peer.telegram_name)
    hours = max(1, round(event.seconds_left / 3600))
    text = localise(language, "Paired with {name}, for {hours} h.", name=name, hours=hours)
    return StatusNotice(NoticeTone.GOOD, text, localise(language, GO_ON))


def _done_notice(event: OperationDone, language: str) -> StatusNotice:
    value = event.value
    if isinstance(value, CardReport) and value.pin and value.pin.remaining is not None:
        tries = value.pin.remaining
        text = localise(language, "The card was read. PIN attempts left: {tries}.", tries=tries)
    elif isinstance(value, ReaderList) and not value.readers:
        text = localise(language, "No card reader is there.")
    elif event.operation is Operation.SET_PIN:
        text = localise(language, _PIN_SET_TEXTS[event.purpose or PinPurpose.UNLOCK])
    else:
        text = localise(language, _DONE_TEXTS[event.operation])
    advice = _TAKE_CARD_OUT if event.operation in _ENDS_WORK else GO_ON
    return StatusNotice(NoticeTone.GOOD, text, localise(language, advice))


def _failed_notice(event: OperationNotDone, language: str) -> StatusNotice:
    text, advice = FAILURE_TEXTS[event.code]
    parts = [localise(language, text)]
    if event.values.tries_left is not None:
        parts.append(localise(language, "Attempts left: {count}.", count=event.values.tries_left))
    if event.values.reader is not None:
        reader = sanitise(event.values.reader)
        parts.append(localise(language, "Card reader: {reader}.", reader=reader))
    if event.values.pcsc_result is not None:
        parts.append(localise(language, "Code: {code}.", code=event.values.pcsc_result))
    tone = NoticeTone.NOTE if event.code in _CHOSEN_BY_PERSON else NoticeTone.BAD
    return StatusNotice(tone, " ".join(parts), localise(language, advice))


_CHOSEN_BY_PERSON = (_C.CONSENT_REFUSED, _C.PIN_NOT_ENTERED, _C.CANCELLED)
"""Failures that the person chose; nothing is wrong."""
