"""What is said of work on a card to somebody who is elsewhere in the chat by now."""

from collections.abc import Mapping
from typing import Final

from handlers.card.messages import UNRESOLVED, failure_text
from handlers.screen.text import N_, Markup, say
from reader_bridge.protocol import FailureCode
from services.bridge import events
from services.bridge.events import BridgeEvent
from services.bridge.operations.task import Work

REPLACED = N_(
    "🔁 The PC that was connected before is disconnected now. Was that not you? Send /unpair at "
    "once."
)
_DONE: Final[Mapping[Work, str]] = {
    Work.ACTIVATE: N_(
        "✅ <b>The card is activated (開卡)</b>, with the PIN typed on the PC. Keep the form with "
        "the code: nobody can give it back any more."
    ),
    Work.UNLOCK: N_("✅ <b>The card is unlocked</b>: the PIN typed on the PC is set."),
    Work.CHANGE_PIN: N_("✅ <b>The new PIN is set</b>, as typed on the PC."),
}
_TELLS = frozenset(_DONE)


def background_message(event: BridgeEvent, language: str) -> Markup | None:
    """Give the words; `None` for what need not be told any more."""
    match event:
        case events.Done() if event.work in _DONE:
            return say(language, _DONE[event.work])
        case events.Failed() if event.work in _TELLS and event.code is not FailureCode.CANCELLED:
            tries = event.values.tries_left
            return failure_text(language, event.code, None if tries is None else str(tries))
        case events.Unresolved():
            return say(language, UNRESOLVED)
        case events.NowPaired() if event.replaced:
            return say(language, REPLACED)
    return None
