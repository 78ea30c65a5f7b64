"""What the steps that verify a person keep on the way, and for how long."""

from datetime import timedelta

GRANT = "grant"
"""The id of the grant, after a right code."""
NUMBER, MASKED = "number", "masked"
"""The UI No., sealed, until there is a grant; and masked, to be shown."""
UNLINKED = "unlinked"
"""Set where the code was right and the chat is not linked to the person."""
CHALLENGE = "challenge"
"""The id of the one-time code that was sent."""
BIRTH_DATE = "born"
"""The birth date, sealed, until there is a grant."""
WRONG_CODE = "wrong"
"""Set where a wrong code was typed, until there is a grant."""
MAX_LINKED_PEOPLE = 3
LINKED_NUMBERS = tuple(f"known{index}" for index in range(MAX_LINKED_PEOPLE))
"""The masked UI No. of each person the chat is linked to."""
LINKED_PEOPLE = tuple(f"person{index}" for index in range(MAX_LINKED_PEOPLE))
"""Their ids."""

IDENTITY_KEYS = (NUMBER, MASKED, WRONG_CODE, *LINKED_NUMBERS, *LINKED_PEOPLE)
"""Cleared as soon as there is a grant."""
ALL_KEYS = (*IDENTITY_KEYS, GRANT, CHALLENGE, BIRTH_DATE)

SECRET_TIMEOUT = timedelta(hours=1)
"""How long a conversation that asks for secrets waits at one step."""
