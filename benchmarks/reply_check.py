"""What came back, set against what was asked: losses, duplicates and breaks of order.

Within a chat no two messages expect the same reply, so each reply says which message it belongs to
and nothing is left to guess.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """One message, and the first line of the reply it must get."""

    chat: int
    text: str
    reply: str


@dataclass(frozen=True)
class Tally:
    """How the replies of one run compare with what was asked.

    :ivar lost: messages without their reply.
    :ivar doubled: replies to a message that had its reply already.
    :ivar foreign: replies that belong to no message of their chat.
    :ivar out_of_order: replies that came after the reply to a later message of their chat.
    """

    lost: int
    doubled: int
    foreign: int
    out_of_order: int

    @property
    def is_clean(self) -> bool:
        """Whether every message got its reply, once and in turn."""
        return not (self.lost or self.doubled or self.foreign or self.out_of_order)


def tally(asked: Sequence[Asked], replies: Iterable[tuple[int, str]]) -> Tally:
    """Compare replies, as chat and first line in order of arrival, with what was asked."""
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
    return Tally(len(asked) - len(seen), doubled, foreign, out_of_order)


def check_the_count() -> None:
    """Try the count on replies with a known fault each, before it is believed on others.

    :raises AssertionError: when a fault goes unseen.
    """
    asked = [Asked(1, "a", "A"), Asked(2, "a", "A"), Asked(1, "b", "B"), Asked(1, "c", "C")]
    right = [(1, "A"), (2, "A"), (1, "B"), (1, "C")]
    other_chat_first = [(2, "A"), (1, "A"), (1, "B"), (1, "C")]
    assert tally(asked, right) == tally(asked, other_chat_first) == Tally(0, 0, 0, 0)
    assert tally(asked, right[1:]) == Tally(1, 0, 0, 0)
    assert tally(asked, [*right, (1, "B")]) == Tally(0, 1, 0, 0)
    assert tally(asked, [*right, (2, "B")]) == Tally(0, 0, 1, 0)
    assert tally(asked, [(1, "C"), (1, "A"), (2, "A"), (1, "B")]) == Tally(0, 0, 0, 2)
