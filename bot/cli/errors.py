"""Errors that the operator can mend, and the words for them.

What only errors need is loaded when there is one, so that commands start quickly.
"""

from bot.cli import extras
from bot.settings import SettingsError
from services.authority.errors import AuthorityError


def explained(error: Exception) -> tuple[str, list[str]] | None:
    """Give a stable name of an error and a line for each thing to mend; `None` for our own."""
    if isinstance(error, ModuleNotFoundError):
        told = extras.advice(error)
        return ("not_installed", [told]) if told else None
    from sqlalchemy.exc import SQLAlchemyError

    from services.storage.keys import KeyFileError
    from services.storage.upgrade import DatabaseOutdatedError

    if isinstance(error, SettingsError):
        return "settings", error.problems
    if isinstance(error, DatabaseOutdatedError):
        return "database_outdated", [f"{error}; run: kaika db upgrade"]
    if isinstance(error, AuthorityError):
        from bot.cli import refusals

        return refusals.code(error), [refusals.explain(error)]
    if isinstance(error, KeyFileError):
        return "key_file", [str(error)]
    if isinstance(error, SQLAlchemyError) or type(error).__module__.startswith("asyncpg"):
        return "database", [f"The database cannot be used: {_first_line(error)}"]
    return ("system", [str(error)]) if isinstance(error, OSError) else None


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).splitlines() or [type(cause).__name__])[0]
