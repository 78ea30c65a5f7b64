"""Comparison of replies with messages: lost, duplicated and out of order.

Within a chat no two messages expect the same reply, so each reply identifies its message.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ExpectedReply:
    """A message, and the first line of the expected reply."""

    chat: int
    text: str
    reply: str


@dataclass(frozen=True)
class ReplyTally:
    """The faults of the replies of one run.

    :ivar lost: messages without a reply.
    :ivar doubled: further replies to a message that already had one.
    :ivar foreign: replies that no message of their chat expects.
    :ivar out_of_order: replies that came after the reply to a later message of their chat.
    """

    lost: int
    doubled: int
    foreign: int
    out_of_order: int

    @property
    def is_clean(self) -> bool:
        """Whether every message got its reply, once and in order."""
        return not (self.lost or self.doubled or self.foreign or self.out_of_order)


def tally_replies(asked: Sequence[ExpectedReply], replies: Iterable[tuple[int, str]]) -> ReplyTally:
    """Compare replies, as chat and first line in order of arrival, with the messages."""
    turn = {(message.chat, message.reply): n for n, message in enumerate(asked)}
    assert len(turn) == len(asked), "a chat expects the same reply twice"
    seen: set[tuple[int, str]] = set()
    latest: dict[int, int] = defaultdict(lambda: -1)
    doubled = foreign = out_of_order = 0
    for reply in replies:
        if reply not in turn:
            foreign += 1
        elif reply in seen:
            doubled += 1
        else:
            seen.add(reply)
            out_of_order += turn[reply] < latest[reply[0]]
            latest[reply[0]] = max(latest[reply[0]], turn[reply])
    return ReplyTally(len(asked) - len(seen), doubled, foreign, out_of_order)


def check_tally() -> None:
    """Check `tally_replies` on replies with one known fault each.

    :raises AssertionError: when a fault is not counted.
    """
    asked = [
        ExpectedReply(1, "a", "A"),
        ExpectedReply(2, "a", "A"),
        ExpectedReply(1, "b", "B"),
        ExpectedReply(1, "c", "C"),
    ]
    right = [(1, "A"), (2, "A"), (1, "B"), (1, "C")]
    other_chat_first = [(2, "A"), (1, "A"), (1, "B"), (1, "C")]
    assert (
        tally_replies(asked, right)
        == tally_replies(asked, other_chat_first)
        == ReplyTally(0, 0, 0, 0)
    )
    assert tally_replies(asked, right[1:]) == ReplyTally(1, 0, 0, 0)
    assert tally_replies(asked, [*right, (1, "B")]) == ReplyTally(0, 1, 0, 0)
    assert tally_replies(asked, [*right, (2, "B")]) == ReplyTally(0, 0, 1, 0)
    assert tally_replies(asked, [(1, "C"), (1, "A"), (2, "A"), (1, "B")]) == ReplyTally(0, 0, 0, 2)
