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
    "💳 <b>The card and its reader did not understand each other.</b> The PIN is as it was. Take "
    "the card out, put it in again, chip first, and start again."
)
_NOT_GENUINE = N_(
    "🛑 <b>Card and authority did not recognise each other</b>, so it was stopped and no PIN was "
    "set. Staff have been alerted. Please do not try again; ask a person at 0800-080-117."
)
_NEW_CODE_NEEDED = N_(
    "⌛ <b>The subscriber code has to be typed again</b>: it is good for ten minutes and for one "
    "try. The PIN is as it was. Press the button to begin again."
)
_TOO_LATE = N_(
    "⌛ <b>It took too long, so I stopped it.</b> The PIN is as it was. Have card and PIN ready at "
    "the PC and start again."
)
_INTERNAL_ERROR = N_(
    "⚠️ <b>Something went wrong in the bridge on your PC.</b> Close kaika-bridge, start it anew, "
    "and try again. Does it happen again? Call 0800-080-117."
)
_NO_KEY = N_(
    "🪪 <b>This card has no certificate or key that I can use.</b> Nothing was changed. Is it "
    "really the certificate card, not the ARC or the health card?"
)
_WRONG_PERSON = N_(
    "🪪 <b>The card in the reader does not belong to this UI No.</b> Nothing was changed. Put "
    "that person's newest card in and start again. Two cards at home? Compare the names."
)
_UNKNOWN_OUTCOME = N_(
    "❔ <b>The card was lost in the very moment its PIN was changed.</b> Either the new or the old "
    "PIN is right: try the new one first. A card check shows the tries left."
)

FAILURES: Final[Mapping[str, str]] = {
    _C.UNKNOWN_OPERATION: N_(
        "⬆️ <b>The bridge on your PC is too old for this.</b> Nothing was changed. Get the newest "
        "kaika-bridge, start it and pair again."
    ),
    _C.BAD_STATE: N_(
        "🔌 <b>The bridge on your PC is no longer paired with this chat.</b> Nothing was changed. "
        "Send /pair for a new code."
    ),
    _C.BUSY: N_(
        "⏳ <b>The bridge on your PC is still busy with the card.</b> Nothing was changed. Wait a "
        "minute, or take the card out and put it in again; then start again."
    ),
    _C.CONSENT_REFUSED: N_(
        "✋ <b>You said no on your PC, so nothing was done.</b> Start again whenever you like. You "
        "did not begin this yourself? Then close kaika-bridge and send /unpair."
    ),
    _C.PIN_NOT_ENTERED: N_(
        "✋ <b>No PIN was typed on your PC, so nothing was changed.</b> Start again when you are "
        "ready."
    ),
    _C.CANCELLED: N_("✖️ <b>It was cancelled.</b> The PIN is as it was."),
    _C.TIMED_OUT: _TOO_LATE,
    _C.LINK_LOST: N_(
        "🔌 <b>The link to your PC was lost for more than a minute, so I stopped.</b> The PIN is "
        "as it was. Check the internet connection of the PC and start again."
    ),
    _C.SERVER_SILENT: N_(
        "⌛ <b>Your PC did not hear from us in time.</b> The PIN is as it was. Start again; the "
        "subscriber code is asked for once more."
    ),
    _C.PCSC_MISSING: N_(
        "🔧 <b>Your PC has no software for card readers.</b> Nothing was changed. Run "
        "<code>kaika-bridge check</code> on the PC; it says what to install."
    ),
    _C.READER_ACCESS_DENIED: N_(
        "🔒 <b>Your PC doesn't let you use card readers.</b> Nothing was changed. Sign in at the "
        "PC itself, not remotely, and start again. <code>kaika-bridge check</code> says what else "
        "to do."
    ),
    _C.READER_UNSUPPORTED: N_(
        "🔧 <b>The card reader or its driver doesn't work with your PC.</b> Nothing was changed. "
        "Install the newest driver from the reader's maker, or use another reader."
    ),
    _C.PCSC_UNEXPECTED: N_(
        "⚠️ <b>The reader software on your PC reported something unexpected.</b> The PIN is as it "
        "was. Restart the PC and start again. If it happens again, call 0800-080-117 and give the "
        "code that the PC shows."
    ),
    _C.READER_SERVICE_STOPPED: N_(
        "🔧 <b>The smart card service of your PC does not run.</b> Nothing was changed. Run "
        "<code>kaika-bridge check</code> on the PC; it says how to start the service."
    ),
    _C.READER_NOT_FOUND: N_(
        "🔌 <b>The card reader was unplugged.</b> The PIN is as it was. Plug it in, if need be "
        "into another USB port, and start again."
    ),
    _C.SEVERAL_CARDS: N_(
        "💳 <b>There are several cards in the readers, and none was chosen on your PC.</b> Nothing "
        "was changed. Start again and choose one there, or leave only the right one in."
    ),
    _C.CARD_MUTE: N_(
        "💳 <b>The card does not answer.</b> Wipe its gold chip with a dry cloth, put it in chip "
        "first and the right way up, and start again."
    ),
    _C.CARD_UNSUPPORTED: N_(
        "💳 <b>The reader and this card can't talk to each other.</b> Nothing was changed. Check "
        "that it's the certificate card, or use another reader."
    ),
    _C.CARD_CONTACT_LOST: N_(
        "💳 <b>The contact to the card was lost.</b> The PIN is as it was. Wipe the gold chip with "
        "a dry cloth, put the card in firmly, and start again."
    ),
    _C.CARD_IN_USE: N_(
        "💳 <b>Another program on your PC uses the card.</b> Nothing was changed. Close other card "
        "programs and official pages in the browser, and start again."
    ),
    _C.CARD_REMOVED: N_(
        "💳 <b>The card was pulled out.</b> The PIN is as it was. Put the card in, leave it there "
        "until I say that it is done, and start again."
    ),
    _C.CARD_RESET: N_(
        "💳 <b>Another program disturbed the card.</b> The PIN is as it was. Close other card "
        "programs and official pages in the browser, and start again."
    ),
    _C.CARD_NOT_RESPONDING: _REINSERT_CARD,
    _C.CARD_RESPONSE_INVALID: _REINSERT_CARD,
    _C.CARD_REFUSED: _REINSERT_CARD,
    _C.CARD_UNKNOWN: N_(
        "❓ <b>I do not know this card, so it was left alone.</b> An ARC, a health card or a bank "
        "card will not do. Put the certificate card in and start again."
    ),
    _C.OPERATION_REFUSED: N_(
        "🛑 <b>This kind of card cannot do that here; nothing was sent to it.</b> With a real "
        "MOICA card use only the official page: other software can lock the card for good."
    ),
    _C.WRONG_CARD: _WRONG_PERSON,
    _C.PIN_FORMAT: N_(
        "🔢 <b>What was typed on the PC cannot be a PIN</b>: 6–8 characters, letters and digits, "
        "no spaces. The card has not seen it, and no try was spent. Start again."
    ),
    _C.PIN_NOT_ACCEPTED: N_(
        "🔢 <b>The card's rules don't allow this new PIN.</b> The PIN is as it was. Start again, "
        "and choose one that is harder to guess."
    ),
    _C.PIN_WRONG: N_(
        "❌ <b>The PIN was wrong.</b> Tries left: {tries}. Nothing else was changed. Not sure of "
        "it? Do not guess: unlock the card and set a new one."
    ),
    _C.PIN_BLOCKED: N_(
        "🔒 <b>The PIN is locked: no try is left.</b> Nothing is lost. Unlock the card (鎖卡解碼) "
        "with the subscriber code and set a new PIN. A new card has to be activated first."
    ),
    _C.PUK_WRONG: N_(
        "❌ <b>The PUK was wrong.</b> Tries left: {tries}. The PIN is as it was. Look the PUK up "
        "before you start again."
    ),
    _C.PUK_BLOCKED: N_(
        "🔒 <b>The PUK of this card is locked</b>, so nobody can unlock the card any more. For a "
        "new one apply in person at a service station: NT$278."
    ),
    _C.ADMIN_TRIES_LOW: N_(
        "🛟 <b>To protect the card I did not begin</b>: it has too few tries left for the "
        "authority's key. Nothing was changed. Take it to the counter where you applied."
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
        "⚠️ <b>Where the certificate stands, this is not possible (any more).</b> Nothing was "
        "changed. “Where does it stand?” shows what is."
    ),
    _F.SERVER_RESTARTED: N_(
        "🔁 <b>I was started anew in the middle of it, so it was stopped.</b> The PIN is as it "
        "was. Leave kaika-bridge open, it comes back by itself, and start again."
    ),
    _F.REPLACED: N_(
        "🔁 <b>Another PC was paired with this chat, so it was stopped on the first one.</b> The "
        "PIN is as it was. Go on at the PC that is connected now."
    ),
    _F.UNPAIRED: N_(
        "🔌 <b>Your PC is no longer connected, so it was stopped.</b> The PIN is as it was. Start "
        "kaika-bridge and begin again."
    ),
    _F.NO_ANSWER: _TOO_LATE,
    _F.RECEIPT_WRONG: N_(
        "🛑 <b>The card's confirmation was not right, so I do not take it.</b> Nothing is "
        "done by it. Put that person's own card in and start again, or call 0800-080-117."
    ),
    _F.UNCONFIRMED: N_(
        "❔ <b>I couldn't find out how it ended</b>, because your PC didn't answer. Either the old "
        "PIN or the new one is right: look at the PC, or try the new one first. A card check shows "
        "how many attempts are left."
    ),
    _F.NOT_DONE: N_(
        "ℹ️ <b>I asked the card: its new PIN was not set.</b> Nothing is lost. Press the button to "
        "begin again; the subscriber code is asked for once more."
    ),
    ADMIN_BARRED: _NOT_GENUINE,
    BUSY: N_(
        "⏳ <b>Something else is still under way with your card.</b> Finish or refuse it on the "
        "PC, then start again."
    ),
}
"""The text for each reason why an operation failed."""

UNRESOLVED = N_(
    "❔ <b>It was cut off in the moment the new PIN was set.</b> The new PIN may be set or not, "
    "and the card knows. Leave card and kaika-bridge ready: I ask the card as soon as I reach it, "
    "and you type the <b>new</b> PIN on the PC once."
)
NOT_ANSWERED = N_(
    "❔ <b>I asked the card, but could not learn whether the new PIN is set.</b> Your PC says why. "
    "Have reader, card and kaika-bridge ready, then press the button: I ask once more, and you "
    "type the <b>new</b> PIN on the PC."
)
_LEFT_OPEN = N_(
    "❔ <b>It is still open whether the new PIN is set.</b> Begin again whenever you like: the "
    "subscriber code is asked for once more, and you choose a PIN anew."
)
FINAL_FAILURES = frozenset(
    {str(code) for code in FailureCode if not FAILURE_ADVICE[code].can_retry} | {ADMIN_BARRED}
) - {_C.PIN_BLOCKED}
"""Failures after which starting again would not help."""
NEEDS_NEW_CODE = frozenset({_F.CODE_AGAIN, _F.NOT_DONE, _C.SERVER_SILENT})
"""Failures after which the subscriber code has to be typed again."""

PAIRING_END_TEXTS: Final[Mapping[str, str]] = {
    PairingFailureReason.REFUSED_AT_PC: N_(
        "✋ <b>On the PC you said no, so nothing was connected.</b> Want to try again?"
    ),
    PairingFailureReason.REFUSED_IN_CHAT: N_(
        "🛑 <b>Good that you looked. Nothing was connected.</b> If a stranger told you to type the "
        "code somewhere, do not go on. On your own PC you can try again with a new code."
    ),
    PairingFailureReason.LINK_LOST: N_(
        "🔌 <b>The link to the PC was lost before both had said yes.</b> Nothing was connected. "
        "Get a new code and try again."
    ),
    PairingFailureReason.TOO_LATE: N_(
        "⌛ <b>Nobody said yes in time, so nothing was connected.</b> Get a new code and try again."
    ),
    PairingFailureReason.ANOTHER_CODE: N_(
        "🔁 <b>There was a newer code, so the older one was dropped.</b> Get a new code and type "
        "that one."
    ),
    PairingEndReason.BY_CHAT: N_("🔌 <b>Your PC is disconnected, as you asked.</b>"),
    PairingEndReason.BY_BRIDGE: N_(
        "🔌 <b>kaika-bridge was closed on your PC.</b> Start it there and type a new code."
    ),
    PairingEndReason.REPLACED: N_("🔁 <b>Another PC was paired with this chat.</b>"),
    PairingEndReason.EXPIRED: N_(
        "⌛ <b>The twelve hours of the connection are over.</b> Type a new code to go on."
    ),
}
"""The text for each reason why no PC is connected."""

TITLES: Final[Mapping[CardTask, str]] = {
    CardTask.LIST_READERS: N_("🔎 <b>Looking for readers</b>"),
    CardTask.CARD_STATUS: N_("🔎 <b>Looking at the card</b>"),
    CardTask.READ_CERTIFICATE: N_("🔎 <b>Looking at the card</b>"),
    CardTask.PROVE_POSSESSION: N_("🔎 <b>Looking at the card</b>"),
    CardTask.CHANGE_PIN: N_("🔢 <b>Changing the PIN</b>"),
    CardTask.ACTIVATE: N_("🆕 <b>Activating the card</b>"),
    CardTask.UNLOCK: N_("🔓 <b>Unlocking the card</b>"),
}
_CONNECTED = N_("✓ PC connected")
_LINK_LOST = N_(
    "🔌 <b>The link to your PC is lost.</b> Leave kaika-bridge open: it comes back by itself. "
    "After a minute I stop, and say where things stand. Was it closed, or does it ask for a code? "
    "Then cancel here and begin again."
)
_READER_FOUND = N_("✓ Reader found")
_CARD_FOUND = N_("✓ Card found")
_CARD_VERIFIED = N_("✓ It is the right card")
_ASKING = N_("⏳ I ask your PC…")
_CONTINUE_AT_PC = N_(
    "👉 <b>Go on at your PC</b>: read the question there and answer it. A PIN is typed there only, "
    "never here."
)
_INSTRUCTIONS: Final[Mapping[ProgressStep, str]] = {
    ProgressStep.WAITING_FOR_READER: N_(
        "👉 <b>Plug the card reader into your PC</b> and put the card in. Both are noticed by "
        "themselves; then go on at the PC. Nothing happens? Try another USB port, or "
        "<code>kaika-bridge check</code>."
    ),
    ProgressStep.WAITING_FOR_CARD: N_(
        "👉 <b>Put the card into the reader</b>, gold chip first, as far as it goes. It is noticed "
        "by itself; then go on at your PC. If a card is in already, your PC says why it isn't the "
        "right one."
    ),
    ProgressStep.WAITING_FOR_LEAVE: _CONTINUE_AT_PC,
    ProgressStep.WAITING_FOR_PERSON: _CONTINUE_AT_PC,
    ProgressStep.WRONG_PIN: N_(
        "⚠️ <b>That PIN was wrong.</b> Tries left: {tries}. The PC asks again. Not sure? Choose "
        "Cancel there: the last try is never spent without a warning."
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
    "🔁 The PC that was connected before is disconnected now. Was that not you? Send /unpair at "
    "once."
)
_DONE_IN_BACKGROUND: Final[Mapping[CardTask, str]] = {
    CardTask.ACTIVATE: N_(
        "✅ <b>The card is activated (開卡)</b>, with the PIN typed on the PC. Keep the form with "
        "the code: nobody can give it back any more."
    ),
    CardTask.UNLOCK: N_("✅ <b>The card is unlocked</b>: the PIN typed on the PC is set."),
    CardTask.CHANGE_PIN: N_("✅ <b>The new PIN is set</b>, as typed on the PC."),
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
