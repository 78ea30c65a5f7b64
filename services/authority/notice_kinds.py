"""The kinds of notice that a person gets by mail and in their other linked chats."""

from enum import StrEnum


class NoticeKind(StrEnum):
    """What a notice is about."""

    CODE_REVEALED = "code_revealed"
    CODE_GUARDED = "code_guarded"
    """Chats that nobody knows typed the code wrong too often, and now have to verify first."""
    CODE_LOCKED = "code_locked"
    CHAT_VERIFIED = "chat_verified"
    """A chat verified the person, and got more attempts at the code."""
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
        NoticeKind.CODE_GUARDED,
        NoticeKind.CODE_LOCKED,
        NoticeKind.CHAT_VERIFIED,
        NoticeKind.ACTIVATED,
        NoticeKind.SUSPENDED,
        NoticeKind.RESUMING,
        NoticeKind.RESUMED,
        NoticeKind.CHAT_LINKED,
    }
)
"""What may be somebody else's doing: a no suspends the certificate, or keeps it suspended."""
