"""The kinds of notice that a person gets by mail and in their other linked chats."""

from enum import StrEnum


class NoticeKind(StrEnum):
    """What a notice is about."""

    CODE_REVEALED = "code_revealed"
    CODE_LOCKED = "code_locked"
    PAID = "paid"
    ADDRESS_CHANGED = "address_changed"
    POSTED = "posted"
    ACTIVATED = "activated"
    SUSPENDED = "suspended"
    RESUMING = "resuming"
    RESUMED = "resumed"
    REVOKED = "revoked"
    CHAT_LINKED = "chat_linked"
    CHAT_UNLINKED = "chat_unlinked"


SUSPICIOUS = frozenset(
    {
        NoticeKind.CODE_REVEALED,
        NoticeKind.CODE_LOCKED,
        NoticeKind.ACTIVATED,
        NoticeKind.SUSPENDED,
        NoticeKind.RESUMING,
        NoticeKind.RESUMED,
        NoticeKind.CHAT_LINKED,
    }
)
"""What may be somebody else's doing: a no suspends the certificate, or keeps it suspended."""
