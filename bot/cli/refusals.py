"""What staff and operators are told when the authority refuses something."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from services.authority import errors
from services.authority.ca.errors import CaKeyError, CaKeyProblem, UnsuitableKeyError, ValidityError
from services.formats.errors import Field, FormatError, Reason
from services.storage.keys import UnsealError

_FIELDS: Mapping[Field, str] = MappingProxyType(
    {
        Field.UI_NUMBER: "UI No.",
        Field.CARD_NUMBER: "IC card number",
        Field.SUBSCRIBER_CODE: "subscriber code",
        Field.ONE_TIME_CODE: "one-time code",
        Field.PIN: "PIN",
        Field.BIRTH_DATE: "birth date",
        Field.DAY: "day",
        Field.MAIL_ADDRESS: "e-mail address",
        Field.POSTAL_ADDRESS: "postal address",
        Field.NAME: "name",
    }
)
_REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.EMPTY: "is empty",
        Reason.LENGTH: "has the wrong length",
        Reason.CHARACTERS: "holds a character that does not belong there",
        Reason.SHAPE: "does not have the right shape",
        Reason.CHECKSUM: "has a wrong check digit; compare it with the residence permit",
        Reason.LOOKALIKE: "holds a character that codes do not have",
        Reason.ORDINARY_WORD: "needs a letter and a digit",
        Reason.NO_SUCH_DAY: "is no day of the calendar",
        Reason.AMBIGUOUS: "could be two days; write it as 1990-12-31 or 79/12/31 (ROC)",
        Reason.FUTURE: "lies in the future",
        Reason.TOO_LONG_AGO: "lies too long ago",
    }
)
_SHAPES: Mapping[Field, str] = MappingProxyType(
    {
        Field.UI_NUMBER: "a letter, then 8 or 9 (or A to D on old permits), then eight digits",
        Field.BIRTH_DATE: "such as 1990-12-31 or 79/12/31 (ROC)",
        Field.MAIL_ADDRESS: "such as name@example.com",
        Field.POSTAL_ADDRESS: "8 to 200 characters, with words and a number",
        Field.NAME: "at most 64 characters, without digits",
    }
)
_CHECKOUT: Mapping[errors.CheckoutRefusal, str] = MappingProxyType(
    {
        errors.CheckoutRefusal.UNKNOWN: "The charge belongs to no invoice.",
        errors.CheckoutRefusal.NOT_YOURS: "The charge pays for another application, or went back.",
        errors.CheckoutRefusal.AMOUNT: "The charge is not the amount that is owed.",
        errors.CheckoutRefusal.PAID: "The application is paid already.",
        errors.CheckoutRefusal.UNDERWAY: "Another payment of the application is under way.",
        errors.CheckoutRefusal.OVERDUE: "The deadline has passed.",
    }
)
_CA_KEY: Mapping[CaKeyProblem, str] = MappingProxyType(
    {
        CaKeyProblem.UNREADABLE: "cannot be read or written; check its folder and its owner.",
        CaKeyProblem.OPEN_TO_OTHERS: "can be read by others; run: chmod 600 on it.",
        CaKeyProblem.NOT_A_KEY_FILE: "is no key file; restore it from your backup.",
        CaKeyProblem.WRONG_PASSPHRASE: (
            "cannot be opened: KAIKA_CA_PASSPHRASE is wrong, or the file was changed."
        ),
        CaKeyProblem.SHORT_PASSPHRASE: "needs a longer KAIKA_CA_PASSPHRASE.",
        CaKeyProblem.LOST: "is gone, and this database was made with it; restore your backup.",
        CaKeyProblem.FOREIGN: "is not the one this database was made with; restore your backup.",
    }
)
_WORDS: Mapping[type[Exception], Callable[[Any], str]] = MappingProxyType(
    {
        errors.WrongStateError: lambda e: f"Not possible: {e.act} does not go with {e.state}.",
        errors.AlreadyAppliedError: lambda e: (
            f"There is an application already ({e.state}), with another birth date. Compare the "
            "residence permit with: kaika counter show"
        ),
        errors.UnderageError: lambda e: f"Applicants have to be {e.age_needed} or over.",
        errors.UnknownPersonError: lambda _: "Nobody is known under this UI No.",
        errors.UnknownChargeError: lambda _: "No payment is known under this charge id.",
        errors.CheckoutRefusedError: lambda e: _CHECKOUT[e.reason],
        errors.ForgetRefusedError: lambda e: (
            f"The person cannot be forgotten while {e.state}: refund what was paid, or revoke the "
            "certificates first."
        ),
        errors.NoIssuerError: lambda _: (
            "No certificate authority is set up here; set KAIKA_CA_PASSPHRASE and KAIKA_PUBLIC_URL."
        ),
        errors.CardFileTakenError: lambda e: (
            f"{e.path} exists already and may be somebody's card; choose another file with --card."
        ),
        errors.WrongKeyFileError: lambda _: (
            "The key file is not the one this database was made with. Restore keys.json from your "
            "backup; without it the encrypted data cannot be read."
        ),
        CaKeyError: lambda e: (
            f"The key of the certificate authority, {e.path}, {_CA_KEY[e.problem]}"
        ),
        UnsuitableKeyError: lambda e: (
            f"The {e.kind} key of the card is of a kind no certificate is issued for."
        ),
        ValidityError: lambda e: (
            f"The certificates would outlive the certificate authority, which ends "
            f"{e.limit:%Y-%m-%d}."
        ),
        UnsealError: lambda e: (
            f"A stored value cannot be opened: its key {e.key_id!r} is lost, or the value was "
            "changed. Restore keys.json from your backup."
        ),
    }
)

REFUSALS = (FormatError, errors.AuthorityError, UnsealError)


def code(error: Exception) -> str:
    """Give a stable name for an error, for machines: ``WrongStateError`` → ``wrong_state``."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def explain(error: Exception) -> str:
    """Say what was refused and what to do."""
    if isinstance(error, FormatError):
        shape = _SHAPES.get(error.field)
        told = f"The {_FIELDS[error.field]} {_REASONS[error.reason]}."
        wants_shape = error.reason in (Reason.SHAPE, Reason.LENGTH, Reason.CHARACTERS)
        return f"{told} It is {shape}." if shape and wants_shape else told
    words = _WORDS.get(type(error))
    return words(error) if words else str(error)


def values(error: Exception) -> dict[str, str]:
    """Give what an error holds, for machines."""
    return {name: str(value) for name, value in vars(error).items()}
