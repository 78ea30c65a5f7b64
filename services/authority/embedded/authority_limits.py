"""The authority's rate limits."""

from datetime import timedelta
from typing import Final

from services.rate_limit import RateLimit

CODE_GUESSES: Final = RateLimit("code", 4)
"""Wrong codes for one UI No. from chats that nobody knows. After the fourth such a chat has to
verify the person first, so that strangers cannot lock a code."""
OWN_CODE_GUESSES: Final = RateLimit("code.own", 4)
"""Wrong codes for one UI No. from chats that are linked to the person or verified them: three are
warned of, the fourth locks (docs/facts.md §1.5)."""
VERIFICATIONS: Final = RateLimit("verified", 1, timedelta(days=1))
"""How often verifying a person gives a chat more tries. While it counts, the chat is verified."""
VERIFIED_CODE_GUESSES: Final = RateLimit("verified.codes", 3, timedelta(days=1))
"""Wrong codes for that one person from a verified chat, after the chat's own three."""
CHAT_CODE_GUESSES: Final = RateLimit("chat.codes", 3, timedelta(days=1))
"""Wrong codes from one chat, for whomever, so that one chat cannot lock somebody out."""
PERSON_MAILS: Final = RateLimit("mails", 3, timedelta(hours=1))
"""One-time codes asked for one UI No. with one birth date, so that a stranger who knows only the
number blocks nobody. A linked chat is counted by itself. One is given back when its code was right.
"""
CHAT_MAILS: Final = RateLimit("chat.mails", 6, timedelta(hours=1))
"""One-time codes asked for by one chat, for whomever; given back like those of the person."""
PERSON_MAILS_PER_DAY: Final = RateLimit("mails.day", 10, timedelta(days=1))
CHAT_MAILS_PER_DAY: Final = RateLimit("chat.mails.day", 20, timedelta(days=1))
"""Those of a day are never given back, which bounds what reaches a mailbox."""
GRANT_CARD_NUMBERS: Final = RateLimit("grant.card_numbers", 3)
"""Wrong card numbers under one grant."""
PERSON_CARD_NUMBERS: Final = RateLimit("person.card_numbers", 6, timedelta(days=1))
"""Wrong card numbers for one person, under however many grants."""
CHAT_GUESSES: Final = RateLimit(
    "chat.guesses",
    10,
    timedelta(days=1),
    pauses=tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60)),
)
"""Wrong entries of every kind from one chat, for whomever: five freely, then ever more slowly."""
CHAT_CHECKS: Final = RateLimit("chat.checks", 30, timedelta(hours=1))
"""Codes checked for one chat, right or wrong: each costs a hash."""
CHAT_LINKS: Final = RateLimit("chat.links", 5, timedelta(days=1))
"""How often one chat is linked: each time others are notified."""

WINDOWED_LIMITS: Final = (
    CHAT_CODE_GUESSES, VERIFICATIONS, VERIFIED_CODE_GUESSES, PERSON_MAILS, CHAT_MAILS,
    PERSON_MAILS_PER_DAY, CHAT_MAILS_PER_DAY, PERSON_CARD_NUMBERS, CHAT_GUESSES, CHAT_CHECKS,
    CHAT_LINKS,
)  # fmt: skip
"""Limits whose records can be deleted once their uses have left the window."""
CODE_LIMITS: Final = (CODE_GUESSES, OWN_CODE_GUESSES)
PERSON_LIMITS: Final = (*CODE_LIMITS, PERSON_CARD_NUMBERS)
"""Limits whose subject is a UI No."""
MAIL_LIMITS: Final = (PERSON_MAILS, PERSON_MAILS_PER_DAY)
"""Limits whose subject is `PersonalRecords.hash_mails`."""
