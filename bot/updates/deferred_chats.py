"""The order of a chat's updates where one has to be processed again.

An update that met an error that passes stays undone. Those after it in its chat wait until it is
processed again, so that a chat's updates are done in their order whatever happens. Where only its
messages could not be sent, those after it do what they do, show nothing, and stay undone as well:
each is processed again in order, when nothing but its messages is missing. Nothing here is stored:
after a restart all undone updates are queued in their order anyway.
"""

from collections import Counter
from dataclasses import dataclass
from time import monotonic

from services.back_off import back_off

_FIRST_WAIT, _MAX_WAIT = 1.0, 60.0


@dataclass
class _Deferral:
    """The waiting of one chat.

    :ivar due: when to try again, in monotonic seconds.
    :ivar refused_until: when Telegram takes messages to the chat again; not before.
    :ivar is_active: whether its updates wait; else they are being processed again.
    :ivar is_strict: whether they are not processed at all meanwhile.
    :ivar is_complete: whether no update came to wait since its stored updates were read.
    """

    attempts: int = 0
    due: float = 0.0
    refused_until: float = 0.0
    is_active: bool = True
    is_strict: bool = False
    is_complete: bool = False


class DeferredChats:
    """The chats whose updates wait, and how many updates of each chat are in progress."""

    def __init__(self) -> None:
        self._in_progress: Counter[int] = Counter()
        self._deferrals: dict[int, _Deferral] = {}

    @property
    def is_any_due(self) -> bool:
        """Whether it is time to process updates of a chat again."""
        now = monotonic()
        return any(each.is_active and each.due <= now for each in self._deferrals.values())

    def add_update(self, chat: int) -> None:
        """Count an update that is queued."""
        self._in_progress[chat] += 1

    def remove_update(self, chat: int) -> None:
        """Count an update that is no longer in progress."""
        self._in_progress[chat] -= 1
        if not self._in_progress[chat]:
            del self._in_progress[chat]

    def is_waiting(self, chat: int) -> bool:
        """Whether the updates of a chat wait."""
        deferral = self._deferrals.get(chat)
        return deferral is not None and deferral.is_active

    def is_refused(self, chat: int) -> bool:
        """Whether only the messages to a chat wait."""
        return self.is_waiting(chat) and not self._deferrals[chat].is_strict

    def let_wait(self, chat: int) -> None:
        """Note that an update waits for an earlier one."""
        self._deferrals[chat].is_complete = False

    def defer(
        self, chat: int, refused_for: float = 0.0, *, is_strict: bool = True, is_held: bool = False
    ) -> None:
        """Let the updates of a chat wait for one that has to be processed again.

        :param refused_for: seconds for which Telegram takes no message to the chat.
        :param is_strict: whether more than messages of the update may be missing.
        :param is_held: whether it was not tried to send them, since earlier ones wait.
        """
        deferral = self._deferrals.get(chat)
        if deferral is None or not is_held:
            deferral = self._deferrals.setdefault(chat, _Deferral())
            deferral.attempts += 1
            deferral.refused_until = monotonic() + refused_for
            wait = back_off(deferral.attempts, _FIRST_WAIT, _MAX_WAIT)
            deferral.due = monotonic() + max(wait, refused_for)
        deferral.is_strict |= is_strict
        deferral.is_active, deferral.is_complete = True, False

    def end_deferral(self, chat: int) -> None:
        """Note that an update of a chat was done, unless a later one waits."""
        if not self.is_waiting(chat):
            self._deferrals.pop(chat, None)

    def begin_release(self, *, only_due: bool) -> set[int]:
        """Return the chats whose updates may be queued again, once those stored are read."""
        now, chats = monotonic(), set()
        for chat, deferral in self._deferrals.items():
            is_free = deferral.is_active and not self._in_progress[chat]
            is_free = is_free and deferral.refused_until <= now
            if is_free and (not only_due or deferral.due <= now):
                deferral.is_complete = True
                chats.add(chat)
        return chats

    def release(self, chats: set[int]) -> set[int]:
        """Let the updates of chats no longer wait; return those for which that was possible.

        It is not where another update came meanwhile, which may be missing among those read.
        """
        released = {
            chat
            for chat in chats
            if self._deferrals[chat].is_complete and not self._in_progress[chat]
        }
        for chat in released:
            self._deferrals[chat].is_active = self._deferrals[chat].is_strict = False
        return released
