"""The tables of the edits."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.storage.database import Base


class EditAct(StrEnum):
    """What somebody did to the FAQ."""

    LEARN = "learn"
    IMPORT = "import"
    UNDO = "undo"


class FaqChange(Base):
    """Files that somebody changed together; the ids count up without a gap."""

    __tablename__ = "faq_changes"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    act: Mapped[str] = mapped_column(String(16))
    author: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    undoes: Mapped[int | None]


class FaqEdit(Base):
    """The new text of one file in one change."""

    __tablename__ = "faq_edits"

    change_id: Mapped[int] = mapped_column(ForeignKey(FaqChange.id), primary_key=True)
    file: Mapped[str] = mapped_column(String(80), primary_key=True)
    """Its name below ``locales``, such as ``en/faq/fee.md``."""
    text: Mapped[str | None] = mapped_column(Text)
    """`None` where the file that came with the package holds again."""
    base_hash: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of the file that the text was made from, in hex; `None` where there was none."""

    __table_args__ = (Index("faq_edits_by_file", "file", "change_id"),)
