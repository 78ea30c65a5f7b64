"""Where changes of the FAQ go: into the files of a checkout, or into the edits of a service."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from bot.cli.command_output import CommandOutput, run_with_database
from bot.cli.database_session import DatabaseSession
from bot.cli.faq_comparison import is_checkout
from services.faq import drafts
from services.faq.drafts import Draft
from services.faq.edits import store
from services.faq.edits.models import EditAct
from services.faq.edits.store import EditSet


class CheckoutFiles:
    """The files of a checkout."""

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Have the files read as they are."""
        yield

    def save(self, draft: Draft, act: EditAct, undoes: int | None = None) -> str:
        """Write the files."""
        drafts.write_files(draft)
        return f"Written: {', '.join(draft)}"


class InstalledService:
    """The edits in the database of an installed service."""

    def __init__(self, context: typer.Context, out: CommandOutput) -> None:
        self._context = context
        self._out = out
        self._seen: EditSet | None = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Have the files read with the edits over them, as they were at the first reading."""
        with drafts.stage_draft(self._look().draft()):
            yield

    def save(self, draft: Draft, act: EditAct, undoes: int | None = None) -> str:
        """Save the draft as a change.

        :raises EditRefusedError: where somebody else saved something since the first reading.
        """
        number = run_with_database(
            self._context, self._out, lambda session: self._save(session, draft, act, undoes)
        )
        return f"Saved as change {number}. The bot answers with it within a second."

    def _look(self) -> EditSet:
        async def work(session: DatabaseSession) -> EditSet:
            async with session.database.reading() as db:
                return await store.load_edits(db)

        if self._seen is None:
            self._seen = run_with_database(self._context, self._out, work)
        return self._seen

    async def _save(
        self, session: DatabaseSession, draft: Draft, act: EditAct, undoes: int | None
    ) -> int:
        seen = 0 if self._seen is None else self._seen.version
        async with session.database.unit_of_work() as db:
            author, now = getpass.getuser(), session.now
            return await store.save_change(db, draft, act, author, now, seen=seen, undoes=undoes)


EditingPlace = CheckoutFiles | InstalledService


def open_place(context: typer.Context, *, as_json: bool) -> EditingPlace:
    """Return where the FAQ is changed here."""
    if is_checkout():
        return CheckoutFiles()
    return InstalledService(context, CommandOutput(as_json=as_json))
