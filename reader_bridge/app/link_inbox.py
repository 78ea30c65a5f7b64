"""The links that other processes hand over, and what the person hears of those that are not used.

Any web page can open a link as often as it likes, so the person hears of it at growing intervals.
"""

from collections.abc import Callable
from enum import StrEnum
from time import monotonic

from reader_bridge.app.pairing_link import PairingLinkError, parse_pairing_link
from reader_bridge.client.pairing_flow import PairingLinks
from reader_bridge.prompter import LinkProblem, PairingLinkUnused
from reader_bridge.protocol.enums import SessionState

FIRST_PAUSE_SECONDS = 10.0
QUIET_SECONDS = 600.0
"""The longest pause; after as long without a link the first one is told right away again."""
_NOT_PAIRED = frozenset(
    {
        SessionState.UNPAIRED,
        SessionState.OFFERED,
        SessionState.CONFIRMING,
        SessionState.ANSWERED,
    }
)


class LinkAnswer(StrEnum):
    """What became of a link."""

    ACCEPTED = "accepted"
    NOT_USED = "not_used"
    NO_CODE = "no_code"


class LinkInbox:
    """Takes links, and tells the person of those that are not used.

    :param show: shows them an event.
    """

    def __init__(
        self,
        links: PairingLinks,
        show: Callable[[PairingLinkUnused], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._links, self._show, self._clock = links, show, clock
        self._pause = FIRST_PAUSE_SECONDS
        self._told_at = self._came_at = float("-inf")

    def take(self, link: str) -> LinkAnswer:
        """Take a link of any content."""
        try:
            code = parse_pairing_link(link)
        except PairingLinkError:
            self.tell(LinkProblem.NO_CODE)
            return LinkAnswer.NO_CODE
        if self._links.offer(code):
            return LinkAnswer.ACCEPTED
        is_paired = self._links.session_state not in _NOT_PAIRED
        self.tell(LinkProblem.PAIRED if is_paired else LinkProblem.NOT_ASKED)
        return LinkAnswer.NOT_USED

    def tell(self, problem: LinkProblem) -> None:
        """Tell the person why a link is not used, unless they heard of one a moment ago."""
        now = self._clock()
        if now - self._came_at > QUIET_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
            self._told_at = float("-inf")
        self._came_at = now
        if now - self._told_at < self._pause:
            return
        if self._told_at != float("-inf"):
            self._pause = min(QUIET_SECONDS, 2 * self._pause)
        self._told_at = now
        self._show(PairingLinkUnused(problem))
