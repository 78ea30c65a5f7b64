"""Errors that the operator can correct, and refusals of the authority, with their texts.

This module loads what only errors need, so it is imported when there is one.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from bot.cli import missing_extras
from bot.cli.faq_comparison import NoCheckoutError
from bot.cli.faq_errors import explain_faq_error
from bot.settings import SettingsError
from services.authority import errors
from services.authority.ca.errors import CaKeyError, CaKeyProblem, UnsuitableKeyError, ValidityError
from services.backup.errors import BackupError, BackupProblem
from services.faq.edits.store import EditRefusedError
from services.faq.entries import EntryFormatError
from services.faq.new_phrasings import PhrasingRefusedError
from services.faq.spreadsheet.table import TableRefusedError
from services.formats.errors import FormatError, FormatProblem, InputField
from services.messaging.failed_messages import UnknownMessageError
from services.messaging.failed_updates import RetryRefusal, RetryRefusedError, UnknownUpdateError
from services.storage.availability import DatabaseUnavailableError
from services.storage.key_fingerprints import WrongKeyFileError
from services.storage.keys import KeyFileError, UnsealError
from services.storage.upgrade import DatabaseOutdatedError

_FIELDS: Mapping[InputField, str] = MappingProxyType(
    {
        InputField.UI_NUMBER: "UI No.",
        InputField.CARD_NUMBER: "IC card number",
        InputField.SUBSCRIBER_CODE: "subscriber code",
        InputField.ONE_TIME_CODE: "one-time code",
        InputField.BIRTH_DATE: "birth date",
        InputField.DAY: "day",
        InputField.MAIL_ADDRESS: "e-mail address",
        InputField.POSTAL_ADDRESS: "postal address",
        InputField.NAME: "name",
    }
)
_REASONS: Mapping[FormatProblem, str] = MappingProxyType(
    {
        FormatProblem.EMPTY: "is empty",
        FormatProblem.LENGTH: "has the wrong length",
        FormatProblem.CHARACTERS: "holds a character that does not belong there",
        FormatProblem.SHAPE: "does not have the right shape",
        FormatProblem.CHECKSUM: "has a wrong check digit; compare it with the residence permit",
        FormatProblem.LOOKALIKE: "holds a character that codes do not have",
        FormatProblem.ORDINARY_WORD: "needs a letter and a digit",
        FormatProblem.NO_SUCH_DAY: "is no day of the calendar",
        FormatProblem.AMBIGUOUS: "could be two days; write it as 1990-12-31 or 79/12/31 (ROC)",
        FormatProblem.FUTURE: "lies in the future",
        FormatProblem.TOO_LONG_AGO: "lies too long ago",
    }
)
_SHAPES: Mapping[InputField, str] = MappingProxyType(
    {
        InputField.UI_NUMBER: "a letter, then 8 or 9 (or A to D on old permits), then eight digits",
        InputField.BIRTH_DATE: "such as 1990-12-31 or 79/12/31 (ROC)",
        InputField.MAIL_ADDRESS: "such as name@example.com",
        InputField.POSTAL_ADDRESS: "8 to 200 characters, with words and a number",
        InputField.NAME: "at most 64 characters, without digits",
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
_BACKUP: Mapping[BackupProblem, str] = MappingProxyType(
    {
        BackupProblem.NOT_A_BACKUP: "{path} is no backup of Kaika.",
        BackupProblem.CUT_OFF: "{path} is cut off: its end is missing. Use another copy.",
        BackupProblem.DAMAGED: "{path} is damaged: it is not what was written. Use another copy.",
        BackupProblem.NEWER: "{path} was made by a newer version; use that version.",
        BackupProblem.EXISTS: "{path} exists already; try again in a second.",
        BackupProblem.SAME_FOLDER: (
            "Database and keys must not lie in one folder, or one within the other: whoever finds "
            "both can read everything. Choose another folder than {path}."
        ),
        BackupProblem.OTHER_ENGINE: (
            "{path} is of {detail}, and KAIKA_DATABASE_URL names another kind of database."
        ),
        BackupProblem.TWO_OF_A_KIND: "{path} is of the same kind as the other file.",
        BackupProblem.NO_DATABASE: "There is no database of Kaika in {path}.",
        BackupProblem.SOURCE_DAMAGED: (
            "The database {path} is damaged ({detail}). Restore a backup: kaika backup restore"
        ),
        BackupProblem.KEYS_MISSING: (
            "There is no key file {path}. A restore needs the backup of the keys as well."
        ),
        BackupProblem.KEYS_DO_NOT_FIT: (
            "The keys in {path} do not open this database: they lack {detail}. Use a newer backup "
            "of the keys."
        ),
        BackupProblem.NOT_EMPTY: (
            "There is a database in {path} already. To move it aside: --replace"
        ),
        BackupProblem.KEYS_IN_PLACE: (
            "{path} is there, and is not the one in the backup. To move it aside: --replace"
        ),
        BackupProblem.IN_USE: "A bot works on the database ({detail}). Stop it first.",
        BackupProblem.NO_PROGRAM: (
            "{detail} is not installed; it comes with PostgreSQL's client programs."
        ),
        BackupProblem.PROGRAM_FAILED: "{detail}",
        BackupProblem.NOT_A_LIST: "{path} is no revocation list of this authority.",
    }
)
_RETRY: Mapping[RetryRefusal, str] = MappingProxyType(
    {
        RetryRefusal.TOO_OLD: "it is more than ten minutes old, and would surprise the person",
        RetryRefusal.OVERTAKEN: "a newer one of the chat was processed",
        RetryRefusal.ERASED: "it held a secret, and was erased",
    }
)
_CODES: Mapping[type[Exception], str] = MappingProxyType(
    {
        FormatError: "format",
        UnsealError: "unseal",
        WrongKeyFileError: "wrong_key_file",
        BackupError: "backup",
        UnknownUpdateError: "unknown_update",
        RetryRefusedError: "retry_refused",
        UnknownMessageError: "unknown_message",
        CaKeyError: "ca_key",
        UnsuitableKeyError: "unsuitable_key",
        ValidityError: "validity",
        errors.NoAuthorityError: "no_authority",
        errors.WrongStateError: "wrong_state",
        errors.WrongCodeError: "wrong_code",
        errors.CodeLockedError: "code_locked",
        errors.VerificationRequiredError: "verification_required",
        errors.ChatPausedError: "chat_paused",
        errors.TooManyMailsError: "too_many_mails",
        errors.CheckQueueFullError: "check_queue_full",
        errors.GrantExpiredError: "grant_expired",
        errors.GrantUsedError: "grant_used",
        errors.ProofMissingError: "proof_missing",
        errors.WrongCardNumberError: "wrong_card_number",
        errors.WrongOneTimeCodeError: "wrong_one_time_code",
        errors.OneTimeCodeExpiredError: "one_time_code_expired",
        errors.CodeUnrecoverableError: "code_unrecoverable",
        errors.DeadlinePassedError: "deadline_passed",
        errors.CheckoutRefusedError: "checkout_refused",
        errors.WrongCardError: "wrong_card",
        errors.TooManyChatsError: "too_many_chats",
        errors.AlertExpiredError: "alert_expired",
        errors.AlreadyAppliedError: "already_applied",
        errors.UnderageError: "underage",
        errors.UnknownPersonError: "unknown_person",
        errors.UnknownChargeError: "unknown_charge",
        errors.ForgetRefusedError: "forget_refused",
        errors.NoIssuerError: "no_issuer",
        errors.CardFileTakenError: "card_file_taken",
    }
)
"""The name of each error in JSON, which programs rely on."""
_TEXTS: Mapping[type[Exception], Callable[[Any], str]] = MappingProxyType(
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
        WrongKeyFileError: lambda e: (
            f"The key file {e.path} is not the one this database was made with: it lacks "
            f"{', '.join(e.missing)}. Restore keys.json from your backup, the newest one there is, "
            "and start again; nothing was changed."
        ),
        BackupError: lambda e: _BACKUP[e.problem].format(path=e.path, detail=e.detail),
        CaKeyError: lambda e: (
            f"The key of the certificate authority, {e.path}, {_CA_KEY[e.problem]}"
        ),
        UnknownUpdateError: lambda e: f"There is no update {e.update_id} in: kaika inbox list",
        RetryRefusedError: lambda e: (
            f"Update {e.update_id} is not processed again: {_RETRY[e.reason]}. To erase it: "
            f"kaika inbox drop {e.update_id}"
        ),
        UnknownMessageError: lambda e: f"There is no message {e.message_id} in: kaika outbox list",
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

REFUSAL_TYPES = tuple(_CODES)


def explain_error(error: Exception) -> tuple[str, list[str]] | None:
    """Return a stable name of an error and its lines of text; `None` for a bug of ours."""
    match error:
        case ModuleNotFoundError():
            advice = missing_extras.advice(error)
            return ("not_installed", [advice]) if advice else None
        case SettingsError():
            return "settings", error.problems
        case NoCheckoutError():
            return "no_checkout", [f"This needs a Git checkout with that revision: {error}"]
        case EntryFormatError():
            return "faq_format", [f"{error}. {error.remedy}."]
        case EditRefusedError() | PhrasingRefusedError() | TableRefusedError():
            return explain_faq_error(error)
        case DatabaseOutdatedError():
            return "database_outdated", [f"{error}; run: kaika db upgrade"]
        case _ if isinstance(error, REFUSAL_TYPES):
            return error_code(error), [refusal_text(error)]
        case KeyFileError():
            return "key_file", [str(error)]
        case DatabaseUnavailableError() | SQLAlchemyError():
            return "database", [f"The database cannot be used: {_first_line(error)}"]
        case OSError():
            return "system", [str(error) or type(error).__name__]
    return None


def error_code(error: Exception) -> str:
    """Return an error's name for machines."""
    return _CODES[type(error)]


def refusal_text(error: Exception) -> str:
    """Return what was refused and what to do."""
    if isinstance(error, FormatError):
        shape = _SHAPES.get(error.field)
        text = f"The {_FIELDS[error.field]} {_REASONS[error.reason]}."
        wants_shape = error.reason in (
            FormatProblem.SHAPE,
            FormatProblem.LENGTH,
            FormatProblem.CHARACTERS,
        )
        return f"{text} It is {shape}." if shape and wants_shape else text
    describe = _TEXTS.get(type(error))
    return describe(error) if describe else str(error)


def error_details(error: Exception) -> dict[str, str]:
    """Return the attributes of an error, for machines."""
    return {name: str(value) for name, value in vars(error).items()}


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).splitlines() or [type(cause).__name__])[0]
