"""Texts about operations on a card: the progress, and why one ended and what to do about it."""

from collections.abc import Mapping
from typing import Final

from handlers.card.live_messages import OperationProgress
from handlers.screen.text import N_, Markup, say
from reader_bridge.protocol import FAILURE_ADVICE, FailureCode, ProgressStep
from services.bridge import events
from services.bridge.events import (
    BridgeEvent,
    PairingEndReason,
    PairingFailureReason,
    ServerFailure,
)
from services.bridge.operations.card_task import CardTask

ADMIN_BARRED, BUSY = "admin_barred", "hub_busy"
"""Reasons why the hub started nothing, in addition to the codes of the protocol."""
_C, _F = FailureCode, ServerFailure

_REINSERT_CARD = N_(
    "💳 <b>The reader and the card could not communicate.</b> Your PIN has not changed. Take "
    "the card out, put it back in, chip first, and start again."
)
_NOT_GENUINE = N_(
    "🛑 <b>The card could not be verified</b>, so no PIN was set. Our staff have been notified. "
    "Please don't try again. Call {hotline}."
)
_NEW_CODE_NEEDED = N_(
    "⌛ <b>Please verify your identity again.</b> A verification lasts ten minutes and works "
    "for one operation. Your PIN has not changed. Press the button to start again."
)
_TOO_LATE = N_(
    "⌛ <b>It took too long, so it was stopped.</b> Your PIN has not changed. Have the card and "
    "PIN ready at your PC and start again."
)
_INTERNAL_ERROR = N_(
    "⚠️ <b>kaika-bridge on your PC had an error.</b> Close it, open it again, and try once "
    "more. If it happens again, call {hotline}."
)
_NO_KEY = N_(
    "🪪 <b>No usable certificate was found on this card.</b> No changes were made. Is it your "
    "certificate card, not your ARC or health card?"
)
_WRONG_PERSON = N_(
    "🪪 <b>The card in the reader belongs to a different UI No.</b> No changes were made. Put "
    "in this person's newest card and start again. If you have two cards at home, compare the "
    "names."
)
_UNKNOWN_OUTCOME = N_(
    "❔ <b>The connection to the card was lost while the PIN was changing.</b> Either the new "
    "or the old PIN is right. Try the new one first. A card check shows how many attempts are "
    "left."
)

FAILURES: Final[Mapping[str, str]] = {
    _C.UNKNOWN_OPERATION: N_(
        "⬆️ <b>kaika-bridge on your PC is too old.</b> No changes were made. Install the "
        "newest version, start it, and connect again."
    ),
    _C.BAD_STATE: N_(
        "🔌 <b>kaika-bridge on your PC is no longer connected to this chat.</b> No changes were "
        "made. Send /pair for a new code."
    ),
    _C.BUSY: N_(
        "⏳ <b>kaika-bridge on your PC is still busy with the card.</b> No changes were made. "
        "Wait a minute, or take the card out and put it back in. Then start again."
    ),
    _C.CONSENT_REFUSED: N_(
        "✋ <b>You declined on your PC. No changes were made.</b> You can start again at any "
        "time. If you didn't start this yourself, close kaika-bridge and send /unpair."
    ),
    _C.PIN_NOT_ENTERED: N_(
        "✋ <b>No PIN was entered on your PC. No changes were made.</b> Start again when you're "
        "ready."
    ),
    _C.CANCELLED: N_("✖️ <b>It was cancelled.</b> Your PIN has not changed."),
    _C.TIMED_OUT: _TOO_LATE,
    _C.LINK_LOST: N_(
        "🔌 <b>Your PC was offline for more than a minute, so the operation was stopped.</b> "
        "Your PIN has not changed. Check the PC's internet connection and start again."
    ),
    _C.SERVER_SILENT: N_(
        "⌛ <b>Your PC did not get our answer in time.</b> Your PIN has not changed. Start "
        "again; you'll enter the subscriber code once more."
    ),
    _C.PCSC_MISSING: N_(
        "🔧 <b>Your PC has no card reader software.</b> No changes were made. Run "
        "<code>kaika-bridge check</code> on the PC; it tells you what to install."
    ),
    _C.READER_ACCESS_DENIED: N_(
        "🔒 <b>Your PC doesn't let you use card readers.</b> No changes were made. Sign in at "
        "the PC itself, not remotely, and start again. Run <code>kaika-bridge check</code> to "
        "see what else you can do."
    ),
    _C.READER_UNSUPPORTED: N_(
        "🔧 <b>The card reader or its driver doesn't work with your PC.</b> No changes were "
        "made. Install the newest driver from the reader's maker, or use another reader."
    ),
    _C.PCSC_UNEXPECTED: N_(
        "⚠️ <b>The reader software on your PC reported an error.</b> Your PIN has not changed. "
        "Restart the PC and start again. If it happens again, call {hotline} and give the "
        "error code on the PC."
    ),
    _C.READER_SERVICE_STOPPED: N_(
        "🔧 <b>The smart card service on your PC is not running.</b> No changes were made. Run "
        "<code>kaika-bridge check</code> on the PC; it tells you how to start the service."
    ),
    _C.READER_NOT_FOUND: N_(
        "🔌 <b>The card reader was unplugged.</b> Your PIN has not changed. Plug it in again, "
        "or try another USB port, and start again."
    ),
    _C.SEVERAL_CARDS: N_(
        "💳 <b>There is more than one card in the readers, and none was chosen on your PC.</b> "
        "No changes were made. Start again and choose one there, or leave only the right card "
        "in."
    ),
    _C.CARD_MUTE: N_(
        "💳 <b>The card does not respond.</b> Wipe its gold chip with a dry cloth, put it in "
        "chip first and the right way up, and start again."
    ),
    _C.CARD_UNSUPPORTED: N_(
        "💳 <b>The reader cannot read this card.</b> No changes were made. Check that it's the "
        "certificate card, or use another reader."
    ),
    _C.CARD_CONTACT_LOST: N_(
        "💳 <b>The card lost contact with the reader.</b> Your PIN has not changed. Wipe the "
        "gold chip with a dry cloth, push the card in firmly, and start again."
    ),
    _C.CARD_IN_USE: N_(
        "💳 <b>Another program on your PC is using the card.</b> No changes were made. Close "
        "other card programs and official pages in the browser, and start again."
    ),
    _C.CARD_REMOVED: N_(
        "💳 <b>The card was pulled out.</b> Your PIN has not changed. Put the card in, leave it "
        "there until this chat says it's done, and start again."
    ),
    _C.CARD_RESET: N_(
        "💳 <b>Another program interrupted the card.</b> Your PIN has not changed. Close other "
        "card programs and official pages in the browser, and start again."
    ),
    _C.CARD_NOT_RESPONDING: _REINSERT_CARD,
    _C.CARD_RESPONSE_INVALID: _REINSERT_CARD,
    _C.CARD_REFUSED: _REINSERT_CARD,
    _C.CARD_UNKNOWN: N_(
        "❓ <b>This card is not known, so nothing was done with it.</b> An ARC, health card or "
        "bank card won't work. Put in the certificate card and start again."
    ),
    _C.OPERATION_REFUSED: N_(
        "🛑 <b>This kind of card cannot do that here. Nothing was sent to it.</b> With a real "
        "MOICA card, use only the official page: other software can lock the card permanently."
    ),
    _C.WRONG_CARD: _WRONG_PERSON,
    _C.PIN_FORMAT: N_(
        "🔢 <b>This is not a valid PIN.</b> It must have {pin_rule}, no spaces. The "
        "card has not seen it, so no attempt was used. Start again."
    ),
    _C.PIN_NOT_ACCEPTED: N_(
        "🔢 <b>The card's rules don't allow this new PIN.</b> Your PIN has not changed. Start "
        "again, and choose one that is harder to guess."
    ),
    _C.PIN_WRONG: N_(
        "❌ <b>The PIN was wrong.</b> Attempts left: {tries}. Not sure? Don't guess: unlock the "
        "card and set a new PIN."
    ),
    _C.PIN_BLOCKED: N_(
        "🔒 <b>The PIN is locked: no attempts left.</b> Your card and certificate are safe. "
        "Unlock the card (鎖卡解碼) with the subscriber code and set a new PIN. If the card is "
        "new, activate it first."
    ),
    _C.PUK_WRONG: N_(
        "❌ <b>The PUK was wrong.</b> Attempts left: {tries}. Your PIN has not changed. Check "
        "the PUK before you start again."
    ),
    _C.PUK_BLOCKED: N_(
        "🔒 <b>The PUK of this card is locked</b>, so the card can no longer be unlocked. To "
        "get a new card, apply in person at a service station: {fee}."
    ),
    _C.ADMIN_TRIES_LOW: N_(
        "🛟 <b>We did not start, to protect your card</b>: it has too few attempts left for its "
        "administration key. No changes were made. Take it to the counter where you applied."
    ),
    _C.ADMIN_KEY_REJECTED: _NOT_GENUINE,
    _C.CARD_NOT_GENUINE: _NOT_GENUINE,
    _C.CERTIFICATE_MISSING: _NO_KEY,
    _C.KEY_UNSUPPORTED: _NO_KEY,
    _C.OUTCOME_UNKNOWN: _UNKNOWN_OUTCOME,
    _C.PIN_SET_UNPROVED: N_(
        "✅ <b>The new PIN is set</b>, as you typed it on the PC, but the card didn't confirm it. "
        "A card check shows how many attempts are left."
    ),
    _C.INTERNAL_ERROR: _INTERNAL_ERROR,
    _F.CODE_AGAIN: _NEW_CODE_NEEDED,
    _F.NOT_YOUR_CARD: _WRONG_PERSON,
    _F.WRONG_STATE: N_(
        "⚠️ <b>This isn't possible with the certificate's current status.</b> No changes were "
        "made. Choose “Check my status” to see what you can do."
    ),
    _F.SERVER_RESTARTED: N_(
        "🔁 <b>The system restarted, so this was stopped.</b> Your PIN has not changed. Leave "
        "kaika-bridge open: it reconnects by itself. Then start again."
    ),
    _F.REPLACED: N_(
        "🔁 <b>Another PC was connected to this chat, so the first one was stopped.</b> Your "
        "PIN has not changed. Continue on the PC that is connected now."
    ),
    _F.UNPAIRED: N_(
        "🔌 <b>Your PC is no longer connected, so this was stopped.</b> Your PIN has not "
        "changed. Start kaika-bridge and begin again."
    ),
    _F.NO_ANSWER: _TOO_LATE,
    _F.RECEIPT_WRONG: N_(
        "🛑 <b>The card's confirmation could not be verified.</b> Your card has not been "
        "activated or unlocked by it. Put in this person's own card and start again, or call "
        "{hotline}."
    ),
    _F.UNCONFIRMED: N_(
        "❔ <b>We could not confirm the result</b>, because your PC didn't answer. Either the "
        "old or the new PIN is right. Look at the PC, or try the new one first. A card check "
        "shows how many attempts are left."
    ),
    _F.NOT_DONE: N_(
        "ℹ️ <b>We checked the card: its new PIN was not set.</b> Your card and certificate are "
        "safe. Press the button to start again; you'll enter the subscriber code once more."
    ),
    ADMIN_BARRED: _NOT_GENUINE,
    BUSY: N_(
        "⏳ <b>Another operation is still running with your card.</b> Finish or decline it on "
        "the PC, then start again."
    ),
}
"""The text for each reason why an operation failed."""

UNRESOLVED = N_(
    "❔ <b>The connection broke while the new PIN was being set.</b> We don't know yet if it "
    "was set. Leave the card in and kaika-bridge open. When the PC is back, you enter the "
    "<b>new</b> PIN there once, and you'll see the result here."
)
NOT_ANSWERED = N_(
    "❔ <b>We still don't know if the new PIN is set.</b> Your PC shows why. Have the reader, "
    "card and kaika-bridge ready, then press the button to check the card again. You enter the "
    "<b>new</b> PIN on the PC."
)
_LEFT_OPEN = N_(
    "❔ <b>We could not confirm if the new PIN is set.</b> You can start again at any time: "
    "you'll enter the subscriber code once more and choose a PIN."
)
FINAL_FAILURES = frozenset(
    {str(code) for code in FailureCode if not FAILURE_ADVICE[code].can_retry} | {ADMIN_BARRED}
) - {_C.PIN_BLOCKED}
"""Failures after which starting again would not help."""
NEEDS_NEW_CODE = frozenset({_F.CODE_AGAIN, _F.NOT_DONE, _C.SERVER_SILENT})
"""Failures after which the subscriber code has to be typed again."""

PAIRING_END_TEXTS: Final[Mapping[str, str]] = {
    PairingFailureReason.REFUSED_AT_PC: N_(
        "✋ <b>You declined on the PC, so nothing was connected.</b> Want to try again?"
    ),
    PairingFailureReason.REFUSED_IN_CHAT: N_(
        "🛑 <b>Good that you checked. Nothing was connected.</b> If a stranger told you to type "
        "the code somewhere, stop here. On your own PC you can try again with a new code."
    ),
    PairingFailureReason.LINK_LOST: N_(
        "🔌 <b>The PC went offline before both sides confirmed.</b> Nothing was connected. Get "
        "a new code and try again."
    ),
    PairingFailureReason.TOO_LATE: N_(
        "⌛ <b>It wasn't confirmed in time, so nothing was connected.</b> Get a new code and "
        "try again."
    ),
    PairingFailureReason.ANOTHER_CODE: N_(
        "🔁 <b>There is a newer code, so the old one no longer works.</b> Get a new code and "
        "type that one."
    ),
    PairingEndReason.BY_CHAT: N_("🔌 <b>Your PC is disconnected, as you asked.</b>"),
    PairingEndReason.BY_BRIDGE: N_(
        "🔌 <b>kaika-bridge was closed on your PC.</b> Start it there and type a new code."
    ),
    PairingEndReason.REPLACED: N_("🔁 <b>Another PC was connected to this chat.</b>"),
    PairingEndReason.EXPIRED: N_(
        "⌛ <b>The connection has ended after twelve hours.</b> To continue, type a new code."
    ),
}
"""The text for each reason why no PC is connected."""

TITLES: Final[Mapping[CardTask, str]] = {
    CardTask.LIST_READERS: N_("🔎 <b>Looking for readers</b>"),
    CardTask.CARD_STATUS: N_("🔎 <b>Checking the card</b>"),
    CardTask.READ_CERTIFICATE: N_("🔎 <b>Checking the card</b>"),
    CardTask.PROVE_POSSESSION: N_("🔎 <b>Checking the card</b>"),
    CardTask.CHANGE_PIN: N_("🔢 <b>Changing the PIN</b>"),
    CardTask.ACTIVATE: N_("🆕 <b>Activating the card</b>"),
    CardTask.UNLOCK: N_("🔓 <b>Unlocking the card</b>"),
}
_CONNECTED = N_("✓ PC connected")
_LINK_LOST = N_(
    "🔌 <b>Your PC is offline.</b> Leave kaika-bridge open: it reconnects by itself. After a "
    "minute the operation stops, and you'll see the result here. If kaika-bridge was closed or "
    "asks for a code, cancel here and start again."
)
_READER_FOUND = N_("✓ Reader found")
_CARD_FOUND = N_("✓ Card found")
_CARD_VERIFIED = N_("✓ The right card")
_ASKING = N_("⏳ Asking your PC…")
_CONTINUE_AT_PC = N_(
    "👉 <b>Continue on your PC</b>: follow the instructions there. Type your PIN only on the "
    "PC, never in this chat."
)
_INSTRUCTIONS: Final[Mapping[ProgressStep, str]] = {
    ProgressStep.WAITING_FOR_READER: N_(
        "👉 <b>Plug the card reader into your PC</b> and put the card in. Your PC finds them "
        "automatically; then continue there. Nothing happens? Try another USB port, or run "
        "<code>kaika-bridge check</code>."
    ),
    ProgressStep.WAITING_FOR_CARD: N_(
        "👉 <b>Put the card into the reader</b>, gold chip first, all the way in. Your PC finds "
        "it automatically; then continue there. If a card is already in, your PC tells you why "
        "it isn't the right one."
    ),
    ProgressStep.WAITING_FOR_LEAVE: _CONTINUE_AT_PC,
    ProgressStep.WAITING_FOR_PERSON: _CONTINUE_AT_PC,
    ProgressStep.WRONG_PIN: N_(
        "⚠️ <b>The PIN you entered was wrong.</b> Attempts left: {tries}. The PC asks again. "
        "Not sure? Choose Cancel there. You'll always get a warning before the last attempt."
    ),
}


def progress_text(language: str, progress: OperationProgress) -> Markup:
    """Return what is done, what the PC waits for, and what to do."""
    step = progress.step
    lines = [say(language, TITLES[progress.work])]
    if not progress.is_linked:
        return Markup("\n\n".join([*lines, say(language, _LINK_LOST)]))
    done = [_CONNECTED]
    if step is ProgressStep.WAITING_FOR_CARD:
        done.append(_READER_FOUND)
    if step in (ProgressStep.WAITING_FOR_PERSON, ProgressStep.WRONG_PIN):
        done.append(_CARD_FOUND)
        if progress.work.purpose is not None:
            done.append(_CARD_VERIFIED)
    lines.append(Markup("\n".join(say(language, line) for line in done)))
    instruction = _ASKING if step is None else _INSTRUCTIONS[step]
    tries = "?" if progress.tries_left is None else progress.tries_left
    return Markup("\n\n".join([*lines, say(language, instruction, tries=tries)]))


def failure_text(language: str, code: str, tries: str | None) -> Markup:
    """Return why an operation failed, and what to do."""
    return say(language, FAILURES.get(code, _INTERNAL_ERROR), tries=tries or "?")


REPLACED = N_(
    "🔁 The PC that was connected before is now disconnected. If that wasn't you, send /unpair "
    "right away."
)
_DONE_IN_BACKGROUND: Final[Mapping[CardTask, str]] = {
    CardTask.ACTIVATE: N_(
        "✅ <b>Activated (開卡).</b> The PIN is the one you typed on the PC. Keep the form with "
        "the subscriber code: no one can give the code back to you after activation."
    ),
    CardTask.UNLOCK: N_("✅ <b>Unlocked (鎖卡解碼).</b> The PIN is the one you typed on the PC."),
    CardTask.CHANGE_PIN: N_("✅ <b>The new PIN is set</b>, as you typed it on the PC."),
}


_CANCELLED_TOO_LATE = N_(
    "⚠️ <b>It was too late to stop: the new PIN is set</b>, as you typed it on the PC. The old one "
    "no longer works."
)


def background_message(event: BridgeEvent, language: str) -> Markup | None:
    """Return the text of an event for a person in another conversation; `None` for no message."""
    match event:
        case events.CardTaskSucceeded(is_cancelled=True):
            return say(language, _CANCELLED_TOO_LATE)
        case events.CardTaskSucceeded() if event.task in _DONE_IN_BACKGROUND:
            return say(language, _DONE_IN_BACKGROUND[event.task])
        case events.CardTaskFailed() if event.task in _DONE_IN_BACKGROUND and (
            event.is_cancelled or event.code is not FailureCode.CANCELLED
        ):
            tries = event.values.tries_left
            return failure_text(language, event.code, None if tries is None else str(tries))
        case events.CardTaskUnresolved():
            return say(language, _LEFT_OPEN if event.waits_for_person else UNRESOLVED)
        case events.BridgePaired() if event.replaced:
            return say(language, REPLACED)
    return None
