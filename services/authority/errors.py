"""Errors of an authority, with their values. Handlers and commands have the texts."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path


class AuthorityError(Exception):
    """Base class of the errors of an authority."""


class NoAuthorityError(AuthorityError):
    """No authority carries operations out here; people are guided instead."""


class WrongStateError(AuthorityError):
    """The state does not allow the operation.

    :ivar state: where the application or its certificates stand.
    :ivar act: what was asked for.
    """

    def __init__(self, state: str, act: str) -> None:
        super().__init__(f"{act} is not possible while {state}")
        self.state = state
        self.act = act


class WrongCodeError(AuthorityError):
    """UI No. and subscriber code do not belong together, whether the number exists or not.

    :ivar tries_left: how many wrong tries are left before the code is locked.
    :ivar paused_until: until when this chat has none left, `None` while it has.
    :ivar can_verify: whether verifying the person gives this chat more.
    """

    def __init__(
        self, tries_left: int, paused_until: datetime | None = None, can_verify: bool = False
    ) -> None:
        super().__init__(f"wrong code, {tries_left} tries left")
        self.tries_left = tries_left
        self.paused_until = paused_until
        self.can_verify = can_verify


class VerificationRequiredError(AuthorityError):
    """Chats that nobody knows typed the code wrong too often; such a chat verifies first.

    :ivar other_chats: if this try was the last of theirs, the chats linked to the person; they are
        notified.
    """

    def __init__(self, other_chats: tuple[int, ...] = ()) -> None:
        super().__init__("the person has to be verified first")
        self.other_chats = other_chats


class CodeLockedError(AuthorityError):
    """Chats of the person typed the code wrong too often. It is released at the counter.

    :ivar other_chats: if this try locked it, the chats linked to the person; they are notified.
    """

    def __init__(self, other_chats: tuple[int, ...] = ()) -> None:
        super().__init__("the code is locked")
        self.other_chats = other_chats


class ChatPausedError(AuthorityError):
    """The chat has used up its tries.

    :ivar until: when it may try again.
    :ivar can_verify: whether verifying the person gives this chat more tries at their code.
    """

    def __init__(self, until: datetime, can_verify: bool = False) -> None:
        super().__init__(f"paused until {until:%Y-%m-%d %H:%M}Z")
        self.until = until
        self.can_verify = can_verify


class TooManyMailsError(AuthorityError):
    """No more one-time codes are sent for now.

    :ivar until: when the next may be asked for.
    :ivar challenge: the id of the newest one that this chat asked for, if it still works.
    """

    def __init__(self, until: datetime, challenge: str | None = None) -> None:
        super().__init__(f"no mail before {until:%Y-%m-%d %H:%M}Z")
        self.until = until
        self.challenge = challenge


class CheckQueueFullError(AuthorityError):
    """Too many codes are being checked at this moment; nothing was counted."""


class GrantExpiredError(AuthorityError):
    """The grant has expired or was withdrawn; the code has to be asked for again."""


class GrantUsedError(GrantExpiredError):
    """The grant was used for a card already; the code has to be asked for again."""


class ProofMissingError(AuthorityError):
    """The operation needs more than was shown.

    :ivar missing: the proofs that would complete it, shortest way first.
    """

    def __init__(self, missing: tuple[frozenset[str], ...]) -> None:
        super().__init__(" or ".join("+".join(sorted(way)) for way in missing))
        self.missing = missing


class WrongCardNumberError(AuthorityError):
    """The IC card number is not that of the person's card.

    :ivar tries_left: how many are left in this grant.
    """

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"wrong card number, {tries_left} tries left")
        self.tries_left = tries_left


class WrongOneTimeCodeError(AuthorityError):
    """The one-time code is not the one that was sent.

    :ivar tries_left: how many are left for this code.
    """

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"wrong one-time code, {tries_left} tries left")
        self.tries_left = tries_left


class OneTimeCodeExpiredError(AuthorityError):
    """The one-time code is too old, used, or was tried too often; ask for a new one."""


class CodeUnrecoverableError(AuthorityError):
    """The code cannot be recovered: the card was activated, or its key is gone."""


class DeadlinePassedError(AuthorityError):
    """The payment deadline has passed.

    :ivar deadline: the moment they ended.
    """

    def __init__(self, deadline: datetime) -> None:
        super().__init__(f"the deadline was {deadline:%Y-%m-%d %H:%M}Z")
        self.deadline = deadline


class CheckoutRefusal(StrEnum):
    """Why a payment is refused."""

    UNKNOWN = "unknown"
    """No such invoice, or its application is gone."""
    NOT_YOURS = "not_yours"
    """It was made for another person or chat."""
    AMOUNT = "amount"
    PAID = "paid"
    UNDERWAY = "underway"
    """Another invoice for the same application was approved a moment ago."""
    OVERDUE = "overdue"


class CheckoutRefusedError(AuthorityError):
    """A pre-checkout is not approved.

    :ivar reason: why.
    """

    def __init__(self, reason: CheckoutRefusal) -> None:
        super().__init__(reason)
        self.reason = reason


class WrongCardError(AuthorityError):
    """The card in the reader is not that person's card."""


class TooManyChatsError(AuthorityError):
    """The person has as many linked chats as are allowed.

    :ivar limit: how many that is.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} chats are linked already")
        self.limit = limit


class AlertExpiredError(AuthorityError):
    """Too late to answer "was this you?", or the chat is no longer linked."""


class AlreadyAppliedError(AuthorityError):
    """There is an application or a certificate in use, and with other data than given.

    :ivar state: where it stands.
    """

    def __init__(self, state: str) -> None:
        super().__init__(f"there is one already, it is {state}")
        self.state = state


class UnderageError(AuthorityError):
    """The applicant is not of age (docs/facts.md §1.1).

    :ivar age_needed: from which age one may apply.
    """

    def __init__(self, age_needed: int) -> None:
        super().__init__(f"applicants are {age_needed} or over")
        self.age_needed = age_needed


class UnknownPersonError(AuthorityError):
    """Nobody is known under this UI No. Only the counter learns that."""


class UnknownChargeError(AuthorityError):
    """No payment is known under this charge id."""


class ForgetRefusedError(AuthorityError):
    """The person cannot be erased yet.

    :ivar state: what stands in the way.
    """

    def __init__(self, state: str) -> None:
        super().__init__(f"not while {state}")
        self.state = state


class NoIssuerError(AuthorityError):
    """No certificate authority is set up that could issue certificates."""


class CardFileTakenError(AuthorityError):
    """There is a file already where a card is to be written, and it may be somebody's card.

    :ivar path: the file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists")
        self.path = path
