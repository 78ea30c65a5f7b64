"""The edits of the FAQ, and their history.

A change is made from the edits that somebody saw. Who saves while another did is refused, so that
nobody undoes what they have not seen.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.faq import drafts
from services.faq.drafts import Draft
from services.faq.edits.models import EditAct, FaqChange, FaqEdit
from services.storage.database import insert_or_ignore, lock_row
from services.storage.models import DatabaseFact

_VERSION = "faq_version"
"""The fact with the id of the newest change; its row is the lock of who writes one."""


class EditState(StrEnum):
    """How an edit stands to the file that came with the package."""

    LIVE = "live"
    """It lies over the file."""
    IN_FILES = "in_files"
    """The file has its text by now."""
    CONFLICT = "conflict"
    """The file is another one than the edit was made from, and holds until somebody decides."""


class EditRefusal(StrEnum):
    """Why a change is not made."""

    OVERTAKEN = "overtaken"
    UNKNOWN = "unknown"
    EDITED_SINCE = "edited_since"
    NOT_AN_EXPORT = "not_an_export"
    CHANGED_FILES = "changed_files"


class EditRefusedError(Exception):
    """A change of the FAQ is not made.

    :ivar detail: the number of a change, or names of files.
    """

    def __init__(self, reason: EditRefusal, detail: str = "") -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class CurrentEdit:
    """The newest text of a file."""

    change: FaqChange
    file: str
    text: str
    base_hash: str | None

    @property
    def state(self) -> EditState:
        """How it stands to the file as it is now; read where no draft is staged."""
        there = drafts.read_file(self.file)
        if there == self.text:
            return EditState.IN_FILES
        is_base = hash_text(there) == self.base_hash
        return EditState.LIVE if is_base else EditState.CONFLICT


@dataclass(frozen=True, slots=True)
class EditSet:
    """The edits at one moment.

    :ivar version: id of the newest change; 0 before the first.
    """

    version: int
    edits: tuple[CurrentEdit, ...]

    def draft(self) -> dict[str, str]:
        """Return the texts that lie over the files."""
        return {each.file: each.text for each in self.edits if each.state is EditState.LIVE}

    def conflicts(self) -> list[str]:
        """Return the names of the files that changed beneath their edits."""
        return [each.file for each in self.edits if each.state is EditState.CONFLICT]


def hash_text(text: str | None) -> str | None:
    """Return the SHA-256 of a text in hex; `None` for no text."""
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


async def read_version(session: AsyncSession) -> int:
    """Return the id of the newest change; 0 before the first."""
    fact = await session.get(DatabaseFact, _VERSION)
    return int(fact.value) if fact else 0


async def load_edits(session: AsyncSession) -> EditSet:
    """Return the newest text of every file that has one."""
    version = await read_version(session)
    newest = (
        select(FaqEdit.file, func.max(FaqEdit.change_id).label("change_id"))
        .group_by(FaqEdit.file)
        .subquery()
    )
    rows = await session.execute(
        select(FaqEdit, FaqChange)
        .join(newest, (FaqEdit.file == newest.c.file) & (FaqEdit.change_id == newest.c.change_id))
        .join(FaqChange, FaqChange.id == FaqEdit.change_id)
        .where(FaqEdit.text.is_not(None))
        .order_by(FaqEdit.file)
    )
    edits = tuple(
        CurrentEdit(change, edit.file, edit.text, edit.base_hash)
        for edit, change in rows
        if edit.text is not None
    )
    return EditSet(version, edits)


async def save_change(
    session: AsyncSession,
    draft: Draft,
    act: EditAct,
    author: str,
    now: datetime,
    *,
    seen: int,
    undoes: int | None = None,
) -> int:
    """Save texts of files as one change, and return its id.

    :param draft: `None` for a file lets the one that came with the package hold again.
    :param seen: the version that the draft was made from.
    :raises EditRefusedError: where somebody saved another change meanwhile.
    """
    new = insert_or_ignore(session, DatabaseFact).values(name=_VERSION, value="0")
    await session.execute(new)
    fact = await lock_row(session, DatabaseFact, _VERSION)
    assert fact is not None
    if int(fact.value) != seen:
        raise EditRefusedError(EditRefusal.OVERTAKEN, fact.value)
    change = FaqChange(id=seen + 1, act=act, author=author[:64], at=now, undoes=undoes)
    session.add(change)
    await session.flush()
    for file, text in draft.items():
        base = hash_text(drafts.read_file(file))
        session.add(FaqEdit(change_id=change.id, file=file, text=text, base_hash=base))
    fact.value = str(change.id)
    return change.id


async def list_changes(session: AsyncSession, limit: int) -> list[tuple[FaqChange, list[str]]]:
    """Return the newest changes, each with the names of its files, newest first."""
    changes = (
        await session.scalars(select(FaqChange).order_by(FaqChange.id.desc()).limit(limit))
    ).all()
    files: dict[int, list[str]] = {change.id: [] for change in changes}
    query = select(FaqEdit.change_id, FaqEdit.file).where(FaqEdit.change_id.in_(files))
    for change_id, file in await session.execute(query.order_by(FaqEdit.file)):
        files[change_id].append(file)
    return [(change, files[change.id]) for change in changes]


@dataclass(frozen=True, slots=True)
class FileHistory:
    """What a change did to a file.

    :ivar before: the text before; `None` where that was the file that came with the package.
    :ivar after: likewise.
    """

    file: str
    before: str | None
    after: str | None
    next_change: int | None
    """The change that edited the file next."""


async def find_change(
    session: AsyncSession, change_id: int
) -> tuple[FaqChange, Sequence[FileHistory]]:
    """Return a change with what it did to each of its files.

    :raises EditRefusedError: where there is no such change.
    """
    change = await session.get(FaqChange, change_id)
    if change is None:
        raise EditRefusedError(EditRefusal.UNKNOWN, str(change_id))
    edits = await session.scalars(
        select(FaqEdit).where(FaqEdit.change_id == change_id).order_by(FaqEdit.file)
    )
    return change, [await _find_history(session, edit) for edit in edits.all()]


async def _find_history(session: AsyncSession, edit: FaqEdit) -> FileHistory:
    of_file = select(FaqEdit).where(FaqEdit.file == edit.file)
    before = await session.scalar(
        of_file.where(FaqEdit.change_id < edit.change_id)
        .order_by(FaqEdit.change_id.desc())
        .limit(1)
    )
    after = await session.scalar(
        of_file.where(FaqEdit.change_id > edit.change_id).order_by(FaqEdit.change_id).limit(1)
    )
    return FileHistory(
        edit.file,
        before.text if before else None,
        edit.text,
        after.change_id if after else None,
    )


async def plan_undo(session: AsyncSession, change_id: int) -> dict[str, str | None]:
    """Return the texts of the files of a change as they were before it.

    :raises EditRefusedError: where one of them was edited again since.
    """
    _, histories = await find_change(session, change_id)
    for history in histories:
        if history.next_change is not None:
            raise EditRefusedError(EditRefusal.EDITED_SINCE, str(history.next_change))
    return {history.file: history.before for history in histories}
